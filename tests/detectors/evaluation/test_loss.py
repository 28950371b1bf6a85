"""The target's loss of AUC: the same pictures both times, against scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from whichface.detectors.evaluation.loss import LIMIT, target
from whichface.detectors.evaluation.rows import frame
from whichface.detectors.robustness import BY_NAME, SMALL_JPEG


def found(rows, *lists):
    table = frame([row for part in (rows, *lists) for row in part])
    return target(table.assign(scope=True), {"all of it": ("one", "two"), "one": ("one",)})


def worse(rows, noise, seed=3):
    rng = np.random.default_rng(seed)
    return [replace(row, condition=SMALL_JPEG, score=row.score + float(rng.normal(0, noise))) for row in rows]


def test_the_condition_is_one_of_the_grid():
    assert BY_NAME[SMALL_JPEG].quick and LIMIT == 0.08


def test_the_loss_is_that_of_an_independent_implementation(make_rows):
    rows = make_rows(80, 80)
    after = worse(rows, 1.0)
    line, one = found(rows, after)["lines"]
    fake = [row.fake for row in rows]
    before, then = (roc_auc_score(fake, [row.score for row in part]) for part in (rows, after))
    assert line["stored"]["value"] == pytest.approx(before, abs=1e-4)
    assert line["under"]["value"] == pytest.approx(then, abs=1e-4)
    assert line["loss"]["value"] == pytest.approx(before - then, abs=1e-4)
    assert line["loss"]["low"] < before - then < line["loss"]["high"]
    assert (line["reals"], line["fakes"], one["reals"]) == (80, 80, 40)


def test_the_pairing_makes_the_interval_narrow(make_rows):
    """The same small noise on every picture: the loss is known far better than either area."""
    line = found(rows := make_rows(80, 80), worse(rows, 0.05))["lines"][0]
    width = {name: line[name]["high"] - line[name]["low"] for name in ("stored", "loss")}
    assert width["loss"] < 0.4 * width["stored"]
    assert line["met"] is True and line["certain"] is True


def test_a_large_loss_misses_the_target_and_a_near_one_is_not_certain(make_rows):
    rows = make_rows(60, 60, 2.0)
    noise = [replace(row, condition=SMALL_JPEG, score=float(n)) for n, row in enumerate(reversed(rows))]
    line = found(rows, noise)["lines"][0]
    assert (line["met"], line["certain"]) == (False, True)
    line = found(rows, worse(rows, 0.8))["lines"][0]
    assert line["loss"]["low"] < LIMIT < line["loss"]["high"] and line["certain"] is False


def test_pictures_that_lost_their_face_leave_both_sides(make_rows):
    rows = make_rows(40, 40)
    after = worse(rows, 0.5)
    after[:5] = [replace(row, status="no face", score=np.nan) for row in after[:5]]
    line = found(rows, after)["lines"][0]
    assert (line["reals"], line["no_face"]) == (35, 5)
    kept = [row.score for row in rows[5:]]
    assert line["stored"]["value"] == pytest.approx(roc_auc_score([r.fake for r in rows[5:]], kept), abs=1e-4)


def test_without_the_condition_nothing_is_said(make_rows):
    assert found(make_rows()) is None
    few = found(rows := make_rows(3, 3), worse(rows, 0.5))["lines"][0]
    assert few["loss"] is None and few["met"] is None
