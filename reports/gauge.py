"""The likelihood ratio on a scale of characters: camera on the left, generator on the right."""

from __future__ import annotations

import math
from dataclasses import dataclass

from whichface.forensics.records import Verdict

LEFT = "camera photograph"
RIGHT = "StyleGAN-family generator"
_LEAST_STEP = 3
_LABELLED_STEP = 6
_MOST_STEP = 9
_LEAST_RANGE = 2
_MOST_RANGE = 6


@dataclass(frozen=True, slots=True)
class Gauge:
    """Three lines of equal length, and where the coloured part of the middle one lies."""

    labels: str
    """The ratio at each power of ten."""
    axis: str
    """Ticks, the interval and the estimate."""
    sides: str
    """What left and right mean."""
    marked: tuple[int, int]
    """Start and end of interval and estimate in `axis`."""


def gauge(verdict: Verdict, width: int, *, ascii_only: bool = False) -> Gauge | None:
    """The gauge of a verdict in at most `width` characters; None where it does not fit."""
    values = (verdict.llr, *verdict.llr_interval)
    most = max(_LEAST_RANGE, math.ceil(max(abs(value) for value in values) - 1e-6))
    most = min(most, _MOST_RANGE)
    step = min(_MOST_STEP, (width - 7) // (2 * most))
    if step < _LEAST_STEP:
        return None
    low, point, high = (_column(v, most, step) for v in sorted(values))
    point = _column(verdict.llr, most, step)
    return Gauge(
        labels=_labels(most, step),
        axis=_axis(most, step, (low, point, high), ascii_only),
        sides=_sides(most, step, ascii_only),
        marked=(min(low, point) + 3, max(high, point) + 4),
    )


def _column(llr: float, most: int, step: int) -> int:
    return round((min(max(llr, -most), most) + most) * step)


def _axis(most: int, step: int, marks: tuple[int, int, int], ascii_only: bool) -> str:
    line, tick, middle, bar, dot = "-+|=O" if ascii_only else "─┴┼━●"
    cells = [line] * (2 * most * step + 1)
    cells[::step] = [tick] * (2 * most + 1)
    cells[most * step] = middle
    low, point, high = marks
    cells[low : high + 1] = [bar] * (high + 1 - low)
    cells[point] = dot
    return f"   {''.join(cells)}   "


def _labels(most: int, step: int) -> str:
    cells = [" "] * (2 * most * step + 7)
    every = 1 if step >= _LABELLED_STEP else most
    for power in range(-most, most + 1, every):
        text = f"{10 ** abs(power):,}" if abs(power) < 4 else f"10^{abs(power)}"
        start = (power + most) * step + 3 - len(text) // 2
        cells[start : start + len(text)] = text
    return "".join(cells)


def _sides(most: int, step: int, ascii_only: bool) -> str:
    left, right = ("<- ", " ->") if ascii_only else ("← ", " →")
    total = 2 * most * step + 7
    first, last = left + LEFT, RIGHT + right
    if len(first) + len(last) + 2 > total:
        first, last = left + "camera", "generator" + right
    return first + last.rjust(total - len(first))
