"""What is taken for a corpus, and what is refused in one sentence before hours are spent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.detectors.evaluation.corpus import CorpusError, gather, in_scope

HEADER = "file,label,set,generator,split,group"


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))


@pytest.fixture
def manifest(tmp_path):
    """Writes a manifest of (file, label, split, group) and its files."""

    def write(*rows, files=True):
        lines = [f"{file},{label},s,,{split},{group}" for file, label, split, group in rows]
        (tmp_path / "manifest.csv").write_text("\n".join([HEADER, *lines]) + "\n")
        for file, *_ in rows if files else ():
            picture(tmp_path / file)
        return tmp_path

    return write


GOOD = (
    ("a.png", "real", "val", "g1"),
    ("b.png", "fake", "val", "g2"),
    ("c.png", "real", "train", "g3"),
    ("d.png", "fake", "train", "g4"),
)


@pytest.mark.parametrize(
    ("split", "found", "said"),
    [(None, "ab", "val"), ("val", "ab", "val"), ("train", "cd", "train"), ("all", "abcd", "all")],
)
def test_the_split_is_chosen(manifest, split, found, said):
    corpus = gather(manifest(*GOOD), split)
    assert [corpus.name(s)[0] for s in corpus.samples] == list(found) and corpus.split == said


def test_folders_name_label_set_and_generator(tmp_path):
    for name in ("real/1.png", "real/holiday/2.png", "fake/stylegan2/3.png", "fake/.hidden.png"):
        picture(tmp_path / name)
    (tmp_path / "real/notes.txt").write_text("no picture")
    corpus = gather(tmp_path)
    found = {corpus.name(s): (s.fake, s.set, s.generator) for s in corpus.samples}
    assert found == {
        "real/1.png": (False, tmp_path.name, ""),
        "real/holiday/2.png": (False, "holiday", ""),
        "fake/stylegan2/3.png": (True, "stylegan2", "stylegan2"),
    }
    assert corpus.split == "all" and len({s.group for s in corpus.samples}) == 3


@pytest.mark.parametrize(
    ("rows", "split", "message"),
    [
        ((("a.png", "real", "val", "g"),), None, "no fake pictures in its split val"),
        ((*GOOD[:3], ("d.png", "fake", "train", "g1")), None, "group g1 is in the splits val and train"),
        ((*GOOD, ("e.png", "forged", "val", "g9")), None, "labels other than real and fake: forged"),
        ((*GOOD, ("a.png", "fake", "val", "g1")), None, "is in the manifest 2 times"),
        (GOOD, "test", "no split test; found: train, val"),
    ],
)
def test_an_unusable_manifest_is_refused(manifest, rows, split, message):
    with pytest.raises(CorpusError, match=message):
        gather(manifest(*rows), split)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,label\né.png,real\n".encode("latin-1"), r"manifest\.csv, line 2: .*UTF-8"),
        (b"file,kind\na.png,real\n", r"manifest\.csv lacks columns: \['label'\]"),
        (b"file,label\n" + b"a" * 200_000 + b",real\n", r"manifest\.csv, line 2: .*field larger"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(tmp_path, content, message):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        gather(tmp_path)


def test_what_should_be_a_picture_stays_for_the_reader_to_report(tmp_path, monkeypatch):
    for name in ("real/1.png", "fake/2.png"):
        picture(tmp_path / name)
    (tmp_path / "real/empty.JPG").touch()
    (tmp_path / "real/barred").touch()
    opened = Path.open

    def barred(path, *args, **kwargs):
        if path.name == "barred":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", barred)
    corpus = gather(tmp_path)
    assert [corpus.name(s) for s in corpus.samples] == ["real/1.png", "real/barred", "real/empty.JPG", "fake/2.png"]


def test_missing_files_are_told(manifest):
    with pytest.raises(ValueError, match=r"a\.png and 3 more of the manifest cannot be found"):
        gather(manifest(*GOOD, files=False))


def test_a_folder_without_both_classes_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"neither a manifest\.csv nor folders"):
        gather(tmp_path)
    picture(tmp_path / "real/1.png")
    with pytest.raises(ValueError, match="has no fake pictures; both"):
        gather(tmp_path)
    with pytest.raises(ValueError, match="is not a folder"):
        gather(tmp_path / "nowhere")


def test_diffusion_is_out_of_scope():
    assert in_scope("sg2-ffhq-1024", "stylegan2") and in_scope("wild", "")
    assert not in_scope("diffusion-sd21", "") and not in_scope("own", "Stable Diffusion 2.1")


def test_a_picture_elsewhere_keeps_its_full_path(tmp_path):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder in (here, elsewhere):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(b"x")
    (here / "manifest.csv").write_text(f"file,label\na.jpg,real\n{elsewhere / 'a.jpg'},fake\n")
    corpus = gather(here)
    assert [corpus.name(sample) for sample in corpus.samples] == ["a.jpg", (elsewhere / "a.jpg").as_posix()]
