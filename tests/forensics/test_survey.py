"""A survey keeps what it found, names what it cannot read, and joins what belongs together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.forensics import survey as module
from whichface.forensics.errors import MissingExtraError
from whichface.forensics.recompress import WEBP_SIDE
from whichface.forensics.survey import (
    JOURNAL,
    Analysis,
    Wanted,
    near_duplicates,
    points_of,
    survey,
    together,
)

SILENT = lambda number, name: None  # noqa: E731


@pytest.fixture
def pictures(tmp_path: Path, make_face) -> list[Wanted]:
    found = []
    for number in range(4):
        small = np.random.default_rng(number).integers(0, 256, (12, 12, 3), np.uint8)
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), cv2.resize(small, (200, 200), interpolation=cv2.INTER_CUBIC))
        found.append(Wanted(path, make_face((100.0, 95.0), 150.0).landmarks))
    return found


def test_known_landmarks_are_taken(pictures: list[Wanted], tmp_path: Path) -> None:
    found = survey(pictures, tmp_path, SILENT)
    assert points_of(found[0]) == pytest.approx(pictures[0].landmarks, abs=0.07)
    assert len({a.hash for a in found}) == 4 and all(a.readable and not a.refused for a in found)


def test_the_journal_is_used_and_a_line_cut_off_is_passed_over(
    pictures: list[Wanted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = survey(pictures[:3], tmp_path, SILENT)
    journal = tmp_path / JOURNAL
    journal.write_text(journal.read_text()[:-20])
    seen: list[int] = []
    assert survey(pictures[:3], tmp_path, lambda number, name: seen.append(number)) == first and seen == [3]
    monkeypatch.setattr(module, "analyse", None)
    assert survey(pictures[:3], tmp_path, SILENT) == first


def test_what_cannot_be_read_is_said_and_not_kept(pictures: list[Wanted], tmp_path: Path) -> None:
    bad, gone = tmp_path / "bad.jpg", tmp_path / "gone.jpg"
    bad.write_bytes(b"nothing")
    found = survey([Wanted(bad), Wanted(gone), pictures[0]], tmp_path, SILENT)
    assert [a.readable for a in found] == [False, False, True]
    assert "cannot be read" in found[1].refused and "gone" not in (tmp_path / JOURNAL).read_text()


def test_what_lacks_an_extra_is_not_kept(
    pictures: list[Wanted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(data: bytes) -> None:
        raise MissingExtraError("HEIC needs the extra heic.")

    with monkeypatch.context() as patch:
        patch.setattr(module, "open_photo", lacking)
        (found,) = survey(pictures[:1], tmp_path, SILENT)
    assert found.refused == "HEIC needs the extra heic." and not found.readable
    assert survey(pictures[:1], tmp_path, SILENT)[0].readable


def test_a_picture_that_no_webp_holds_is_refused(tmp_path: Path, make_face) -> None:
    known = make_face((4.0, 4.0), 6.0).landmarks
    for width in (WEBP_SIDE, WEBP_SIDE + 1):
        cv2.imwrite(str(tmp_path / f"{width}.png"), np.zeros((8, width, 3), np.uint8))
    fits, wide = survey([Wanted(p, known) for p in sorted(tmp_path.glob("*.png"))], tmp_path, SILENT)
    assert fits.readable
    assert not wide.readable and wide.refused == "it has 16,384 x 8 pixels, and no side may be longer than 16,383"


def test_a_picture_without_a_face_is_readable(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((64, 64, 3), 120, np.uint8))
    (found,) = survey([Wanted(tmp_path / "grey.png")], tmp_path, SILENT)
    assert found.refused == "no face was found" and found.readable


def test_two_processes_find_the_same(pictures: list[Wanted], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert survey(pictures, tmp_path / "a", SILENT, workers=2) == survey(pictures, tmp_path / "b", SILENT)


def test_groups_files_and_pairs_are_joined() -> None:
    analyses = [Analysis(digest, hash="00" * 32) for digest in ("a", "b", "c", "a", "d")]
    assert together(["x", "y", "x", "", ""], analyses, [(1, 4)]) == [0, 1, 0, 0, 1]


def test_near_duplicates_come_once(pictures: list[Wanted], tmp_path: Path) -> None:
    found = survey(pictures, tmp_path, SILENT)
    assert near_duplicates([*found, found[1]]) == [(1, 4)]
