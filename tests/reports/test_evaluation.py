"""The page: self-contained, escaped, complete (test_pages.py draws it in a browser)."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from whichface.reports.evaluation import kept, page
from whichface.reports.html import thumbnail_uri

NONE_OF_A_KIND = {"pairs": 0, "measured": 0, "examples": []}
NO_COPIES = {"bits": 30, "pictures": 9, "compared": 9, "pairs": 0}
NO_COPIES |= dict.fromkeys(("across_splits", "across_classes", "across_groups"), NONE_OF_A_KIND)
HOSTILE = 'x"><script>alert(1)</script>\x1b[31m.jpg'


@pytest.fixture(scope="module")
def thumbnails(evaluation_content):
    uri = thumbnail_uri(np.full((40, 60, 3), 120, np.uint8))
    return {m["file"]: uri for side in evaluation_content["mistakes"].values() for m in side}


@pytest.fixture(scope="module")
def html(evaluation_content, thumbnails):
    return page(evaluation_content, thumbnails=thumbnails, command="whichface evaluate corpus -o out")


def test_the_page_is_whole_and_asks_for_nothing(html, self_contained, read):
    self_contained(html)
    assert len(read(html).images) > 10


def test_both_kinds_of_ece_are_spelled_out(html):
    assert "Expected calibration error" in html and "Empirical cross-entropy" in html


def test_the_page_shows_what_was_measured(html, evaluation_content):
    head = evaluation_content["comparisons"][-1]
    assert f"{head['auc']['value']:.3f}" in html and f"[{head['auc']['low']:.3f}, {head['auc']['high']:.3f}]" in html
    for text in ("Nightingale", "JPEG 50", "stylegan2", "DeLong", "hair", "whichface evaluate corpus -o out"):
        assert text in html
    assert "This page shows pictures of the corpus" in html


def test_the_target_is_said_with_its_loss_and_interval(html, evaluation_content):
    line = evaluation_content["target"]["lines"][0]
    assert "AUC lost from as stored to 256 px, JPEG 50, at most 0.08" in html
    assert f"{line['loss']['value']:+.3f}" in html and f"[{line['loss']['low']:+.3f}, " in html
    values = {"met": True, "certain": False}
    assert kept(values, 0.08) == "met, but the interval holds 0.08"
    assert kept({"met": False, "certain": True}, 0.08) == "missed" and kept({"met": None}, 0.08) == "–"


def test_wild_photographs_drift_and_copies_are_on_the_page(html):
    for text in ("Against wild photographs", "here: two.", "64 to 128 px", "size alone", "Rank correlation of",
                 "within the sets", "effective resolution of the face", "498 of 500 pictures", "train/real/twin.jpg",
                 "By size of the picture", "By effective resolution", "alignment"):  # fmt: skip
        assert text in html


def test_failures_and_names_are_escaped(html, evaluation_content):
    assert "is &lt;b&gt;cut off&lt;/b&gt;." in html
    peers = [{**evaluation_content["peers"][0], "name": HOSTILE}]
    hostile = page({**evaluation_content, "peers": peers, "corpus": f"photos/{HOSTILE}"})
    assert "<script>" not in hostile and "\x1b" not in hostile and "&lt;script&gt;" in hostile


def test_without_a_gallery_no_picture_is_shown(evaluation_content):
    html = page(evaluation_content)
    assert "data:image" not in html and "The pictures were left out" in html


def test_a_lean_evaluation_has_a_page(evaluation_content):
    head = evaluation_content["comparisons"][-1]
    nothing = {**head, "gain": None, "content_controlled": None, "baselines": dict.fromkeys(head["baselines"])}
    lean = {**evaluation_content, "grid": evaluation_content["grid"][:1], "cues": None, "peers": [], "failures": []}
    lean |= {"target": None, "wild": {"sets": [], "lines": []}, "duplicates": NO_COPIES}
    lean |= {"comparisons": [nothing], "split": "all", "mistakes": {"reals": [], "fakes": []}}
    html = page(lean, thumbnails={})
    assert "AUC lost" not in html and "No set of photographs here is wild" in html
    assert "Not measured" in html and "No other detector" in html and "trained on may be among these" in html
    assert "None lies on the wrong side" in html and ">Analyzers<" not in html


def test_a_thumbnail_is_a_small_jpeg():
    uri = thumbnail_uri(np.full((900, 600, 3), (200, 30, 40), np.uint8))
    head, data = uri.split(",", 1)
    assert head == "data:image/jpeg;base64"
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (240, 160, 3) and picture[0, 0, 2] > 180
    assert thumbnail_uri(np.zeros((1, 1, 3), np.uint8)).startswith("data:")
