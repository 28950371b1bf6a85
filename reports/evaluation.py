"""The evaluation as one self-contained HTML page: values of evaluation.json in, a string out; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .estimates import DASH, figure, percent, share
from .figure import Drawing
from .html import cleaned, environment
from .people import STUDIES
from .plots import all_drawings
from .plots_drift import correlations
from .wording import clean

SCHEMA = Path(__file__).with_name("evaluation.schema.json")
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


def page(
    content: Values, *, thumbnails: Mapping[str, str] | None = None, command: str = ""
) -> str:
    """The page; `thumbnails` are data URIs by file for the gallery, None leaves the gallery out."""
    made = environment()
    made.filters |= FILTERS
    made.globals |= {"labels": LABELS, "drawings": _drawings(content), "thumbnails": thumbnails or {}}
    template = made.get_template("evaluation.html.j2")
    return template.render(**_view(content), gallery=thumbnails is not None, command=clean(command))


def _drawings(content: Values) -> dict[str, Drawing]:
    return all_drawings(content)


def _view(content: Values) -> dict[str, Any]:
    """What the template needs beside the values: the headline comparison, sections, words."""
    shown = cleaned(content)
    by_name = {c["name"]: c for c in shown["comparisons"]}
    sections = [("discrimination", "Ranking"), ("verdicts", "Verdicts"), ("calibration", "Calibration")]
    sections += [("breakdown", "By kind"), ("wild", "Wild photographs"), ("robustness", "Robustness")]
    sections += [("cues", "Analyzers")] if shown["cues"] else []
    sections += [("people", "People and others"), ("mistakes", "Mistakes"), ("copies", "Copies"), ("method", "Method")]
    return {
        "e": shown,
        "d": shown["discrimination"],
        "head": by_name[shown["headline"]["name"]],
        "corpus": Path(shown["corpus"]).name or shown["corpus"],
        "notes": notes(shown),
        "sections": sections,
        "studies": STUDIES,
        "method": METHOD,
        "key_colours": KEY_COLOURS,
        "correlations": correlations(shown["curves"]["drift"]),
    }


def notes(content: Values) -> list[str]:
    """What must be known before the figures are read."""
    found = list(content["notes"])
    if content["split"] != "val":
        found.append("Pictures that the model was trained on may be among these; then the figures flatter it.")
    if content["pictures"]["unreadable"]:
        found.append(f"{content['pictures']['unreadable']} pictures could not be read; they are listed at the end.")
    return found


def _value(item: Values | float | None, digits: int = 3) -> str:
    return figure(item["value"] if isinstance(item, Mapping) else item, digits)


def _ends(item: Values | None, digits: int = 3, sign: str = "") -> str:
    if item is None or item.get("low") is None:
        return ""
    return f"[{item['low']:{sign}.{digits}f}, {item['high']:{sign}.{digits}f}]"


def _signed(item: Values | None) -> str:
    return DASH if item is None or item["value"] is None else f"{item['value']:+.3f}"


def kept(line: Values, limit: float) -> str:
    """Whether a loss of AUC keeps the target, in words; a dash where it was not measured."""
    if line["met"] is None:
        return DASH
    word = "met" if line["met"] else "missed"
    return word if line["certain"] else f"{word}, but the interval holds {limit:g}"


FILTERS = {
    "kept": kept,
    "figure": _value,
    "ends": _ends,
    "percent": percent,
    "share": share,
    "signed_figure": _signed,
    "signed_ends": lambda item: _ends(item, sign="+"),
}
