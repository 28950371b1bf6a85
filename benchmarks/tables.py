"""Pieces of markdown tables that several benchmarks print."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whichface.detectors.metrics import auc, bootstrap

Labels = NDArray[np.bool_]
Scores = NDArray[np.float64]


def head(*names: str) -> list[str]:
    """The two lines above a table."""
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def publish(text: str, output: Path | None) -> None:
    """Print the page, and write it where the command line says."""
    print(text)
    if output:
        output.write_text(text, encoding="utf-8")


def auc_text(fake: Labels, scores: Scores, groups: list[str]) -> str:
    """AUC with its 95 % interval by group."""
    low, high = bootstrap(lambda i: auc(fake[i], scores[i]), groups, rounds=300)
    return f"{auc(fake, scores):.3f} [{low:.3f}, {high:.3f}]"


def gain_text(fake: Labels, ours: Scores, floor: Scores, groups: list[str]) -> str:
    """Paired gain of AUC over a baseline, with its interval."""

    def of(i: NDArray[np.int64]) -> float:
        return auc(fake[i], ours[i]) - auc(fake[i], floor[i])

    low, high = bootstrap(of, groups, rounds=300)
    return f"{of(np.arange(len(fake))):+.3f} [{low:+.3f}, {high:+.3f}]"
