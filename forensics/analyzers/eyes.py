"""Eyes: reflections that differ from one eye to the other, and pupils that are not round.

Sources: Hu, Li, Lyu 2021 (arXiv 2009.11924) for the highlights; Guo et al. 2022 (arXiv 2109.00162) for the pupils.
The masks and thresholds of both are replaced by correlation of whole irises, which needs no threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..records import Abstention, Box, Evidence, Finding, Region
from ..view import FaceView
from ._eyes_highlights import HighlightConfig, Highlights, compare
from ._eyes_iris import PATCH, Iris, both_irises, polar
from ._eyes_pupil import Pupil, PupilConfig, find_pupil
from .cue import Cue

NAME = "eyes"
SIDES = ("right", "left")


@dataclass(frozen=True, slots=True)
class EyesConfig:
    """Gates, and what is worth a finding."""

    side: float = 300.0
    """Smallest side of the face's square in pixels: an iris is a tenth of half of it."""
    detail: float = 180.0
    """Least detail across the square in pixels; below, a highlight is a pixel or two."""
    yaw: float = 20.0
    """Largest turn of the head in degrees: a turned head shows each eye another side of the room."""
    edge: float = 10.0
    """L* (0 to 100) by which an iris must differ from the white around it to be believed."""
    open: float = 0.5
    """Least visible share of each iris."""
    glasses: float = 0.5
    """Share of an iris under glasses from which its reflections may be the lens's."""
    typical_pupil: float = 0.13
    """Irregularity of a photographed pupil that is measured at this size."""
    mismatch: float = 0.4
    """Disagreement around the strongest highlight from which it is worth a look."""
    uneven: float = 0.3
    """Irregularity from which a pupil is worth a look, when it stands out by `plain` or less."""
    plain: float = 25.0
    """L*: noise moves a pupil's edge by as much less as the pupil stands out more."""


def look(view: FaceView) -> Evidence | Abstention:
    """Compare the two irises of a face."""
    config = EyesConfig()
    reason = _gate(view, config)
    if reason:
        return Abstention(NAME, reason)
    size = max(view.size, 512)
    irises = both_irises(view, size)
    found = compare(*irises, HighlightConfig())
    if found is None or min(iris.openness for iris in irises) < config.open:
        return Abstention(NAME, "The eyes are not open enough to compare their irises.")
    if min(iris.edge for iris in irises) < config.edge:
        return Abstention(NAME, "An iris does not stand out clearly enough.")
    if _under_glasses(view, irises, size) > config.glasses:
        return Abstention(NAME, "Glasses cover the eyes, and their lenses reflect too.")
    pupils = [find_pupil(iris, PupilConfig()) for iris in irises]
    return _evidence(view, size, irises, found, pupils, config)


def _gate(view: FaceView, config: EyesConfig) -> str | None:
    """Why the eyes cannot be looked at, as far as pose and size tell."""
    if view.side < config.side or view.detail < config.detail:
        return "The face is too small or too soft to see what its eyes reflect."
    if abs(view.face.pose.yaw) > config.yaw:
        return "The head is turned too far to compare the two eyes."
    return None


def _under_glasses(view: FaceView, irises: tuple[Iris, Iris], size: int) -> float:
    """Largest share of an iris that is labelled glasses, 0 to 1."""
    labels = view.labels(size)
    shares = []
    for iris in irises:
        patch = cv2.warpAffine(labels, iris.matrix, (PATCH, PATCH), flags=cv2.INTER_NEAREST)
        shares.append(float((patch == Region.GLASSES)[polar()[0] <= 1].mean()))
    return max(shares)


def _evidence(
    view: FaceView,
    size: int,
    irises: tuple[Iris, Iris],
    found: Highlights,
    pupils: list[Pupil | None],
    config: EyesConfig,
) -> Evidence:
    highlight = found.near * min(1.0, found.strength / HighlightConfig().strong)
    measured = [pupil.irregularity for pupil in pupils if pupil is not None]
    irregular = float(np.mean(measured)) if measured else config.typical_pupil
    excess = float(np.clip(irregular - config.typical_pupil, -0.1, 0.2))
    measures = {
        "highlights": highlight,
        "whole": found.whole,
        "overlap": found.overlap,
        "strength": found.strength,
        "pupils": float(len(measured)),
    }
    if measured:
        measures["irregularity"] = irregular
    shown = _findings(view, size, irises, found, pupils, config)
    return Evidence(
        analyzer=NAME,
        statistic=highlight + 0.5 * found.whole + excess,
        llr=None,
        findings=shown,
        quality=_quality(view, irises, found),
        heatmap=view.heat(_heat(size, irises, found, pupils, config)),
        measures=measures,
        innocent=CUE.innocent,
    )


def _quality(view: FaceView, irises: tuple[Iris, Iris], found: Highlights) -> float:
    """How well the irises are seen: detail, opening, highlights to compare."""
    detail = min(1.0, view.detail / 500)
    seen = min(1.0, min(iris.openness for iris in irises) / 0.7)
    light = 0.5 + 0.5 * min(1.0, found.strength / HighlightConfig().strong)
    return float(detail * seen * light)


def _findings(
    view: FaceView,
    size: int,
    irises: tuple[Iris, Iris],
    found: Highlights,
    pupils: list[Pupil | None],
    config: EyesConfig,
) -> tuple[Finding, ...]:
    shown: list[tuple[float, Finding]] = []
    if found.near > config.mismatch and found.strength >= HighlightConfig().strong:
        corners = np.array([iris.centre + s * iris.radius for iris in irises for s in (-1, 1)])
        box = _around(view, size, corners)
        text = "The two eyes do not reflect the same lights: the bright spots differ in shape or place."
        shown.append((found.near / config.mismatch, Finding(text, box)))
    for side, iris, pupil in zip(SIDES, irises, pupils, strict=True):
        if pupil is not None and pupil.irregularity > _uneven(pupil, config):
            reach = 0.6 * iris.radius
            box = _around(view, size, np.array([iris.centre - reach, iris.centre + reach]))
            finding = Finding(f"The pupil of the person's {side} eye is not round.", box)
            shown.append((pupil.irregularity / _uneven(pupil, config), finding))
    return tuple(finding for _, finding in sorted(shown, key=lambda pair: -pair[0]))


def _uneven(pupil: Pupil, config: EyesConfig) -> float:
    """Irregularity from which this pupil is worth a look."""
    return config.uneven * min(1.0, config.plain / pupil.contrast)


def _around(view: FaceView, size: int, points: NDArray[np.float64]) -> Box:
    """The box in the picture around (N, 2) points of the crop."""
    low, high = points.min(0), points.max(0)
    return view.box((float(low[0]), float(low[1]), float(high[0]), float(high[1])), size)


def _heat(
    size: int, irises: tuple[Iris, Iris], found: Highlights, pupils: list[Pupil | None], config: EyesConfig
) -> NDArray[np.float32]:
    """(size, size) highlights that the other eye lacks, and pupils as far as they are not round."""
    heat = np.zeros((size, size), np.float32)
    for iris, lacking, pupil in zip(irises, found.unshared, pupils, strict=True):
        patch = np.clip(lacking / HighlightConfig().strong, 0, 1) * min(1.0, found.near / config.mismatch)
        excess = 0.0 if pupil is None else 2.0 * pupil.irregularity / _uneven(pupil, config) - 1.0
        if pupil is not None and excess > 0:
            places = pupil.edge[np.isfinite(pupil.edge[:, 0])].round().astype(np.int32)
            shape = np.zeros((PATCH, PATCH), np.uint8)
            cv2.polylines(shape, [places], True, 1, 2)
            patch = np.maximum(patch, shape * np.float32(min(1.0, excess)))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        heat = np.maximum(heat, cv2.warpAffine(patch.astype(np.float32), iris.matrix, (size, size), flags=flags))
    return heat


CUE = Cue(
    name=NAME,
    title="Eyes that do not see the same room",
    meaning=(
        "Both eyes of a photographed person mirror the same lamps and windows, at the same place and in the same "
        "shape, and their pupils are round. Some generators paint each eye on its own: other bright spots, or a "
        "pupil with a dent."
    ),
    innocent=(
        "a lamp or window very near the face",
        "hair, lashes or the nose's shadow over one eye",
        "lenses, drops or make-up that reflect",
        "eye disease or surgery",
    ),
    needs="A face of at least 300 pixels that looks about into the camera, with both eyes open and without glasses.",
    source="Hu, Li, Lyu 2021 (highlights); Guo et al. 2022 (pupils); the measures are changed here",
    look=look,
)
