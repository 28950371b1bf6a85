"""The evaluation on one terminal screen: the figures that decide, and where the rest is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from .estimates import estimate, figure, percent, share, short_share, signed
from .evaluation import kept, notes
from .html import cleaned
from .wording import clean

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """What a run of `whichface evaluate` found."""

    content: Values
    """As evaluation.json has it."""
    files: Sequence[str] = ()
    """What was written."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        e = cleaned(self.content)
        pictures = e["pictures"]
        split = "" if e["split"] == "all" else f", split {e['split']}"
        yield Text(
            f"{e['model']['id']} on {clean(e['corpus'])}{split}: {pictures['reals']} photographs, "
            f"{pictures['fakes']} generated faces, {pictures['sets']} set{'' if pictures['sets'] == 1 else 's'}",
            style="bold",
        )
        yield from (Text(f"  ! {note}", style="dim") for note in notes(e))
        yield Text("")
        yield ranking(e["comparisons"])
        yield Text("")
        yield verdicts(e["outcomes"])
        yield Text("")
        yield from (Text(line) for line in self._lines())
        if len(e["grid"]) > 1:
            yield Text("")
            yield robustness(e["grid"])
        if e["target"]:
            yield Text("")
            yield target(e["target"])
        if e["wild"]["lines"]:
            yield Text("")
            yield wild(e["wild"]["lines"])
        yield from self._peers()
        if self.files:
            yield Text("")
            yield from (Text(f"written: {clean(name)}", no_wrap=True, overflow="ignore") for name in self.files)

    def _lines(self) -> Iterator[str]:
        c, d, s = (self.content[key] for key in ("calibration", "discrimination", "speed"))
        yield f"Detected at 1 % false alarms: {estimate(d['tpr_at_1_percent'])}; equal error rate " + estimate(
            d["equal_error_rate"]
        )
        yield f"Cllr {estimate(c['cllr'])}, at best {figure(c['cllr_min']['value'])}; expected calibration error " + (
            estimate(c["expected_calibration_error"])
        )
        yield f"CPU time a picture: median {s['median']} s, nine in ten below {s['p90']} s"

    def _peers(self) -> Iterator[RenderableType]:
        for peer in self.content["peers"]:
            yield Text(
                f"Beside {clean(peer['name'])}: {estimate(peer['ours'])} against {estimate(peer['theirs'])}, "
                f"difference {signed(peer['delong'])}, p = {peer['delong']['p']:.2g} (DeLong)"
            )


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def ranking(comparisons: Sequence[Values]) -> Table:
    """AUC beside the content floor."""
    table = _table("ranking (AUC)", "reals, fakes", "model", "thumbnail", "gain", "like thumbnails")
    for c in comparisons:
        cells = [clean(c["name"]), f"{c['reals']}, {c['fakes']}", estimate(c["auc"])]
        cells += [estimate(c["baselines"]["thumbnail"]), signed(c["gain"]), estimate(c["content_controlled"])]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def verdicts(outcomes: Values) -> Table:
    """What both classes were called."""
    table = _table("at the shipped threshold", "generated", "real", "inconclusive", "no face")
    for kind, word in (("reals", "photographs"), ("fakes", "generated faces")):
        found = outcomes[kind]
        rest = [found[name] for name in ("real", "inconclusive", "no face")]
        table.add_row(word, Text(share(found["generated"])), *(percent(r["value"]) if r else "–" for r in rest))
    return table


def robustness(grid: Sequence[Values]) -> Table:
    """One line a condition, detections and false alarms apart."""
    table = _table("condition", "AUC", "false alarms", "detected", "label changed")
    for line in grid:
        found = line["outcomes"]
        cells = [line["condition"], estimate(line["auc"], 2), short_share(found["reals"]["generated"])]
        cells += [short_share(found["fakes"]["generated"]), short_share(line["label_changed"])]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def target(content: Values) -> Table:
    """The loss of AUC under the condition of the target, a line a comparison."""
    verdict = f"target: at most {content['limit']:g}"
    table = _table(f"AUC lost to {content['condition']}", "reals, fakes", "as stored", "then", "loss", verdict)
    for line in content["lines"]:
        cells = [clean(line["name"]), f"{line['reals']}, {line['fakes']}", estimate(line["stored"])]
        cells += [estimate(line["under"]), signed(line["loss"]), kept(line, content["limit"])]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def wild(lines: Sequence[Values]) -> Table:
    """Fakes against wild photographs by side of the face, with what size and sharpness alone tell."""
    alone = ("size alone", "sharpness alone", "not judged")
    table = _table("wild photographs, face", "pictures", "reals, fakes", "AUC", *alone)
    for line in lines:
        beside = [estimate(line["baselines"][name], 2) for name in ("face size", "effective resolution")]
        cells = [line["name"], line["pictures"], f"{line['reals']}, {line['fakes']}", estimate(line["auc"], 2), *beside]
        cells.append(str(line["unjudged"]))
        table.add_row(*(Text(cell) for cell in cells))
    return table
