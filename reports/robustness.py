"""How firm the verdict on one picture is: one line a condition, and a sentence that sums them up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from whichface.forensics.records import FaceExamination, Label

from .json import number
from .terminal import STYLES
from .wording import SYMBOLS, clean, ratio_phrase, side, strength, times, withheld

SCHEMA = Path(__file__).with_name("robustness.schema.json")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One condition, and what was said of the largest face under it."""

    condition: str
    """Short name."""
    family: str
    """Kind of change."""
    what: str
    """Plain words."""
    face: FaceExamination | None
    """None where nothing could be said."""
    note: str = ""
    """Why not."""


@dataclass(frozen=True, slots=True)
class Robustness:
    """All conditions of one picture; the file as it is comes first."""

    name: str
    """Path as typed."""
    sha256: str
    """Of the file."""
    attempts: tuple[Attempt, ...]
    """In the grid's order."""

    @property
    def stored(self) -> Attempt:
        """The file as it is."""
        return self.attempts[0]

    @property
    def tried(self) -> tuple[Attempt, ...]:
        """Changes under which a face was examined."""
        return tuple(a for a in self.attempts[1:] if a.face is not None)

    @property
    def held(self) -> tuple[Attempt, ...]:
        """Changes under which the label stayed."""
        label = self.label
        return tuple(a for a in self.tried if a.face is not None and a.face.verdict.label is label)

    @property
    def label(self) -> Label | None:
        """Label of the file as it is."""
        return None if self.stored.face is None else self.stored.face.verdict.label

    def sentences(self) -> tuple[str, ...]:
        """What the table comes to."""
        if self.label is None:
            return ("No face was found in the file as it is, so there is no verdict to hold.",)
        tried, held = len(self.tried), len(self.held)
        lost = sum(a.note == "no face was found" for a in self.attempts[1:])
        missing = f" No face was found in {lost} more." if lost else ""
        if not tried:
            return (f"The verdict is “{self.label.value}”; no change could be tried.{missing}",)
        first = f"The verdict “{self.label.value}” holds in {held} of {tried} conditions.{missing}"
        return (first, *self._turned(), self._range())

    def _turned(self) -> tuple[str, ...]:
        """What it becomes elsewhere; the opposite word is worse than doubt."""
        opposite = {Label.GENERATED: Label.REAL, Label.REAL: Label.GENERATED}.get(self.label or Label.INCONCLUSIVE)
        found = []
        for label in Label:
            names = [a.condition for a in self.tried if a.face is not None and a.face.verdict.label is label]
            if label is not self.label and names:
                end = " Do not rely on it." if label is opposite else ""
                found.append(f"It becomes “{label.value}” under: {'; '.join(names)}.{end}")
        return tuple(found)

    def _range(self) -> str:
        ratios = [a.face.verdict.llr for a in self.tried if a.face is not None and not _unjudged(a.face)]
        if not ratios:
            return "The face was too small to be judged in all of them."
        low, high = sorted((min(ratios), max(ratios)), key=abs)
        if low * high > 0 and strength(low) != "no support":
            return f"The ratio runs from about {times(low)} to about {times(high)}, for {side(low)}."
        return f"The ratio runs from {ratio_phrase(min(ratios))} to {ratio_phrase(max(ratios))}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON (schema: robustness.schema.json)."""
        return {
            "path": self.name,
            "sha256": self.sha256,
            "label": None if self.label is None else self.label.value,
            "tried": len(self.tried),
            "held": len(self.held),
            "summary": " ".join(self.sentences()),
            "conditions": [_to_dict(attempt) for attempt in self.attempts],
            "error": None,
        }

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(clean(self.name), style="bold", no_wrap=True, overflow="ignore")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("condition", "verdict", "log10", "likelihood ratio"):
            table.add_column(name, no_wrap=name != "likelihood ratio")
        for attempt in self.attempts:
            table.add_row(Text(attempt.condition), *_cells(attempt))
        yield table
        yield Text("")
        yield from (Text(clean(text)) for text in self.sentences())
        yield Text("")


def failure(name: str, message: str) -> dict[str, Any]:
    """The same object for a picture that could not be examined."""
    empty: dict[str, Any] = {"sha256": None, "label": None, "tried": 0, "held": 0, "summary": "", "conditions": []}
    return {"path": name, **empty, "error": message}


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one line."""
    content: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return content


def _cells(attempt: Attempt) -> Sequence[Text]:
    if attempt.face is None:
        return Text("–", style="dim"), Text(""), Text(attempt.note, style="dim")
    verdict = attempt.face.verdict
    word = Text(f"{SYMBOLS[verdict.label]} {verdict.label.value}", style=STYLES[verdict.label])
    if _unjudged(attempt.face):
        return word, Text(""), Text(clean(verdict.reasons[0] if verdict.reasons else "not judged"), style="dim")
    ratio = ratio_phrase(verdict.llr) + (", withheld" if withheld(verdict) else "")
    return word, Text(f"{verdict.llr:+.2f}"), Text(ratio)


def _unjudged(face: FaceExamination) -> bool:
    """True for a face that no expert could look at."""
    return face.verdict.label is Label.INCONCLUSIVE and face.verdict.llr == 0


def _to_dict(attempt: Attempt) -> dict[str, Any]:
    said = {"condition": attempt.condition, "family": attempt.family, "what": attempt.what}
    if attempt.face is None:
        return said | {"label": None, "llr": None, "interval": None, "side": None, "note": attempt.note, "reasons": []}
    verdict = attempt.face.verdict
    return said | {
        "label": verdict.label.value,
        "llr": number(verdict.llr),
        "interval": [number(end) for end in verdict.llr_interval],
        "side": number(attempt.face.face.quality.side),
        "note": attempt.note,
        "reasons": list(verdict.reasons),
    }



