"""Pictures for training beside the corpus: what becomes of drawn ones and of photographs, and what is left out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from whichface.detectors.dataset import Sample, read_corpus
from whichface.detectors.training.more_data import (
    Extra,
    against,
    drawn_pictures,
    parsing_photographs,
    unlike,
    write,
    write_manifest,
)
from whichface.forensics.survey import Analysis


def _analysis(number: int, refused: str = "") -> Analysis:
    rng = np.random.default_rng(number)
    word = "".join(rng.choice(list("0123456789abcdef"), 64))
    other = "".join(rng.choice(list("0123456789abcdef"), 64))
    points = () if refused else tuple(range(2 * 478))
    return Analysis(f"sha{number}", points, 100.0, word, other, refused)


def test_drawn_pictures_become_jpeg_files_and_rows(tmp_path: Path) -> None:
    (tmp_path / "psi").mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    for name in ("seed000001.png", "seed000002.png", "other.png"):
        cv2.imwrite(str(tmp_path / "psi" / name), picture)
    found = drawn_pictures(tmp_path / "psi", tmp_path / "out", "gan", "val", 1)
    assert [e.file.name for e in found] == ["seed000001.jpg", "seed000002.jpg"]
    assert {(e.label, e.generator, e.set, e.split) for e in found} == {("fake", "gan", "gan", "val")}
    assert len({e.group for e in found}) == 2
    assert found[0].file.read_bytes()[:2] == b"\xff\xd8"


def test_photographs_of_the_parsing_data_keep_split_and_group(tmp_path: Path) -> None:
    text = "image,mask,source,split,group\na/1.jpg,a/1.png,a,train,x\na/2.jpg,a/2.png,a,val,y\n"
    (tmp_path / "manifest.csv").write_text(text)
    first, second = parsing_photographs(tmp_path)
    assert (first.label, first.set, first.split, first.group) == ("real", "parsing-a", "train", "p:x")
    assert second.split == "val" and second.file == tmp_path / "a/2.jpg"


def test_a_face_that_is_known_or_comes_twice_is_left_out(tmp_path: Path) -> None:
    extras = [Extra(tmp_path / str(i), "real", "", "s", "train", str(i)) for i in range(5)]
    found = [_analysis(1), _analysis(2), _analysis(3, "no face was found"), _analysis(4), _analysis(4)]
    assert unlike(extras, found, [_analysis(2), _analysis(9)]) == [0, 3]
    assert unlike(extras, found, []) == [0, 1, 3]


def test_what_is_written_is_a_corpus(tmp_path: Path) -> None:
    extras = [Extra(tmp_path / "1.jpg", "real", "", "s", "train", "g"),
              Extra(tmp_path / "2.jpg", "fake", "gan", "gan", "val", "h")]  # fmt: skip
    write(extras, [_analysis(1), _analysis(2)], tmp_path)
    first, second = read_corpus(tmp_path)
    assert first.path == tmp_path / "1.jpg" and not first.fake and first.landmarks is not None
    assert first.landmarks.shape == (478, 2) and first.landmarks[1, 0] == 2 / 8
    assert second.fake and (second.generator, second.split) == ("gan", "val")


def test_held_pictures_stand_beside_photographs_of_the_corpus(tmp_path: Path) -> None:
    def sample(name: str, fake: bool, split: str) -> Sample:
        return Sample(tmp_path / f"{name}-{split}.jpg", fake, name, "", split, name, "", None)

    drawn = [Extra(tmp_path / f"{s}.jpg", "fake", "gan", "gan", s, s) for s in ("train", "val")]
    samples = [sample(n, f, s) for n in ("a", "b") for f in (True, False) for s in ("train", "val")]
    found = against([*drawn, Extra(tmp_path / "p.jpg", "real", "", "p", "val", "p")], samples, ["a"])
    assert [(e.file.name, e.label) for e in found] == [("val.jpg", "fake"), ("a-val.jpg", "real")]
    assert {e.set for e in found} == {"gan + photographs"}
    write_manifest(found, tmp_path / "held")
    assert [s.fake for s in read_corpus(tmp_path / "held")] == [True, False]
