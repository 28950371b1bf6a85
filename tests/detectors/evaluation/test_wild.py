"""Wild photographs are known by their place in the picture; strata hold faces of one size, each picture once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from whichface.detectors.evaluation.rows import frame
from whichface.detectors.evaluation.wild import SHRUNK, strata, wild_sets


def renamed(rows, name, **changes):
    return [replace(row, file=f"{name}/{row.file}", set=name, group=f"{name}{row.group}", **changes) for row in rows]


def table(*parts):
    return frame([row for part in parts for row in part]).assign(scope=True)


def test_a_set_is_wild_when_half_of_its_photographs_are_not_aligned(make_rows):
    wild = renamed(make_rows(9, 0), "any name", closeness=0.0)
    some = renamed(make_rows(9, 0), "some", closeness=0.9)
    some[:4] = [replace(row, closeness=0.0) for row in some[:4]]
    few = renamed(make_rows(4, 0), "few", closeness=0.0)
    made = renamed(make_rows(0, 9), "made", closeness=0.0)
    assert wild_sets(table(wild, some, few, made)) == ["any name"]


def test_strata_rank_all_fakes_against_wild_photographs_alone(make_rows):
    fakes = renamed(make_rows(0, 40), "made", side=150.0)
    aligned = renamed(make_rows(40, 0, seed=1), "aligned", side=150.0, closeness=0.95)
    wild = renamed(make_rows(40, 0, seed=2), "street", side=150.0, closeness=0.02)
    found = strata(table(fakes, aligned, wild))
    (line,) = found["lines"]
    assert found["sets"] == ["street"] and line["name"] == "128 to 256 px"
    assert (line["reals"], line["fakes"], line["real_sets"]) == (40, 40, 1)
    truth = roc_auc_score([0] * 40 + [1] * 40, [row.score for row in (*wild, *fakes)])
    assert line["auc"]["value"] == pytest.approx(truth, abs=1e-4)
    assert line["auc"]["low"] < truth < line["auc"]["high"]
    assert line["baselines"]["face size"]["value"] == 0.5  # all have the same size


def test_size_and_sharpness_alone_are_measured_out_of_fold(make_rows):
    fakes = renamed(make_rows(0, 60), "made", side=140.0, resolution=0.9)
    wild = renamed(make_rows(60, 0, seed=2), "street", side=240.0, closeness=0.02)
    rng = np.random.default_rng(0)
    wild = [replace(row, resolution=float(rng.uniform(0, 1))) for row in wild]
    (line,) = strata(table(fakes, wild))["lines"]
    assert line["baselines"]["face size"]["value"] == 1.0 and line["baselines"]["effective resolution"]["low"] > 0.7


def test_shrunk_pictures_fill_what_is_empty_and_count_once(make_rows):
    fakes = renamed(make_rows(0, 30), "made", side=512.0)
    wild = renamed(make_rows(30, 0, seed=2), "street", side=200.0, closeness=0.02)
    shrunk = [replace(row, condition=name, side=side) for row in fakes
              for name, side in (("256 px", 250.0), ("200 px", 200.0), ("JPEG 50", 150.0))]  # fmt: skip
    lines = strata(table(fakes, wild, shrunk))["lines"]
    assert {"256 px", "200 px", "100 px"} <= set(SHRUNK)
    middle = {line["pictures"]: line for line in lines if line["name"] == "128 to 256 px"}
    assert (middle["as stored"]["fakes"], middle["as stored"]["auc"]) == (0, None)
    assert (middle["as stored or shrunk"]["reals"], middle["as stored or shrunk"]["fakes"]) == (30, 30)
    # Without shrunk pictures of that size the second line would be the first again.
    assert [line["pictures"] for line in lines if line["name"].startswith("256")] == ["as stored"]


def test_faces_that_no_expert_looked_at_are_counted(make_rows):
    fakes = renamed(make_rows(0, 8), "made", side=70.0, score=0.0)
    wild = renamed(make_rows(8, 0), "street", side=70.0, closeness=0.02)
    (line,) = strata(table(fakes, wild))["lines"]
    assert line["name"] == "64 to 128 px" and line["unjudged"] == 8 and line["baselines"]["face size"] is None


def test_a_corpus_of_aligned_pictures_has_no_strata(make_rows):
    assert strata(table(make_rows(20, 20, closeness=0.9))) == {"sets": [], "lines": []}
