"""The landmark network: squares, crops, weights, and what it reads on a real photograph."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.forensics.errors import WeightsError
from whichface.forensics.geometry import CropFrame, interocular
from whichface.forensics.landmarks import (
    INPUT,
    MARGIN,
    POINTS,
    cut,
    face_frame,
    read_crop,
    refine,
    to_picture,
)
from whichface.forensics.weights_io import WEIGHTS, load_session, verified_bytes

ASTRONAUT = CropFrame(np.array([225.0, 122.0]), np.array([76.0, 0.0]))
"""A square about the face of skimage's astronaut."""
FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"


def test_card_names_the_file_and_its_hash() -> None:
    card = json.loads((WEIGHTS / "landmarks.json").read_text())
    data_ = (WEIGHTS / card["file"]).read_bytes()
    assert hashlib.sha256(data_).hexdigest() == card["sha256"]
    assert len(data_) <= 2_000_000


def test_a_changed_or_missing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"not a network")
    with pytest.raises(WeightsError, match="SHA-256"):
        load_session(tmp_path, "a.onnx", "0" * 64)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_session(tmp_path, "b.onnx", "0" * 64)
    digest = hashlib.sha256(b"not a network").hexdigest()
    assert verified_bytes(tmp_path, "a.onnx", digest) == b"not a network"
    with pytest.raises(WeightsError, match="cannot be opened"):
        load_session(tmp_path, "a.onnx", digest)


def test_face_frame_is_upright_with_its_margin() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform([100, 100], [180, 200], (POINTS, 2))
    frame = face_frame(points)
    assert np.isfinite(frame.centre).all()
    assert frame.side >= MARGIN * 60


def test_cut_and_back() -> None:
    frame = CropFrame(np.array([60.0, 40.0]), np.array([20.0, 9.0]))
    points = np.array([[0.0, 0.0], [127.0, 5.0], [63.5, 63.5]])
    matrix = frame.matrix(INPUT)
    there = to_picture(points, frame)
    assert there @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(points, abs=1e-3)
    assert there[2] == pytest.approx(frame.centre, abs=1e-3)


def test_cut_is_black_outside_and_safe_far_away() -> None:
    pixels = np.full((50, 50, 3), 200, np.uint8)
    half = cut(pixels, CropFrame(np.array([0.0, 25.0]), np.array([20.0, 0.0])))
    assert half[:, :50].max() == 0
    assert half[40:90, 80:].min() == 200
    far = cut(pixels, CropFrame(np.array([900.0, 900.0]), np.array([20.0, 0.0])))
    assert far.shape == (INPUT, INPUT, 3)
    assert far.max() == 0


def test_large_and_small_pictures_give_the_same_crop() -> None:
    large = cv2.resize(data.astronaut(), (1536, 1536), interpolation=cv2.INTER_CUBIC)
    ours = cut(large, ASTRONAUT.scaled(3.0)).astype(float)
    assert np.abs(ours - cut(data.astronaut(), ASTRONAUT)).mean() < 4


def test_astronaut_is_read_and_the_eyes_are_where_they_are() -> None:
    reading = refine(data.astronaut(), ASTRONAUT)
    assert reading.presence > 0.9
    assert 0.0 <= reading.occlusion < 0.3
    assert reading.landmarks.shape == (POINTS, 2)
    right, left = reading.landmarks[[468, 473]]
    unit = interocular(reading.landmarks)
    assert np.hypot(*(right - [204, 99])) < 0.15 * unit
    assert np.hypot(*(left - [247, 102])) < 0.15 * unit


def test_a_cover_raises_the_hint_of_occlusion() -> None:
    plain, covered = data.astronaut(), data.astronaut().copy()
    covered[112:170, 180:270] = (40, 90, 60)
    before, after = refine(plain, ASTRONAUT).occlusion, read_crop(covered, ASTRONAUT).occlusion
    assert after > before + 0.15


def test_points_follow_a_rotation() -> None:
    upright = refine(data.astronaut(), ASTRONAUT).landmarks
    matrix = cv2.getRotationMatrix2D((225.0, 122.0), -20.0, 1.0)
    turned = cv2.warpAffine(data.astronaut(), matrix, (512, 512))
    found = refine(turned, ASTRONAUT, passes=3).landmarks
    expected = upright @ matrix[:, :2].T + matrix[:, 2]
    error = np.hypot(*(found - expected).T).mean() / interocular(upright)
    assert error < 0.08


def test_noise_and_flat_are_no_faces() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    frame = CropFrame(np.array([100.0, 100.0]), np.array([60.0, 0.0]))
    assert read_crop(noise, frame).presence < 0.5
    assert read_crop(np.full((200, 200, 3), 120, np.uint8), frame).presence < 0.5


def test_validation_error_stays_small() -> None:
    if not (FACES / "landmarks478.npz").exists():
        pytest.skip("needs ../shared/data/faces")
    with np.load(FACES / "landmarks478.npz") as archive:
        names, points = archive["image"], archive["xy8"] / 8.0
    wanted = [i for i, name in enumerate(names) if str(name).startswith("sg2-ffhq-1024/real/")][
        -40:
    ]
    errors = []
    for row in wanted:
        pixels = cv2.imread(str(FACES / str(names[row])), cv2.IMREAD_COLOR_RGB)
        found = refine(pixels, face_frame(points[row])).landmarks
        errors.append(np.hypot(*(found - points[row]).T).mean() / interocular(points[row]))
    assert np.median(errors) < 0.06
