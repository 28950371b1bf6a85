"""Corpora read from a manifest, and folds that never divide a group."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.detectors.dataset import (
    OUT_OF_SCOPE,
    Sample,
    group_folds,
    in_scope,
    read_corpus,
    read_pixels,
)

HEADER = "file,label,set,generator,split,group,source_repo"
ROWS = (
    "a/1.png,real,wild,,train,g1,owner/name",
    "a/2.png,fake,sg2-256,stylegan2,val,g2,",
    'a/3.png,fake,diffusion-sd21,"sd, 2.1",train,g1,',
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "manifest.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    points = np.arange(4 * 478 * 2, dtype=np.uint16).reshape(4, 478, 2)
    names = np.array(["a/1.png", "a/2.png", "a/2.png", "a/3.png"])
    np.savez(tmp_path / "landmarks478.npz", image=names, face=np.array([0, 1, 0, 0]), xy8=points)
    return tmp_path


def test_a_corpus_is_read_in_order(corpus: Path) -> None:
    samples = read_corpus(corpus)
    assert [s.path for s in samples] == [corpus / f"a/{i}.png" for i in (1, 2, 3)]
    assert [s.fake for s in samples] == [False, True, True]
    assert [s.set for s in samples] == ["wild", "sg2-256", "diffusion-sd21"]
    assert [s.generator for s in samples] == ["", "stylegan2", "sd, 2.1"]
    assert [s.split for s in samples] == ["train", "val", "train"]
    assert [s.group for s in samples] == ["g1", "g2", "g1"]
    assert [s.source for s in samples] == ["owner/name", "", ""]


def test_landmarks_are_those_of_the_first_face(corpus: Path) -> None:
    points = np.arange(4 * 478 * 2).reshape(4, 478, 2) / 8.0
    samples = read_corpus(corpus)
    for sample, row in zip(samples, (0, 2, 3), strict=True):
        assert np.array_equal(sample.landmarks, points[row])
        assert sample.landmarks.dtype == np.float32


def test_a_corpus_without_landmarks(corpus: Path) -> None:
    (corpus / "landmarks478.npz").unlink()
    assert [s.landmarks for s in read_corpus(corpus)] == [None] * 3


def test_optional_columns_may_lack(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,label,set,split,group\n1.png,fake,s,train,g\n")
    (sample,) = read_corpus(tmp_path)
    assert sample.fake and sample.generator == "" and sample.source == ""


def test_a_manifest_may_be_file_and_label_alone(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("\ufefffile,label\n1.png,fake\n", encoding="utf-8")
    (sample,) = read_corpus(tmp_path)
    assert (sample.set, sample.group, sample.split) == (tmp_path.name, "1.png", "")


def _write(folder: Path, rows: str) -> Path:
    (folder / "manifest.csv").write_text(rows)
    return folder


@pytest.mark.parametrize(
    ("word", "split"),
    [("Training", "train"), ("valid", "val"), (" validation ", "val"), ("dev", "val"), ("testing", "test"), (" ", ""),
     ("fold 3", "fold 3")],
)  # fmt: skip
def test_names_of_splits_are_brought_to_ours(tmp_path: Path, word: str, split: str) -> None:
    (sample,) = read_corpus(_write(tmp_path, f"file,label,split\n1.png,fake,{word}\n"))
    assert sample.split == split


def test_a_picture_without_a_split_has_that_of_its_group(tmp_path: Path) -> None:
    rows = "1.png,fake,,1\n2.png,real,train,1\n3.png,real,,2\n4.png,real,,\n5.png,real,val,\n"
    samples = read_corpus(_write(tmp_path, "file,label,split,group\n" + rows))
    assert [s.split for s in samples] == ["train", "train", "", "", "val"]
    assert [s.named for s in samples] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"set,file,label\ns,1.png,real\ns\n", "line 3: the row has no file"),
        (b"file,label\n1.png\n", "line 2: the row has no label"),
        (b"file,label\n,real\n", "line 2: the row has no file"),
        (b"file,label\n1.png,real\nZo\xeb.png,real\n", "line 3: this is no UTF-8 text; save the manifest as UTF-8"),
        ("file,label\n1.png,real\n".encode("utf-16"), "line 1: this is no UTF-8 text"),
        (b"file,label\n1.png," + b"x" * 200_000 + b"\n", "line 2: this cannot be read as CSV"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(ValueError, match=f"manifest.csv, {message}") as caught:
        read_corpus(tmp_path)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("column", ["file", "label"])
def test_a_missing_column_is_told(tmp_path: Path, column: str) -> None:
    header = [name for name in HEADER.split(",") if name != column]
    row = ",".join("x" for _ in header)
    (tmp_path / "manifest.csv").write_text(f"{','.join(header)}\n{row}\n")
    with pytest.raises(ValueError, match=f"lacks columns.*{column}"):
        read_corpus(tmp_path)


def test_no_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_corpus(tmp_path)


def test_what_the_claim_covers(corpus: Path) -> None:
    samples = read_corpus(corpus)
    assert [s.set for s in in_scope(samples)] == ["wild", "sg2-256"]
    assert samples[2].set in OUT_OF_SCOPE
    assert in_scope(replace(s, landmarks=None) for s in samples) == []


def test_pixels_are_rgb(tmp_path: Path) -> None:
    colour = np.zeros((20, 30, 3), np.uint8)
    colour[..., 0] = 200
    cv2.imwrite(str(tmp_path / "é.png"), colour[..., ::-1])
    assert np.array_equal(read_pixels(tmp_path / "é.png"), colour)
    (tmp_path / "not.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match="could not be decoded"):
        read_pixels(tmp_path / "not.png")


@pytest.mark.parametrize("count", [2, 3, 5])
def test_groups_are_never_divided(count: int) -> None:
    rng = np.random.default_rng(count)
    number = rng.integers(0, 60, 300)
    groups, strata = [f"g{n}" for n in number], [f"s{n % 3}" for n in number]
    folds = group_folds(groups, strata, count)
    seen = defaultdict(set)
    for group, fold in zip(groups, folds, strict=True):
        seen[group].add(int(fold))
    assert all(len(found) == 1 for found in seen.values())
    assert set(folds) == set(range(count))


def test_strata_are_spread_evenly() -> None:
    strata = np.repeat(["common", "rare"], [270, 30])
    folds = group_folds([str(i) for i in range(300)], strata.tolist(), 3)
    assert np.bincount(folds[strata == "rare"]).tolist() == [10, 10, 10]
    assert np.bincount(folds[strata == "common"]).tolist() == [90, 90, 90]


def test_folds_follow_the_seed() -> None:
    groups, strata = [str(i) for i in range(90)], ["a"] * 90
    first, again, other = (group_folds(groups, strata, 3, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_sample_is_frozen() -> None:
    sample = Sample(Path("a"), True, "s", "", "train", "g", "", None)
    with pytest.raises(AttributeError):
        sample.fake = False  # type: ignore[misc]
