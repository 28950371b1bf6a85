"""The second step: a cue's weight is found where it tells something new, and stays at zero where it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whichface.detectors.training.cue_fusion import (
    Others,
    Rows,
    fit_weights,
    fused_entry,
    held_out,
    replicates,
)
from whichface.detectors.training.fusion import FusionConfig

CONFIG = FusionConfig(rounds=6)


def rows(kind: str, number: int = 1200) -> Rows:
    """The experts' true ratio, and a cue that is independent, a copy of the experts, or noise."""
    rng = np.random.default_rng(0)
    fake = np.arange(number) % 2 == 0
    experts = rng.normal(fake * 1.0, 1.0) - 0.5  # the true natural-log ratio of unit Gaussians one apart
    cue = {
        "new": 1.5 * rng.normal(fake * 1.5, 1.0) - 1.125,
        "copy": experts.copy(),
        "noise": rng.normal(0, 1.0, number),
    }[kind]
    names = np.array([f"g{i // 2}" for i in range(number)])
    sets = np.where(np.arange(number) < number // 2, "sg1-ffhq-1024", "sg2-ffhq-1024")
    folds = np.arange(number) // 2 % 3
    others = Others(experts / np.log(10), fake, sets)
    return Rows(experts, cue[:, None], fake, sets, names, folds, np.full(number, 1 / number), others)


@pytest.mark.parametrize(("kind", "low", "high"), [("new", 0.85, 1.0), ("copy", 0.0, 0.15), ("noise", 0.0, 0.12)])
def test_the_weight(kind: str, low: float, high: float) -> None:
    (weight,) = fit_weights(rows(kind), rows(kind).weights, 0.002)
    assert low <= weight <= high


def test_fused_ratios_rank_better_and_are_held_out() -> None:
    from whichface.detectors.metrics import auc

    table = rows("new")
    assert auc(table.fake, held_out(table, 0.002)) > auc(table.fake, table.experts) + 0.08


def test_the_entry_keeps_the_experts_and_its_threshold_is_that_of_all_rows() -> None:
    plain = {
        "experts": ["a", "b"], "bias": -0.2, "weights": [0.4, 0.5], "replicates": [[-0.2, 0.4, 0.5]] * 6,
        "ceiling": 0.8, "floor": -0.7, "threshold": 0.76, "threshold_real": -0.7, "false_alarm": 0.01,
    }  # fmt: skip
    table = rows("new")
    fused = fused_entry(plain, table, ["spots"], CONFIG)
    assert fused["cues"] == ["spots"] and fused["weights"][:2] == [0.4, 0.5] and len(fused["weights"]) == 3
    assert np.array(fused["replicates"]).shape == (6, 4)
    assert fused["ceiling"] >= fused["threshold"] and fused["floor"] == -0.7
    reals = np.concatenate([held_out(table, CONFIG.ridge)[~table.fake], table.others.llr[~table.others.fake]])
    assert fused["false_alarm"] == np.mean(reals >= fused["threshold"]) <= 0.01
    loud = replace(table, others=replace(table.others, llr=table.others.llr + 1))
    assert fused_entry(plain, loud, ["spots"], CONFIG)["threshold"] > fused["threshold"] + 0.5
    pooled = fused["fusion"]["matched"]["pooled"]
    assert pooled["fused_auc"] > pooled["experts_auc"]
    again = fused_entry(fused, rows("new"), ["spots"], CONFIG)
    assert again["weights"] == fused["weights"] and again["bias"] == -0.2


def test_replicates_vary() -> None:
    assert replicates(rows("new"), 5, CONFIG).std(0)[0] > 0
