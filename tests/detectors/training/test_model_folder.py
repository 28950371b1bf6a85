"""The calibration of a trained model: which experts are stacked at each size."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from whichface.detectors.dataset import Sample
from whichface.detectors.training.scores import ScoreTable

pytest.importorskip("sklearn")
PICTURES = 60
EXPERTS = ("network-160", "network-256", "texture-160", "texture-256", "texture-512")


@pytest.fixture
def making():
    """Makes a model's parts from experts that each know a little, by kinds of experts."""
    from whichface.detectors.training.model_folder import Making

    rng = np.random.default_rng(0)
    fake = np.arange(PICTURES) % 2 == 1
    train = [Sample(Path(f"{i}.jpg"), bool(f), "all", "", "train", f"g{i}", "", None) for i, f in enumerate(fake)]
    scores = rng.normal(np.where(fake, 0.5, -0.5)[:, None], 1.0, (PICTURES, len(EXPERTS)))
    rows = np.arange(PICTURES)
    table = ScoreTable(rows, 0 * rows, EXPERTS, scores)

    def make(kinds: tuple[str, ...]) -> Making:
        unused = SimpleNamespace()
        return Making(
            made=Path(), output=Path(), train=train, held=[], gathered=unused, folds=rows // 2 % 3,
            scales=(160, 256, 512), experts=kinds, scores=table, grid=unused, grid_features=None, baselines=(),
            about={}, chosen_on_val=False,
        )  # fmt: skip

    return make


@pytest.mark.parametrize(
    ("kinds", "experts"),
    [
        (("texture", "network"), ["texture-512", "network-160", "network-256"]),
        (("texture",), ["texture-160", "texture-256", "texture-512"]),
    ],
)
def test_a_large_face_has_the_experts_that_ship(making, kinds: tuple[str, ...], experts: list[str]) -> None:
    from whichface.detectors.training.model_folder import calibrate

    calibration, _, notes = calibrate(making(kinds))
    assert set(calibration["strata"]) == {"160", "256", "512"} and len(notes) == 3
    large = calibration["strata"]["512"]
    assert large["experts"] == experts and len(large["weights"]) == len(experts)
