"""Baselines find what was planted; content-controlled pairs take it away again."""

from __future__ import annotations

import numpy as np
import pytest

from whichface.detectors.evaluation.content import comparisons, content_controlled, fitted
from whichface.detectors.evaluation.rows import frame
from whichface.detectors.metrics import auc


def planted(rows, strength):
    """The rows with thumbnails whose brightness tells the class, as far as `strength` goes."""
    rng = np.random.default_rng(5)
    table = frame(rows)
    for place, row in table.iterrows():
        tone = 110 + strength * row["fake"] + rng.normal(0, 12)
        values = np.clip(tone + rng.normal(0, 8, 768), 0, 255).astype(np.uint8)
        table.at[place, "traits"] = {**row["traits"], "thumbnail": values.tobytes().hex()}
    return table


def test_comparisons_need_both_classes(make_rows):
    table = frame([*make_rows(), *make_rows(8, 0, set="wild")])
    assert comparisons(table) == {"one": ("one",), "two": ("two",)}


def test_known_pairs_of_sets_are_joined(make_rows):
    fakes = make_rows(0, 20, set="pggan-celebahq-1024")
    reals = make_rows(20, 0, set="celebahq-1024")
    assert comparisons(frame([*fakes, *reals])) == {"pggan + celebahq-1024": ("pggan-celebahq-1024", "celebahq-1024")}


def test_baselines_are_at_chance_without_and_find_it_with(make_rows):
    for strength, low, high in ((0, 0.25, 0.75), (60, 0.95, 1.0)):
        table = planted(make_rows(), strength)
        scores = fitted(table)
        assert low <= auc(table["fake"].to_numpy(), scores["thumbnail"].to_numpy()) <= high
        assert (scores["container"] == 0).all()


def test_too_few_pictures_give_no_baseline(make_rows):
    assert fitted(frame(make_rows(6, 6))).isna().all().all()


def test_like_thumbnails_take_composition_away(make_rows):
    table = planted(make_rows(150, 150), 12)
    table["thumbnail"] = fitted(table)["thumbnail"]
    composition = table.assign(score=table["thumbnail"])
    plain = auc(table["fake"].to_numpy(), table["thumbnail"].to_numpy())
    found = content_controlled([composition])
    assert plain > 0.7 and found["value"] < 0.57
    kept = content_controlled([table])
    assert kept["value"] > 0.75 and kept["low"] < kept["value"] < kept["high"] and kept["pairs"] >= 100


def test_pairs_by_brute_force(make_rows):
    table = frame(make_rows(40, 40)).assign(thumbnail=np.random.default_rng(1).normal(size=80))
    spread = table["thumbnail"].to_numpy().std()
    wins = pairs = 0.0
    for _, one in table[table["fake"]].iterrows():
        for _, two in table[~table["fake"]].iterrows():
            if abs(one["thumbnail"] - two["thumbnail"]) < 0.25 * spread:
                pairs += 1
                wins += (one["score"] > two["score"]) + 0.5 * (one["score"] == two["score"])
    found = content_controlled([table], rounds=20)
    assert found["pairs"] == pairs and found["value"] == pytest.approx(wins / pairs, abs=1e-4)


def test_too_few_pairs_are_no_figure(make_rows):
    assert content_controlled([frame(make_rows(4, 4)).assign(thumbnail=0.0)]) is None
