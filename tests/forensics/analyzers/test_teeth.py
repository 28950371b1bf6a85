"""Drawn dentures: a tooth in the middle, teeth that face the camera, and the natural ones they must be told from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from whichface.forensics.analyzers.teeth import CONFIG, look
from whichface.forensics.photo import photo_from_array
from whichface.forensics.records import Abstention, Evidence, Pose
from whichface.forensics.view import FaceView

SIZE = 1024
MM = SIZE / 264
"""Pixels a millimetre: the FFHQ square of the drawn face is the whole picture."""
WIDTHS = (8.5, 6.5, 7.0, 6.0, 5.5)
"""Widths in mm of a natural half denture, from the middle outwards."""
NOISE = np.random.default_rng(0).integers(-3, 4, (SIZE, SIZE), dtype=np.int16)
UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)


@dataclass(frozen=True)
class Mouth:
    """What is drawn; lengths in mm."""

    middle: float = 0.0
    """Where the head's middle meets the mouth, from the picture's axis."""
    denture: float = 0.0
    """Where the middle gap of the denture is, from the head's middle."""
    widths: tuple[float, ...] = WIDTHS
    right: tuple[float, ...] | None = None
    """The same on the picture's right where it differs."""
    height: float = 9.0
    """Between the lips; 0 is closed."""
    space: float = 0.5
    """Width of the middle gap; the others have 0.5."""
    braces: bool = False
    teeth: bool = True
    yaw: float = 0.0


def landmarks(face, mouth: Mouth) -> np.ndarray:
    """The face's points with a mouth of the given place and height."""
    points = face.landmarks.copy()
    corners = points[[61, 291]].mean(0)
    centre = corners + np.array([mouth.middle * MM, 0])
    along = np.linspace(-24, 24, 11)
    bow = 1 - (along / 24) ** 2
    for indices, sign in ((UPPER, -1), (LOWER, 1)):
        places = np.stack([along, sign * mouth.height / 2 * bow], 1) * MM + centre
        points[list(indices)] = places
    points[0] = centre - np.array([0, (mouth.height / 2 + 7) * MM])
    points[17] = centre + np.array([0, (mouth.height / 2 + 9) * MM])
    for i, (x, y) in enumerate([(-40, -25), (40, -25), (-35, -10), (35, -10), (-42, -18), (42, -18)]):
        points[(50, 280, 205, 425, 36, 266)[i]] = corners + np.array([x, y]) * MM
    return points


def box(canvas: np.ndarray, corners: np.ndarray, colour: tuple[int, int, int]) -> None:
    x0, y0, x1, y1 = (int(v) for v in corners)
    cv2.rectangle(canvas, (x0, y0), (x1, y1), colour, -1)


def drawn(make_face, mouth: Mouth, size: int = SIZE) -> FaceView:
    """A skin-coloured picture with one mouth, drawn four times too large and shrunk."""
    face = make_face((511.5, 490.0), SIZE / 0.9372)
    points = landmarks(face, mouth)
    big = 2
    canvas = np.full((SIZE * big, SIZE * big, 3), (205, 160, 140), np.uint8)

    def fill(polygon: np.ndarray, colour: tuple[int, int, int]) -> None:
        cv2.fillPoly(canvas, [np.round(polygon * big).astype(np.int32)], colour)

    inner = np.concatenate([points[list(UPPER)], points[list(LOWER)][::-1]])
    centre = inner.mean(0)
    fill(centre + (inner - centre) * (1.15, 1.0) + np.sign(inner - centre) * (0, 7 * MM), (185, 85, 90))
    if mouth.height > 0:
        fill(inner, (70, 25, 25))
    if mouth.teeth and mouth.height > 0:
        mask = np.zeros(canvas.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(inner * big).astype(np.int32)], 255)
        teeth = canvas.copy()
        for sign in (-1, 1):
            start = mouth.space / 2
            for width in (mouth.right or mouth.widths) if sign > 0 else mouth.widths:
                low, high = sorted((sign * start, sign * (start + width - 0.5)))
                x0, x1 = centre[0] + (mouth.denture + np.array([low, high])) * MM
                y0, y1 = centre[1] - (mouth.height / 2 + 2) * MM, centre[1] + mouth.height * 0.3 * MM
                shade = int(235 - 2 * start)
                corners = np.round(np.array([x0, y0, x1, y1]) * big).astype(int)
                box(teeth, corners, (shade, shade - 8, shade - 30))
                if mouth.braces:
                    middle = np.round([(x0 + x1) / 2 * big, (y0 + y1) / 2 * big]).astype(int)
                    box(teeth, (middle + np.array([[-14, -12], [14, 12]])).ravel(), (120, 125, 130))
                start += width
        canvas[mask > 0] = teeth[mask > 0]
    pixels = cv2.GaussianBlur(cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA), (0, 0), 0.8)
    pixels = np.clip(pixels + NOISE[..., None], 0, 255).astype(np.uint8)
    factor = size / SIZE
    if size != SIZE:
        pixels = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
        points = ((points + 0.5) * factor - 0.5).astype(np.float32)
    return FaceView(photo_from_array(pixels), replace(face, landmarks=points, pose=Pose(mouth.yaw, 0.0, 0.0)))


def seen(make_face, size: int = SIZE, **parts) -> Evidence:
    found = look(drawn(make_face, Mouth(**parts), size))
    assert isinstance(found, Evidence), found
    return found


@pytest.mark.parametrize("size", [1024, 384])
def test_natural_teeth_are_silent(make_face, size: int) -> None:
    found = seen(make_face, size)
    assert found.statistic < 0.1
    assert found.findings == ()
    assert found.measures["midline_offset"] < 0.8
    assert found.measures["width_asymmetry"] < 0.1


@pytest.mark.parametrize("size", [1024, 384])
def test_a_tooth_in_the_middle_is_found_at_its_place(make_face, size: int) -> None:
    found = seen(make_face, size, denture=4.25)
    assert found.statistic > seen(make_face, size).statistic + 0.5
    assert found.measures["odd_count"] == 1
    assert found.measures["midline_offset"] == pytest.approx(4.1, abs=0.5)
    (finding,) = found.findings
    x0, y0, x1, y1 = finding.box
    assert "middle" in finding.text
    assert (x0 + x1) / 2 / size == pytest.approx(0.5, abs=0.015)
    assert (x1 - x0) / size * 264 == pytest.approx(8.5, abs=1.5)
    assert y0 / size < 0.71 < y1 / size


def test_an_odd_number_of_teeth_of_one_width_is_found(make_face) -> None:
    widths = (7.0,) * 5
    assert seen(make_face, denture=3.5, widths=widths).measures["odd_count"] == 1
    assert seen(make_face, denture=0.0, widths=widths).measures["odd_count"] == 0


def test_teeth_that_face_the_camera_are_found(make_face) -> None:
    locked = seen(make_face, middle=-4.5, denture=4.5, yaw=-18.0)
    turned = seen(make_face, middle=-4.5, denture=0.9, yaw=-18.0)
    assert locked.statistic > 1.0 > 0.0 > turned.statistic
    assert turned.findings == ()
    assert "face the camera" in locked.findings[0].text
    x0, _, x1, _ = locked.findings[0].box
    assert x0 < SIZE / 2 < x1
    assert locked.heatmap is not None
    assert locked.heatmap.max() > 0.5
    row, column = np.unravel_index(locked.heatmap.argmax(), locked.heatmap.shape)
    assert abs(column - SIZE / 2 + 4 * MM) < 8 * MM
    assert 0.6 < row / SIZE < 0.8


def test_unequal_incisors_raise_the_statistic(make_face) -> None:
    even, uneven = seen(make_face), seen(make_face, right=(5.5, 6.5, 7.0, 6.0))
    assert uneven.measures["width_asymmetry"] == pytest.approx(np.log(8.5 / 5.5), abs=0.1)
    assert uneven.statistic > even.statistic + 0.1


@pytest.mark.parametrize(
    "parts",
    [{"space": 2.2}, {"braces": True}, {"height": 12.0}, {"denture": 1.0}, {"denture": -1.0}],
    ids=["gap between the incisors", "braces", "wide open", "a little right", "a little left"],
)
def test_innocent_mouths_have_no_finding(make_face, parts: dict) -> None:
    found = look(drawn(make_face, Mouth(**parts)))
    if isinstance(found, Evidence):
        assert found.findings == ()
        assert found.statistic < CONFIG.telling


@pytest.mark.parametrize(
    ("parts", "size", "word"),
    [
        ({"height": 0.0}, 1024, "closed"),
        ({"teeth": False}, 1024, "Too little"),
        ({"yaw": 35.0}, 1024, "turned"),
        ({}, 160, "small"),
        ({"widths": (44.0,)}, 1024, "told from each other"),
    ],
)
def test_abstains(make_face, parts: dict, size: int, word: str) -> None:
    found = look(drawn(make_face, Mouth(**parts), size))
    assert isinstance(found, Abstention)
    assert word in found.reason


def test_abstains_on_blur(make_face) -> None:
    view = drawn(make_face, Mouth())
    blurred = photo_from_array(cv2.GaussianBlur(view.photo.pixels, (0, 0), 14))
    assert isinstance(look(FaceView(blurred, view.face)), Abstention)


def test_abstains_where_the_mouth_is_cut_off(make_face) -> None:
    view = drawn(make_face, Mouth())
    cut = photo_from_array(np.ascontiguousarray(view.photo.pixels[:700]))
    found = look(FaceView(cut, view.face))
    assert isinstance(found, Abstention)
    assert "cut off" in found.reason


def test_the_same_twice(make_face) -> None:
    assert seen(make_face, denture=3.0).measures == seen(make_face, denture=3.0).measures
