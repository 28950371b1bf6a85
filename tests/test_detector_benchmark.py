"""The tables of benchmarks/detector.py: of the same pictures as an evaluation's, and made again from stored rows."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from whichface.detectors.evaluation.loss import target
from whichface.detectors.evaluation.rows import Row, frame
from whichface.detectors.evaluation.wild import strata
from whichface.detectors.robustness import SMALL_JPEG

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
COLUMNS = ["file", "condition", "set", "fake", "group", "label", "llr", "side", "score"]
SETS = {"one": ("one",), "both": ("one", "two")}


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("detector")
    monkeypatch.setattr(module, "MATCHED", SETS)
    monkeypatch.setattr(module, "MATCHED_AND_POOLED", SETS)
    return module


@pytest.fixture
def rows(make_rows: Callable[..., list[Row]]) -> list[Row]:
    """Matched pictures as stored and under the small JPEG, where some lose their face, and wild photographs."""
    stored = [replace(row, closeness=0.9) for row in make_rows()]
    noise = np.random.default_rng(0).normal(0, 0.5, len(stored))
    under = [replace(r, condition=SMALL_JPEG, score=r.score + n, side=90.0) for r, n in zip(stored, noise, strict=True)]
    lost = {"status": "no face", "label": "no face", "score": np.nan, "side": np.nan}
    under[:3] = [replace(row, **lost) for row in under[:3]]
    wild = [
        replace(row, file=f"wild/{row.file}", set="wild-street", group=f"wild {row.group}", closeness=0.0)
        for row in make_rows(40, 0, seed=2)
    ]
    return [*stored, *under, *wild]


def cells(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def value(cell: str) -> float:
    return float(cell.split()[0])


def test_the_loss_is_that_of_an_evaluation(detector: ModuleType, rows: list[Row]) -> None:
    wanted = target(frame(rows).assign(scope=True), SETS)
    assert wanted is not None and wanted["lines"][1]["no_face"] == 3
    found = cells(detector.loss_rows(detector.as_evaluated(frame(rows)[COLUMNS])))
    for line, (name, *areas) in zip(wanted["lines"], found, strict=True):
        assert name == line["name"]
        values = [line["stored"]["value"], line["under"]["value"], -line["loss"]["value"]]
        assert [value(cell) for cell in areas] == pytest.approx(values, abs=6e-4)


def test_wild_photographs_are_those_of_an_evaluation(detector: ModuleType, rows: list[Row]) -> None:
    found = cells(detector.against_wild_rows(detector.as_evaluated(frame(rows)[COLUMNS])))
    lines = strata(frame([row for row in rows if row.condition == "as stored"]).assign(scope=True))["lines"]
    wanted = {line["name"].replace(" px", ""): line for line in lines}
    assert [line[0] for line in found] == ["64 to 128", "128 to 256", "256 and more"]
    for name, photographs, fakes, area, *_ in found[1:]:  # the first has fakes under the small JPEG too
        assert (int(photographs), int(fakes)) == (wanted[name]["reals"], wanted[name]["fakes"])
        assert value(area) == pytest.approx(wanted[name]["auc"]["value"], abs=6e-4)
    assert found[0][2] == "60"


def test_tables_are_made_from_rows_without_looking_at_a_picture(
    detector: ModuleType, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, page = frame(rows)[COLUMNS], tmp_path / "page.md"
    table.to_csv(tmp_path / "rows.csv", index=False)
    noon = datetime(1990, 8, 1, 12).timestamp()
    os.utime(tmp_path / "rows.csv", (noon, noon))
    noise = dict(zip(table["file"], np.random.default_rng(1).normal(size=len(table)), strict=True))
    monkeypatch.setattr(detector, "read_corpus", lambda folder: [])
    monkeypatch.setattr(detector, "baseline_scores", lambda *_: dict.fromkeys(detector.BASELINES, noise))
    monkeypatch.setattr(detector, "collect", lambda *_: pytest.fail("pictures were examined"))
    given = ["--data", str(tmp_path), "--from", str(tmp_path / "rows.csv"), "-o", str(page)]
    monkeypatch.setattr(sys, "argv", ["detector.py", *given])
    detector.main()
    text = page.read_text(encoding="utf-8")
    loss = detector.loss_rows(detector.as_evaluated(pd.read_csv(tmp_path / "rows.csv")))
    assert "\n".join(loss) in text and ", 1990-08-01.\n" in text
