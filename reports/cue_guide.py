"""The field guide of the cues as markdown, from the registry's words and the calibration table's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .cue_list import CueEntry

INTRODUCTION = """\
# Cues: a field guide

What to look for in a portrait that may be generated, what each analyzer of whichface measures, what else looks the
same in a camera photograph, and how reliable the cue has been found to be. Written by `python benchmarks/cue_guide.py`
from the same source as `whichface cues`; figures: {figures}.

How to read the figures: the AUC says how often a generated face ranks above a photograph (0.5 is chance); the bracket
is its 95 % interval. **Calibrated** cues carry a likelihood ratio of their own, **illustrative** ones do not: they are
shown because people want to see them, and count for nothing. Cues overlap, so their ratios must not be multiplied; the
verdict comes from the model (see [architecture](architecture.md)). A cue that was not found is no sign of a photograph.

`detect --explain PICTURE` runs all of them, `detect --cue NAME PICTURE` one, `--overlay FILE` draws what was found.
Pictures on this page are synthetic: the fault is drawn, or painted into NASA's public-domain portrait of an astronaut,
by the code that tests the analyzer. Left the picture, right what the analyzer marks.
"""


def guide(entries: Sequence[CueEntry], facts: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """The page; `pictures` gives, by cue, the path of its picture relative to the page."""
    figures = f"{facts.get('data', 'none yet')}, {facts.get('date', '')}"
    return INTRODUCTION.format(figures=figures) + "".join(
        "\n" + "\n".join(_section(entry, pictures.get(entry.name))) + "\n" for entry in entries
    )


def _section(entry: CueEntry, picture: str | None) -> Iterator[str]:
    yield f"## {entry.title} (`{entry.name}`)"
    yield ""
    yield entry.meaning
    if picture:
        yield ""
        yield f"![{entry.title}: a synthetic example and what the analyzer marks]({picture})"
    yield ""
    yield f"- **Innocent explanations:** {'; '.join(entry.innocent)}."
    yield f"- **Needs:** {entry.needs}"
    yield f"- **Source:** {entry.source}"
    yield f"- **Standing:** {entry.standing()}."
    if entry.figures:
        yield ""
        yield "| measured on | AUC [95 %] | pictures | standing |"
        yield "|---|---|---|---|"
        for figure in entry.figures:
            low, high = figure.interval
            what = "calibrated" if figure.calibrated else "illustrative"
            yield f"| {figure.where} | {figure.auc:.2f} [{low:.2f}, {high:.2f}] | {figure.pictures} | {what} |"
        for name, text in entry.generators.items():
            yield _by_generator(name, text)


def _by_generator(name: str, text: str) -> str:
    """A row of the table from "AUC 0.61 [0.55, 0.66], 120 pictures"."""
    value, _, count = text.removeprefix("AUC ").rpartition(", ")
    return f"| {name} | {value} | {count.removesuffix(' pictures')} | |"
