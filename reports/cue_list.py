"""The analyzers as a list for people: their words from the registry, their figures from the calibration table.

The terminal's list and docs/cues.md are both written from these entries, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

STRATA_WORDS = {
    "full": "full-size faces (768 px and more)",
    "full-compressed": "full-size faces, JPEG quality up to 62, or visible blocks",
    "large": "large faces (384 to 768 px)",
    "large-compressed": "large faces, JPEG quality up to 62, or visible blocks",
    "small": "small faces",
    "small-compressed": "small faces, JPEG quality up to 62, or visible blocks",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """How reliable a cue was in one stratum."""

    where: str
    """Stratum in words."""
    auc: float
    """Area under the ROC curve."""
    interval: tuple[float, float]
    """95 % interval."""
    pictures: int
    """Pictures measured."""
    calibrated: bool
    """True when a likelihood ratio is given there."""

    def sentence(self) -> str:
        """AUC with interval, count and standing."""
        low, high = self.interval
        what = "calibrated" if self.calibrated else "illustrative"
        return f"{self.where}: AUC {self.auc:.2f} [{low:.2f}, {high:.2f}], {self.pictures} pictures, {what}"


@dataclass(frozen=True, slots=True)
class CueEntry:
    """One analyzer."""

    name: str
    """Name for --cue."""
    title: str
    """What people call it."""
    meaning: str
    """What to look at and why."""
    innocent: tuple[str, ...]
    """What else looks like it."""
    needs: str
    """What a picture must have."""
    source: str
    """Where it was described."""
    fused: bool
    """True when it counts towards the verdict."""
    figures: tuple[Figure, ...]
    """Measured reliability; empty when it was not measured."""
    generators: Mapping[str, str]
    """AUC with interval by generator, as text."""
    reason: str = ""
    """Why it gets no ratio whatever its AUC; else empty."""

    def standing(self) -> str:
        """One phrase: counted, calibrated, illustrative or beside the verdict."""
        if self.name == "provenance":
            return "beside the verdict, never part of it"
        if self.fused:
            return "counts towards the verdict where it has a likelihood ratio"
        if any(figure.calibrated for figure in self.figures):
            return "has a likelihood ratio of its own where it is above chance; not part of the verdict"
        return f"illustrative only: {self.reason}" if self.reason else "illustrative only"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"standing": self.standing()}


def words(cue: object) -> dict[str, Any]:
    """What a registered analyzer says of itself; reports know the records only, so any object with these fields."""
    names = ("name", "title", "meaning", "innocent", "needs", "source")
    return {name: getattr(cue, name) for name in names}


def cue_entries(
    words: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], fused: Collection[str]
) -> tuple[CueEntry, ...]:
    """Entries from the registry's words and the calibration table's content; `fused` count towards the verdict."""
    return tuple(_entry(item, facts["cues"].get(item["name"], {}), item["name"] in fused) for item in words)


def _entry(words: Mapping[str, Any], measured: Mapping[str, Any], fused: bool) -> CueEntry:
    figures = tuple(
        Figure(
            STRATA_WORDS.get(name, name),
            float(data["auc"]),
            (float(data["interval"][0]), float(data["interval"][1])),
            int(data["pictures"]),
            data.get("calibration") is not None,
        )
        for name, data in measured.get("strata", {}).items()
    )
    generators = {str(k): str(v) for k, v in measured.get("generators", {}).items()}
    reason = str(measured.get("never_calibrated", ""))
    return CueEntry(**words, fused=fused, figures=figures, generators=generators, reason=reason)


@dataclass(frozen=True, slots=True)
class CueList:
    """The list in a terminal or a pipe."""

    entries: tuple[CueEntry, ...]
    """What to show."""
    detailed: bool = False
    """Show needs, sources and figures by generator too."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for entry in self.entries:
            yield Text.assemble((entry.name, "bold"), f"  {entry.title}")
            for line in self._lines(entry):
                yield Padding(line, (0, 0, 0, 2))
            yield Text("")
        yield Text("AUC: how often a generated face ranks above a photograph; 0.5 is chance.", style="dim")

    def _lines(self, entry: CueEntry) -> Iterator[RenderableType]:
        yield Text(entry.meaning)
        yield Text(f"Innocent explanations: {'; '.join(entry.innocent)}.")
        yield Text(f"Standing: {entry.standing()}.")
        for figure in entry.figures:
            yield Text(f"• {figure.sentence()}")
        if self.detailed:
            yield Text(f"Needs: {entry.needs}")
            yield Text(f"Source: {entry.source}")
            for generator, figure_text in entry.generators.items():
                yield Text(f"• {generator}: {figure_text}")
