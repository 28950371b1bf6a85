"""A case report rich enough to show every part of the page, a reader of pages, and a real browser with axe."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from whichface.forensics.records import (
    Abstention,
    Evidence,
    FaceExamination,
    Finding,
    Label,
    ProvenanceFact,
    Reliability,
)
from whichface.reports.case import Case, ModelFacts, StratumFacts
from whichface.reports.cue_list import CueEntry
from whichface.reports.pdf import PdfError, browser_flags, find_browser
from whichface.reports.robustness import Attempt, Robustness

HEADINGS = {"h1", "h2", "h3", "h4"}
VOID = {"meta", "link", "img", "br", "input", "hr"}
HOSTILE = '"><script>alert(1)</script>\x1b[31m\u202egpj.exe\u2066\x07[red]{{ 7 * 7 }}'
"""Markup, a terminal's escape sequence, a bell, bidi overrides, rich's markup and a template's braces."""
MEASURED = Reliability(0.71, (0.65, 0.77), 420)
CUES = (
    CueEntry(
        "splotches", "Water splotches", "Drops at the edge of the hair.", ("dust on the lens", "real water"),
        "A face 200 px wide.", "whichfaceisreal.com", False, (), {},
    ),
    CueEntry("spectrum", "Pattern in the pixels", "A trace.", ("a screen",), "A face.", "Here", True, (), {}),
    CueEntry("hair", "Hair", "Strands that float.", ("wind",), "A face.", "Here", False, (), {}),
)  # fmt: skip
MODEL = ModelFacts(
    "face-1", "StyleGAN family against photographs", "the data", "2026-11-25", "see LICENSE-WEIGHTS",
    {"network.onnx": "cd" * 32},
    (StratumFacts(160, 0.861, -1.378, 0.861, -0.745, 2904, 3579, 0.78), StratumFacts(256, 1.073, -1.475, 1.0, -0.8)),
)  # fmt: skip


def _evidence(photo: Any) -> tuple[Evidence, ...]:
    """Cues with outlines, boxes, a map, a part in the verdict, and nothing to show."""
    heat = np.zeros((photo.height, photo.width), np.float32)
    heat[40:120, 60:150] = 0.8
    ring = ((60.0, 40.0), (100.0, 36.0), (110.0, 70.0), (70.0, 80.0))
    drops = (Finding("A drop at the hair's edge.", outline=ring), Finding("Another.", (140.0, 60.0, 170.0, 90.0)))
    return (
        Evidence("spectrum", 0.4, 0.6, (), reliability=MEASURED, share=0.45, measures={"peak": 3.2}),
        Evidence("splotches", 2.1, None, drops, heatmap=heat, reliability=MEASURED, innocent=("dust on the lens",)),
        Evidence("hair", 0.1, None),
    )


@pytest.fixture
def make_case(make_examination, make_photo, make_face_examination) -> Callable[..., Case]:
    """A case with one face a label: make_case(Label.GENERATED, name=…, hostile=True, **fields)."""

    def make(*labels: Label, name: str = "portraits/anna.jpg", hostile: bool = False, **changes: Any) -> Case:
        text = HOSTILE if hostile else "Pentax K-70"
        photo = make_photo(320, 240)
        source = replace(photo.source, exif={"Model": text, "DateTime": "2024:05:01 10:00:00"}, text={text: text})
        source = replace(source, xmp=f"<x:xmpmeta>{text}</x:xmpmeta>", icc_profile=text, c2pa={"state": text})
        source = replace(source, thumbnail=np.full((40, 60, 3), 90, np.uint8))
        examination = make_examination(*labels, photo=replace(photo, source=source))
        faces = tuple(
            replace(
                face,
                evidence=(*face.evidence, *_evidence(photo)),
                abstentions=(*face.abstentions, Abstention("teeth", "The mouth is closed.")),
            )
            for face in examination.faces
        )
        facts = (ProvenanceFact("camera", f"EXIF names the camera {text}.", Label.REAL),)
        examination = replace(examination, faces=faces, provenance=facts, warnings=(f"Said by {text}.",))
        made = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
        command = f"detect '{name}' --html case.html"
        case = Case(examination, name, made, command, MODEL, CUES, _firmness(name, faces))
        return replace(case, **changes)

    return make


def _firmness(name: str, faces: tuple[FaceExamination, ...]) -> Robustness | None:
    if not faces:
        return None
    attempts = [
        Attempt("as stored", "as stored", "The file as it is", faces[0]),
        Attempt("JPEG 50", "JPEG", "Saved again as JPEG of quality 50", faces[0]),
        Attempt("512 px", "size", "Shrunk to 512 pixels", None, "the picture is not larger than this"),
    ]
    return Robustness(name, "ab" * 32, tuple(attempts))


class Reader(HTMLParser):
    """Collects tags, checks that they close, what they refer to, and the page's outline."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.refers: list[str] = []
        self.ids: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.seen: set[str] = set()
        self.handlers: list[str] = []
        self.outline: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.seen.add(tag)
        self.handlers += [name for name in found if name.startswith("on")]
        self.refers += [found[name] or "" for name in ("src", "href", "action", "srcset") if name in found]
        self.ids += [found["id"]] if "id" in found and "svg" not in self.open else []
        self.images += [found] if tag == "img" or found.get("role") == "img" else []
        if tag in HEADINGS:
            self.outline.append(f"{'  ' * (int(tag[1]) - 1)}{tag} ")
        elif tag in {"header", "nav", "main", "section", "article", "footer"} or (tag == "input" and "id" in found):
            depth = sum(t in {"main", "section", "article"} for t in self.open)
            name = f" #{found['id']}" if "id" in found else f" .{found['class']}" if "class" in found else ""
            self.outline.append(f"{'  ' * depth}<{tag}{name}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if HEADINGS & set(self.open):
            self.outline[-1] += data


def read_page(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture
def read() -> Callable[[str], Reader]:
    """Parses a page."""
    return read_page


@pytest.fixture
def self_contained() -> Callable[[str], None]:
    """Checks that a page asks for nothing, runs nothing, is well formed, and has a text for every picture."""

    def check(html: str) -> None:
        found = read_page(html)
        assert all(ref.startswith(("#", "data:image/")) for ref in found.refers)
        assert not found.seen & {"script", "link", "iframe", "object", "form", "base", "embed"} and not found.handlers
        assert "default-src 'none'" in html and "@import" not in html and "<!--" not in html
        assert not re.search(r"url\((?!#)", html) and not re.search(r"""(?:src|href)=["']?\s*(?:https?:)?//""", html)
        assert not found.wrong and not found.open
        assert len(found.ids) == len(set(found.ids))
        targets = {ref[1:] for ref in found.refers if ref.startswith("#")}
        assert not targets - set(re.findall(r' id="([^"]+)"', html))
        assert all(image.get("alt") or image.get("aria-label") for image in found.images)

    return check


@dataclass(frozen=True)
class Visit:
    """What a browser made of a page."""

    shot: np.ndarray
    """HxWx3 uint8 BGR, the page alone."""
    console: list[str]
    """Messages on the console."""
    report: dict[str, Any] = field(default_factory=dict)
    """What the probe said: axe's violations, widths, states."""


WRAPPER = """<!doctype html><title>wrapper</title><body style="margin:0"><pre id="report" hidden></pre>
<script>addEventListener("message", e => document.getElementById("report").textContent = e.data)</script>
<iframe src="page.html" style="border:0;width:{width}px;height:{height}px"></iframe></body>"""
PROBE = """<script>{axe}</script><script>addEventListener("load", async () => {{
const seen = axe.run(document, {{resultTypes: ["violations", "incomplete"]}});
const states = [...document.querySelectorAll(".viewer > label")].map(label => {{
  const layer = document.querySelector(".l" + label.htmlFor.split("-")[1]);
  const before = getComputedStyle(layer).visibility; label.click();
  const after = getComputedStyle(layer).visibility; label.click(); return [before, after]; }});
const found = (await seen).violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary));
const wide = document.documentElement.scrollWidth - innerWidth;
parent.postMessage(btoa(unescape(encodeURIComponent(JSON.stringify({{found, states, wide, width: innerWidth}})))), "*");
}})</script>"""


@dataclass(frozen=True)
class Browser:
    """An installed Chromium, headless."""

    path: str
    """Its command."""
    folder: Path
    """For pages and profiles."""

    def visit(self, html: str, *, width: int = 1200, height: int = 2400, dark: bool = False, axe: str = "") -> Visit:
        """Draw a page in a frame of this width, as a phone would; with `axe` its script, and a probe, run in it."""
        folder = self.folder
        if axe:
            html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
            html = html.replace("</body>", PROBE.format(axe=axe) + "</body>")
        (folder / "page.html").write_text(html, encoding="utf-8")
        (folder / "wrapper.html").write_text(WRAPPER.format(width=width, height=height), encoding="utf-8")
        flags = browser_flags(folder / "profile")
        flags += ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []
        flags += ["--hide-scrollbars", f"--window-size={max(width, 520)},{height}", "--enable-logging=stderr"]
        flags += ["--virtual-time-budget=30000", "--dump-dom", f"--screenshot={folder / 'page.png'}"]
        command = [self.path, *flags, (folder / "wrapper.html").as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        shot = cv2.imread(str(folder / "page.png"))
        assert shot is not None, done.stderr[-500:]
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        said = re.search(r'<pre id="report"[^>]*>([^<]*)</pre>', done.stdout)
        return Visit(shot[:, :width], console, _decoded(said[1] if said else ""))


def _decoded(text: str) -> dict[str, Any]:
    import base64

    content: dict[str, Any] = json.loads(base64.b64decode(text)) if text else {}
    return content


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """Chromium; the test is skipped where there is none."""
    try:
        return Browser(find_browser(), tmp_path)
    except PdfError:
        pytest.skip("no Chromium: the page is not drawn")


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script; the test is skipped where it is not installed (extra dev)."""
    spec = importlib.util.find_spec("axe_core_python")
    if spec is None or spec.origin is None:
        pytest.skip("axe-core-python is not installed: accessibility is not checked")
    return Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8")
