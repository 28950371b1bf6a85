"""The analyzers in detection: tables, strata, order, and what an unknown name gets."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from whichface.detectors.cues import STRATA, TABLE, chosen, load_cues, look_for, stratum_of
from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.analyzers.cue import Cue
from whichface.forensics.errors import WeightsError
from whichface.forensics.records import Abstention, Evidence, Finding
from whichface.forensics.view import FaceView

FIT = {"slope": 2.0, "bias": -1.0, "low": -1.0, "high": 2.0, "floor": -0.4, "ceiling": 0.9}


def table(tmp_path, **strata):
    entry = {"auc": 0.7, "interval": [0.6, 0.8], "pictures": 90, "calibration": FIT}
    content = {"cues": {"spots": {"strata": {"large": entry, **strata}}}}
    path = tmp_path / "cues.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return load_cues(path)


def cue(name: str, said: Evidence | Abstention) -> Cue:
    return Cue(name, name, "Looks.", ("dust",), "Nothing.", "Here", lambda view: said)


def test_ratios_are_filled_in_and_bounded(tmp_path) -> None:
    cues = table(tmp_path)
    for statistic, llr in ((0.5, 0.0), (1.5, 0.8686), (50.0, 0.9), (-50.0, -0.4)):
        filled = cues.fill(Evidence("spots", statistic, None), "large")
        assert filled.llr == pytest.approx(llr, abs=1e-3)
        assert filled.reliability is not None and filled.reliability.pictures == 90


def test_what_was_not_calibrated_stays_illustrative(tmp_path) -> None:
    chance = {"auc": 0.51, "interval": [0.45, 0.57], "pictures": 90, "calibration": None}
    cues = table(tmp_path, small=chance)
    assert cues.fill(Evidence("spots", 1.0, None), "small").llr is None
    unknown = cues.fill(Evidence("spots", 1.0, None), "small-compressed")
    assert unknown.llr is None and unknown.reliability is None
    assert cues.fill(Evidence("hair", 1.0, None), "large").llr is None


@pytest.mark.parametrize("content", ["", "[]", '{"cues": {"spots": {"strata": {"large": {}}}}}'])
def test_a_damaged_table_is_refused(tmp_path, content) -> None:
    path = tmp_path / "cues.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WeightsError, match="cues"):
        load_cues(path)


def test_the_shipped_table_names_only_known_cues_and_strata() -> None:
    shipped = load_cues(TABLE)
    assert set(shipped.strata) <= {item.name for item in ANALYZERS}
    for strata in shipped.strata.values():
        assert set(strata) <= set(STRATA)
        for known in strata.values():
            low, high = known.reliability.interval
            assert low <= known.reliability.auc <= high
            assert known.slope is None or (known.slope > 0 and low > 0.5 and known.floor <= 0 <= known.ceiling)


def test_strata(make_photo, make_face) -> None:
    photo, face = make_photo(900, 900), make_face((450.0, 450.0), 800.0)
    assert stratum_of(FaceView(photo, face)) == "large"
    assert stratum_of(FaceView(photo, make_face((450.0, 450.0), 850.0))) == "full"
    assert stratum_of(FaceView(photo, make_face((450.0, 450.0), 200.0))) == "small"
    low = replace(photo, source=replace(photo.source, jpeg_quality=50))
    assert stratum_of(FaceView(low, face)) == "large-compressed"
    blocky = replace(face, quality=replace(face.quality, compression=2.0))
    assert stratum_of(FaceView(photo, blocky)) == "large-compressed"


def test_strongest_first_then_what_can_be_seen(tmp_path, make_photo, make_face) -> None:
    finding = (Finding("A spot."),)
    said = [
        cue("plain", Evidence("plain", 1.0, None)),
        cue("seen", Evidence("seen", 1.0, None, finding)),
        cue("spots", Evidence("spots", 1.4, None, finding)),
        cue("shy", Abstention("shy", "Too small.")),
    ]
    view = FaceView(make_photo(900, 900), make_face((450.0, 450.0), 800.0))
    evidence, abstentions = look_for(view, said, table(tmp_path))
    assert [item.analyzer for item in evidence] == ["spots", "seen", "plain"]
    assert abstentions == (Abstention("shy", "Too small."),)


def test_names_of_any_case_are_taken() -> None:
    assert [c.name for c in chosen(["Hair", "SPECTRUM"])] == ["hair", "spectrum"]


def test_names_are_checked() -> None:
    assert [item.name for item in chosen(["provenance"])] == ["provenance"]
    with pytest.raises(ValueError, match="no cue “nix”; known are"):
        chosen(["nix"])
