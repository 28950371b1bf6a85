"""Scores out of fold: whom each model is asked about, and how tables join."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from whichface.detectors.dataset import Sample
from whichface.detectors.training.scores import ScoreTable, arrays, between, out_of_fold, table


class _Pack:
    """What `table` reads of a pack."""

    def __init__(self, sample: list[int], variant: list[int]) -> None:
        self.sample, self.variant = np.array(sample), np.array(variant)

    def __len__(self) -> int:
        return len(self.sample)


def test_each_model_is_asked_only_for_its_rows() -> None:
    rows, fold = np.array([10, 11, 12, 13, 14]), np.array([0, 1, 2, -1, 0])
    asked: dict[int, list[int]] = {}

    def score(model: int, wanted: np.ndarray) -> np.ndarray:
        asked[model] = wanted.tolist()
        return wanted + 100.0 * model

    found = out_of_fold(rows, fold, 3, score)
    assert asked == {0: [10, 13, 14], 1: [11, 13], 2: [12, 13]}
    assert found == pytest.approx([10, 111, 212, 113, 14])


def test_a_model_without_rows_is_harmless() -> None:
    found = out_of_fold(np.array([4, 5]), np.array([1, 1]), 3, lambda k, rows: rows * 1.0)
    assert found == pytest.approx([4, 5])
    nothing = np.zeros(0, np.int64)
    assert out_of_fold(nothing, nothing, 3, lambda k, rows: rows * 1.0).shape == (0,)


@pytest.fixture
def joined() -> ScoreTable:
    """Sample 0 with two scales and three variants, sample 2 with the small scale alone."""
    pack = _Pack([0, 0, 0, 0, 0, 2, 2], [0, 0, 1, 1, 2, 0, 1])
    scores = {
        "texture-256": (np.array([1, 3]), np.array([0.1, 0.3])),
        "texture-160": (np.array([6, 0, 2, 4, 5]), np.array([6.0, 0.0, 2.0, 4.0, 5.0])),
    }
    return table(pack, scores, 2)


def test_experts_join_by_picture_and_variant(joined: ScoreTable) -> None:
    assert joined.experts == ("texture-160", "texture-256")
    assert joined.sample.tolist() == [0, 0, 2, 2]
    assert joined.variant.tolist() == [0, 1, 0, 1]
    assert joined.values[:, 0] == pytest.approx([0.0, 2.0, 5.0, 6.0])
    assert joined.values[:2, 1] == pytest.approx([0.1, 0.3])


def test_what_an_expert_could_not_see_is_nan(joined: ScoreTable) -> None:
    assert np.isnan(joined.values[2:, 1]).all()
    assert np.isnan(joined.values).sum() == 2


def test_columns_come_as_asked(joined: ScoreTable) -> None:
    swapped = joined.columns(("texture-256", "texture-160"))
    assert np.array_equal(swapped, joined.values[:, ::-1], equal_nan=True)
    with pytest.raises(ValueError, match="not in"):
        joined.columns(("texture-512",))


def test_tables_of_one_pack_stand_beside_each_other(joined: ScoreTable) -> None:
    parts = [ScoreTable(joined.sample, joined.variant, (name,), joined.columns([name])) for name in joined.experts]
    first, second = parts
    assert np.array_equal(first.beside(second).values, joined.values, equal_nan=True)
    other = ScoreTable(joined.sample + 1, joined.variant, ("more",), second.values)
    with pytest.raises(ValueError, match="different packs"):
        first.beside(other)


def test_a_table_is_read_back(joined: ScoreTable, tmp_path: Path) -> None:
    joined.save(tmp_path / "scores.npz")
    found = ScoreTable.load(tmp_path / "scores.npz")
    assert found.experts == joined.experts
    assert np.array_equal(found.values, joined.values, equal_nan=True)
    assert np.array_equal(found.sample, joined.sample)
    assert np.array_equal(found.variant, joined.variant)


def test_arrays_of_samples() -> None:
    samples = [Sample(Path("a"), i == 1, f"s{i}", "", "train", f"g{i}", "", None) for i in range(2)]
    fake, sets, groups = arrays(samples)
    assert fake.tolist() == [False, True]
    assert sets.tolist() == ["s0", "s1"] and groups.tolist() == ["g0", "g1"]


def test_how_far_networks_are_apart_is_a_covariance() -> None:
    rng = np.random.default_rng(0)
    rows = np.arange(20_000)
    common = rng.normal(size=(len(rows), 2))
    own = [rng.multivariate_normal([0, 0], [[1.0, 0.5], [0.5, 0.8]], len(rows)) for _ in range(3)]
    names = ("network-160", "network-256")
    tables = [ScoreTable(rows, rows * 0, names, common + apart) for apart in own]
    tables[1].values[::2, 1] = np.nan
    found = between(tables, ("texture-256", "network-160", "network-256"))
    assert found == pytest.approx(np.array([[0, 0, 0], [0, 1.0, 0.5], [0, 0.5, 0.8]]), abs=0.04)
