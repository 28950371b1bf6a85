"""Alignment: how near the picture is to the crop in which StyleGAN saw every face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import LEFT_EYE, RIGHT_EYE
from ..records import Abstention, Evidence, Face, Finding
from ..view import FaceView
from .cue import Cue

NAME = "alignment"
EYES = ((0.3808, 0.4771), (0.6152, 0.4771))
"""Where generated faces have their eyes, in shares of the picture's width and height (Yang & Menczer 2024)."""
TRAP = (
    "FFHQ photographs went through the aligner that StyleGAN learned, and so did other data sets of faces: "
    "among them this is worth nothing, and only beside photographs that nobody aligned it says something"
)
INNOCENT = (
    TRAP,
    "a profile or passport picture that was cut around the face by hand or by a program",
)


@dataclass(frozen=True, slots=True)
class AlignmentConfig:
    """When the crop can be judged, and when it is worth a word."""

    least_side: float = 64.0
    """Side in pixels of the face's square below which the eyes are not placed well enough."""
    largest_yaw: float = 40.0
    """Degrees; beyond, one eye is a guess."""
    eye_distance: float = 0.02
    """Distance of the eyes from their place up to which a picture counts as an FFHQ-style crop (Yang & Menczer)."""
    residual: float = 2.0
    """Residual of the crop up to which it counts as one."""
    floor: float = 0.25
    """Residual that the landmarks' own error leaves; nearer than this is no nearer."""


def eye_distance(face: Face, width: int, height: int) -> float:
    """Summed distance of the eyes from `EYES`, in shares of the picture, over 2√2 (Yang & Menczer 2024)."""
    points = np.asarray(face.landmarks, np.float64)
    shape = np.array([width, height], np.float64)
    eyes = np.stack([points[list(RIGHT_EYE)].mean(0), points[list(LEFT_EYE)].mean(0)]) + 0.5
    return float(np.hypot(*(eyes / shape - np.array(EYES)).T).sum() / (2 * np.sqrt(2)))


def crop_residual(face: Face, width: int, height: int) -> float:
    """Distance from an FFHQ crop: root of the summed squares of offset, log size, roll and log aspect, each in units
    of about three times its spread over FFHQ (as `Alignment.closeness`)."""
    found = face.alignment
    aspect = np.log(width / max(height, 1))
    terms = (found.offset / 0.02, np.log(max(found.scale, 1e-6)) / 0.09, found.roll / 3.0, aspect / 0.05)
    return float(np.sqrt(sum(float(term) ** 2 for term in terms)))


def look(view: FaceView, config: AlignmentConfig | None = None) -> Evidence | Abstention:
    """Evidence on how near the picture is to an FFHQ crop; the statistic is minus the log residual."""
    config = config or AlignmentConfig()
    if not view.side >= config.least_side:
        return Abstention(NAME, "The face is too small for its place in the picture to be measured.")
    if not abs(view.face.pose.yaw) <= config.largest_yaw:
        return Abstention(NAME, "The head is turned too far for its eyes to be placed.")
    width, height = view.photo.width, view.photo.height
    residual, eyes = crop_residual(view.face, width, height), eye_distance(view.face, width, height)
    joint = float(np.hypot(residual, 2 * eyes / config.eye_distance))
    if not np.isfinite(joint):
        return Abstention(NAME, "The face's points are not usable.")
    like = residual <= config.residual and eyes <= config.eye_distance
    measures = {"residual": residual, "eye_distance": eyes, "closeness": view.face.alignment.closeness}
    return Evidence(
        analyzer=NAME,
        statistic=-float(np.log(max(joint, config.floor))),
        llr=None,
        findings=(_finding(view),) if like else (),
        quality=float(np.clip(view.side / 160.0, 0.0, 1.0)),
        heatmap=view.heat(_eye_marks(view, np.exp(-0.5 * joint**2))),
        measures=measures,
        innocent=INNOCENT,
    )


def _finding(view: FaceView) -> Finding:
    points = view.face.landmarks[[*RIGHT_EYE, *LEFT_EYE]]
    low, high = points.min(0), points.max(0)
    text = (
        "FFHQ-style crop: the eyes sit where StyleGAN's faces have them; "
        "FFHQ photographs and any data set cut by the same aligner look the same."
    )
    return Finding(text, (float(low[0]), float(low[1]), float(high[0]), float(high[1])))


def _eye_marks(view: FaceView, strength: float, size: int = 128) -> NDArray[np.float32]:
    """Soft spots of this strength on the two eyes."""
    points = view.points(size)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    centres = [points[list(eye)].mean(0) for eye in (RIGHT_EYE, LEFT_EYE)]
    spots = [np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (0.04 * size) ** 2)) for cx, cy in centres]
    return np.asarray(strength * np.maximum(*spots), np.float32)


CUE = Cue(
    name=NAME,
    title="FFHQ-style crop",
    meaning=(
        "StyleGAN learned from photographs that were all turned, scaled and cut so that the eyes and the mouth lie in "
        "the same place. Its faces keep that place to within a few pixels. Pictures that people take seldom hit it "
        "by chance."
    ),
    innocent=INNOCENT,
    needs="A face of 64 pixels or more that looks roughly into the camera.",
    source="Yang, Singh and Menczer 2024 (eye position); the FFHQ aligner (Karras et al. 2019)",
    look=look,
)
