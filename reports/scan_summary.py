"""What a scan found, on one screen: counts, the strongest findings, pictures that are there twice, failures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from whichface.forensics.records import Label

from .table import line_of
from .terminal import STYLES
from .wording import SYMBOLS, clean, ratio_phrase

STRONGEST = 10
"""Rows shown."""
GROUPS = 5
"""Groups of twins shown, and reasons of failures."""
CAUTION = (
    "A ratio is no proof: where generated faces are rare, most single flags are false alarms. "
    "Look at the picture, search for it, ask."
)


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """The summary of a store: colours in a terminal, plain lines in a pipe."""

    name: str
    """Of the store."""
    counts: Mapping[str, Any]
    """As `Results.summary` has them."""
    strongest: Sequence[Mapping[str, Any]] = ()
    """Rows with the highest ratios, strongest first."""
    twins: Sequence[Sequence[str]] = ()
    """Groups of paths."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.title(), style="bold")
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(justify="right")
        for mark, words, count, style in self._counts():
            table.add_row(Text(f"  {mark} {words}", style=style), Text(f"{count:,}", style=style))
        yield table
        for title, lines in self.sections():
            yield Text(title, style="bold")
            for line in lines:
                yield Text(f"  {line}", no_wrap=not options.is_terminal, overflow="fold")
        yield Text(CAUTION, style="dim")

    def title(self) -> str:
        """Name, number of pictures, model."""
        total = sum(self.counts["statuses"].values())
        model = clean(str(self.counts["model"]))
        return f"{clean(self.name)}: {_number(total, 'picture')}, model {model}, generation {self.counts['generation']}"

    def _counts(self) -> Iterator[tuple[str, str, int, str]]:
        for label in Label:
            yield SYMBOLS[label], f"faces {label.value}", self.counts["labels"].get(label.value, 0), STYLES[label]
        yield "–", "pictures without a face", self.counts["statuses"]["no face"], "default"
        yield "!", "pictures that could not be examined", self.counts["statuses"]["failed"], "default"

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """Titles with their lines; none that is empty."""
        if self.strongest:
            rows = [f"{line_of(row)}, LR {ratio_phrase(row['llr'])}" for row in self.strongest]
            yield "Strongest support for a generator", rows
        groups, pictures = self.counts["twins"]
        if groups:
            lines = [" = ".join(map(clean, _shortened(group))) for group in self.twins]
            lines += [f"({_number(groups - len(lines), 'more group')})"] if groups > len(lines) else []
            title = f"The same picture more than once: {_number(groups, 'group')}, {_number(pictures, 'picture')}"
            yield title, lines
        if self.counts["reasons"]:
            reasons = [f"{count:,} × {clean(reason)}" for reason, count in self.counts["reasons"][:GROUPS]]
            yield "Could not be examined", reasons

    def plain(self) -> str:
        """The same as plain lines."""
        lines = [self.title(), *(f"  {words}: {count}" for _, words, count, _ in self._counts())]
        for title, rows in self.sections():
            lines += [title, *(f"  {row}" for row in rows)]
        return "\n".join([*lines, CAUTION]) + "\n"


def _shortened(group: Sequence[str]) -> Iterable[str]:
    return group if len(group) <= 4 else [*group[:3], f"{len(group) - 3} more"]


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
