"""The validation grid: every condition keeps the face in its square; the choice is balanced and repeats."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.detectors.dataset import Sample
from whichface.detectors.training.pack import PackConfig
from whichface.detectors.training.robust_grid import (
    GRID,
    balanced_choice,
    grid_rows,
    mean_by_picture,
)
from whichface.forensics.geometry import crop_frame


@pytest.fixture
def sample(tmp_path: Path, make_face) -> Sample:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), cv2.resize(noise, (700, 700), interpolation=cv2.INTER_CUBIC))
    return Sample(tmp_path / "a.png", True, "s", "", "val", "g", "", make_face((350, 350), 620.0).landmarks)


def test_names_are_unique_and_the_first_is_the_file() -> None:
    assert len({c.name for c in GRID}) == len(GRID) and GRID[0].name == "as stored"


@pytest.mark.parametrize("condition", GRID, ids=lambda c: c.name)
def test_the_square_follows_the_picture(condition, sample: Sample) -> None:
    pixels = cv2.imread(str(sample.path))[..., ::-1].copy()
    frame = crop_frame(sample.landmarks)
    changed, moved = condition.change(pixels, frame)
    factor = changed.shape[0] / pixels.shape[0]
    assert moved.side == pytest.approx(frame.side * factor) and factor <= 1
    assert changed.dtype == np.uint8 and (condition.name == "as stored") == np.array_equal(changed, pixels)


def test_a_condition_has_the_scales_that_are_left(sample: Sample) -> None:
    rows = list(grid_rows(sample, 3, PackConfig()))
    scales = {n: {r.scale for r in rows if r.variant == n} for n in range(len(GRID))}
    names = [c.name for c in GRID]
    assert scales[0] == {160, 256, 512} and scales[names.index("256 px, JPEG 75")] == {160}
    assert scales[names.index("512 px, JPEG 80")] == {160, 256} and {r.sample for r in rows} == {3}


def test_the_choice_takes_sets_in_turn_and_repeats() -> None:
    names = ["large"] * 40 + ["small"] * 8
    samples = [Sample(Path(str(i)), i % 2 == 0, name, "", "val", "", "", None) for i, name in enumerate(names)]
    chosen = balanced_choice(samples, range(48), 6)
    counts = Counter((samples[i].fake, samples[i].set) for i in chosen)
    assert counts == {(fake, name): 3 for fake in (False, True) for name in ("large", "small")}
    assert chosen == balanced_choice(samples, range(48), 6) != balanced_choice(samples, range(48), 6, seed=1)
    assert len(balanced_choice(samples, range(40, 48), 100)) == 8


def test_scales_are_averaged_by_picture_and_condition() -> None:
    sample, variant = np.array([4, 2, 4, 4]), np.array([0, 1, 0, 1])
    found = mean_by_picture(sample, variant, np.array([1.0, 5.0, 3.0, 7.0]))
    assert [part.tolist() for part in found] == [[2, 4, 4], [1, 0, 1], [5.0, 2.0, 7.0]]
