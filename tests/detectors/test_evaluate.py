"""The whole assessment on rows whose truth is known, and on what can go wrong."""

from __future__ import annotations

from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from scipy.stats import norm

from whichface.detectors import evaluate as evaluate_module
from whichface.detectors.evaluate import ALL, POOLED, TooFewError, assess
from whichface.detectors.evaluation.figures import interval, rate
from whichface.detectors.evaluation.rows import frame
from whichface.reports.evaluation import schema

SHIFT = 1.5


def test_the_content_follows_its_schema(evaluation_content):
    jsonschema.validate(evaluation_content, schema())


def test_known_gaussians_are_measured_as_they_are(make_rows):
    found = assess(frame(make_rows(600, 600, SHIFT, seed=1)))
    truth = norm.cdf(SHIFT / np.sqrt(2))
    lines = {line["name"]: line for line in found["comparisons"]}
    assert set(lines) == {"one", "two", POOLED}
    pooled = lines[POOLED]
    assert pooled["auc"]["low"] < truth < pooled["auc"]["high"]
    assert pooled["range"][0] <= pooled["auc"]["value"] <= pooled["range"][1] + 0.01
    assert 0.4 < pooled["baselines"]["thumbnail"]["value"] < 0.6 and pooled["gain"]["low"] > 0.2
    assert pooled["content_controlled"]["value"] == pytest.approx(truth, abs=0.04)
    assert found["discrimination"]["equal_error_rate"]["value"] == pytest.approx(norm.cdf(-SHIFT / 2), abs=0.03)
    tpr = found["discrimination"]["tpr_at_1_percent"]["value"]
    assert tpr == pytest.approx(norm.sf(norm.ppf(0.99) - SHIFT), abs=0.08)
    assert found["calibration"]["expected_calibration_error"]["value"] < 0.06
    assert found["calibration"]["cllr_cal"] < 0.04


def test_false_alarms_and_detections_are_counted_apart(make_rows):
    rows = [replace(r, label="generated" if r.fake or i < 3 else "inconclusive") for i, r in enumerate(make_rows())]
    found = assess(frame(rows))["outcomes"]
    assert (found["reals"]["generated"]["hits"], found["reals"]["generated"]["of"]) == (3, 60)
    assert found["fakes"]["generated"]["value"] == 1 and found["fakes"]["real"]["hits"] == 0


def test_breakdowns_divide_the_pictures(evaluation_content):
    found = evaluation_content["breakdown"]
    assert [line["name"] for line in found["generator"]] == ["stylegan2"]
    assert {line["name"]: (line["reals"], line["fakes"]) for line in found["set"]} == {"one": (30, 30), "two": (29, 30)}
    for name in ("size", "pose"):
        assert sum(line["reals"] + line["fakes"] for line in found[name]) == 119


def test_fakes_are_ranked_against_photographs_of_matched_sets(make_rows):
    pggan = make_rows(0, 20, set="pggan-celebahq-1024", generator="pggan")
    celeba = make_rows(20, 0, set="celebahq-1024")
    lone = make_rows(0, 9, set="lone", generator="new")
    far = make_rows(0, 9, set="diffusion-sd21", generator="sd")
    parts = (make_rows(), pggan, celeba, lone, far)
    rows = [replace(row, file=f"{n}/{row.file}") for n, part in enumerate(parts) for row in part]
    found = assess(frame(rows))["breakdown"]["generator"]
    assert {line["name"]: line["note"] for line in found} == {
        "pggan": "photographs of matched sets",
        "stylegan2": "photographs of matched sets",
        "new": "all photographs",
        "sd": "all photographs; outside the claim",
    }


def test_the_grid_knows_what_a_change_does(make_rows):
    stored = make_rows(200, 200)
    rng = np.random.default_rng(0)
    noisy = [replace(r, condition="JPEG 30", score=rng.normal(), label="inconclusive") for r in stored]
    small = [replace(r, condition="256 px", status="not applicable", label="", score=np.nan) for r in stored[:-9]]
    small += [replace(r, condition="256 px") for r in stored[-9:]]
    none = [replace(r, condition="512 px") for r in small[:-9]]
    grid = {line["condition"]: line for line in assess(frame([*stored, *noisy, *small, *none]))["grid"]}
    assert grid["as stored"]["change"] is None and grid["as stored"]["label_changed"]["hits"] == 0
    assert grid["JPEG 30"]["change"]["high"] < -0.2 and 0.4 < grid["JPEG 30"]["auc"]["value"] < 0.6
    decided = sum(r.label != "inconclusive" for r in stored)
    assert grid["JPEG 30"]["label_changed"]["hits"] == decided
    assert grid["256 px"]["skipped"] == 391 and grid["256 px"]["auc"] is None and "512 px" not in grid


def test_analyzers_are_measured_where_they_looked(evaluation_content):
    lines = {line["name"]: line for line in evaluation_content["cues"]}
    hair, eyes = lines["hair"], lines["eyes"]
    assert hair["coverage"]["fakes"]["value"] == 1 and hair["auc"]["value"] > 0.7 and hair["calibrated"] == 119
    assert hair["mean_llr"]["reals"] < 0 < hair["mean_llr"]["fakes"]
    assert eyes["coverage"]["reals"]["hits"] == 0 and eyes["auc"] is None and eyes["cllr"] is None


def test_mistakes_are_the_worst_first(evaluation_content):
    for side, sign in (("reals", 1), ("fakes", -1)):
        scores = [sign * item["score"] for item in evaluation_content["mistakes"][side]]
        assert scores == sorted(scores, reverse=True) and min(scores) > 0


def test_other_pictures_are_in_the_second_line(make_rows):
    wild = [replace(r, file=f"wild/{i}") for i, r in enumerate(make_rows(30, 0, set="wild"))]
    found = assess(frame([*make_rows(), *wild]))
    assert [c["name"] for c in found["comparisons"]] == ["one", "two", POOLED, ALL]
    assert found["comparisons"][-1]["reals"] == 90 and found["headline"]["name"] == POOLED


def test_pictures_outside_the_comparisons_get_a_content_floor(make_rows):
    wild = [replace(r, file=f"wild/{i}", group=f"w{i}") for i, r in enumerate(make_rows(30, 0, set="wild", seed=3))]
    *_, pooled, everything = assess(frame([*make_rows(), *wild]))["comparisons"]
    assert everything["name"] == ALL and everything["gain"] is not None and everything["content_controlled"] is not None
    assert all(everything["baselines"][name] is not None for name in pooled["baselines"])


def test_whole_sets_give_a_wider_interval(make_rows):
    """Sets that differ: what another source would have given is less certain than the pictures of these."""
    parts = [make_rows(20, 20, shift, seed, set=f"s{seed}") for seed, shift in enumerate((0, 0.3, 1, 2, 3, 4))]
    rows = [replace(row, file=f"{n}/{row.file}") for n, part in enumerate(parts) for row in part]
    pooled = assess(frame(rows))["comparisons"][-1]
    by_set, auc = pooled["by_set"], pooled["auc"]
    assert by_set["value"] == auc["value"] and by_set["high"] - by_set["low"] > 1.5 * (auc["high"] - auc["low"])
    assert assess(frame(make_rows()))["comparisons"][-1]["by_set"] is None


def test_sets_of_one_class_are_compared_with_a_warning(make_rows):
    rows = [replace(r, set="phone" if not r.fake else "made") for r in make_rows(12, 12)]
    found = assess(frame(rows))
    assert [c["name"] for c in found["comparisons"]] == [ALL] and "No set holds both" in " ".join(found["notes"])


def test_faces_that_are_not_found_count_but_do_not_rank(make_rows):
    rows = make_rows()
    rows[5] = replace(rows[5], status="no face", label="", llr=np.nan, score=np.nan)
    found = assess(frame(rows))
    assert found["outcomes"]["reals"]["no face"]["hits"] == 1 and found["comparisons"][-1]["reals"] == 59


def test_a_face_that_is_lost_under_a_change_counts_as_changed(make_rows):
    stored = make_rows()
    stored[0] = replace(stored[0], status="no face", label="", llr=np.nan, score=np.nan)
    changed = [replace(r, condition="JPEG 30") for r in stored]
    changed[1] = replace(changed[1], status="no face", label="", llr=np.nan, score=np.nan)
    line = next(g for g in assess(frame([*stored, *changed]))["grid"] if g["condition"] == "JPEG 30")
    assert (line["label_changed"]["hits"], line["label_changed"]["of"]) == (1, 120)


def test_unreadable_pictures_are_neither_trials_nor_copies(make_rows):
    rows = make_rows()
    for number in range(10):
        rows[number] = replace(rows[number], status="unreadable", label="", llr=np.nan, score=np.nan, sha256="")
    found = assess(frame(rows))
    assert found["notes"][0].startswith("With 50 photographs, a false-alarm rate below 0.06")
    assert found["pictures"]["twice"] == 0 and "byte for byte" not in " ".join(found["notes"])


def test_the_best_map_of_the_cross_entropy_is_that_of_the_ratios(make_rows):
    """Its value at even odds is Cllr_min, and a ratio that says nothing has no better map."""
    rows = [replace(r, llr=0.0) for r in make_rows()]
    found = assess(frame(rows))
    curve = found["curves"]["cross_entropy"]
    middle = curve["prior_log10_odds"].index(0.0)
    assert curve["best"][middle] == pytest.approx(found["calibration"]["cllr_min"]["value"], abs=1e-3)
    assert curve["best"][middle] == pytest.approx(1.0, abs=1e-3)


def test_wrong_labels_and_diffusion_are_told(make_rows):
    rows = make_rows()
    rows[-1] = replace(rows[-1], sha256=rows[0].sha256)
    far = [replace(r, file=f"d/{i}", sha256=f"d{i}") for i, r in enumerate(make_rows(0, 5, set="diffusion-sd21"))]
    notes = " ".join(assess(frame([*rows, *far]))["notes"])
    assert "both classes, byte for byte: 1." in notes and "table of sets only: 5." in notes


def test_too_few_pictures_are_an_error(make_rows):
    with pytest.raises(TooFewError, match="at least two real"):
        assess(frame(make_rows(5, 1)))
    empty = [replace(r, status="unreadable") for r in make_rows(5, 5)]
    with pytest.raises(TooFewError):
        assess(frame(empty))


def test_small_pieces(make_rows):
    assert rate(0, 0) is None and rate(1, 4)["value"] == 0.25
    found = interval(lambda i: float(len(i)), frame(make_rows(5, 5)), 20)
    assert found["value"] == 10 and found["low"] <= 10 <= found["high"]


def test_a_peer_is_matched_over_all_splits(tmp_path):
    """`1.png` may be the picture of train, so it is not taken for that of val."""
    lines = ["file,label,split"]
    for number, label in enumerate(("real", "fake")):
        for split in ("val", "train"):
            (tmp_path / split).mkdir(exist_ok=True)
            (tmp_path / f"{split}/{number}.png").touch()
            lines.append(f"{split}/{number}.png,{label},{split}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "peer.csv").write_text("file,score\n0.png,0\n1.png,1\n")
    config = evaluate_module.EvaluateConfig(tmp_path, tmp_path / "out", peers=(tmp_path / "peer.csv",))
    with pytest.raises(evaluate_module.CorpusError, match=r"none of the pictures; its files should be like val/0\.png"):
        evaluate_module.evaluate(config, lambda *args: None)


def test_pictures_that_the_model_was_trained_on_are_counted(tmp_path, make_rows):
    rows = make_rows(3, 3)
    assert evaluate_module._known(tmp_path, rows) == []
    lines = ["sha256,label,set,split,fold", f"{rows[0].sha256},real,a,train,0", f"{rows[1].sha256},real,a,val,"]
    (tmp_path / "pictures.csv").write_text("\n".join(lines) + "\n")
    (note,) = evaluate_module._known(tmp_path, [*rows, replace(rows[0], condition="JPEG 50")])
    assert note == "THE MODEL WAS TRAINED ON 1 of these 6 pictures: the figures flatter it."
    assert evaluate_module._known(tmp_path, rows[1:]) == []
