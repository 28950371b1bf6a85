"""What baselines that know nothing of generation make of a corpus: what its makers gave away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whichface.detectors.leakage import Baseline


def leakage(folder: Path, folds: int = 5) -> list[Baseline]:
    """Thumbnail, container and sharpness on the whole corpus. Raises ValueError for too few groups."""
    from whichface.detectors.dataset import read_corpus
    from whichface.detectors.leakage import baselines

    return baselines(read_corpus(folder), folds)
