"""The page: self-contained, escaped, complete; drawn in a browser where there is one."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from whichface.reports.evaluation import page
from whichface.reports.html import thumbnail_uri

VOID = {"meta", "link", "img", "br", "input", "hr"}
HOSTILE = 'x"><script>alert(1)</script>\x1b[31m.jpg'


class Reader(HTMLParser):
    """Collects tags, checks that they close, and what they refer to."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.refers, self.ids, self.images, self.seen = [], [], [], [], [], set()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.seen.add(tag)
        self.refers += [found[name] for name in ("src", "href", "action", "srcset") if name in found]
        self.ids += [found["id"]] if "id" in found and "svg" not in self.open else []
        self.images += [found] if tag == "img" or found.get("role") == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture(scope="module")
def thumbnails(evaluation_content):
    uri = thumbnail_uri(np.full((40, 60, 3), 120, np.uint8))
    return {m["file"]: uri for side in evaluation_content["mistakes"].values() for m in side}


@pytest.fixture(scope="module")
def html(evaluation_content, thumbnails):
    return page(evaluation_content, thumbnails=thumbnails, command="whichface evaluate corpus -o out")


def test_the_page_asks_for_nothing(html):
    found = read(html)
    assert all(ref.startswith(("#", "data:image/")) for ref in found.refers)
    assert not found.seen & {"script", "link", "iframe", "object", "form"}
    assert "default-src 'none'" in html and "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_the_page_is_well_formed(html):
    found = read(html)
    assert not found.wrong and not found.open
    assert len(found.ids) == len(set(found.ids))
    assert {ref[1:] for ref in found.refers if ref.startswith("#")} - set(re.findall(r' id="([^"]+)"', html)) == set()


def test_every_image_has_a_text(html):
    images = read(html).images
    assert len(images) > 10
    assert all(image.get("alt") or image.get("aria-label") for image in images)


def test_both_kinds_of_ece_are_spelled_out(html):
    assert "Expected calibration error" in html and "Empirical cross-entropy" in html


def test_the_page_shows_what_was_measured(html, evaluation_content):
    head = evaluation_content["comparisons"][-1]
    assert f"{head['auc']['value']:.3f}" in html and f"[{head['auc']['low']:.3f}, {head['auc']['high']:.3f}]" in html
    for text in ("Nightingale", "JPEG 50", "stylegan2", "DeLong", "hair", "whichface evaluate corpus -o out"):
        assert text in html
    assert "This page shows pictures of the corpus" in html


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
    lean |= {"comparisons": [nothing], "split": "all", "mistakes": {"reals": [], "fakes": []}}
    html = page(lean, thumbnails={})
    assert "Not measured" in html and "No other detector" in html and "trained on may be among these" in html
    assert "None lies on the wrong side" in html and ">Analyzers<" not in html


def test_a_thumbnail_is_a_small_jpeg():
    uri = thumbnail_uri(np.full((900, 600, 3), (200, 30, 40), np.uint8))
    head, data = uri.split(",", 1)
    assert head == "data:image/jpeg;base64"
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (240, 160, 3) and picture[0, 0, 2] > 180
    assert thumbnail_uri(np.zeros((1, 1, 3), np.uint8)).startswith("data:")


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), "")


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium: the page is not drawn")
@pytest.mark.parametrize(("name", "width", "paper"), [("light", 1200, 255), ("dark", 1200, 0x17), ("narrow", 500, 255)])
def test_a_browser_draws_it(html, tmp_path, name, width, paper):
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if name == "dark" else []
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *dark]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},2400"]
    command += [f"--screenshot={tmp_path / 'page.png'}", (tmp_path / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    shot = cv2.imread(str(tmp_path / "page.png"))
    assert shot is not None, done.stderr[-500:]
    assert shot.shape[1] == width and abs(int(shot[2, 2, 1]) - paper) <= 4
    # Nothing runs over the right edge, and every screen's height of the page has something on it.
    assert np.ptp(shot[:, -3:].astype(int), axis=(1, 2)).max() <= 60
    assert all(np.ptp(part.astype(int)) > 100 for part in np.array_split(shot, 6))
