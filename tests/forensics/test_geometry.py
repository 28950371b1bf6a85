"""Geometry: the FFHQ square, its warp, and what it does at borders, scales and rotations."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.forensics.geometry import (
    LEFT_EYE,
    MOUTH_CORNERS,
    RIGHT_EYE,
    CropFrame,
    align,
    crop_frame,
    interocular,
    warp,
)

FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"


def _face(distance: float = 60.0, drop: float = 66.0, centre: tuple = (200.0, 150.0)) -> np.ndarray:
    """(478, 2) landmarks whose eye centres and mouth corners are where we say."""
    points = np.tile(np.array(centre), (478, 1))
    points[list(RIGHT_EYE)] += [-distance / 2, 0]
    points[list(LEFT_EYE)] += [distance / 2, 0]
    points[list(MOUTH_CORNERS)] += [[-15, drop], [15, drop]]
    return points


def _turn(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points - 200.0) @ matrix.T + 200.0


def test_frame_follows_the_aligner() -> None:
    frame = crop_frame(_face())
    assert frame.side == pytest.approx(2 * max(60 * 2.0, 66 * 1.8))
    assert frame.centre == pytest.approx([200.0, 150.0 + 6.6])
    assert frame.roll == pytest.approx(0.0)
    assert interocular(_face()) == pytest.approx(60.0)


def test_long_face_takes_the_mouth() -> None:
    assert crop_frame(_face(40.0, 80.0)).side == pytest.approx(2 * 80 * 1.8)


@pytest.mark.parametrize("degrees", [-50.0, 12.0, 90.0])
def test_rotation_of_the_face_rotates_the_square(degrees: float) -> None:
    frame, turned = crop_frame(_face()), crop_frame(_turn(_face(), degrees))
    assert turned.roll == pytest.approx(degrees)
    assert turned.side == pytest.approx(frame.side)


def test_matrix_sends_corners_to_the_crop() -> None:
    frame = crop_frame(_turn(_face(), 20.0))
    matrix = frame.matrix(64)
    placed = frame.corners() @ matrix[:, :2].T + matrix[:, 2]
    assert placed == pytest.approx(np.array([[0, 0], [64, 0], [64, 64], [0, 64]]) - 0.5, abs=1e-6)


def test_margin_widens_each_edge() -> None:
    frame = CropFrame(np.array([50.0, 50.0]), np.array([20.0, 0.0]))
    matrix = frame.matrix(60, 0.25)
    corner = matrix[:, :2] @ frame.corners()[0] + matrix[:, 2]
    assert corner == pytest.approx([9.5, 9.5])


def test_scaled_keeps_pixel_centres() -> None:
    frame = CropFrame(np.array([99.5, 49.5]), np.array([30.0, 0.0]))
    half = frame.scaled(0.5)
    assert half.centre == pytest.approx([49.5, 24.5])
    assert half.side == pytest.approx(30.0)


def test_aligned_picture_comes_back() -> None:
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    pixels = cv2.resize(small, (128, 128), interpolation=cv2.INTER_CUBIC)
    frame = CropFrame(np.array([63.5, 63.5]), np.array([64.0, 0.0]))
    out, inside = warp(pixels, frame, 128)
    assert np.array_equal(out, pixels)
    assert inside.all()


def test_outside_is_marked_and_reflected() -> None:
    pixels = np.full((60, 60, 3), 90, np.uint8)
    out, inside = warp(pixels, CropFrame(np.array([0.0, 30.0]), np.array([20.0, 0.0])), 40)
    assert (out == 90).all()
    assert 0.4 < inside.mean() < 0.6


def test_shrinking_averages() -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 256, (512, 512, 3)).astype(np.uint8)
    out, _ = warp(noise, CropFrame(np.array([255.5, 255.5]), np.array([256.0, 0.0])), 64)
    assert out.std() < noise.std() / 4


def test_align_is_warp_of_the_frame() -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (300, 400, 3)).astype(np.uint8)
    assert np.array_equal(align(pixels, _face(), 96)[0], warp(pixels, crop_frame(_face()), 96)[0])


def test_ffhq_pictures_are_their_own_square() -> None:
    if not (FACES / "landmarks478.npz").exists():
        pytest.skip("needs ../shared/data/faces")
    with np.load(FACES / "landmarks478.npz") as archive:
        names, points = archive["image"], archive["xy8"] / 8.0
    rows = [i for i, name in enumerate(names) if str(name).startswith("sg1-ffhq-256/real/")][:400]
    frames = [crop_frame(points[i]) for i in rows]
    assert np.median([frame.side for frame in frames]) == pytest.approx(256, rel=0.02)
    assert np.median([frame.centre for frame in frames], axis=0) == pytest.approx(127.5, abs=2.6)
    assert abs(float(np.median([frame.roll for frame in frames]))) < 0.5
