"""Dot plots with one line a condition or a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .figure import FAKE, GRID, INK, MUTED, REAL, THIRD, Drawing, canvas, drawing

Values = Mapping[str, Any]


def _dots(axes: Any, lines: Sequence[Values | None], colour: str, marker: str, name: str, shift: float) -> None:
    """Values with their intervals, one a row; a missing one leaves its row empty."""
    for row, item in enumerate(lines):
        if item is None or item["value"] is None:
            continue
        low, high = item.get("low"), item.get("high")
        if low is not None and high is not None:
            axes.plot([low, high], [row + shift] * 2, color=colour, lw=1.4, solid_capstyle="butt")
        label = name if not any(name == text for text in axes.get_legend_handles_labels()[1]) else None
        axes.plot(item["value"], row + shift, color=colour, marker=marker, ms=5.5, ls="", label=label)


def _rows(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    for edge in range(len(names) - 1):
        axes.axhline(edge + 0.5, color=GRID, lw=0.7)


def robustness(grid: Sequence[Values]) -> Drawing:
    """Detections and false alarms apart, and the area beside them."""
    names = [line["condition"] for line in grid]
    height = 1.5 + 0.27 * len(names)
    with canvas(7.2, height, ncols=2, sharey=True, width_ratios=(1.25, 1)) as (figure, (left, right)):
        fakes = [line["outcomes"]["fakes"]["generated"] for line in grid]
        reals = [line["outcomes"]["reals"]["generated"] for line in grid]
        _dots(left, fakes, FAKE, "o", "fakes (detected)", -0.14)
        _dots(left, reals, REAL, "s", "photographs (false alarm)", 0.14)
        left.set(xlabel="share called generated", xlim=(-0.02, 1.02))
        if left.get_legend_handles_labels()[0]:
            left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1, fontsize=9)
        _dots(right, [line["auc"] for line in grid], THIRD, "D", "area under the ROC", 0)
        right.axvline(0.5, color=MUTED, lw=1, ls=":")
        right.set(xlabel="AUC", xlim=(0.28, 1.02))
        _rows(left, names)
        alt = f"Detections, false alarms and AUC under {len(names)} conditions, with 95 % intervals."
        caption = (
            "Each condition alone. False alarms must stay at the left whatever happens to the picture; "
            "detections may fall, but into “inconclusive”."
        )
        return drawing(figure, "robustness", "Under processing", alt, caption)


def baselines(comparisons: Sequence[Values]) -> Drawing:
    """The model beside what sees no trace of a generator."""
    names = [_short(line["name"]) for line in comparisons]
    with canvas(7.2, 1.7 + 0.62 * len(names)) as (figure, axes):
        _dots(axes, [c["auc"] for c in comparisons], FAKE, "o", "this model", -0.34)
        _dots(axes, [c["content_controlled"] for c in comparisons], THIRD, "D", "this model, like thumbnails", -0.21)
        shown = (("thumbnail", "s"), ("sharpness", "^"), ("container", "v"), ("face size", "P"), ("alignment", "X"))
        for number, (name, marker) in enumerate(shown):
            colour = REAL if name == "thumbnail" else MUTED
            _dots(axes, [c["baselines"][name] for c in comparisons], colour, marker, name, -0.06 + 0.11 * number)
        axes.axvline(0.5, color=INK, lw=1, ls=":")
        axes.set(xlabel="AUC", xlim=(0.18, 1.02))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9)
        _rows(axes, names)
        alt = "AUC of the model and of five baselines in each comparison, with 95 % intervals."
        caption = (
            "Baselines see 16×16 colours, sharpness, the file's container, the face's size or its place, and no trace "
            "of a generator. What counts is how far the model lies to their right."
        )
        return drawing(figure, "baselines", "The model and its short-cuts", alt, caption)


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"
