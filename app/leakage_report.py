"""What baselines that know nothing of generation make of a corpus: what its makers gave away."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from whichface.app.console import say

if TYPE_CHECKING:
    from whichface.detectors.leakage import Baseline


def leakage(folder: Path, folds: int = 5) -> list[Baseline]:
    """Thumbnail, container and sharpness on the whole corpus. Raises ValueError for too few groups."""
    from whichface.detectors.dataset import read_corpus
    from whichface.detectors.leakage import baselines

    return baselines(read_corpus(folder), folds)


def report_leakage(folder: Path) -> None:
    """Print what the baselines find, and keep it as leakage.json in the corpus. Raises OSError."""
    try:
        found = leakage(folder)
    except ValueError as error:
        say(f"no leakage report: {error}.")
        return
    print("What baselines that know nothing of generation find, out of fold:")
    for baseline in found:
        print("  " + baseline.line())
    text = json.dumps([asdict(baseline) for baseline in found], indent=1)
    (folder / "leakage.json").write_text(text + "\n", encoding="utf-8")
