"""Score against size and quality of the face: photographs alone, fakes alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .estimates import signed
from .figure import FAKE, INK, MUTED, REAL, Drawing, canvas, drawing

Values = Mapping[str, Any]
CLASSES = (("reals", False, REAL, "o", "photographs"), ("fakes", True, FAKE, "x", "fakes"))
MEASURES = (("side", "side of the face in pixels"), ("resolution", "effective resolution of the face"))
TICKS = (50, 100, 200, 400, 800, 1600)


def drift(content: Values) -> Drawing:
    """One panel a class and measure: points, and the median with quartiles over parts of equal count."""
    with canvas(7.6, 5.8, nrows=2, ncols=2, sharex="col", sharey=True) as (figure, axes):
        for row, (name, fake, colour, marker, word) in zip(axes, CLASSES, strict=True):
            for panel, (measure, label) in zip(row, MEASURES, strict=True):
                kept = _of_class(content["points"], measure, fake)
                panel.scatter(*kept, s=12, c=colour, marker=marker, alpha=0.35, linewidths=1)
                _trend(panel, content["trend"][name][measure])
                panel.axhline(0, color=MUTED, lw=1, ls=":")
                panel.set(ylabel=f"{word}: log10 ratio" if measure == "side" else "")
                panel.set(xlabel=label if fake else "")
        _size_axis(axes[0, 0], content["points"]["side"])
        alt = "Scores against the size and the effective resolution of the face, for photographs alone and fakes alone."
        caption = (
            "All pictures in scope; the line is the median over parts of equal count, the band its quartiles. Within "
            "one class the score should neither rise nor fall. Size and source go together across sets; the table "
            "below tells them apart."
        )
        return drawing(figure, "drift", "Does the score follow size or quality?", alt, caption)


def _trend(panel: Any, parts: list[Values]) -> None:
    if parts:
        at = [part["at"] for part in parts]
        panel.fill_between(at, [p["low"] for p in parts], [p["high"] for p in parts], color=INK, alpha=0.12, lw=0)
        panel.plot(at, [p["median"] for p in parts], color=INK, marker=".", lw=1.8)


def _size_axis(panel: Any, sides: list[float | None]) -> None:
    known = [side for side in sides if side]
    panel.set(xscale="log")
    if known:
        low, high = min(known) * 0.85, max(known) * 1.18
        ticks = [tick for tick in TICKS if low < tick < high]
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.set_xlim(low, high)
    panel.minorticks_off()


def _of_class(points: Values, measure: str, fake: bool) -> tuple[list[float], list[float]]:
    """Measure and score of one class, where both are known."""
    triples = zip(points[measure], points["score"], points["fake"], strict=True)
    kept = [(value, score) for value, score, label in triples if label is fake and value and score is not None]
    return [value for value, _ in kept], [score for _, score in kept]


def correlations(content: Values) -> list[tuple[str, str, str, str]]:
    """Rows of words: class, measure, correlation over all pictures, correlation within the sets."""
    rows = []
    for name, _, _, _, word in CLASSES:
        for measure, label in MEASURES:
            over, within = (signed(content[key][name][measure], 2) for key in ("correlation", "within_sets"))
            rows.append((word, label, over, within))
    return rows
