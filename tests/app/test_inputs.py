"""From arguments to pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from whichface.app.inputs import LONGEST_STEM, Picture, Unreadable, expand, short
from whichface.forensics.files import is_picture

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.JPG", "a.png", ".hidden.png", "notes.txt", "sub/c.webp", ".git/d.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "in" / "no-extension").write_bytes(PNG)
    return tmp_path / "in"


def names(*arguments):
    return [item.name.replace(os.sep, "/") for item in expand(arguments)]


def test_folders_are_searched_in_order(folder):
    assert names("in") == ["in/a.png", "in/b.JPG", "in/no-extension", "in/sub/c.webp"]


def test_files_are_taken_as_they_are_named(folder):
    assert names("in/notes.txt", "missing.png", "-") == ["in/notes.txt", "missing.png", "-"]


def test_an_empty_folder_is_told(tmp_path):
    assert expand([str(tmp_path)]) == (
        Unreadable(str(tmp_path), "no pictures found in this folder."),
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_in_a_folder_is_not_waited_for(folder):
    os.mkfifo(folder / "pipe.png")
    assert not is_picture(folder / "pipe.png")


def test_links_that_lead_in_a_circle_end(folder):
    (folder / "sub" / "up").symlink_to(folder, target_is_directory=True)
    assert len(names("in")) == 4


def test_a_folder_that_cannot_be_read_is_told(folder, monkeypatch):
    def denied(top, onerror):
        onerror(PermissionError(13, "Permission denied", f"{top}/secret"))
        yield top, [], ["a.png"]

    monkeypatch.setattr(os, "walk", denied)
    assert expand(["in"]) == (
        Picture(os.path.join("in", "a.png")),  # noqa: PTH118
        Unreadable("in/secret", "the folder cannot be read: Permission denied."),
    )


def test_stems():
    assert (Picture("-").stem, Picture("a/b.c.png").stem) == ("stdin", "b.c")


def test_a_folder_that_can_be_listed_but_not_entered_is_told(folder, monkeypatch):
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("sub") and allowed(path, mode))
    assert expand(["in"])[-1] == Unreadable(str(Path("in") / "sub"), "the folder cannot be read: Permission denied.")
    assert len(expand(["in"])) == 4


def test_a_file_that_is_barred_counts_by_its_name(folder, monkeypatch):
    def barred(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", barred)
    assert is_picture(Path("in/a.png")) and not is_picture(Path("in/notes.txt"))


@pytest.mark.parametrize(
    ("stem", "cut"),
    [("short", "short"), ("é" * 150, "é" * 100), ("a" * 199 + "é", "a" * 199), ("\udcff" * 300, "?" * 200)],
)
def test_long_names_are_cut_between_letters(stem, cut):
    assert short(stem) == cut and len(cut.encode()) <= LONGEST_STEM
