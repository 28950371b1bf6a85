"""What networks say of the validation grid, by themselves and together."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn")
PICTURES = 20


@pytest.fixture
def said():
    """Two networks and a texture expert on a grid of two conditions; the first five pictures lack 256 px."""
    from whichface.detectors.training.grid_scores import GridScores

    keys = [(i, v, s) for i in range(PICTURES) for v in (0, 1) for s in (160, 256) if s == 160 or i >= 5]
    sample, variant, scale = (np.array(column) for column in zip(*keys, strict=True))
    grid = SimpleNamespace(sample=sample, variant=variant, scale=scale)
    grid_of = type("Grid", (), {"__len__": lambda self: len(sample), **vars(grid)})()
    rows = {"network-160": np.flatnonzero(scale == 160), "network-256": np.flatnonzero(scale == 256)}
    rows["texture-256"] = rows["network-256"]
    values = {name: np.stack([sample[r], sample[r] + 2.0], 1) for name, r in rows.items()}
    values["texture-256"] = values["texture-256"][:, :1]
    return GridScores(grid_of, rows, values)


def test_the_mean_ships_and_each_network_is_kept(said) -> None:
    means, alone = said.means(), said.alone()
    row = int(said.rows["network-256"][0])
    assert means["network-256"][row] == said.grid.sample[row] + 1 and means["texture-256"][row] == said.grid.sample[row]
    assert len(alone) == 2 and alone[0].experts == ("network-160", "network-256")
    apart = alone[1].values - alone[0].values
    assert (apart[np.isfinite(apart)] == 2.0).all()
    assert np.isnan(alone[0].columns(["network-256"])[:10]).all()  # five pictures, two conditions


def test_the_spread_is_taken_from_rows_enough_only(said, monkeypatch: pytest.MonkeyPatch) -> None:
    from whichface.detectors.training import grid_scores

    alone = said.alone()
    assert grid_scores.told_apart(alone, ["texture-256", "network-160", "network-256"]) == alone
    assert grid_scores.told_apart(alone, ["texture-256"]) == [] and grid_scores.told_apart([], ["network-160"]) == []
    monkeypatch.setattr(grid_scores, "FEWEST", 31)
    assert grid_scores.told_apart(alone, ["network-256"]) == [] and grid_scores.told_apart(alone, ["network-160"])


def test_a_stratum_asks_its_experts_alone(said) -> None:
    from whichface.detectors.training.grid_scores import scores_of

    rows = [int(said.rows["network-160"][9]), int(said.rows["network-256"][0])]
    found = scores_of(said.means(), rows, ("texture-256", "network-256", "texture-512"))
    assert [score.expert for score in found] == ["texture-256", "network-256"]
