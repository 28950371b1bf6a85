"""Folders, lists, archives and addresses; hostile ones too."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import zipfile

import pytest

from whichface.detectors.scanning import archives
from whichface.detectors.scanning.sources import Filter, is_pipe, read, tasks
from whichface.forensics.errors import PhotoError, SourceError

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "sub/b.JPG", "sub/deep/c.webp", ".hidden.png", ".git/d.png", "notes.txt", "sub/z"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG if name == "sub/z" else b"x")
    return tmp_path / "in"


def names(source, chosen=None):
    top = os.path.abspath(source) + os.sep  # noqa: PTH100
    return sorted(task.path.removeprefix(top).replace(os.sep, "/") for task in tasks(str(source), chosen or Filter()))


def test_a_folder_with_patterns(folder):
    assert names("in") == ["a.png", "sub/b.JPG", "sub/deep/c.webp", "sub/z"]
    assert names("in", Filter(include=("*.png", "sub/deep/*"))) == ["a.png", "sub/deep/c.webp"]
    assert names("in", Filter(exclude=("sub/*",))) == ["a.png"]
    assert names("in", Filter(include=("*.JPG", "z"), exclude=("z",))) == ["sub/b.JPG"]


def test_stamps_change_with_the_file(folder):
    (before,) = tasks("in", Filter(include=("a.png",)))
    (folder / "a.png").write_bytes(b"other")
    (after,) = tasks("in", Filter(include=("a.png",)))
    assert before.path == after.path and before.stamp != after.stamp


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8")
def test_names_that_are_no_utf8_have_a_key(folder):
    (folder / os.fsdecode(b"\xff.png")).write_bytes(PNG)
    found = {task.key for task in tasks("in", Filter())}
    assert any(key.endswith("/\\udcff.png") for key in found)


def test_links_to_folders_are_not_followed(folder):
    try:
        (folder / "loop").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert names("in") == ["a.png", "sub/b.JPG", "sub/deep/c.webp", "sub/z"]


def test_a_list_and_standard_input(folder, tmp_path, monkeypatch):
    lines = f"in/a.png\r\n\n{folder / 'sub' / 'b.JPG'}\nin/missing.png\n".encode()
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbf" + lines)
    found = list(tasks("list.txt", Filter()))
    assert [os.path.basename(task.path) for task in found] == ["a.png", "b.JPG", "missing.png"]  # noqa: PTH119
    assert [task.refused for task in found] == ["", "", "does not exist."]

    class Stdin:
        buffer = io.BytesIO(lines)

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert len(list(tasks("-", Filter()))) == 3


def test_one_picture_is_a_source_and_others_are_not(folder, tmp_path):
    assert names("in/sub/z") and [task.path for task in tasks("in/a.png", Filter())]
    (tmp_path / "binary").write_bytes(b"a\0b")
    with pytest.raises(SourceError, match=r"binary is no folder, ZIP, picture, or list .*line 1"):
        list(tasks("binary", Filter()))
    with pytest.raises(SourceError, match=r"notes.txt is no .* list of paths \(its first lines name no files\)"):
        list(tasks("in/notes.txt", Filter()))
    with pytest.raises(SourceError, match="does not exist"):
        list(tasks("nowhere", Filter()))


def _zip(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_zip_gives_its_pictures(tmp_path):
    members = {"a.png": PNG, "sub/b.jpg": b"x", "notes.txt": b"hello", "__MACOSX/._a.png": PNG, ".hidden.png": PNG,
               "plain": PNG, "folder/": b""}  # fmt: skip
    path = _zip(tmp_path / "faces.zip", members)
    found = {task.path.partition("!/")[2]: task for task in tasks(str(path), Filter())}
    assert sorted(found) == ["a.png", "plain", "sub/b.jpg"]
    assert read(found["a.png"].path) == PNG
    assert [t.path[-5:] for t in tasks(str(path), Filter(include=("sub/*",)))] == ["b.jpg"]
    _zip(path, {"a.png": PNG + b"more"})
    assert read(f"{path}!/a.png") == PNG + b"more"  # not the archive that was opened before
    with pytest.raises(PhotoError, match="no longer in the archive"):
        read(f"{path}!/plain")


def test_a_folder_may_end_in_an_exclamation_mark(tmp_path):
    (tmp_path / "wow!" / "so!").mkdir(parents=True)
    path = _zip(tmp_path / "wow!" / "so!" / "faces.zip", {"hey!/a.png": PNG})
    (task,) = tasks(str(path), Filter())
    assert read(task.path) == PNG and archives.split(task.path) == (str(path), "hey!/a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_a_list_that_is_read_once(folder, tmp_path):
    read_end, write_end = os.pipe()
    os.write(write_end, b"in/a.png\nin/missing.png\n")
    os.close(write_end)
    found = list(tasks(f"/dev/fd/{read_end}", Filter()))
    os.close(read_end)
    assert [task.refused for task in found] == ["", "does not exist."]
    assert is_pipe(str(tmp_path)) is False
    with pytest.raises(SourceError, match="neither a file nor a folder; give its lines on standard input"):
        list(tasks("/dev/null", Filter()))


def test_patterns_hold_for_files_that_are_named(folder):
    assert not list(tasks("in/a.png", Filter(exclude=("a*",)))) and list(tasks("in/a.png", Filter(exclude=("b*",))))


@pytest.mark.parametrize("name", ["../../etc/a.png", "/etc/a.png", "sub/../../a.png", "..\\a.png", "C:\\a.png"])
def test_names_that_lead_out_of_an_archive_are_left_alone(tmp_path, name):
    path = _zip(tmp_path / "evil.zip", {name: PNG, "good.png": PNG})
    refused = {task.path.partition("!/")[2]: task.refused for task in tasks(str(path), Filter())}
    assert refused.pop("good.png") == ""
    assert list(refused.values()) == ["its name leads out of the archive, so it was left alone."]


def test_a_bomb_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGE", 1_000_000)
    path = _zip(tmp_path / "bomb.zip", {f"{n}.bmp": bytes(2_000_000) for n in range(3)})
    with pytest.raises(SourceError, match=r"bomb.zip would unpack to .* built to do harm and was left alone"):
        list(tasks(str(path), Filter()))


def test_a_member_that_lies_about_its_length_is_read_to_the_limit(tmp_path, monkeypatch):
    path = _zip(tmp_path / "lie.zip", {"a.bmp": bytes(3_000_000)})
    assert len(archives.member_bytes(f"{path}!/a.bmp", 1000)) == 1000
    raw = bytearray(path.read_bytes())
    place = raw.rfind(b"PK\x01\x02")
    raw[place + 24 : place + 28] = struct.pack("<I", 500)  # the directory's length
    path.write_bytes(raw)
    (task,) = tasks(str(path), Filter())
    assert task.stamp.size == 500
    with contextlib.suppress(PhotoError):
        assert len(read(task.path)) <= 500


def test_a_long_member_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "PhotoLimits", lambda: type("Limits", (), {"max_bytes": 10})())
    (task,) = tasks(str(_zip(tmp_path / "long.zip", {"a.png": PNG})), Filter())
    assert "longer than the limit" in task.refused


def test_an_encrypted_or_damaged_archive(tmp_path):
    path = _zip(tmp_path / "locked.zip", {"a.png": PNG})
    raw = bytearray(path.read_bytes())
    for place, offset in ((raw.find(b"PK\x03\x04"), 6), (raw.find(b"PK\x01\x02"), 8)):
        raw[place + offset] |= 1
    path.write_bytes(raw)
    assert [task.refused for task in tasks(str(path), Filter())] == ["is encrypted."]
    for cut in (b"PK\x03\x04" + b"\0" * 40, raw[: len(raw) // 2]):
        path.write_bytes(cut)
        with pytest.raises(SourceError, match="no ZIP archive that can be read"):
            list(tasks(str(path), Filter()))


def test_damage_inside_a_member_costs_that_member(tmp_path):
    path = _zip(tmp_path / "hurt.zip", {"a.png": os.urandom(5000), "b.png": PNG})
    raw = bytearray(path.read_bytes())
    raw[2000:2100] = b"\xff" * 100
    path.write_bytes(raw)
    first, second = tasks(str(path), Filter())
    with pytest.raises(PhotoError, match="archive is damaged here"):
        read(first.path)
    assert read(second.path) == PNG


def test_addresses_go_through_fsspec(tmp_path):
    pytest.importorskip("fsspec")
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "sub/b.jpg", "c.txt"):
        (tmp_path / name).write_bytes(PNG)
    found = sorted(tasks(f"file://{tmp_path}", Filter()), key=lambda task: task.path)
    assert [task.path for task in found] == [f"file://{tmp_path}/a.png", f"file://{tmp_path}/sub/b.jpg"]
    assert found[0].stamp.size == len(PNG) and read(found[0].path) == PNG
    with pytest.raises(PhotoError, match="does not exist"):
        read(f"file://{tmp_path}/none.png")
    for address in ("http://127.0.0.1/a.png", "nonsense://bucket", "s3://a::http://b", "simplecache::s3://a"):
        with pytest.raises(SourceError, match=r"is not read: only addresses of s3,"):
            list(tasks(address, Filter()))
