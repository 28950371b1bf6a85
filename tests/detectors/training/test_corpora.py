"""Corpora as they are read for training: what is refused, what is left out, who may not be divided."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.detectors.training.corpora import CorporaConfig, check_enough, gather, read_corpora
from whichface.detectors.training.observer import InputError

SILENT = lambda done, total, name: None  # noqa: E731


@pytest.fixture
def corpus(tmp_path: Path, make_corpus) -> Path:
    return make_corpus(tmp_path / "corpus", 24)


def _gather(folder: Path, *more: Path, **changes: object):
    work = folder.parent / "work"
    work.mkdir(exist_ok=True)
    return gather(read_corpora([folder, *more]), work, CorporaConfig(**changes), SILENT)


def _lines(folder: Path) -> list[str]:
    return (folder / "manifest.csv").read_text().splitlines()


def _write(folder: Path, lines: list[str]) -> None:
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")


def test_a_validation_part_is_drawn_with_both_classes(corpus: Path) -> None:
    found = _gather(corpus)
    assert found.assigned and len(found.samples) == 24
    for split in ("train", "val"):
        assert {found.samples[i].fake for i in found.split(split)} == {False, True}
    assert len(found.split("val")) == 4 and _gather(corpus).samples[3].split == found.samples[3].split


def test_the_manifests_splits_are_kept(tmp_path: Path, make_corpus) -> None:
    found = _gather(make_corpus(tmp_path / "corpus", 24, splits=True))
    assert not found.assigned and len(found.split("val")) == 6


def test_other_names_of_splits_are_understood_or_refused(tmp_path: Path, make_corpus) -> None:
    folder = make_corpus(tmp_path / "corpus", 8, splits=True)
    _write(folder, [line.replace(",val,", ",Validation,") for line in _lines(folder)])
    assert {s.split for s in read_corpora([folder])} == {"train", "val"}
    _write(folder, [line.replace(",Validation,", ",mine,") for line in _lines(folder)])
    with pytest.raises(InputError, match="has the split “mine”; known are train, val and test"):
        read_corpora([folder])


def test_an_empty_class_is_told(corpus: Path) -> None:
    _write(corpus, [line for line in _lines(corpus) if ",fake," not in line])
    with pytest.raises(InputError, match="there are no fake pictures in"):
        read_corpora([corpus])


def test_one_class_a_corpus_is_enough(corpus: Path, tmp_path: Path, make_corpus) -> None:
    other = make_corpus(tmp_path / "other", 24)
    for folder, label in ((corpus, "real"), (other, "fake")):
        _write(folder, [_lines(folder)[0], *(line for line in _lines(folder) if f",{label}," in line)])
    assert len(_gather(corpus, other).samples) == 24
    with pytest.raises(InputError, match="corpora must not overlap"):
        read_corpora([corpus, corpus, other])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line.replace("drawn,train,g1", "drawn,train,g7"), "the group g7 is in the splits train and val"),
        (lambda line: line.replace(",fake,", ",generated,"), "labels other than real and fake: generated"),
        (lambda line: line.replace("real/000", "real/999"), "real/999.jpg of the manifest cannot be found"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(tmp_path: Path, make_corpus, change, message: str) -> None:
    folder = make_corpus(tmp_path / "corpus", 8, splits=True)
    _write(folder, [change(line) for line in _lines(folder)])
    with pytest.raises(InputError, match=message):
        read_corpora([folder])


def test_a_group_that_has_a_split_in_part_is_not_divided(tmp_path: Path, make_corpus) -> None:
    folder = make_corpus(tmp_path / "corpus", 8, splits=True)
    _write(folder, [line.replace("drawn,train,g1", "drawn,,g7") for line in _lines(folder)])
    assert [s.split for s in read_corpora([folder]) if s.group == "g7"] == ["val", "val"]


def test_a_manifest_in_another_encoding_is_named_with_its_line(corpus: Path) -> None:
    manifest = corpus / "manifest.csv"
    manifest.write_bytes(manifest.read_bytes() + b"real/Zo\xeb.jpg,real,,,\n")
    with pytest.raises(InputError, match=r"manifest\.csv, line 26: this is no UTF-8 text"):
        read_corpora([corpus])


def _change(folder: Path, others: str, **changes: str) -> None:
    """Give pictures by their numbers, as _0="val g0", another split and group, and all others a split."""
    rows = [line.split(",") for line in _lines(folder)[1:]]
    for number, row in enumerate(rows):
        row[3:] = changes[f"_{number}"].split(" ") if f"_{number}" in changes else (others, row[4])
    _write(folder, ["file,label,set,split,group", *(",".join(row) for row in rows)])


def _without_groups(folder: Path, split: str = "") -> Path:
    """The manifest without the column `group`, all pictures in one split."""
    cells = [line.split(",") for line in _lines(folder)[1:]]
    _write(folder, ["file,label,set,split", *(",".join((*row[:3], split)) for row in cells)])
    return folder


def test_file_names_of_two_corpora_make_no_groups(corpus: Path, tmp_path: Path, make_corpus) -> None:
    other = make_corpus(tmp_path / "other", 30)
    names = [s.group for s in read_corpora([_without_groups(corpus, "train"), _without_groups(other, "val")])]
    assert len(set(names)) == 54 and names[-1] == "fake/029.jpg"
    for folder in (corpus, other):
        (folder / "manifest.csv").unlink()
    assert len({s.group for s in read_corpora([corpus, other])}) == 54
    assert {s.group for s in read_corpora([corpus])} == {f"{('real', 'fake')[i % 2]}/{i:03}.jpg" for i in range(24)}


def test_group_names_of_manifests_are_shared(corpus: Path, tmp_path: Path, make_corpus) -> None:
    other = make_corpus(tmp_path / "other", 24)
    assert len({s.group for s in read_corpora([corpus, other])}) == 24
    # One picture of a corpus names another's file as its group: they stay together, whatever another corpus has.
    _write(corpus, [line.replace("drawn,,g2", "drawn,,real/000.jpg").replace(",g0", ",") for line in _lines(corpus)])
    groups = {s.path.relative_to(tmp_path).as_posix(): s.group for s in read_corpora([corpus, _without_groups(other)])}
    assert groups["corpus/real/002.jpg"] == groups["corpus/real/000.jpg"] != groups["other/real/000.jpg"]


def test_unreadable_pictures_are_named_and_left_out_or_refused(corpus: Path) -> None:
    (corpus / "real/000.jpg").write_bytes(b"nothing")
    (corpus / "fake/001.jpg").write_bytes((corpus / "fake/001.jpg").read_bytes()[:200])
    found = _gather(corpus)
    assert [Path(name).name for name, _ in found.unreadable] == ["000.jpg", "001.jpg"]
    assert found.left_out["unreadable"] == 2 and len(found.samples) == 22
    with pytest.raises(InputError, match=r"000\.jpg cannot be used"):
        _gather(corpus, strict=True)


def test_faces_are_looked_for_where_none_are_known(tmp_path: Path, make_corpus) -> None:
    folder = make_corpus(tmp_path / "corpus", 4, landmarks=False)
    with pytest.raises(InputError, match="there is no real picture in which a face was found"):
        _gather(folder)


def test_small_faces_are_left_out(tmp_path: Path, make_corpus) -> None:
    small = make_corpus(tmp_path / "small", 8, 100.0)
    large = make_corpus(tmp_path / "large", 24)
    (large / "landmarks478.npz").rename(large / "kept.npz")
    (large / "kept.npz").rename(large / "landmarks478.npz")
    _write(small, [line.replace(",g", ",small-g") for line in _lines(small)])
    assert _gather(large, small).left_out["face below 143 px"] == 8


def _copy(corpus: Path, source: str, target: str, line: str) -> None:
    """Add a picture, with the landmarks of its source."""
    (corpus / target).parent.mkdir(exist_ok=True)
    shutil.copy(corpus / source, corpus / target)
    _write(corpus, [*_lines(corpus), f"{target},{line}"])
    with np.load(corpus / "landmarks478.npz") as data:
        known = {name: data[name] for name in data.files}
    known = {"image": np.append(known["image"], target), "face": np.append(known["face"], 0),
             "xy8": np.concatenate([known["xy8"], known["xy8"][:1]])}  # fmt: skip
    np.savez(corpus / "landmarks478.npz", **known)


def test_one_file_with_two_labels_is_refused(corpus: Path) -> None:
    _copy(corpus, "real/000.jpg", "fake/copy.jpg", "fake,drawn,,other")
    with pytest.raises(InputError, match="are the same file, but one is labelled real, the other fake"):
        _gather(corpus)


def test_one_file_in_two_splits_is_refused(tmp_path: Path, make_corpus) -> None:
    folder = make_corpus(tmp_path / "corpus", 16, splits=True)
    _copy(folder, "real/000.jpg", "real/copy.jpg", "real,drawn,val,other")
    with pytest.raises(InputError, match="are the same file, in the splits train and val"):
        _gather(folder)


def test_a_copy_in_one_split_counts_once(corpus: Path) -> None:
    _copy(corpus, "real/000.jpg", "real/copy.jpg", "real,drawn,,other")
    assert _gather(corpus).left_out["copy of another file"] == 1


def test_a_copy_in_another_corpus_gives_its_split_and_its_group(corpus: Path, tmp_path: Path, make_corpus) -> None:
    other = make_corpus(tmp_path / "other", 8)
    for path in [p for p in other.glob("*/*.jpg") if p.stem not in ("000", "001")]:  # two stay copies
        cv2.imwrite(str(path), cv2.imread(str(path))[::-1])
    _change(corpus, "", _3=" g1")
    _copy(other, "real/000.jpg", "real/like.jpg", "real,drawn,,shared")
    cv2.imwrite(str(other / "real/like.jpg"), cv2.transpose(cv2.imread(str(other / "real/002.jpg"))))
    own = {f"_{number}": f"{'val' if number < 4 else 'train'} own{number}" for number in range(1, 8)}
    _change(other, "", _0=" shared", _8=" shared", **own)
    found = _gather(corpus, other)
    assert not found.assigned and found.left_out["copy of another file"] == 2
    of = {s.path.relative_to(tmp_path).as_posix(): s for s in found.samples}
    held = {name for name, sample in of.items() if sample.split == "val" and name.startswith("corpus")}
    assert held == {"corpus/fake/001.jpg", "corpus/fake/003.jpg"}
    assert of["corpus/real/000.jpg"].group == of["other/real/like.jpg"].group == "g0"


def test_near_duplicates_stay_on_one_side(corpus: Path) -> None:
    _copy(corpus, "real/000.jpg", "real/again.jpg", "real,drawn,,other")
    pixels = cv2.imread(str(corpus / "real/000.jpg"))
    cv2.imwrite(str(corpus / "real/again.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])
    found = _gather(corpus)
    pair = [s for s in found.samples if s.path.name in ("000.jpg", "again.jpg")]
    assert found.joined == 1 and len({s.group for s in pair}) == 1 and len({s.split for s in pair}) == 1


def test_near_duplicates_that_a_manifest_divides_are_not_trained_on(tmp_path: Path, make_corpus) -> None:
    folder = make_corpus(tmp_path / "corpus", 16, splits=True)
    _copy(folder, "real/000.jpg", "real/again.jpg", "real,drawn,val,other")
    pixels = cv2.imread(str(folder / "real/000.jpg"))
    cv2.imwrite(str(folder / "real/again.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])
    found = _gather(folder)
    assert found.left_out["near-duplicate of a held-out picture"] == 1
    assert "000.jpg" not in {s.path.name for s in found.samples}
    with pytest.raises(InputError, match="is a near-duplicate of a picture in another split"):
        _gather(folder, strict=True)


def _with_tests(corpus: Path, first: str, second: str) -> Path:
    """Two near-duplicates in these splits, two more pictures to test, every other one to be trained on."""
    _copy(corpus, "real/000.jpg", "real/again.jpg", "real,drawn,,other")
    pixels = cv2.imread(str(corpus / "real/000.jpg"))
    cv2.imwrite(str(corpus / "real/again.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])
    _change(corpus, "train", _0=f"{first} g0", _24=f"{second} other", _2="test g2", _3="test g3")
    return corpus


@pytest.mark.parametrize("splits", [("train", "test"), ("test", "train")])
def test_a_test_picture_is_never_drawn_for_validation(corpus: Path, splits: tuple[str, str]) -> None:
    _with_tests(corpus, *splits)
    tested = {"002.jpg", "003.jpg", ("000.jpg", "again.jpg")[splits.index("test")]}
    for seed in range(8):
        found = _gather(corpus, seed=seed)
        assert {s.path.name for s in found.samples if s.split == "test"} == tested
        assert found.assigned and found.left_out["near-duplicate of a held-out picture"] == 1 and found.split("val")
        assert not {"000.jpg", "again.jpg"} & {s.path.name for s in found.samples if s.split != "test"}


def test_a_picture_without_a_split_follows_the_test_picture_that_it_is_like(corpus: Path) -> None:
    _with_tests(corpus, "test", "")
    found = _gather(corpus)
    assert {s.split for s in found.samples if s.path.name in ("000.jpg", "again.jpg")} == {"test"}


def test_too_few_groups_are_told(corpus: Path, tmp_path: Path, make_corpus) -> None:
    found = _gather(corpus)
    check_enough(found, 3)
    with pytest.raises(InputError, match="only 10 groups of real pictures can be trained on; 11 folds"):
        check_enough(found, 11)
    few = make_corpus(tmp_path / "few", 2)
    with pytest.raises(InputError, match="a class has a single group"):
        _gather(few)
