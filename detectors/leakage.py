"""Baselines that see no trace of a generator: what a score must beat, and what must stay at chance.

- thumbnail: 16 x 16 colours, an RBF support vector machine: the content floor;
- container: format, JPEG quality, sampling, progressive, tables: must be at chance;
- sharpness: two numbers; where it is above chance, so much of a score may be no more than that.
scikit-learn is imported when a baseline is fitted, not when this module is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.photo import open_photo
from whichface.forensics.records import Photo, Pixels, SourceFacts

from .dataset import Sample, group_folds
from .metrics import auc, bootstrap

Array = NDArray[np.float64]


def thumbnail(pixels: Pixels, side: int = 16) -> Array:
    """(side * side * 3,) colours of the whole picture in [0, 1], shrunk by area averaging."""
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    return small.astype(float).ravel() / 255.0


def container(source: SourceFacts) -> Array:
    """(8,) what the container alone tells; the byte count is left out, since content moves it."""
    tables = source.quantisation_tables
    formats = ("JPEG", "PNG", "WEBP")
    flags = [float(source.format == name) for name in formats]
    return np.array(
        [
            *flags,
            float(source.jpeg_quality or 0),
            float(source.subsampling == "4:2:0"),
            float(bool(source.progressive)),
            float(sum(tables[0])) if tables else 0.0,
            float(sum(tables[1])) if len(tables) > 1 else 0.0,
        ]
    )


def sharpness(pixels: Pixels) -> Array:
    """(2,) log mean Laplacian magnitude of the picture as stored and at 128 pixels."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA)
    return np.array([np.log(np.abs(cv2.Laplacian(g, cv2.CV_32F)).mean() + 0.1) for g in (grey, small)])


def out_of_fold(
    values: Array, fake: NDArray[np.bool_], folds: NDArray[np.int64], *, kernel: str = "rbf"
) -> Array:
    """Decision values of a support vector machine that never saw the picture's fold.

    `values` is (pictures, features); folds must not divide groups. Constant features give constant scores (chance).
    """
    out = np.zeros(len(values))
    for fold in np.unique(folds):
        held = folds == fold
        out[held] = held_out(values, fake, held, kernel=kernel)
    return out


def held_out(
    values: Array, fake: NDArray[np.bool_], held: NDArray[np.bool_], *, kernel: str = "rbf"
) -> Array:
    """Decision values of the `held` pictures by a machine fitted on the others."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if np.ptp(values[~held], axis=0).max() == 0:
        return np.zeros(int(held.sum()))
    model = make_pipeline(StandardScaler(), SVC(C=3.0, kernel=kernel, class_weight="balanced"))
    return np.asarray(model.fit(values[~held], fake[~held]).decision_function(values[held]))


BASELINES: dict[str, Callable[[Photo], Array]] = {
    "thumbnail": lambda photo: thumbnail(photo.pixels),
    "container": lambda photo: container(photo.source),
    "sharpness": lambda photo: sharpness(photo.pixels),
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """One baseline on a corpus, out of fold."""

    name: str
    """Of `BASELINES`."""
    auc: float
    """Area under the curve."""
    low: float
    """Lower end of its 95 % interval, by group."""
    high: float
    """Upper end."""

    @property
    def above_chance(self) -> bool:
        """True when the interval lies above 0.5."""
        return self.low > 0.5

    def line(self) -> str:
        """For people."""
        verdict = "at chance" if self.low <= 0.5 <= self.high else "gives the class away in part"
        return f"{self.name:<10s} AUC {self.auc:.3f} [{self.low:.3f}, {self.high:.3f}]  {verdict}"


def _part(fake: NDArray[np.bool_], scores: Array, chosen: NDArray[np.int64]) -> float:
    return auc(fake[chosen], scores[chosen])


def baselines(
    samples: Sequence[Sample], folds: int = 5, seen: Callable[[int, int], None] = lambda done, total: None
) -> list[Baseline]:
    """Thumbnail, container and sharpness, out of fold. Raises ValueError for too few groups, PhotoError.

    `seen` is called with the number of pictures opened and in all.
    """
    fake = np.array([sample.fake for sample in samples])
    names = [sample.group for sample in samples]
    folds = min(folds, *(len({n for n, f in zip(names, fake, strict=True) if f == w}) for w in (False, True)))
    if folds < 2:
        raise ValueError("a leakage report needs at least two groups of either class")
    numbers = group_folds(names, [str(f) for f in fake], folds)
    rows = []
    for done, sample in enumerate(samples, 1):
        photo = open_photo(sample.path)
        rows.append({name: describe(photo) for name, describe in BASELINES.items()})
        seen(done, len(samples))
    found = []
    for name in BASELINES:
        scores = out_of_fold(np.stack([row[name] for row in rows]), fake, numbers)
        low, high = bootstrap(partial(_part, fake, scores), names, rounds=200)
        found.append(Baseline(name, auc(fake, scores), low, high))
    return found
