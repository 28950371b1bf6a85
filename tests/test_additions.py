"""The least squares and the windows of benchmarks/additions.py."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from whichface.forensics.geometry import CropFrame

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def least_squares(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("least_squares")


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("native")


def _rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(table, fake, weights)."""
    rng = np.random.default_rng(0)
    fake = np.arange(90) % 3 == 0
    return rng.normal(fake[:, None] * [1.0, 0.5, 0.0, 0.0], 1.0), fake, rng.uniform(0.5, 2.0, 90)


def test_the_fit_solves_the_balanced_normal_equations(least_squares: ModuleType) -> None:
    table, fake, weights = _rows()
    sides = [least_squares.moments(table, np.where(fake == side, weights, 0.0)) for side in (False, True)]
    model = least_squares.fit(*sides)
    balanced = weights.copy()
    for side in (False, True):
        balanced[fake == side] /= 2 * balanced[fake == side].sum()
    centred = table - balanced @ table
    second = centred.T @ (centred * balanced[:, None]) + least_squares.RIDGE * np.eye(4)
    slopes = np.linalg.solve(second, centred.T @ (balanced * np.where(fake, 1.0, -1.0)))
    assert model.slopes == pytest.approx(slopes, abs=1e-4)
    assert least_squares.scores(table, [model])[:, 0] == pytest.approx(centred @ slopes, abs=1e-4)


def test_columns_that_are_left_out_weigh_nothing(least_squares: ModuleType) -> None:
    table, fake, weights = _rows()
    sides = [least_squares.moments(table, np.where(fake == side, weights, 0.0)) for side in (False, True)]
    model = least_squares.fit(*sides, columns=np.array([1, 3]))
    alone = [least_squares.moments(table[:, [1, 3]], np.where(fake == s, weights, 0.0)) for s in (False, True)]
    assert model.slopes[[0, 2]].tolist() == [0.0, 0.0]
    assert model.slopes[[1, 3]] == pytest.approx(least_squares.fit(*alone).slopes, abs=1e-5)


def test_joined_sums_are_those_of_all_rows(least_squares: ModuleType) -> None:
    table, fake, _ = _rows()
    one, two = fake.astype(float), (~fake).astype(float)
    joined = least_squares.moments(table, one).joined(least_squares.moments(table, two), 0.25)
    both = least_squares.moments(table, one / one.sum() + 0.25 * two / two.sum())
    assert joined.weight == pytest.approx(1.25)
    assert joined.first / joined.weight == pytest.approx(both.first, abs=1e-5)
    assert np.tril(joined.second) / joined.weight == pytest.approx(np.tril(both.second), abs=1e-5)


def test_windows_lie_on_the_grid_inside_the_picture(native: ModuleType) -> None:
    frame = CropFrame(np.array([500.0, 480.0]), np.array([450.0, 20.0]))
    for x, y in native.windows(frame, (1024, 1000, 3)):
        assert x % native.GRID == y % native.GRID == 0
        assert 0 <= x <= 1000 - native.SIDE and 0 <= y <= 1024 - native.SIDE
    with pytest.raises(ValueError, match="a picture of 1000x500 has no window of 512 px"):
        native.windows(frame, (500, 1000, 3))
