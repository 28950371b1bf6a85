"""Factories that build records for tests, with geometry and numbers that are plain to see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from whichface.forensics.geometry import LEFT_EYE, LEFT_IRIS, MOUTH_CORNERS, RIGHT_EYE, RIGHT_IRIS
from whichface.forensics.records import (
    Abstention,
    Alignment,
    Evidence,
    Examination,
    Face,
    FaceExamination,
    FaceQuality,
    Finding,
    Label,
    Photo,
    Pose,
    ProvenanceFact,
    Score,
    SourceFacts,
    Verdict,
)

LLRS = {Label.GENERATED: 2.51, Label.INCONCLUSIVE: 0.4, Label.REAL: -1.9}
REASONS = {
    Label.GENERATED: "The evidence passes the threshold for “generated”.",
    Label.INCONCLUSIVE: "The evidence lies between the thresholds.",
    Label.REAL: "The evidence lies below the threshold for “real”.",
}


def build_photo(
    path: str | None = "portrait.jpg", width: int = 400, height: int = 400, **changes: Any
) -> Photo:
    """A grey ramp that claims to be a JPEG."""
    ramp = np.linspace(40, 220, width, dtype=np.uint8)
    pixels = np.repeat(np.repeat(ramp[None, :, None], height, 0), 3, 2)
    facts = SourceFacts("JPEG", 54_321, (width, height), jpeg_quality=90)
    values: dict[str, Any] = {
        "path": None if path is None else Path(path),
        "pixels": pixels,
        "source": facts,
        "sha256": "0123456789abcdef" * 4,
    }
    return Photo(**(values | changes))


def build_landmarks(centre: tuple[float, float], size: float) -> NDArray[np.float32]:
    """(478, 2) points on an ellipse, eyes and mouth where an upright face has them."""
    turn = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    points = np.stack([0.5 * np.cos(turn), 0.65 * np.sin(turn)], 1)
    points[list(RIGHT_EYE + RIGHT_IRIS)] = (-0.22, -0.15)
    points[list(LEFT_EYE + LEFT_IRIS)] = (0.22, -0.15)
    points[list(MOUTH_CORNERS)] = ((-0.15, 0.3), (0.15, 0.3))
    return (points * size + np.array(centre)).astype(np.float32)


def build_face(
    centre: tuple[float, float] = (200.0, 190.0), size: float = 180.0, **changes: Any
) -> Face:
    """An upright face of good quality."""
    landmarks = build_landmarks(centre, size)
    (left, top), (right, bottom) = landmarks.min(0).tolist(), landmarks.max(0).tolist()
    values: dict[str, Any] = {
        "box": (left, top, right, bottom),
        "landmarks": landmarks,
        "pose": Pose(1.0, -2.0, 0.5),
        "quality": FaceQuality(1.7 * size, 0.44 * size, 0.8, 0.1, 1.0, 0.0),
        "alignment": Alignment(0.01, 0.8, 0.2, 0.6),
        "confidence": 0.98,
    }
    return Face(**(values | changes))


def build_verdict(label: Label | str = Label.GENERATED, **changes: Any) -> Verdict:
    """A verdict with the usual numbers of its label."""
    label = Label(label)
    llr = float(changes.get("llr", LLRS[label]))
    values: dict[str, Any] = {
        "label": label,
        "llr": llr,
        "llr_interval": (llr - 0.6, min(llr + 0.5, 3.0)),
        "llr_ceiling": 3.0,
        "probability": 10**llr / (1 + 10**llr),
        "prior": 0.5,
        "threshold": 1.0,
        "reasons": (REASONS[label],),
    }
    return Verdict(**(values | changes))


def build_saliency(side: int = 8) -> NDArray[np.float32]:
    """Strongest in the upper left quarter, below neutral elsewhere."""
    heat = np.full((side, side), 0.2, np.float32)
    heat[: side // 2, : side // 2] = 0.95
    return heat


def build_face_examination(
    label: Label | str = Label.GENERATED, face: Face | None = None, **changes: Any
) -> FaceExamination:
    """One face with two experts, an illustrative cue and an abstention."""
    values: dict[str, Any] = {
        "face": face or build_face(),
        "verdict": build_verdict(label),
        "scores": (
            Score("texture-256", 1.75),
            Score("network-256", 3.25, build_saliency()),
        ),
        "evidence": (
            Evidence(
                "network-256",
                3.25,
                None,
                (
                    Finding(
                        "The network's map is strongest at the mouth.", (170.0, 230.0, 230.0, 270.0)
                    ),
                ),
            ),
            Evidence("hair", 0.31, None, (Finding("Strands of hair float beside the head."),), 0.7),
        ),
        "abstentions": (
            Abstention("texture-512", "The face has fewer pixels than this scale needs."),
        ),
    }
    return FaceExamination(**(values | changes))


def build_examination(
    *labels: Label | str, path: str | None = "portrait.jpg", **changes: Any
) -> Examination:
    """A picture with one face a label, side by side; no labels: no face."""
    width = 400 * max(1, len(labels))
    centres = [(200.0 + 400 * number, 190.0) for number in range(len(labels))]
    faces = tuple(
        build_face_examination(label, build_face(centre))
        for label, centre in zip(labels, centres, strict=True)
    )
    none = () if faces else ("No face was found, so nothing can be said of this picture.",)
    values: dict[str, Any] = {
        "photo": build_photo(path, width),
        "faces": faces,
        "provenance": (
            ProvenanceFact(
                "metadata",
                "The file carries no camera metadata; most websites strip it, so this says nothing "
                "about its origin.",
            ),
        ),
        "warnings": none,
        "versions": {"whichface": "0.1.0", "model": "face-1"},
    }
    return Examination(**(values | changes))


@pytest.fixture
def make_photo() -> Callable[..., Photo]:
    """Factory of photos."""
    return build_photo


@pytest.fixture
def make_face() -> Callable[..., Face]:
    """Factory of faces."""
    return build_face


@pytest.fixture
def make_verdict() -> Callable[..., Verdict]:
    """Factory of verdicts."""
    return build_verdict


@pytest.fixture
def make_face_examination() -> Callable[..., FaceExamination]:
    """Factory of examined faces."""
    return build_face_examination


@pytest.fixture
def make_examination() -> Callable[..., Examination]:
    """Factory of examinations: one face a label."""
    return build_examination
