"""Strata of the shipped model: who speaks at which size, and a stack for the mean of networks."""

from __future__ import annotations

import numpy as np
import pytest

from whichface.detectors.training.build_model import Part, experts_of, stratum
from whichface.detectors.training.fusion import FusionConfig
from whichface.detectors.training.scores import ScoreTable


@pytest.mark.parametrize(
    ("scale", "experts"),
    [
        (96, ("network-96",)),
        (160, ("texture-160", "network-160")),
        (256, ("texture-256", "network-160", "network-256")),
        (512, ("texture-512", "network-160", "network-256")),
    ],
)
def test_textures_of_smaller_scales_have_no_say(scale: int, experts: tuple[str, ...]) -> None:
    assert experts_of(scale) == experts


@pytest.mark.parametrize(
    ("kind", "scale", "experts"),
    [
        ("texture", 160, ("texture-160",)),
        ("texture", 512, ("texture-160", "texture-256", "texture-512")),
        ("network", 160, ("network-160",)),
        ("network", 512, ("network-160", "network-256")),
    ],
)
def test_textures_without_a_network_all_count(kind: str, scale: int, experts: tuple[str, ...]) -> None:
    assert experts_of(scale, (kind,)) == experts


def test_networks_that_differ_get_a_steeper_stack_for_their_mean() -> None:
    rng = np.random.default_rng(0)
    count = 3000
    fake = np.arange(count) % 2 == 0
    values = rng.normal(np.where(fake, 1.0, -1.0), 1.4)[:, None]
    names = np.arange(count).astype(str)
    part = Part(
        sample=np.arange(count), variant=np.zeros(count, np.int64), values=values, fake=fake, sets=np.full(count, "a"),
        groups=names, folds=np.arange(count) % 3, weights=np.full(count, 1 / count),
    )  # fmt: skip
    rows = np.arange(500)
    alone = [ScoreTable(rows, rows * 0, ("network-160",), rng.normal(0, 0.9, (500, 1))) for _ in range(3)]
    config = FusionConfig(rounds=3)
    single, llr = stratum(part, ("network-160",), config)
    mean, same = stratum(part, ("network-160",), config, alone)
    # Within-class variance 1.96, of which 0.81 is noise: two thirds of that go.
    assert mean["weights"][0] / single["weights"][0] == pytest.approx(1.96 / (1.96 - 0.54), rel=0.05)
    assert np.mean(mean["replicates"], 0)[1] == pytest.approx(mean["weights"][0], rel=0.1)
    unchanged = ("ceiling", "floor", "threshold", "threshold_real", "false_alarm")
    assert {k: mean[k] for k in unchanged} == {k: single[k] for k in unchanged}
    assert np.array_equal(llr, same)
