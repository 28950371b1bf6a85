"""Factories of records for the tests of every room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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

RIGHT_EYE = (33, 160, 158, 133, 153, 144)
LEFT_EYE = (362, 385, 387, 263, 373, 380)
LLR = {Label.GENERATED: 2.08, Label.INCONCLUSIVE: 0.45, Label.REAL: -1.52}
REASONS = {
    Label.GENERATED: "The evidence passes the threshold for “generated”.",
    Label.INCONCLUSIVE: "The evidence lies between the two thresholds.",
    Label.REAL: "The evidence lies below the threshold for “real”.",
}


def _photo(width: int = 256, height: int = 256, path: str | None = "portraits/anna.jpg") -> Photo:
    ramp = np.linspace(40, 200, width, dtype=np.uint8)[None, :, None]
    pixels = np.broadcast_to(ramp, (height, width, 3)).copy()
    facts = SourceFacts("JPEG", 20_000, (width, height), jpeg_quality=90)
    return Photo(Path(path) if path else None, pixels, facts, "ab" * 32)


def _face(
    centre: tuple[float, float] = (128.0, 128.0), side: float = 200.0, **changes: Any
) -> Face:
    angles = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    points = np.stack([np.cos(angles) * 0.25, np.sin(angles) * 0.32 + 0.02], 1)
    points[list(RIGHT_EYE)] = (-0.117, -0.02)
    points[list(LEFT_EYE)] = (0.117, -0.02)
    points[[61, 291]] = (-0.08, 0.22), (0.08, 0.22)
    landmarks = (points * side + np.asarray(centre)).astype(np.float32)
    low, high = landmarks.min(0), landmarks.max(0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    quality = FaceQuality(side, side * 0.234, 0.8, 0.3, 0.97, 0.02)
    face = Face(
        box, landmarks, Pose(3.0, -2.0, 0.5), quality, Alignment(0.02, 0.95, 0.5, 0.9), 0.99
    )
    return replace(face, **changes)


def _verdict(label: Label = Label.GENERATED, llr: float | None = None, **changes: Any) -> Verdict:
    value = LLR[label] if llr is None else llr
    verdict = Verdict(
        label=label,
        llr=value,
        llr_interval=(max(-2.5, value - 0.45), min(2.5, value + 0.4)),
        llr_ceiling=2.5,
        probability=10**value / (1 + 10**value),
        prior=0.5,
        threshold=1.5,
        reasons=(REASONS[label],),
    )
    return replace(verdict, **changes)


def _examined(
    face: Face | None = None, verdict: Verdict | None = None, **changes: Any
) -> FaceExamination:
    face = face or _face()
    heat = np.full((14, 14), 0.5, np.float32)
    heat[9:12, 5:9] = 0.95
    mouth = (90.0, 150.0, 166.0, 190.0)
    examined = FaceExamination(
        face=face,
        verdict=verdict or _verdict(),
        scores=(Score("texture-256", 3.1), Score("network-256", 2.2, heat)),
        evidence=(
            Evidence(
                "texture-256",
                3.1,
                None,
                (
                    Finding(
                        "Fine texture with the face at 256 pixels looks more like a generated face."
                    ),
                ),
            ),
            Evidence(
                "network-256",
                2.2,
                None,
                (Finding("The network's map is strongest at the mouth.", mouth),),
            ),
        ),
        abstentions=(
            Abstention("texture-512", "The face has fewer pixels than this scale needs."),
        ),
    )
    return replace(examined, **changes)


def _examination(*labels: Label, photo: Photo | None = None, **changes: Any) -> Examination:
    photo = photo or _photo()
    spread = [(128.0 + 40.0 * i, 128.0) for i in range(len(labels))]
    faces = tuple(
        _examined(_face(c, 200.0 - 60 * i), _verdict(label))
        for i, (label, c) in enumerate(zip(labels, spread, strict=True))
    )
    nothing = "No face was found, so nothing can be said of this picture."
    examination = Examination(
        photo=photo,
        faces=faces,
        provenance=(ProvenanceFact("camera", "EXIF names the camera Pentax K-70."),),
        warnings=() if faces else (nothing,),
        versions={"whichface": "0.1.0", "model": "face-1"},
    )
    return replace(examination, **changes)


@pytest.fixture
def make_photo() -> Callable[..., Photo]:
    """A grey ramp: make_photo(width, height, path)."""
    return _photo


@pytest.fixture
def make_face() -> Callable[..., Face]:
    """A face whose FFHQ square has its centre and side as given: make_face(centre, side, **fields)."""
    return _face


@pytest.fixture
def make_verdict() -> Callable[..., Verdict]:
    """A verdict: make_verdict(label, llr, **fields)."""
    return _verdict


@pytest.fixture
def make_face_examination() -> Callable[..., FaceExamination]:
    """One examined face: make_face_examination(face, verdict, **fields)."""
    return _examined


@pytest.fixture
def make_examination() -> Callable[..., Examination]:
    """An examination with one face a label: make_examination(Label.GENERATED, photo=…, **fields)."""
    return _examination
