"""Eyes painted into an enlarged photograph: what they reflect and the shape of their pupils are known."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.forensics.analyzers.eyes import look
from whichface.forensics.face import find_faces
from whichface.forensics.padding import Padding
from whichface.forensics.photo import photo_from_array
from whichface.forensics.records import Abstention, Evidence, Face, Region, Regions
from whichface.forensics.view import FaceView

LIGHTS = ((-0.28, -0.3, 0.16),)
"""One window: offset from the iris' centre and half size, in iris radii."""
TWO_LAMPS = ((-0.35, -0.25, 0.16), (0.3, -0.2, 0.14))
BROWN, BLUE = (58, 44, 38), (120, 140, 150)
UPPER_LIDS = (161, 160, 159, 158, 157, 388, 387, 386, 385, 384)
LOWER_LIDS = (163, 144, 145, 153, 154, 390, 373, 374, 380, 381)
FINE = 4
"""Times that an eye is painted larger before it is shrunk into the picture."""


@lru_cache
def portrait() -> tuple[np.ndarray, Face]:
    """The astronaut's face, six times enlarged, and its record; called sharp, for its eyes are painted sharp."""
    pixels = cv2.resize(data.astronaut()[10:240, 110:340], None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    face = find_faces(photo_from_array(pixels))[0]
    return pixels, replace(face, quality=replace(face.quality, sharpness=0.8))


def painted(
    lights: tuple[tuple, tuple] = (LIGHTS, LIGHTS),
    dents: tuple[float, float] = (0.0, 0.0),
    shade: float = 1.0,
    colours: tuple[tuple, tuple] = (BROWN, BROWN),
) -> np.ndarray:
    """The portrait with two new eyes; the person's right one first. `shade` darkens the right half of the picture."""
    pixels, face = portrait()
    out = pixels.astype(np.float32)
    radius = 0.094 * np.hypot(*(face.landmarks[473] - face.landmarks[468]))
    for index, spots, dent, colour in zip((468, 473), lights, dents, colours, strict=True):
        out = _with_eye(out, face.landmarks[index], radius, spots, dent, colour)
    out[:, out.shape[1] // 2 :] *= shade
    noise = np.random.default_rng(0).normal(0, 1.0, out.shape)
    return np.clip(cv2.GaussianBlur(out, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def _with_eye(out: np.ndarray, centre: np.ndarray, radius: float, spots, dent: float, colour) -> np.ndarray:
    half = int(3 * radius)
    x, y = (int(v) for v in centre)
    patch = out[y - half : y + half, x - half : x + half]
    large = cv2.resize(patch, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_LINEAR)
    middle, r = np.array([half, half]) * FINE + FINE * (centre - np.array([x, y])), radius * FINE

    def at(dx: float, dy: float) -> tuple[int, int]:
        return tuple(int(v) for v in middle + r * np.array([dx, dy]))

    cv2.ellipse(large, at(0, 0), (int(2.2 * r), int(1.05 * r)), 0, 0, 360, (205, 200, 196), -1)
    cv2.circle(large, at(0, 0), int(r), colour, -1)
    pupil = np.zeros(large.shape[:2], np.uint8)
    cv2.circle(pupil, at(0, 0), int(0.5 * r), 1, -1)
    if dent:
        cv2.ellipse(pupil, at(0, 0.12), (int(r), int(r)), 0, 90 - dent, 90 + dent, 0, -1)
    large[pupil > 0] = (22, 20, 20)
    for dx, dy, size in spots:
        cv2.rectangle(large, at(dx - size, dy - size), at(dx + size, dy + size), (250, 250, 250), -1)
    small = cv2.resize(large, patch.shape[1::-1], interpolation=cv2.INTER_AREA)
    out = out.copy()
    out[y - half : y + half, x - half : x + half] = small
    return out


def view_of(pixels: np.ndarray, face: Face | None = None, part: Region = Region.SKIN) -> FaceView:
    view = FaceView(photo_from_array(pixels), face or portrait()[1])
    labels = np.full((512, 512), part, np.uint8)
    empty = np.zeros((512, 512), np.float32)
    view.__dict__["regions"] = Regions(labels, {part: 0.9}, empty, empty + 1)
    view.__dict__["padding"] = Padding(np.zeros(pixels.shape[:2], bool), 0.0)
    return view


def seen(pixels: np.ndarray) -> Evidence:
    found = look(view_of(pixels))
    assert isinstance(found, Evidence)
    assert 0 <= found.quality <= 1 and found.llr is None
    return found


@lru_cache
def clean() -> Evidence:
    return seen(painted())


def holds(found: Evidence, index: int, number: int = 0) -> bool:
    x0, y0, x1, y1 = found.findings[number].box
    x, y = portrait()[1].landmarks[index]
    return x0 <= x <= x1 and y0 <= y <= y1


def test_equal_eyes_are_not_reported() -> None:
    found = clean()
    assert found.findings == ()
    assert found.statistic < 0.25


@pytest.mark.parametrize(
    "other",
    [((0.4, 0.35, 0.2),), ((-0.5, 0.35, 0.1), (0.35, -0.35, 0.2)), ()],
    ids=["another side", "another shape", "none"],
)
def test_lights_that_differ_are_found(other: tuple) -> None:
    found = seen(painted(((*LIGHTS, (0.1, 0.0, 0.12)), other)))
    assert found.statistic > clean().statistic + 0.15
    assert "reflect" in found.findings[0].text
    assert holds(found, 468) and holds(found, 473)
    assert found.heatmap is not None and found.heatmap.max() > 0.5


def test_a_light_of_one_eye_is_shown_where_it_is() -> None:
    found = seen(painted((TWO_LAMPS, TWO_LAMPS[:1])))
    y, x = np.unravel_index(int(np.argmax(found.heatmap)), found.heatmap.shape)
    scale = found.heatmap.shape[1] / portrait()[0].shape[1]
    right, left = portrait()[1].landmarks[[468, 473]] * scale
    assert np.hypot(*(right - (x, y))) < 0.12 * np.hypot(*(left - right))


@pytest.mark.parametrize(
    ("lights", "shade"),
    [
        ((TWO_LAMPS, TWO_LAMPS), 1.0),
        ((LIGHTS, LIGHTS), 0.6),
        (((), ()), 1.0),
        ((LIGHTS, ((-0.2, -0.26, 0.16),)), 1.0),
    ],
    ids=["two lamps", "side light", "no lights", "a lamp nearby"],
)
def test_innocent_eyes_stay_silent(lights: tuple, shade: float) -> None:
    found = seen(painted(lights, shade=shade))
    assert found.findings == ()
    assert found.statistic < 0.3


@pytest.mark.parametrize("side", [0, 1])
def test_a_dented_pupil_is_found(side: int) -> None:
    dents = (50.0, 0.0) if side == 0 else (0.0, 50.0)
    light = {"lights": ((), ()), "colours": (BLUE, BLUE)}
    found, whole = seen(painted(dents=dents, **light)), seen(painted(**light))
    assert whole.findings == ()
    assert "pupil" in found.findings[0].text and ("right", "left")[side] in found.findings[0].text
    assert holds(found, (468, 473)[side])
    assert found.measures["irregularity"] > 2 * whole.measures["irregularity"]


def test_brown_eyes_hide_their_pupils_and_say_nothing() -> None:
    found = seen(painted(colours=((34, 27, 25), (34, 27, 25))))
    assert "irregularity" not in found.measures
    assert found.findings == ()


def test_glasses_are_no_eyes() -> None:
    found = look(view_of(painted((LIGHTS, ())), part=Region.GLASSES))
    assert isinstance(found, Abstention) and "Glasses" in found.reason


def test_gates() -> None:
    pixels, face = painted(), portrait()[1]
    turned = replace(face, pose=replace(face.pose, yaw=28.0))
    soft = replace(face, quality=replace(face.quality, sharpness=0.1))
    for changed, word in ((turned, "turned"), (soft, "small")):
        found = look(view_of(pixels, changed))
        assert isinstance(found, Abstention) and word in found.reason
    small = replace(face, landmarks=(face.landmarks * 0.2).astype(np.float32))
    assert isinstance(look(view_of(cv2.resize(pixels, None, fx=0.2, fy=0.2), small)), Abstention)
    shut = replace(face, landmarks=face.landmarks.copy())
    for upper, lower in zip(UPPER_LIDS, LOWER_LIDS, strict=True):
        shut.landmarks[[upper, lower]] = shut.landmarks[[upper, lower]].mean(0)
    assert isinstance(look(view_of(pixels, shut)), Abstention)
    assert isinstance(look(view_of(np.full_like(pixels, 128))), Abstention)


def test_the_same_picture_gives_the_same_evidence() -> None:
    first, second = clean(), seen(painted())
    assert first.statistic == second.statistic and (first.heatmap == second.heatmap).all()
