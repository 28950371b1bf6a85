"""Alignment: faces put at, or off, the place that the aligner gives them; the trap is said in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from whichface.forensics.analyzers.alignment import CUE, EYES, TRAP, eye_distance, look
from whichface.forensics.geometry import LEFT_EYE, RIGHT_EYE, crop_frame
from whichface.forensics.quality import alignment
from whichface.forensics.records import Abstention, Evidence, Face, Photo, Pose
from whichface.forensics.view import FaceView

SIZE = 512


@pytest.fixture
def see(make_photo: Callable[..., Photo], make_face: Callable[..., Face]) -> Callable[..., FaceView]:
    """A view of a face whose eyes are moved, from where FFHQ has them, by shares of the picture."""

    def make(dx: float = 0.0, dy: float = 0.0, scale: float = 1.0, width: int = SIZE) -> FaceView:
        photo, face = make_photo(width, SIZE), make_face((0.0, 0.0), 1.0)
        points = face.landmarks.astype(np.float64)
        middle = (points[list(RIGHT_EYE)].mean(0) + points[list(LEFT_EYE)].mean(0)) / 2
        span = np.hypot(*(points[list(LEFT_EYE)].mean(0) - points[list(RIGHT_EYE)].mean(0)))
        wanted = np.array(EYES).mean(0) + np.array([dx, dy])
        factor = scale * (EYES[1][0] - EYES[0][0]) * SIZE / span
        points = (points - middle) * factor + wanted * (width, SIZE) - 0.5
        # The mouth is moved so that the square of these eyes is the whole picture.
        points[[61, 291], 1] = points[list(RIGHT_EYE), 1].mean() + scale * 0.24 * SIZE
        moved = replace(face, landmarks=points.astype(np.float32), pose=Pose(0.0, 0.0, 0.0))
        frame = crop_frame(points)
        quality = replace(face.quality, side=frame.side)
        return FaceView(photo, replace(moved, quality=quality, alignment=alignment(frame, width, SIZE)))

    return make


def _evidence(found: Evidence | Abstention) -> Evidence:
    assert isinstance(found, Evidence)
    return found


def test_a_face_at_its_ffhq_place_is_found_at_the_eyes(see: Callable[..., FaceView]) -> None:
    view = see()
    found = _evidence(look(view))
    assert eye_distance(view.face, SIZE, SIZE) < 0.005
    assert found.findings and found.findings[0].box is not None
    corners = np.array(found.findings[0].box).reshape(2, 2) / SIZE
    assert np.abs(corners - np.array(EYES)).max() < 0.02
    assert found.heatmap is not None
    peak = np.unravel_index(int(found.heatmap.argmax()), found.heatmap.shape)
    assert abs(peak[0] / SIZE - EYES[0][1]) < 0.03


@pytest.mark.parametrize(
    "moved", [{"dx": 0.08}, {"dy": -0.1}, {"scale": 0.6}, {"scale": 1.4}, {"width": 800}, {"dx": 0.05, "dy": 0.05}]
)
def test_a_face_elsewhere_is_silent_and_lower(see: Callable[..., FaceView], moved: dict[str, float]) -> None:
    found = _evidence(look(see(**moved)))
    assert not found.findings
    assert found.statistic < _evidence(look(see())).statistic - 0.5
    assert found.heatmap is not None and found.heatmap.max() < 0.2


def test_the_statistic_falls_with_the_distance(see: Callable[..., FaceView]) -> None:
    values = [_evidence(look(see(dx=dx))).statistic for dx in (0.0, 0.03, 0.06, 0.12, 0.2)]
    assert values == sorted(values, reverse=True)


def test_the_trap_is_said(see: Callable[..., FaceView]) -> None:
    found = _evidence(look(see()))
    assert "FFHQ photographs" in found.findings[0].text
    assert found.innocent[0] == TRAP == CUE.innocent[0]
    assert "worth nothing" in TRAP


def test_it_abstains_on_small_and_turned_faces(see: Callable[..., FaceView]) -> None:
    small = see(scale=0.1)
    assert isinstance(look(small), Abstention)
    view = see()
    turned = FaceView(view.photo, replace(view.face, pose=Pose(55.0, 0.0, 0.0)))
    assert isinstance(look(turned), Abstention)


def test_extreme_landmarks_do_not_fail(see: Callable[..., FaceView]) -> None:
    view = see()
    for value in (0.0, np.nan):
        points = np.full((478, 2), value, np.float32)
        face = replace(view.face, landmarks=points)
        assert isinstance(look(FaceView(view.photo, face)), Abstention)
