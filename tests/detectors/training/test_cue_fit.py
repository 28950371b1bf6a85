"""Measuring and calibrating analyzers on statistics whose true likelihood ratio is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from whichface.detectors.training.cue_fit import (
    FitConfig,
    build,
    calibrate,
    measure,
    ratios,
    stratum_entry,
)

CONFIG = FitConfig(rounds=80)


def rows(shift: float = 1.0, number: int = 600, seed: int = 0, name: str = "sg1-ffhq-256") -> pd.DataFrame:
    """Statistics of unit Gaussians, fakes moved by `shift`: the true natural-log ratio is shift·x − shift²/2."""
    rng = np.random.default_rng(seed)
    fake = np.arange(number) % 2 == 0
    return pd.DataFrame(
        {
            "file": [f"{name}{i}" for i in range(number)],
            "group": [f"{name}{i // 2}" for i in range(number)],
            "variant": "stored",
            "cue": "spots",
            "stratum": "large",
            "set": name,
            "fake": fake,
            "part": ["calibration", "val", "design"] * (number // 3),
            "statistic": rng.normal(shift * fake, 1.0),
        }
    )


def test_auc_against_the_closed_form() -> None:
    found = measure(rows(number=3000), CONFIG)
    assert found is not None
    assert found.auc == pytest.approx(0.7602, abs=0.02)  # Φ(1/√2)
    assert found.interval[0] < 0.7602 < found.interval[1]
    assert found.interval[1] - found.interval[0] < 0.06


def test_sets_weigh_alike() -> None:
    large, small = rows(2.0, 1200), rows(0.0, 120, name="sg1-ffhq-1024")
    found = measure(pd.concat([large, small]), CONFIG)
    assert found is not None
    assert found.auc == pytest.approx(np.mean(list(found.sets.values())))
    assert len(found.sets) == 2


def test_the_fit_finds_the_true_ratio() -> None:
    table = rows(number=6000)
    fitted = calibrate(table, CONFIG)
    assert fitted is not None
    assert fitted["slope"] == pytest.approx(1.0, abs=0.12)
    assert fitted["bias"] == pytest.approx(-0.5, abs=0.12)
    llr = ratios(table, fitted)  # the floor is nearer to zero than the fit's own
    assert llr.max() <= fitted["ceiling"] and llr.min() >= fitted["floor"]
    assert 0.3 <= fitted["ceiling"] < 2.5


def test_chance_and_the_wrong_direction_stay_illustrative() -> None:
    for shift in (0.0, -1.0):
        entry = stratum_entry(rows(shift), CONFIG)
        assert entry is not None and entry["calibration"] is None and "cllr_val" not in entry


def test_design_pictures_play_no_part() -> None:
    table = rows(0.0)
    design = table["part"] == "design"
    table.loc[design & table["fake"], "statistic"] += 100
    entry = stratum_entry(table, CONFIG)
    assert entry is not None and entry["calibration"] is None
    assert entry["pictures"] == (~design).sum()


def test_abstentions_count_in_the_coverage_only() -> None:
    table = rows(1.0)
    table.loc[::2, "statistic"] = np.nan
    assert stratum_entry(table, CONFIG) is None  # every fake abstained
    table = rows(1.0)
    table.loc[table.index % 4 < 2, "statistic"] = np.nan
    entry = stratum_entry(table, CONFIG)
    assert entry is not None and entry["coverage"] == pytest.approx(0.5, abs=0.01)


def test_what_was_not_found_is_never_strong_evidence_of_a_photograph() -> None:
    fitted = calibrate(rows(3.0), CONFIG)
    assert fitted is not None and fitted["floor"] >= -0.1


def test_the_crop_alone_gets_no_ratio() -> None:
    entry = build(rows().assign(cue="alignment"), CONFIG)["cues"]["alignment"]
    assert entry["strata"]["large"]["calibration"] is None and "depends" in entry["never_calibrated"]


def test_too_few_pictures_are_not_measured() -> None:
    assert measure(rows(number=15), CONFIG) is None


def test_the_content_of_the_table() -> None:
    content = build(pd.concat([rows(), rows().assign(cue="provenance")]), CONFIG)
    assert list(content["cues"]) == ["spots"]
    entry = content["cues"]["spots"]
    assert entry["strata"]["large"]["calibration"]["slope"] > 0
    assert entry["strata"]["large"]["cllr_val"] < 1
    assert "sg1-ffhq-256, as stored" in entry["generators"]
