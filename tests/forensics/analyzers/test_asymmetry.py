"""Glasses, earrings, eyes, beards and collars painted on both halves of an enlarged photograph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.forensics.analyzers.asymmetry import look
from whichface.forensics.face import find_faces
from whichface.forensics.geometry import crop_frame
from whichface.forensics.padding import Padding
from whichface.forensics.photo import photo_from_array
from whichface.forensics.records import Abstention, Evidence, Face, Region, Regions
from whichface.forensics.view import FaceView

SIZE = 512
SILVER, GOLD, RED = (190, 190, 195), (200, 160, 60), (190, 30, 40)


@lru_cache
def portrait() -> tuple[np.ndarray, Face]:
    """The astronaut's face as an upright 512 px FFHQ crop, and its record; called sharp."""
    pixels = cv2.resize(data.astronaut()[10:240, 110:340], None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    face = find_faces(photo_from_array(pixels))[0]
    matrix = crop_frame(face.landmarks).matrix(SIZE)
    crop = cv2.warpAffine(pixels, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT_101)
    points = (face.landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    quality = replace(face.quality, side=float(SIZE), sharpness=0.8, visible=1.0)
    return crop, replace(face, landmarks=points, quality=quality, pose=replace(face.pose, yaw=0.0))


@dataclass
class Scene:
    """A portrait to paint on, with the labels that a perfect regions network would give."""

    pixels: np.ndarray = field(default_factory=lambda: portrait()[0].copy())
    labels: np.ndarray = field(default_factory=lambda: np.full((SIZE, SIZE), Region.SKIN, np.uint8))
    face: Face = field(default_factory=lambda: portrait()[1])

    def point(self, index: int) -> np.ndarray:
        return self.face.landmarks[index]

    def view(self) -> FaceView:
        noise = np.random.default_rng(0).normal(0, 1.5, self.pixels.shape)
        pixels = np.clip(cv2.GaussianBlur(self.pixels, (0, 0), 0.6) + noise, 0, 255).astype(np.uint8)
        view = FaceView(photo_from_array(pixels), self.face)
        empty = np.zeros((SIZE, SIZE), np.float32)
        view.__dict__["regions"] = Regions(self.labels, dict.fromkeys(Region, 0.9), empty, empty + 1)
        view.__dict__["padding"] = Padding(np.zeros((SIZE, SIZE), bool), 0.0)
        return view

    def earring(self, side: int, colour: tuple[int, int, int], radius: int = 9) -> Scene:
        x, y = self.point((132, 361)[side])
        place = (round(float(x)) + (-6, 6)[side], round(float(y)) + 30)
        cv2.circle(self.pixels, place, radius, colour, -1)
        cv2.circle(self.labels, place, radius, int(Region.EARRING), -1)
        return self

    def glasses(self, colours=((30, 30, 32), (30, 30, 32)), arcs=((0, 360), (0, 360))) -> Scene:
        for eye, colour, arc in zip(((33, 133), (362, 263)), colours, arcs, strict=True):
            place = tuple(int(v) for v in self.point(eye[0]) / 2 + self.point(eye[1]) / 2)
            cv2.ellipse(self.labels, place, (46, 34), 0, 0, 360, int(Region.GLASSES), -1)
            cv2.ellipse(self.pixels, place, (44, 32), 0, arc[0], arc[1], colour, 5)
        return self

    def eyes(self, first: tuple[int, int, int], second: tuple[int, int, int]) -> Scene:
        for index, colour in ((468, first), (473, second)):
            place = tuple(int(v) for v in self.point(index).round())
            cv2.ellipse(self.pixels, place, (25, 12), 0, 0, 360, (205, 200, 196), -1)
            cv2.circle(self.pixels, place, 11, colour, -1)
            cv2.circle(self.pixels, place, 4, (20, 18, 18), -1)
        return self

    def shaded(self) -> Scene:
        """Warm light from one side: the other half darker and bluer."""
        half = self.pixels[:, SIZE // 2 :].astype(float) * (0.6, 0.65, 0.75)
        self.pixels[:, SIZE // 2 :] = half.astype(np.uint8)
        return self


def seen(scene: Scene) -> Evidence:
    found = look(scene.view())
    assert isinstance(found, Evidence)
    assert 0 <= found.quality <= 1 and found.llr is None
    return found


def inside(found: Evidence, x: float, y: float) -> bool:
    x0, y0, x1, y1 = found.findings[0].box
    return x0 - 4 <= x <= x1 + 4 and y0 - 4 <= y <= y1 + 4


@pytest.mark.parametrize("side", [0, 1])
def test_a_missing_earring_is_found(side: int) -> None:
    scene = Scene().earring(side, GOLD)
    found = seen(scene)
    x, y = scene.point((132, 361)[side])
    assert "one ear only" in found.findings[0].text and inside(found, x, y + 30)
    assert found.heatmap.max() > 0.9


def test_swapped_earrings_are_found() -> None:
    found = seen(Scene().earring(0, SILVER).earring(1, RED))
    assert "colour" in found.findings[0].text and found.statistic > 1
    found = seen(Scene().earring(0, SILVER, 5).earring(1, SILVER, 20))
    assert "size" in found.findings[0].text


def test_a_pair_of_earrings_is_silent() -> None:
    found = seen(Scene().earring(0, GOLD).earring(1, GOLD))
    assert found.findings == () and found.statistic < 0.2
    assert seen(Scene().earring(0, GOLD).earring(1, GOLD).shaded()).findings == ()


def test_an_earring_behind_hair_or_a_turned_head_is_not_missed() -> None:
    scene = Scene().earring(0, GOLD)
    x = int(scene.point(361)[0])
    scene.labels[:, x - 25 :] = Region.HAIR
    assert _silent(scene)
    scene = Scene().earring(0, GOLD)
    scene.face = replace(scene.face, pose=replace(scene.face.pose, yaw=12.0))
    assert _silent(scene)


def _silent(scene: Scene) -> bool:
    found = look(scene.view())
    return isinstance(found, Abstention) or found.findings == ()


def test_glasses_that_mirror_are_silent() -> None:
    found = seen(Scene().glasses())
    assert "glasses_shape" in found.measures
    assert found.findings == () and found.statistic < 0.3
    assert seen(Scene().glasses().shaded()).findings == ()


def test_a_broken_rim_is_found() -> None:
    scene = Scene().glasses(arcs=((0, 360), (150, 220)))
    found = seen(scene)
    assert "rim" in found.findings[0].text
    assert inside(found, *(scene.point(33) / 2 + scene.point(133) / 2))


def test_rims_of_two_colours_are_found() -> None:
    found = seen(Scene().glasses(colours=((30, 30, 32), (150, 20, 30))))
    assert "colour" in found.findings[0].text


def test_eyes_of_two_colours_are_found() -> None:
    scene = Scene().eyes((70, 45, 25), (70, 120, 190))
    found = seen(scene)
    assert "colours" in found.findings[0].text
    assert inside(found, *scene.point(468)) and inside(found, *scene.point(473))


@pytest.mark.parametrize("colour", [(70, 45, 25), (70, 120, 190)])
def test_equal_eyes_are_silent_in_even_and_side_light(colour: tuple[int, int, int]) -> None:
    for scene in (Scene().eyes(colour, colour), Scene().eyes(colour, colour).shaded()):
        found = look(scene.view())
        assert isinstance(found, Abstention) or not any("colours" in f.text for f in found.findings)


def test_half_a_beard_is_found_and_a_whole_one_is_not() -> None:
    def bearded(densities: tuple[int, int]) -> Evidence:
        scene, draw = Scene(), np.random.default_rng(1)
        middle, mouth = scene.point(152)[0], scene.point(61)[1]
        for side, count in enumerate(densities):
            for _ in range(count):
                x, y = draw.uniform(20, 125) * (-1, 1)[side] + middle, draw.uniform(-25, 85) + mouth
                end = (int(x + draw.uniform(-2, 2)), int(y + 6))
                cv2.line(scene.pixels, (int(x), int(y)), end, (40, 28, 22), 1)
        return seen(scene)

    assert bearded((2200, 2200)).findings == ()
    found = bearded((2200, 0))
    assert "beard" in found.findings[0].text and "left" in found.findings[0].text


def test_a_collar_that_breaks_its_mirror_is_found() -> None:
    def dressed(turns: tuple[int, int]) -> Evidence:
        scene = Scene()
        x, y = (int(v) for v in scene.point(152))
        top = y - 45
        scene.labels[top:] = Region.CLOTH
        scene.pixels[top:] = 60
        for side, turn in enumerate(turns):
            for step in range(-300, 500, 22):
                start, shift = (x + (-1, 1)[side] * step, top), (-1, 1)[side] * turn
                half = scene.pixels[:, :x] if side == 0 else scene.pixels[:, x:]
                base = 0 if side == 0 else x
                cv2.line(half, (start[0] - base, start[1]), (start[0] - base + shift, start[1] + 160), (200,) * 3, 3)
        return seen(scene)

    same = dressed((120, 120))
    assert same.measures["collar_edges"] < 0.3 and same.findings == ()
    found = dressed((120, -120))
    assert found.measures["collar_edges"] > 0.5 and "collar" in found.findings[0].text


def test_gates() -> None:
    turned, soft, cropped = Scene(), Scene(), Scene()
    turned.face = replace(turned.face, pose=replace(turned.face.pose, yaw=-22.0))
    soft.face = replace(soft.face, quality=replace(soft.face.quality, sharpness=0.1))
    cropped.face = replace(cropped.face, quality=replace(cropped.face.quality, visible=0.4))
    for scene, word in ((turned, "turned"), (soft, "soft"), (cropped, "outside")):
        found = look(scene.view())
        assert isinstance(found, Abstention) and word in found.reason
    blank = Scene(pixels=np.full((SIZE, SIZE, 3), 128, np.uint8))
    blank.labels[:] = Region.BACKGROUND
    assert isinstance(look(blank.view()), Abstention)


def test_the_same_picture_gives_the_same_evidence() -> None:
    first, second = (seen(Scene().glasses().earring(0, GOLD)) for _ in range(2))
    assert first.statistic == second.statistic and (first.heatmap == second.heatmap).all()
