"""The analyzers' findings in words and on the picture."""

from __future__ import annotations

from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from whichface.forensics.records import Evidence, FaceExamination, Finding, Reliability
from whichface.reports.cue_guide import guide
from whichface.reports.cue_list import CueList, cue_entries
from whichface.reports.cues import cue_lines, cues_of, silent_cues, standing
from whichface.reports.json import schema, to_dict
from whichface.reports.overlay import draw_overlay
from whichface.reports.overlay_cues import PALETTE, legend_lines, marks_of
from whichface.reports.plain import plain

MEASURED = Reliability(0.712, (0.654, 0.768), 210)
SPOT = Finding("A round, glossy spot at the hair's edge.", (30.0, 40.0, 60.0, 80.0))
STRAND = Finding("A strand touches nothing.", outline=((200.0, 30.0), (230.0, 60.0), (210.0, 90.0)))


@pytest.fixture
def face(make_face_examination) -> FaceExamination:
    heat = np.zeros((256, 256), np.float32)
    heat[40:80, 30:60] = 1.0
    plain_face = make_face_examination()
    cues = (
        Evidence("splotches", 1.2, 0.45, (SPOT,) * 3, 0.9, heat, MEASURED, {"ovals": 2.0}, ("bokeh", "an earring")),
        Evidence("hair", 0.2, None, (STRAND,), 0.5, None, replace(MEASURED, auc=0.5, interval=(0.44, 0.56))),
        Evidence("teeth", 0.1, None),
        Evidence("provenance", 1.0, None, (Finding("The file names a generator."),)),
    )
    return replace(plain_face, evidence=(*plain_face.evidence, *cues))


def test_experts_and_provenance_are_not_cues(face) -> None:
    assert [item.analyzer for item in cues_of(face)] == ["splotches", "hair", "teeth"]
    assert silent_cues(face) == ("teeth",)


def test_a_short_report_shows_two_findings_a_cue(face) -> None:
    assert [line.cue for line in cue_lines(face, 5)] == ["splotches", "splotches", "hair"]
    assert len(cue_lines(face, None)) == 4 and len(cue_lines(face, 1)) == 1


def test_standing_in_words(face) -> None:
    spots, hair, teeth = cues_of(face)
    assert standing(spots) == (
        "By itself: about 2.8 for a StyleGAN-family generator. It ranks a generated face above a photograph "
        "71 times in 100 (65 to 77; 50 is chance)."
    )
    assert standing(hair).startswith("Illustrative only: where it was measured, it ranks")
    assert standing(teeth) == "Illustrative only: its reliability was not measured for a face like this."


def test_what_counts_in_the_verdict_says_so(face) -> None:
    spots = replace(cues_of(face)[0], share=0.45)
    assert "about 2.8 for a StyleGAN-family generator. It counts in the verdict. It ranks" in standing(spots)


def test_the_plain_report_tells_place_trust_and_innocent_explanations(face, make_examination) -> None:
    text = plain(replace(make_examination(), faces=(face,)))
    assert "  cue: splotches: A round, glossy spot at the hair's edge. (x 30 to 60, y 40 to 80)" in text
    assert "  cue: splotches: innocent explanations: bokeh; an earring" in text
    assert "  cue: nothing to show: teeth" in text
    assert "The file names a generator." not in text  # it stands in the section on the file's metadata


def test_hostile_words_are_cleaned(make_face_examination, make_examination) -> None:
    bad = Evidence("hair", 1.0, None, (Finding("Look\x1b[31m here.\n"),), innocent=("a\x07b",))
    text = plain(replace(make_examination(), faces=(make_face_examination(evidence=(bad,)),)))
    assert "\x1b" not in text and "\x07" not in text


def test_json_follows_the_schema(face, make_examination) -> None:
    content = to_dict(replace(make_examination(), faces=(face,)))
    jsonschema.validate(content, schema())
    spots = next(e for e in content["faces"][0]["evidence"] if e["analyzer"] == "splotches")
    assert spots["reliability"] == {"auc": 0.712, "interval": [0.654, 0.768], "pictures": 210}
    assert spots["innocent"] == ["bokeh", "an earring"] and spots["measures"] == {"ovals": 2.0}
    hair = next(e for e in content["faces"][0]["evidence"] if e["analyzer"] == "hair")
    assert hair["findings"][0]["outline"][1] == [230.0, 60.0] and hair["llr"] is None


def test_marks_and_legend_go_together(face) -> None:
    marks = marks_of(face)
    assert [mark.tag for mark in marks] == ["a", "b", "c"]
    lines = list(legend_lines((face,)))
    assert lines[0][0].startswith("a  splotches: A round") and lines[2][1] == PALETTE[1] == marks[2].colour


def test_the_overlay_shows_findings_and_maps(face, make_examination, make_photo) -> None:
    examination = replace(make_examination(photo=make_photo(256, 256)), faces=(face,))
    drawn = draw_overlay(examination)
    assert (drawn == PALETTE[0]).all(2).sum() > 100 and (drawn == PALETTE[1]).all(2).sum() > 50
    tinted = draw_overlay(examination, cue_maps=True)
    factor = 640 / 256
    inside = tinted[round(60 * factor), round(45 * factor)].astype(int)
    grey = examination.photo.pixels[60, 45].astype(int)
    assert np.abs(inside - grey).max() > 60  # the map tints the spot
    outside = (round(200 * factor), round(30 * factor))
    assert np.abs(tinted[outside].astype(int) - examination.photo.pixels[200, 30]).max() < 12


WORDS = {"name": "spots", "title": "Spots", "meaning": "Look.", "innocent": ("dust",), "needs": "A face.", "source": "X"}  # noqa: E501
FACTS = {
    "date": "2026-11-25",
    "data": "matched sets",
    "cues": {
        "spots": {
            "strata": {"large": {"auc": 0.712, "interval": [0.65, 0.77], "pictures": 210, "calibration": {"slope": 1}}},
            "generators": {"sg1-ffhq-1024, as stored": "AUC 0.71 [0.65, 0.77], 210 pictures"},
        }
    },
}


def test_the_list_and_the_guide_say_the_same() -> None:
    (entry,) = cue_entries([WORDS], FACTS, {"spots"})
    assert entry.standing() == "counts towards the verdict where it has a likelihood ratio"
    page = guide([entry], FACTS, {"spots": "images/spots.png"})
    assert "| large faces (384 to 768 px) | 0.71 [0.65, 0.77] | 210 | calibrated |" in page
    assert "| sg1-ffhq-1024, as stored | 0.71 [0.65, 0.77] | 210 | |" in page
    assert "![Spots: " in page and "- **Innocent explanations:** dust." in page
    (unmeasured,) = cue_entries([WORDS], {"cues": {}}, ())
    assert unmeasured.standing() == "illustrative only"


def test_the_list_in_a_terminal() -> None:
    import io

    from rich.console import Console

    entries = cue_entries([WORDS], FACTS, ())
    stream = io.StringIO()
    Console(file=stream, width=100).print(CueList(entries, detailed=True))
    text = stream.getvalue()
    assert "spots  Spots" in text and "AUC 0.71 [0.65, 0.77], 210 pictures, calibrated" in text
    assert "Needs: A face." in text and "• sg1-ffhq-1024, as stored: AUC 0.71" in text
