"""How well the reflections in two irises agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ._eyes_iris import PATCH, Iris


@dataclass(frozen=True, slots=True)
class HighlightConfig:
    """How highlights are found and compared, in pixels of a patch (iris radius 24)."""

    disc: float = 0.88
    """Share of the iris' radius that is looked at; the limbus itself is left out."""
    grow: int = 5
    """How far beyond the mesh's lids is looked: they lie a little tight."""
    widest: int = 10
    """Radius of the widest highlight; anything wider is lid, white or window."""
    across: int = 6
    """Largest shift between the eyes in x, in steps of 2 refined by 1: about the W/5 and H/6 of Hu, Li and Lyu 2021."""
    down: int = 8
    """The same in y: lids hide what would fix an iris' height."""
    near: float = 12.0
    """Radius around the strongest highlight in which its surroundings are compared."""
    floor: float = 3.0
    """Contrast (L*, 0 to 100) below which a structure is noise: two dark, empty irises agree."""
    strong: float = 40.0
    """L* by which a highlight must stand out to count fully."""


@dataclass(frozen=True, slots=True)
class Highlights:
    """What two irises reflect, compared."""

    whole: float
    """1 less the correlation of the two irises at the best shift, 0 to 2."""
    near: float
    """The same around the strongest highlight of each eye, mean of both by their strength."""
    strength: float
    """L* by which the strongest highlight stands out, 0 to 100."""
    overlap: float
    """Intersection over union of the two highlight masks at the best shift, 0 to 1 (Hu, Li, Lyu 2021)."""
    unshared: tuple[NDArray[np.float32], NDArray[np.float32]]
    """(PATCH, PATCH) an eye: L* of highlights that the other eye lacks."""


def peaks(iris: Iris, config: HighlightConfig) -> NDArray[np.float32]:
    """(PATCH, PATCH) L* above the opening by a disc: small bright spots, not lids or whites (white top-hat)."""
    light = cv2.GaussianBlur(iris.lab[..., 0], (0, 0), 1.0)
    size = 2 * config.widest + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(light - cv2.morphologyEx(light, cv2.MORPH_OPEN, kernel), np.float32)


def compare(first: Iris, second: Iris, config: HighlightConfig) -> Highlights | None:
    """The agreement of two irises; None when too little of them is seen."""
    seen = [iris.wide(config.grow, config.disc) for iris in (first, second)]
    open_ = [iris.disc(0.9) for iris in (first, second)]
    if min(m.sum() for m in (*seen, *open_)) < 300:
        return None
    spots = [peaks(iris, config) * mask for iris, mask in zip((first, second), seen, strict=True)]
    fine = [cv2.GaussianBlur(iris.lab[..., 0], (0, 0), 0.7) for iris in (first, second)]
    soft = [cv2.GaussianBlur(iris.lab[..., 0], (0, 0), 1.0) for iris in (first, second)]
    whole = best_shift(soft, open_, config, 150)[0]
    around = [seen[i] & _disc_at(spots[i], config.near) for i in (0, 1)]
    one = best_shift(fine, (around[0], seen[1]), config, 60)
    other = best_shift(fine[::-1], (around[1], seen[0]), config, 60)
    strengths = [float(spot.max()) for spot in spots]
    leader = one if strengths[0] >= strengths[1] else (other[0], (-other[1][0], -other[1][1]))
    shift = leader[1]
    return Highlights(
        whole=1.0 - whole,
        near=1.0 - float(np.average([one[0], other[0]], weights=[max(s, 1.0) for s in strengths])),
        strength=max(strengths),
        overlap=_overlap(spots[0], spots[1], config),
        unshared=(
            _lacking(spots[0], moved(spots[1], *shift)),
            _lacking(spots[1], moved(spots[0], -shift[0], -shift[1])),
        ),
    )


def best_shift(
    images: list[NDArray[np.float32]],
    masks: list[NDArray[np.bool_]] | tuple[NDArray[np.bool_], NDArray[np.bool_]],
    config: HighlightConfig,
    least: int,
) -> tuple[float, tuple[int, int]]:
    """Highest correlation of two patches where both masks hold, and the shift (x, y) of the second that gives it.

    A variance of `floor` squared, common to both, is added: patches without structure correlate fully.
    Shifts that leave fewer than `least` pixels count 0, the lowest value given.
    """
    tried: dict[tuple[int, int], float] = {}

    def agreement(x: int, y: int) -> float:
        if (x, y) not in tried:
            tried[x, y] = _correlation(images, masks[0] & moved(masks[1], x, y), (x, y), config.floor, least)
        return tried[x, y]

    place = max(_shifts(config, 2), key=lambda shift: agreement(*shift))
    near = [(place[0] + x, place[1] + y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    place = max(near, key=lambda shift: agreement(*shift))
    return max(agreement(*place), 0.0), place


def _shifts(config: HighlightConfig, step: int) -> list[tuple[int, int]]:
    """Shifts (x, y) within reach, the smallest first."""
    across = range(-config.across, config.across + 1, step)
    down = range(-config.down, config.down + 1, step)
    return sorted(((x, y) for x in across for y in down), key=lambda shift: shift[0] ** 2 + shift[1] ** 2)


def _correlation(
    images: list[NDArray[np.float32]],
    mask: NDArray[np.bool_],
    shift: tuple[int, int],
    floor: float,
    least: int,
) -> float:
    """Correlation of the patches in the mask, the second one shifted, with `floor` squared as common variance."""
    if np.count_nonzero(mask) < least:
        return 0.0
    a, b = images[0][mask], moved(images[1], *shift)[mask]
    a, b = a - a.mean(), b - b.mean()
    noise = floor**2 * len(a)
    return (float(a @ b) + noise) / (float(np.sqrt((a @ a) * (b @ b))) + noise)


Values = TypeVar("Values", bound=np.generic)


def moved(patch: NDArray[Values], x: int, y: int) -> NDArray[Values]:
    """The patch shifted by whole pixels; what leaves one side enters the other, outside every mask."""
    return np.roll(patch, (y, x), (0, 1))


def _disc_at(spots: NDArray[np.float32], radius: float) -> NDArray[np.bool_]:
    y, x = np.unravel_index(int(np.argmax(spots)), spots.shape)
    down, across = np.mgrid[:PATCH, :PATCH]
    return np.asarray(np.hypot(across - x, down - y) < radius)


def _lacking(spots: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Highlights that are not within two pixels of one of the other eye."""
    near = cv2.dilate(others.astype(np.float32), np.ones((5, 5), np.uint8))
    return np.maximum(spots - near, 0).astype(np.float32)


def _overlap(first: NDArray[np.float32], second: NDArray[np.float32], config: HighlightConfig) -> float:
    """Best intersection over union of the halves nearest to each eye's brightest spot."""
    a, b = (spots > max(8.0, 0.5 * float(spots.max())) for spots in (first, second))
    shared = [int(np.count_nonzero(a & moved(b, *shift))) for shift in _shifts(config, 1)]
    both, total = max(shared), int(np.count_nonzero(a) + np.count_nonzero(b))
    return both / max(total - both, 1)
