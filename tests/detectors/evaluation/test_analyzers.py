"""What an analyzer adds to the score, and on which photographs it raises false alarms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whichface.detectors.evaluation.analyzers import ALARM, alarms, beside_score
from whichface.detectors.evaluation.rows import frame


def told(rows, values):
    return frame(rows).assign(statistic=values, scope=True)


def test_what_is_new_is_gained_and_noise_is_not(make_rows):
    rows = make_rows(150, 150, 1.0)
    rng = np.random.default_rng(2)
    fake = np.array([row.fake for row in rows])
    new = beside_score(told(rows, rng.normal(1.5 * fake)))
    assert new["low"] > 0.03
    assert abs(beside_score(told(rows, rng.normal(size=300)))["value"]) < 0.02
    assert abs(beside_score(told(rows, [row.score for row in rows]))["value"]) < 0.01  # it is the score already


def test_few_pictures_say_nothing(make_rows):
    rows = make_rows(9, 9)
    assert beside_score(told(rows, np.zeros(18))) is None and alarms(told(rows, np.zeros(18)), told(rows, 0.0)) is None


def test_alarms_are_counted_at_one_in_twenty_by_confounder(make_rows):
    rows = [replace(r, yaw=30.0 if n < 20 and not r.fake else 0.0) for n, r in enumerate(make_rows(100, 50))]
    statistic = np.array([float(n) for n in range(100)] + [200.0] * 50)[np.r_[80:100, 0:80, 100:150]]
    table = told(rows, statistic)  # the turned heads have the highest statistics of the photographs
    found = alarms(table, table)
    assert found["at"] == pytest.approx(np.quantile(np.arange(100), 1 - ALARM))
    turned = found["confounders"]["head turned 20° or more"]
    assert (turned["hits"], turned["of"]) == (5, 20) and found["fakes"]["value"] == 1
    assert found["confounders"]["effective resolution below 0.5"] is None
