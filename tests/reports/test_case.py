"""The case report: complete, escaped, self-contained; its structure as a snapshot; its JSON after the schema."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from whichface.forensics.records import Finding, Label
from whichface.reports.case import case_page, case_values, owner, schema
from whichface.reports.case_numbers import LONGEST_TEXT, shown
from whichface.reports.case_pictures import CROP, crop_of, heat_uri, layers
from whichface.reports.case_view import gauge
from whichface.reports.case_words import LIMITS

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = {
    "generated": (Label.GENERATED,),
    "inconclusive": (Label.INCONCLUSIVE,),
    "no-face": (),
    "two-faces": (Label.REAL, Label.GENERATED),
}


@pytest.mark.parametrize("case", CASES)
def test_structure(case, make_case, read):
    text = "\n".join(read(case_page(make_case(*CASES[case]))).outline) + "\n"
    path = GOLDEN / f"case-{case}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", ["generated", "no-face"])
def test_json(case, make_case):
    content = case_values(make_case(*CASES[case]))
    text = json.dumps(content, indent=1) + "\n"
    path = GOLDEN / f"case-{case}.json"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert content == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_page_asks_for_nothing_and_is_whole(case, hostile, make_case, self_contained):
    self_contained(case_page(make_case(*CASES[case], hostile=hostile)))


@pytest.mark.parametrize("case", CASES)
def test_the_json_follows_the_schema(case, make_case):
    for hostile in (False, True):
        content = case_values(make_case(*CASES[case], hostile=hostile))
        jsonschema.validate(content, schema())
        assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["made"] == "2026-11-25T12:00:00Z" and len(content["statements"]) == len(CASES[case])


def test_the_schema_is_one(make_case):
    jsonschema.Draft202012Validator.check_schema(schema())
    wrong = case_values(make_case(Label.REAL))
    wrong["examination"]["faces"][0]["verdict"]["label"] = "fake"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema())


def test_an_editor_finds_the_verdict_with_ratio_scale_ceiling_and_prior(make_case):
    html = case_page(make_case(Label.GENERATED))
    for text in (
        "The findings are about 120 times more probable if the picture came from a StyleGAN-family generator",
        "moderately strong support for a StyleGAN-family generator",
        "is about 320 for a StyleGAN-family generator",
        "If 50 in 100 pictures like this were generated to begin with (the prior), 99 in 100",
        "Scale of likelihood ratios from 1,000 for a camera photograph",
        "profiles at random",
    ):
        assert text in html
    assert "1 in 2,000</td>" in html and "<b>6 in 100</b>" in html  # 120 to 1 at 1 in 2,000


def test_findings_have_crop_explanation_innocent_explanations_and_reliability(make_case, read):
    html = case_page(make_case(Label.GENERATED))
    for text in (
        "A drop at the hair&#39;s edge.", "Drops at the edge of the hair.", "dust on the lens.",
        "ranks a generated face above a photograph 71 times in 100 (65 to 77; 50 is chance)",
        "Nothing to point at, but it was measured and counts.", "(a factor of 2.8 in the ratio)",
        "teeth: The mouth is closed.", "fine texture at 512 px: The face has fewer pixels",
        "StyleGAN family against photographs", "EXIF names the camera Pentax K-70.",
    ):  # fmt: skip
        assert text in html
    assert [i["aria-label"] for i in read(html).images if "drop at" in (i.get("aria-label") or "")]
    assert "Hair" in html[html.index("nothing to show") :][:200]


def test_limits_command_and_hashes_are_told(make_case):
    html = case_page(make_case(Label.REAL))
    assert all(text.split("“")[0][:40] in html for text in LIMITS)
    assert "detect &#39;portraits/anna.jpg&#39; --html case.html" in html and "ab" * 32 in html
    assert "2026-11-25 12:00:00 UTC" in html


def test_hostile_metadata_and_names_have_no_effect(make_case):
    name = 'x"><script>alert(1)</script>\x1b[31m\u202ejpg'
    html = case_page(make_case(Label.REAL, name=name, hostile=True))
    assert "<script" not in html and "alert(1)&lt;/script&gt;" in html
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", html)
    assert "{{ 7 * 7 }}" in html  # and not 49


def test_the_json_keeps_what_the_file_says_and_stays_ascii(make_case):
    text = json.dumps(case_values(make_case(Label.REAL, hostile=True)))
    assert text.isascii() and "\x1b" not in text and "\\u001b[31m" in text


def test_endless_metadata_is_cut(make_case):
    case = make_case(Label.REAL)
    many = {f"key {number}": "value" for number in range(5000)}
    source = replace(case.examination.photo.source, xmp="x" * 1_000_000, text=many)
    photo = replace(case.examination.photo, source=source)
    long = replace(case, examination=replace(case.examination, photo=photo))
    assert len(case_page(long)) < len(case_page(case)) + 20 * LONGEST_TEXT
    assert "4,850 more, all in the JSON" in case_page(long)
    assert len(case_values(long)["source"]["xmp"]) == 1_000_000
    assert shown("a" * 3000).endswith("(3,000 characters, all in the JSON)") and shown("short") == "short"


def test_a_page_knows_its_picture(tmp_path, make_case):
    page = tmp_path / "case.html"
    page.write_text(case_page(make_case(Label.REAL)), encoding="utf-8")
    assert owner(page) == "ab" * 32
    page.write_text("<html>another</html>", encoding="utf-8")
    assert owner(page) is None


def test_without_firmness_it_says_so(make_case):
    assert "Not tried (<code>--grid none</code>)" in case_page(make_case(Label.REAL, firmness=None))


def test_a_withheld_verdict_promises_nothing(make_case, make_verdict):
    case = make_case(Label.INCONCLUSIVE)
    face = replace(case.examination.faces[0], verdict=make_verdict(Label.INCONCLUSIVE, 2.4))
    html = case_page(replace(case, examination=replace(case.examination, faces=(face,))))
    assert "But the verdict is withheld." in html and "profiles at random" not in html
    assert "no probability is given" in html


def test_an_unjudged_face_has_no_scale(make_case, make_verdict):
    case = make_case(Label.INCONCLUSIVE)
    face = replace(case.examination.faces[0], verdict=make_verdict(Label.INCONCLUSIVE, 0.0))
    html = case_page(replace(case, examination=replace(case.examination, faces=(face,))))
    assert "not judged" in html and 'class="gauge"' not in html
    assert "so what the experts said does not count" in html and "looks more like" not in html
    assert "were generated to begin with" not in html


def test_layers_are_one_a_cue(make_case):
    found = layers(make_case(Label.GENERATED).examination)
    assert [layer.title for layer in found] == ["face", "points of the face", "the network's map", "splotches"]
    assert [layer.shown for layer in found] == [True, False, False, True]
    assert [s.tag for s in found[-1].shapes] == ["a", "b"] and found[-1].heat.startswith("data:image/webp")
    two = layers(make_case(Label.REAL, Label.GENERATED).examination)
    assert [s.tag for s in two[-1].shapes] == ["1a", "1b", "2a", "2b"]


@pytest.mark.parametrize(
    "box", [(10, 10, 30, 20), (-50, -50, 5, 5), (310, 230, 400, 300), (0, 0, 320, 240), (100, 100, 100, 100)]
)
def test_crops_show_what_was_found(box, make_face, make_photo):
    photo, face = make_photo(320, 240), make_face()
    crop = crop_of(photo, Finding("Here.", tuple(map(float, box))), face, "#fff")
    assert crop is not None and max(crop.size) <= CROP and min(crop.size) > 20
    assert crop.uri.startswith("data:image/jpeg") and len(crop.shapes) == 1


@pytest.mark.parametrize("box", [(5000.0, 5000.0, 5100.0, 5100.0), (float("nan"), 0.0, 1.0, 1.0), None])
def test_what_has_no_place_has_no_crop(box, make_face, make_photo):
    assert crop_of(make_photo(), Finding("Nowhere.", box), make_face(), "#fff") is None


def test_a_map_of_nothing_is_no_map():
    assert heat_uri(np.zeros((5, 5), np.float32)) == ""


@pytest.mark.parametrize("llr", [0.0, 1.0, -8.0, float("nan")])
def test_the_scale_survives_odd_numbers(llr, make_verdict):
    found = gauge(make_verdict(llr=llr, llr_interval=(llr, llr)))
    assert all(0 <= found[name] <= 100 for name in ("low", "point", "ceiling"))
    assert "1" in [text for _, text in found["ticks"]]


@pytest.mark.parametrize("size", [(1, 1), (3000, 40), (40, 3000), (2400, 1800)])
def test_any_picture_has_a_page(size, make_case, make_photo, self_contained):
    case = make_case(Label.REAL)
    source = case.examination.photo.source
    photo = replace(make_photo(*size), source=source)
    self_contained(case_page(replace(case, examination=replace(case.examination, photo=photo))))
