"""Pictures enlarged by repeating pixels (nearest neighbour, mosaics): sharp steps, and no more detail than before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW = 16
"""Neighbouring columns within which at least one step and one repetition must lie."""
REPEATED = 0.18
"""Least over largest mean step within a window below which pixels are repeated.

benchmarks/gates.md: of 300 training faces none is caught as stored or at JPEG 50 and more, one at JPEG 30; repeated
ones all are, but for pixels repeated less than three times and saved at JPEG 50 (44 %).
"""
STEP = 0.4
"""Share of the window's largest step from which a column is taken as a step of its own."""


def repeated_share(luma: NDArray[np.float32]) -> float:
    """Share of the columns, or rows, that differ from their neighbour when pixels are repeated; 1 when none are."""
    if min(luma.shape) <= 2 * WINDOW:
        return 1.0
    found = [_along(lines) for lines in (luma, luma.T)]
    if max(ratio for ratio, _ in found) >= REPEATED:
        return 1.0
    return max(share for _, share in found)


def _along(lines: NDArray[np.float32]) -> tuple[float, float]:
    """(least step over the largest in a window, share of columns with a step)."""
    steps = np.abs(np.diff(lines, axis=1)).mean(0)
    windows = np.lib.stride_tricks.sliding_window_view(steps, WINDOW)
    largest = windows.max(1)
    if not largest.max() > 0:
        return 1.0, 1.0
    ratio = float(np.median(windows.min(1) / np.maximum(largest, 1e-6)))
    centred = largest[np.clip(np.arange(len(steps)) - WINDOW // 2, 0, len(largest) - 1)]
    return ratio, float(np.mean(steps > STEP * centred))
