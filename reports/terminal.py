"""The examination on one terminal screen: rich renderables that print nothing themselves.

Every string that came with a picture is put into `Text` after `clean`, so that neither rich markup nor
escape sequences in a file name or in metadata have an effect.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from whichface.forensics.records import Examination, FaceExamination, Label, Verdict

from .cues import CueLine, cue_lines, silent_cues
from .plain import FINDINGS, abstentions_of, facts_of, findings_of, limits_of, picture_name, plain
from .wording import (
    CHECKS,
    SYMBOLS,
    ceiling_sentence,
    clean,
    gravest,
    headline,
    interval_sentence,
    number_words,
    place,
    probability_sentence,
    unjudged,
    verdict_sentence,
)

# Orange, no colour and blue stay apart for every kind of colour vision; symbol and word carry the meaning.
STYLES = {Label.GENERATED: "dark_orange", Label.INCONCLUSIVE: "default", Label.REAL: "dodger_blue1"}
WIDEST = 100


@dataclass(frozen=True, slots=True)
class ExaminationReport:
    """One picture: a panel in a terminal, plain lines in a pipe."""

    examination: Examination
    """What to show."""
    name: str | None = None
    """Name to show instead of the path."""
    findings: int | None = FINDINGS
    """Most findings a face; None: all."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not options.is_terminal:
            text = plain(self.examination, name=self.name, findings=self.findings).rstrip("\n")
            yield Text(text, no_wrap=True, overflow="ignore")
            return
        width = min(options.max_width, WIDEST)
        yield Panel(
            Group(*self._body()),
            title=_fitted(picture_name(self.examination, self.name), width - 8),
            subtitle=Text(_facts(self.examination), no_wrap=True, overflow="ellipsis"),
            title_align="left",
            subtitle_align="left",
            border_style=_style(self.examination),
            padding=(1, 2, 0, 2),
            width=width,
        )

    def _body(self) -> Iterator[RenderableType]:
        faces = self.examination.faces
        if not faces:
            yield Text.assemble((" – NO FACE ", "reverse bold"), ("  no verdict\n", "bold"))
        if len(faces) > 1:
            yield Text(f"{_tally(faces)}\n", style="bold")
        for number, face in enumerate(faces, 1):
            heading = (
                f"Face {number} of {len(faces)}, at {place(face.face.box)}"
                if len(faces) > 1
                else None
            )
            yield FaceBlock(face, heading, self.findings)
        label = gravest(tuple(f.verdict.label for f in faces))
        yield from _section("What to check next", CHECKS[label], numbered=True)
        yield from _section("Warnings", self.examination.warnings, mark="!")
        yield from _section("File metadata — not part of the verdict", facts_of(self.examination))


@dataclass(frozen=True, slots=True)
class FaceBlock:
    """Verdict, reasons and certainty of one face."""

    face: FaceExamination
    """What to show."""
    heading: str | None = None
    """Which face, when there are several."""
    findings: int | None = FINDINGS
    """Most findings; None: all."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        verdict = self.face.verdict
        if self.heading:
            yield Text(self.heading, style="bold underline")
        chip = f" {SYMBOLS[verdict.label]} {verdict.label.value.upper()} "
        yield Text.assemble(
            (chip, f"bold reverse {STYLES[verdict.label]}"), "  ", (headline(verdict), "bold")
        )
        yield Text(f"\n{verdict_sentence(verdict)}\n")
        yield from _section("Why", findings_of(self.face, self.findings))
        yield from self._cues()
        yield Text.assemble(
            ("How sure", "bold"), ("  (words of support: ENFSI scale, 2015)", "dim")
        )
        yield Padding(Gauge(verdict), (0, 0, 0, 2))
        yield from _items(self._certainty(), "•")
        yield Text("")
        if missing := abstentions_of(self.face):
            yield Text("Not looked for", style="dim")
            for line in missing:
                yield Text(f"  {line}", style="dim")
            yield Text("")

    def _cues(self) -> RenderResult:
        lines, silent = cue_lines(self.face, self.findings), silent_cues(self.face)
        if not lines and not silent:
            return
        yield Text.assemble(("Cues", "bold"), ("  (look for yourself; strongest first)", "dim"))
        for line in lines:
            yield from _cue(line)
        if silent:
            yield Text(f"  Nothing to show: {', '.join(silent)}", style="dim")
        yield Text("")

    def _certainty(self) -> Iterator[str]:
        verdict = self.face.verdict
        if not unjudged(verdict):
            yield f"{interval_sentence(verdict)} {ceiling_sentence(verdict)}"
        yield probability_sentence(verdict)
        yield from (f"Weakened by: {text}" for text in limits_of(self.face))


@dataclass(frozen=True, slots=True)
class Gauge:
    """The ratio and its interval on a scale from "camera photograph" to "generator"."""

    verdict: Verdict
    """Whose ratio."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, 65) // 2 * 2 - 1
        if width < 41:
            return
        left, right = "camera photograph", "StyleGAN-family generator"
        yield Text(f"{left}{right.rjust(width - len(left))}", style="dim", no_wrap=True)
        bar = gauge_bar(self.verdict, width)
        if options.ascii_only:
            bar = bar.translate(str.maketrans("─┼━●╎", "-+=O|"))
        yield Text(bar, no_wrap=True)
        yield Text(_ticks(reach(self.verdict), width), style="dim", no_wrap=True)


def reach(verdict: Verdict) -> int:
    """Decades that the gauge shows on each side, 2 to 6."""
    values = (verdict.llr, *verdict.llr_interval, verdict.llr_ceiling)
    largest = max((abs(v) for v in values if math.isfinite(v)), default=2.0)
    return min(6, max(2, math.ceil(largest)))


def gauge_bar(verdict: Verdict, width: int) -> str:
    """The bar: ┼ each power of ten, ━ interval, ● ratio, ╎ ceiling; `width` is odd."""
    span = reach(verdict)
    bar = ["─"] * width
    for power in range(-span, span + 1):
        bar[_column(power, span, width)] = "┼"
    low, high = (_column(v, span, width) for v in sorted(verdict.llr_interval))
    bar[low : high + 1] = "━" * (high - low + 1)
    bar[_column(math.copysign(verdict.llr_ceiling, verdict.llr), span, width)] = "╎"
    bar[_column(verdict.llr, span, width)] = "●"
    return "".join(bar)


def _column(llr: float, span: int, width: int) -> int:
    llr = llr if math.isfinite(llr) else 0.0
    return round((max(-span, min(span, llr)) + span) / (2 * span) * (width - 1))


def _ticks(span: int, width: int) -> str:
    """Numbers under the powers of ten; every second one where they would touch."""
    line = [" "] * width
    step = 1 if span <= 4 else 2
    for power in range(-span + span % step, span + 1, step):
        word = number_words(10.0 ** abs(power)).replace(" million", "M")
        start = _column(power, span, width) - len(word) // 2
        start = max(0, min(width - len(word), start))
        line[start : start + len(word)] = word
    return "".join(line)


def _section(
    title: str, lines: Iterable[str], *, numbered: bool = False, mark: str = "•"
) -> Iterator[RenderableType]:
    """A bold title over bulleted or numbered lines and an empty line; nothing when there are none."""
    found = tuple(lines)
    if found:
        yield Text(title, style="bold")
        yield from _items(found, None if numbered else mark)
        yield Text("")


def _items(lines: Iterable[str], mark: str | None) -> Iterator[RenderableType]:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column()
    for number, line in enumerate(lines, 1):
        grid.add_row(f"  {mark or f'{number}.'}", Text(clean(line)))
    yield grid


def _cue(line: CueLine) -> Iterator[RenderableType]:
    """One finding: what and where, then in a dim voice its standing and what else it may be."""
    yield from _items((f"{line.cue}: {line.text}",), "•")
    small = [line.standing, *([f"Innocent explanations: {line.innocent}."] if line.innocent else [])]
    yield Padding(Text(" ".join(small), style="dim"), (0, 0, 0, 4))


def _style(examination: Examination) -> str:
    label = gravest(tuple(f.verdict.label for f in examination.faces))
    return "default" if label is None else STYLES[label]


def _tally(faces: tuple[FaceExamination, ...]) -> str:
    counts = Counter(face.verdict.label for face in faces)
    parts = ", ".join(f"{counts[label]} {label.value}" for label in Label if counts[label])
    return f"{len(faces)} faces: {parts}"


def _facts(examination: Examination) -> str:
    """Size, format, start of the SHA-256 and versions, for the lower edge."""
    photo, versions = examination.photo, examination.versions
    parts = [
        f"{photo.width} × {photo.height} {photo.source.format}",
        f"SHA-256 {photo.sha256[:8]}…",
    ]
    parts += [f"{name} {versions[name]}" for name in ("whichface", "model") if name in versions]
    return clean(" · ".join(parts))


def _fitted(text: str, width: int) -> Text:
    """The text cut from the left to so many cells: the end of a path tells most."""
    line = Text(text, no_wrap=True)
    while line.cell_len > max(width, 1) and text:
        text = text[1:]
        line = Text(f"…{text}", no_wrap=True)
    return line
