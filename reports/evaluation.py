"""The evaluation as one self-contained HTML page: values of evaluation.json in, a string out; nothing is fetched."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from whichface.forensics.records import Pixels

from .estimates import DASH, figure, percent, share
from .figure import Drawing
from .people import STUDIES
from .plots import all_drawings
from .wording import clean

SCHEMA = Path(__file__).with_name("evaluation.schema.json")
TEMPLATES = Path(__file__).parent / "templates"
LABELS = ("generated", "inconclusive", "real", "no face")
KEY_COLOURS = {
    "generated": "var(--fake)",
    "inconclusive": "var(--line)",
    "real": "var(--real)",
    "no face": "repeating-linear-gradient(45deg, var(--line) 0 4px, var(--paper) 4px 8px)",
}
METHOD = (
    "Every picture is examined as detect does it, its largest face counts. Square brackets are 95 % intervals: "
    "bootstrap in which whole groups are drawn within their set, Wilson's for rates; they do not cover what a model "
    "trained on other pictures would do, nor pictures from sources that are not here. Ranking uses the ratio before "
    "the model's ceiling; a face that no expert could look at has a score of 0."
)
Values = Mapping[str, Any]


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of evaluation.json."""
    content: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return content


def thumbnail_uri(pixels: Pixels, side: int = 160) -> str:
    """The picture as a small JPEG in a data URI."""
    factor = min(1.0, side / min(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    options = [cv2.IMWRITE_JPEG_QUALITY, 80]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(small.astype(np.uint8), cv2.COLOR_RGB2BGR), options)
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def page(
    content: Values, *, thumbnails: Mapping[str, str] | None = None, command: str = ""
) -> str:
    """The page; `thumbnails` are data URIs by file for the gallery, None leaves the gallery out."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES, encoding="utf-8")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= FILTERS
    environment.globals |= {"labels": LABELS, "drawings": _drawings(content), "thumbnails": thumbnails or {}}
    template = environment.get_template("evaluation.html.j2")
    return template.render(**_view(content), gallery=thumbnails is not None, command=clean(command))


def _drawings(content: Values) -> dict[str, Drawing]:
    return all_drawings(content)


def _view(content: Values) -> dict[str, Any]:
    """What the template needs beside the values: the headline comparison, sections, words."""
    shown = _cleaned(content)
    by_name = {c["name"]: c for c in shown["comparisons"]}
    sections = [("discrimination", "Ranking"), ("verdicts", "Verdicts"), ("calibration", "Calibration")]
    sections += [("breakdown", "By kind"), ("robustness", "Robustness")]
    sections += [("cues", "Analyzers")] if shown["cues"] else []
    sections += [("people", "People and others"), ("mistakes", "Mistakes"), ("method", "Method")]
    return {
        "e": shown,
        "d": shown["discrimination"],
        "head": by_name[shown["headline"]["name"]],
        "corpus": Path(shown["corpus"]).name or shown["corpus"],
        "notes": notes(shown),
        "sections": sections,
        "studies": STUDIES,
        "method": METHOD,
        "css": (TEMPLATES / "evaluation.css").read_text(encoding="utf-8"),
        "key_colours": KEY_COLOURS,
    }


def notes(content: Values) -> list[str]:
    """What must be known before the figures are read."""
    found = list(content["notes"])
    if content["split"] != "val":
        found.append("Pictures that the model was trained on may be among these; then the figures flatter it.")
    if content["pictures"]["unreadable"]:
        found.append(f"{content['pictures']['unreadable']} pictures could not be read; they are listed at the end.")
    return found


def _cleaned(value: Any) -> Any:
    """The values with steering characters in names replaced."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list | tuple) else value


def _value(item: Values | float | None, digits: int = 3) -> str:
    return figure(item["value"] if isinstance(item, Mapping) else item, digits)


def _ends(item: Values | None, digits: int = 3, sign: str = "") -> str:
    if item is None or item.get("low") is None:
        return ""
    return f"[{item['low']:{sign}.{digits}f}, {item['high']:{sign}.{digits}f}]"


def _signed(item: Values | None) -> str:
    return DASH if item is None or item["value"] is None else f"{item['value']:+.3f}"


FILTERS = {
    "figure": _value,
    "ends": _ends,
    "percent": percent,
    "share": share,
    "signed_figure": _signed,
    "signed_ends": lambda item: _ends(item, sign="+"),
}
