"""Background: drawn scenes with a broken shelf, patched focus or a cut-up second face; whole ones stay silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import cv2
import numpy as np
import pytest
import skimage.data

from whichface.forensics.analyzers.background import PADDED, look
from whichface.forensics.padding import Padding
from whichface.forensics.records import Abstention, Evidence, Face, Photo, Region, Regions
from whichface.forensics.view import FaceView

SIZE = 512
See = Callable[..., FaceView]


@pytest.fixture
def see(make_photo: Callable[..., Photo], make_face: Callable[..., Face]) -> See:
    """A view of a scene with the head drawn into its middle, and its true regions."""

    def make(scene: np.ndarray, share: float = 0.24) -> FaceView:
        head = np.zeros((SIZE, SIZE), np.uint8)
        cv2.ellipse(head, (256, 250), (round(share * SIZE), 170), 0, 0, 360, 1, -1)
        head[400:, 256 - round(share * 1.4 * SIZE) : 256 + round(share * 1.4 * SIZE)] = 1
        pixels = np.where(head[..., None] > 0, np.uint8([200, 150, 125]), scene)
        labels = np.where(head > 0, np.uint8(Region.SKIN), np.uint8(Region.BACKGROUND))
        face = make_face((255.5, 255.5), float(SIZE))
        view = FaceView(replace(make_photo(SIZE, SIZE), pixels=pixels), face)
        confidence = MappingProxyType(dict.fromkeys(Region, 0.9))
        person = head.astype(np.float32)
        view.__dict__["regions"] = Regions(labels, confidence, np.zeros_like(person), person)
        return view

    return make


def _shelf(drop: int, tilt: float = 0.0, right: tuple[int, int, int] = (110, 70, 40)) -> np.ndarray:
    """A wall with a shelf that leaves the head's right side `drop` pixels lower than it went in."""
    scene = np.full((SIZE, SIZE, 3), 170, np.uint8)
    for start, end, colour, extra in ((0, 256, (110, 70, 40), 0), (256, SIZE, right, drop)):
        x = np.arange(start, end)
        y = np.rint(180 + tilt * (x - 256)).astype(int) + extra
        for offset in range(22):
            scene[y + offset, x] = colour
    return cv2.GaussianBlur(scene, (0, 0), 0.8)


def _evidence(found: Evidence | Abstention) -> Evidence:
    assert isinstance(found, Evidence)
    return found


@pytest.mark.parametrize("drop", [18, 26, -22])
@pytest.mark.parametrize("tilt", [0.0, 0.1])
def test_a_line_that_breaks_behind_the_head_is_found(see: See, drop: int, tilt: float) -> None:
    found = _evidence(look(see(_shelf(drop, tilt))))
    assert found.statistic > 0.5
    assert found.measures["broken_lines"] > 0.5
    assert "line" in found.findings[0].text
    assert found.findings[0].box is not None
    x0, y0, x1, y1 = found.findings[0].box
    assert x0 < 100 and x1 > 410 and y0 < 215 and y1 > 160
    assert found.heatmap is not None and found.heatmap[160:230, 20:100].max() > 0.5


@pytest.mark.parametrize("scene", [_shelf(0), _shelf(0, 0.15), _shelf(80), _shelf(22, 0.0, (40, 70, 200))])
def test_a_shelf_that_goes_on_or_another_one_is_silent(see: See, scene: np.ndarray) -> None:
    found = _evidence(look(see(scene)))
    assert found.statistic < 0.1
    assert not found.findings


def _texture() -> np.ndarray:
    grain = np.random.default_rng(0).normal(0, 1, (SIZE, SIZE)).astype(np.float32)
    rough = sum(cv2.GaussianBlur(grain, (0, 0), sigma) * sigma * 30 for sigma in (0.7, 2.0, 5.0))
    return np.clip(128 + np.asarray(rough), 0, 255).astype(np.uint8)[..., None].repeat(3, 2)


def test_patches_of_other_sharpness_are_found(see: See) -> None:
    scene, soft = _texture(), cv2.GaussianBlur(_texture(), (0, 0), 3.0)
    y, x = np.mgrid[:SIZE, :SIZE]
    patched = np.where((((x // 32) + (y // 32)) % 2 == 0)[..., None], scene, soft)
    found, clean = _evidence(look(see(patched))), _evidence(look(see(scene)))
    assert found.statistic > clean.statistic + 0.3
    assert any("blurred" in finding.text for finding in found.findings)
    assert not clean.findings


def test_focus_that_falls_off_evenly_is_silent(see: See) -> None:
    scene = _texture().astype(np.float32)
    for row in range(0, SIZE, 8):
        scene[row : row + 8] = cv2.GaussianBlur(_texture(), (0, 0), 0.3 + row / 90)[row : row + 8]
    found = _evidence(look(see(scene.astype(np.uint8))))
    assert found.statistic < 0.1
    assert not found.findings


def _with_second_face(face: np.ndarray) -> np.ndarray:
    scene = np.full((SIZE, SIZE, 3), (60, 90, 140), np.uint8)
    scene[20:180, 2:152] = face
    return scene


def test_a_second_face_cut_in_halves_is_found_and_a_whole_one_is_not(see: See) -> None:
    face = np.asarray(skimage.data.astronaut())[60:220, 150:300].copy()
    whole = _evidence(look(see(_with_second_face(face), 0.2)))
    face[:, 75:] = np.roll(face[:, 75:], 24, 0)
    cut = _evidence(look(see(_with_second_face(face), 0.2)))
    assert whole.measures["odd_faces"] == 0.0
    assert cut.measures["odd_faces"] > 0.3
    assert cut.findings[0].box is not None
    x0, y0, x1, y1 = cut.findings[0].box
    assert x0 < 77 < x1 < 200 and y0 < 100 < y1 < 200


def test_padding_is_told_as_no_sign_of_a_generator(see: See) -> None:
    view = see(_shelf(0))
    mask = np.zeros((256, 256), bool)
    mask[:, 236:] = True
    view.__dict__["padding"] = Padding(mask, 1.0)
    found = _evidence(look(view))
    assert found.statistic < 0.1
    assert found.findings[-1].text == PADDED
    assert "no sign of a generator" in PADDED
    assert found.findings[-1].box == (472.0, 0.0, 511.0, 511.0)


def test_a_plain_wall_is_silent(see: See) -> None:
    found = _evidence(look(see(np.full((SIZE, SIZE, 3), 150, np.uint8))))
    assert found.statistic == 0.0
    assert not found.findings


def test_it_abstains_without_detail_or_background(see: See) -> None:
    view = see(_shelf(22))
    blurred = replace(view.face, quality=replace(view.face.quality, sharpness=0.1))
    soft = FaceView(view.photo, blurred)
    soft.__dict__["regions"] = view.regions
    assert isinstance(look(soft), Abstention)
    full = see(_shelf(22))
    person = np.ones((SIZE, SIZE), np.float32)
    full.__dict__["regions"] = replace(full.regions, person=person)
    assert isinstance(look(full), Abstention)
