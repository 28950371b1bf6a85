"""What is written of a scan: tables, the summary, the page."""

from __future__ import annotations

import io
import shutil
import subprocess
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from rich.console import Console

from whichface.reports.scan_page import Sources, _address, page
from whichface.reports.scan_summary import ScanSummary
from whichface.reports.table import line_of, write_csv, write_jsonl

HOSTILE = "/in/<script>alert(1)</script>\x1b[31m\"'&.jpg"


def row(path="/in/a.jpg", llr=1.2, label="generated", **changes):
    values = {"path": path, "face": 1, "faces": 1, "label": label, "llr": llr, "low": 1.0, "high": 1.4, "ceiling": 1.5,
              "left": 10.0, "top": 20.0, "right": 60.0, "bottom": 80.0, "status": "examined", "error": None,
              "width": 100, "height": 100, "sha256": "ab" * 32, "twins": None}  # fmt: skip
    return values | changes


NONE = {"face": None, "faces": 0, "label": None, "llr": None, "low": None, "high": None, "left": None}
ROWS = [
    row(), row(HOSTILE, twins=3), row("/in/two.jpg", -1.1, "real", face=2, faces=2),
    row("/in/none.jpg", **NONE | {"status": "no face"}),
    row("/in/bad.jpg", **NONE | {"status": "failed", "error": "is <b>cut</b> off.", "sha256": None, "width": None}),
]  # fmt: skip
COUNTS = {
    "statuses": {"examined": 3, "no face": 1, "failed": 1}, "labels": {"generated": 2, "real": 1},
    "reasons": [("is <b>cut</b> off.", 1)], "twins": (1, 2), "model": "face-1", "generation": 2,
    "times": ("2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z", 5.0),
}  # fmt: skip


def test_lines():
    assert [line_of(item) for item in ROWS] == [
        "/in/a.jpg: GENERATED, log10 +1.20 [+1.00, +1.40]",
        "/in/<script>alert(1)</script>�[31m\"'&.jpg: GENERATED, log10 +1.20 [+1.00, +1.40]",
        "/in/two.jpg: REAL, log10 -1.10 [+1.00, +1.40], face 2 of 2",
        "/in/none.jpg: NO FACE, no verdict",
        "/in/bad.jpg: FAILED, is <b>cut</b> off.",
    ]


def test_tables():
    stream = io.StringIO()
    rows = [{"path": "=cmd()", "llr": 1.5}, {"path": 'a,"b"\nc', "llr": None}]
    assert write_csv(rows, ("path", "llr"), stream) == 2
    assert stream.getvalue() == "path,llr\n'=cmd(),1.5\n\"a,\"\"b\"\"\nc\",\n"
    stream = io.StringIO()
    assert write_jsonl(rows, stream) == 2
    assert stream.getvalue() == '{"path": "=cmd()", "llr": 1.5}\n{"path": "a,\\"b\\"\\nc", "llr": null}\n'
    assert write_csv([], ("path",), io.StringIO()) == 0


def summary():
    return ScanSummary("r.db", COUNTS, ROWS[:2], [["/in/a.jpg", *(f"/in/{n}.jpg" for n in range(5))]])


def test_the_summary_in_a_pipe():
    assert summary().plain() == (
        "r.db: 5 pictures, model face-1, generation 2\n"
        "  faces generated: 2\n  faces inconclusive: 0\n  faces real: 1\n"
        "  pictures without a face: 1\n  pictures that could not be examined: 1\n"
        "Strongest support for a generator\n"
        "  /in/a.jpg: GENERATED, log10 +1.20 [+1.00, +1.40], LR about 16 for a StyleGAN-family generator\n"
        "  /in/<script>alert(1)</script>�[31m\"'&.jpg: GENERATED, log10 +1.20 [+1.00, +1.40], "
        "LR about 16 for a StyleGAN-family generator\n"
        "The same picture more than once: 1 group, 2 pictures\n"
        "  /in/a.jpg = /in/0.jpg = /in/1.jpg = 3 more\n"
        "Could not be examined\n  1 × is <b>cut</b> off.\n"
        "A ratio is no proof: where generated faces are rare, most single flags are false alarms. "
        "Look at the picture, search for it, ask.\n"
    )


def test_the_summary_in_a_terminal():
    stream = io.StringIO()
    Console(file=stream, width=80, force_terminal=True, color_system=None).print(summary())
    assert "▲ faces generated" in stream.getvalue() and "\x1b[31m" not in stream.getvalue()


def sources(thumbnail=b"jpeg"):
    return Sources(lambda path: thumbnail, lambda path: [HOSTILE], lambda sha256: "cases/x.html")


@pytest.fixture
def html():
    return page("r.db", COUNTS, ROWS, sources(), count=9, version="0.1.0", command="whichface results r.db")


class Structure(HTMLParser):
    """Tags that are open at the end, and attributes that matter."""

    def __init__(self):
        super().__init__()
        self.open, self.cards, self.images, self.addresses = [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in {"meta", "img", "input", "br"}:
            self.open.append(tag)
        if tag == "li" and found.get("class"):
            self.cards.append(found["class"])
        if tag == "img":
            self.images.append(found)
        self.addresses += [found[name] for name in ("href", "src") if name in found]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_structure_of_the_page(html):
    found = Structure()
    found.feed(html)
    assert found.open == [] and found.cards == ["generated", "generated twin", "real", "none-found", "failed"]
    assert all(image["alt"].startswith("Preview of ") for image in found.images)
    starts = {address.partition(":")[0].partition("/")[0] for address in found.addresses}
    assert starts == {"data", "file", "cases"}  # nothing is fetched
    assert "The first 5 of 9 rows" in html and "face 2 of 2" in html and "left:10.0%" in html


def test_hostile_names_are_text(html):
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)" in html and "\x1b" not in html
    assert "<b>cut</b>" not in html


def test_an_empty_store_has_a_page():
    counts = COUNTS | {"statuses": dict.fromkeys(COUNTS["statuses"], 0), "labels": {}, "twins": (0, 0)}
    text = page("r.db", counts | {"times": (None, None, 0.0)}, [], sources(), count=0, version="0.1.0")
    assert "The store holds no pictures." in text


CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), "")


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium: the page is not drawn")
@pytest.mark.parametrize(("unticked", "shown"), [("", 5), ("show-generated", 3), ("show-failed", 4)])
def test_a_browser_draws_and_filters_it_without_complaint(tmp_path, unticked, shown):
    _, picture = cv2.imencode(".jpg", np.full((80, 80, 3), 120, np.uint8))
    text = page("r.db", COUNTS, ROWS, sources(picture.tobytes()), count=5, version="0.1.0")
    text = text.replace(f'id="{unticked}" checked', f'id="{unticked}"')
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=500,1600", "--dump-dom"]
    done = subprocess.run([*command, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=120)
    assert f">{shown} shown<" in done.stdout and 'id="find">' in done.stdout  # the script ran
    assert "CONSOLE" not in done.stderr


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, True)])
def test_accessible(width, dark, browser, axe):
    _, picture = cv2.imencode(".jpg", np.full((80, 80, 3), 120, np.uint8))
    text = page("r.db", COUNTS, ROWS, sources(picture.tobytes()), count=5, version="0.1.0")
    found = browser.visit(text, width=width, dark=dark, axe=axe)
    assert found.console == [] and found.report["found"] == [] and found.report["wide"] <= 0


def test_a_file_below_a_folder_that_ends_in_an_exclamation_mark_has_its_address(tmp_path):
    (tmp_path / "wow!").mkdir()
    (tmp_path / "wow!" / "a.png").write_bytes(b"x")
    assert _address(f"{tmp_path}/wow!/a.png").endswith("/a.png")
    assert _address(f"{tmp_path}/faces.zip!/a.png") == ""
