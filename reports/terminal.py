"""The report of one picture for a terminal: one panel, the verdict first, the small print last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from whichface.forensics.records import Examination, FaceExamination, Label

from . import content, wording
from .gauge import Gauge, gauge
from .plain import plain_text
from .wording import shown

HEADINGS = 12
"""Width of the column of headings."""

# Okabe and Ito's palette, told apart by the colour-blind; the symbol and the word say it again.
COLOURS = {Label.GENERATED: "#d55e00", Label.INCONCLUSIVE: "#e69f00", Label.REAL: "#56b4e9"}
SYMBOLS = {Label.GENERATED: "▲", Label.INCONCLUSIVE: "◆", Label.REAL: "●"}
ASCII_SYMBOLS = {Label.GENERATED: "!", Label.INCONCLUSIVE: "?", Label.REAL: "o"}


class ExaminationReport:
    """One picture as a rich renderable: a panel in a terminal, plain lines elsewhere."""

    def __init__(self, examination: Examination) -> None:
        self.examination = examination

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render for this console; never prints."""
        if not console.is_terminal:
            yield Text(plain_text(self.examination), end="", overflow="fold")
            return
        inner = options.max_width - 6
        yield Panel(
            Group(*self._body(inner, options.ascii_only)),
            title=Text(_short_name(self.examination), style="bold", overflow="ellipsis"),
            title_align="left",
            border_style=_style(wording.overall(self.examination)),
            padding=(1, 2),
        )

    def _body(self, width: int, ascii_only: bool) -> Iterator[RenderableType]:
        found = self.examination
        yield Text(_subtitle(found), style="dim")
        yield Text()
        if not found.faces:
            yield Text.assemble(("NO FACE", "bold reverse"), "  no verdict can be given")
            yield Text()
        for number, face in enumerate(found.faces, 1):
            yield from _heading(number, found)
            yield FaceBlock(face, width, ascii_only)
            yield Text()
        yield _sections(
            ("Check next", _numbered(wording.next_steps(found)), ""),
            ("Warnings", _bulleted([shown(text) for text in found.warnings]), "bold"),
        )
        if found.provenance:
            yield Text()
            yield Text("File metadata, not part of the verdict", style="bold")
            yield _bulleted(content.metadata(found))


class FaceBlock:
    """Verdict, why, how sure, limits and abstentions of one face."""

    def __init__(self, found: FaceExamination, width: int, ascii_only: bool = False) -> None:
        self.found = found
        self.width = width
        self.ascii_only = ascii_only

    def __rich__(self) -> RenderableType:
        """The block."""
        found = self.found
        return Group(
            self._banner(),
            Text(),
            Text(wording.sentence(found.verdict), style="bold"),
            Text(),
            _sections(
                ("Why", _bulleted(content.why(found)), ""),
                ("How sure", self._how_sure(), ""),
                ("Limits", _bulleted(content.limits(found)), ""),
                ("Skipped", _bulleted(content.skipped(found)), "dim"),
            ),
        )

    def _banner(self) -> Text:
        label = self.found.verdict.label
        symbol = (ASCII_SYMBOLS if self.ascii_only else SYMBOLS)[label]
        badge = Text(f" {symbol} {label.upper()} ", style=f"bold {COLOURS[label]} reverse")
        return Text.assemble(badge, "  ", (wording.headline(self.found.verdict), "bold"))

    def _how_sure(self) -> RenderableType:
        lines = [Text(text) for text in content.how_sure(self.found)]
        drawn = gauge(self.found.verdict, self.width - HEADINGS, ascii_only=self.ascii_only)
        if drawn is None:
            return Group(*lines)
        return Group(_coloured(drawn, COLOURS[self.found.verdict.label]), Text(), *lines)


def _coloured(drawn: Gauge, colour: str) -> Text:
    axis = Text(drawn.axis, style="dim")
    axis.stylize(f"not dim bold {colour}", *drawn.marked)
    text = Text("\n").join([Text(drawn.labels), axis, Text(drawn.sides, style="dim")])
    text.no_wrap = True
    return text


def _heading(number: int, examination: Examination) -> Iterator[RenderableType]:
    count = len(examination.faces)
    if count == 1:
        return
    where = wording.place(examination.faces[number - 1].face.box)
    yield Rule(Text(f"Face {number} of {count}: {where}"), align="left", style="dim")
    yield Text()


def _sections(*sections: tuple[str, RenderableType | None, str]) -> Table:
    """Headings on the left, texts on the right; empty sections are left out."""
    table = Table.grid()
    table.add_column(width=HEADINGS, no_wrap=True)
    table.add_column(ratio=1)
    for heading, body, style in sections:
        if body is None:
            continue
        if table.row_count:
            table.add_row()
        table.add_row(Text(heading, style=style or "bold"), body, style=style)
    return table


def _bulleted(texts: Sequence[str]) -> Table | None:
    return _listed([("-", text) for text in texts])


def _numbered(texts: Sequence[str]) -> Table | None:
    return _listed([(f"{number}.", text) for number, text in enumerate(texts, 1)])


def _listed(items: Sequence[tuple[str, str]]) -> Table | None:
    if not items:
        return None
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for mark, text in items:
        table.add_row(Text(mark), Text(text))
    return table


def _style(label: Label | None) -> str:
    return "dim" if label is None else COLOURS[label]


def _subtitle(examination: Examination) -> str:
    """Size, format and hash; the path before them where the title does not show it whole."""
    path, facts = wording.name_of(examination), content.facts(examination)
    return facts if path in {_short_name(examination), "-"} else f"{path}\n{facts}"


def _short_name(examination: Examination) -> str:
    path = examination.photo.path
    if path is None or str(path) == "-":
        return "standard input"
    return shown(path.name, 60)
