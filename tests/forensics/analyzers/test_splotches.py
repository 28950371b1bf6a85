"""Droplets planted as refracting, ringing blots in a drawn head; look-alikes that must stay silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from whichface.forensics.analyzers.splotches import CUE, SplotchConfig, look
from whichface.forensics.records import Abstention, Evidence, Face, Photo, Region, Regions
from whichface.forensics.view import FaceView

SIDE = 1024
Draw = Callable[[np.ndarray, np.ndarray], None]


def _head() -> tuple[np.ndarray, np.ndarray]:
    """A drawn head: (1024, 1024, 3) float RGB and its (512, 512) labels; hair hangs in strands, the ground is plain."""
    rng = np.random.default_rng(1)
    pixels = np.full((SIDE, SIDE, 3), (150.0, 165.0, 170.0)) + np.linspace(-20, 20, SIDE)[:, None, None]
    labels = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(labels, (512, 540), (330, 470), 0, 0, 360, int(Region.HAIR), -1)
    strands = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), sigmaX=2, sigmaY=40)
    hair = np.array((80.0, 60.0, 45.0)) + 12 * (strands / strands.std())[..., None]
    pixels = np.where((labels == Region.HAIR)[..., None], hair, pixels)
    cv2.ellipse(labels, (512, 580), (230, 330), 0, 0, 360, int(Region.SKIN), -1)
    skin = np.array((205.0, 160.0, 135.0)) + np.linspace(15, -15, SIDE)[None, :, None]
    pixels = np.where((labels == Region.SKIN)[..., None], skin, pixels)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 1.2) + rng.normal(0, 1.5, pixels.shape)
    return pixels, labels[::2, ::2].copy()


def _droplet(x: int, y: int, a: float = 30.0, b: float = 21.0) -> Draw:
    """A lens that shows a blurred, enlarged picture, with purple ringing along its rim."""

    def draw(pixels: np.ndarray, labels: np.ndarray) -> None:
        ys, xs = np.mgrid[:SIDE, :SIDE].astype(np.float32)
        level = np.hypot((xs - x) / b, (ys - y) / a)
        soft = cv2.GaussianBlur(pixels, (0, 0), 8)
        bent = cv2.remap(soft, x + (xs - x) * 0.6, y + (ys - y) * 0.6, cv2.INTER_LINEAR)
        inside = 1 / (1 + np.exp(np.clip((level - 1) / 0.04, -50, 50)))
        ringing = np.cos(2 * np.pi * (level - 1) / 0.42) * np.exp(-(((level - 1) / 0.35) ** 2))
        tint = np.array((-4.0, -22.0, 2.0))
        pixels[:] = pixels * (1 - inside[..., None]) + (bent + 6) * inside[..., None] + ringing[..., None] * tint

    return draw


def _disc(x: int, y: int, radius: int, colour: tuple[float, ...], soft: float, label: Region | None = None) -> Draw:
    """A blurred disc of one colour: an out-of-focus light or, labelled, a pearl."""

    def draw(pixels: np.ndarray, labels: np.ndarray) -> None:
        mask = np.zeros((SIDE, SIDE), np.float32)
        cv2.circle(mask, (x, y), radius, 1.0, -1)
        share = cv2.GaussianBlur(mask, (0, 0), soft)[..., None]
        pixels[:] = pixels * (1 - share) + np.array(colour) * share
        if label is not None:
            cv2.circle(labels, (x // 2, y // 2), radius // 2 + 2, int(label), -1)

    return draw


@pytest.fixture(scope="module")
def head() -> tuple[np.ndarray, np.ndarray]:
    return _head()


@pytest.fixture
def view_of(
    head: tuple[np.ndarray, np.ndarray], make_photo: Callable[..., Photo], make_face: Callable[..., Face]
) -> Callable[..., FaceView]:
    """The drawn head with things drawn onto it, as a view with its true regions."""

    def make(*things: Draw, **quality: Any) -> FaceView:
        pixels, labels = head[0].copy(), head[1].copy()
        for thing in things:
            thing(pixels, labels)
        photo = replace(make_photo(SIDE, SIDE), pixels=np.clip(pixels, 0, 255).astype(np.uint8))
        face = make_face((511.5, 511.5), float(SIDE))
        view = FaceView(photo, replace(face, quality=replace(face.quality, **quality)))
        labels = cv2.remap(labels, *_grid(view), cv2.INTER_NEAREST)
        hair = (labels == Region.HAIR).astype(np.float32)
        confidence = dict.fromkeys(Region, 0.9)
        view.__dict__["regions"] = Regions(labels, confidence, hair, (labels > 0).astype(np.float32))
        return view

    return make


def _grid(view: FaceView) -> tuple[np.ndarray, np.ndarray]:
    """Where the 512-px crop's pixels lie in the 512-px labels of the whole picture."""
    ys, xs = np.mgrid[:512, :512]
    points = view.to_picture(np.stack([xs.ravel(), ys.ravel()], 1).astype(float), 512) / 2
    x, y = points.T.astype(np.float32).reshape(2, 512, 512)
    return x, y


@pytest.mark.parametrize("place", [(190, 420), (512, 400), (330, 330)], ids=["edge", "skin", "hair"])
def test_finds_a_planted_droplet_at_its_place(view_of: Callable[..., FaceView], place: tuple[int, int]) -> None:
    clean, planted = look(view_of()), look(view_of(_droplet(*place)))
    assert isinstance(clean, Evidence) and isinstance(planted, Evidence)
    assert planted.statistic > clean.statistic + 2
    box = planted.findings[0].box
    assert box is not None
    assert abs((box[0] + box[2]) / 2 - place[0]) < 15
    assert abs((box[1] + box[3]) / 2 - place[1]) < 15
    assert planted.heatmap is not None
    assert planted.heatmap[place[1], place[0]] > 0.3


@pytest.mark.parametrize(
    "things",
    [
        (),
        (_disc(170, 300, 34, (250.0, 240.0, 210.0), 6.0),),
        (_disc(850, 620, 22, (245.0, 240.0, 235.0), 1.0, Region.EARRING),),
        (_disc(560, 560, 16, (255.0, 245.0, 235.0), 8.0),),
        (_droplet(440, 520), _disc(440, 520, 60, (90.0, 60.0, 50.0), 2.0, Region.LEFT_EYE)),
    ],
    ids=["clean", "bokeh", "pearl", "highlight", "eye"],
)
def test_is_silent_on_look_alikes(view_of: Callable[..., FaceView], things: tuple[Draw, ...]) -> None:
    found = look(view_of(*things))
    assert isinstance(found, Evidence)
    assert found.findings == ()
    assert found.statistic < SplotchConfig().finding


@pytest.mark.parametrize(
    ("quality", "word"), [({"sharpness": 0.05}, "soft"), ({"compression": 9.0}, "JPEG")]
)
def test_abstains_on_poor_pictures(view_of: Callable[..., FaceView], quality: dict[str, float], word: str) -> None:
    found = look(view_of(**quality))
    assert isinstance(found, Abstention)
    assert word in found.reason


def test_abstains_on_small_faces(make_photo: Callable[..., Photo], make_face: Callable[..., Face]) -> None:
    found = look(FaceView(make_photo(300, 300), make_face((150.0, 150.0), 150.0)))
    assert isinstance(found, Abstention)
    assert "small" in found.reason


def test_abstains_without_a_head(view_of: Callable[..., FaceView]) -> None:
    view = view_of()
    nothing, none = np.zeros((512, 512), np.uint8), np.zeros((512, 512), np.float32)
    view.__dict__["regions"] = Regions(nothing, {}, none, none)
    assert isinstance(look(view), Abstention)


def test_is_deterministic_and_named(view_of: Callable[..., FaceView]) -> None:
    first, second = (look(view_of(_droplet(190, 420))) for _ in range(2))
    assert isinstance(first, Evidence) and isinstance(second, Evidence)
    assert first.statistic == second.statistic
    assert first.analyzer == CUE.name
