"""Bleed planted as tinted hair of known strength in a drawn head; look-alikes that must stay silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from whichface.forensics.analyzers.bleed import BleedConfig, lens_shift, look
from whichface.forensics.records import Abstention, Evidence, Face, Photo, Region, Regions
from whichface.forensics.view import FaceView

SIDE = 1024
GREEN = np.array((60.0, 170.0, 70.0))
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _labels() -> np.ndarray:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(labels, (512, 540), (330, 470), 0, 0, 360, int(Region.HAIR), -1)
    cv2.ellipse(labels, (512, 580), (230, 330), 0, 0, 360, int(Region.SKIN), -1)
    return labels


def _head() -> tuple[np.ndarray, np.ndarray]:
    """A drawn head before a green ground: (1024, 1024, 3) float RGB and labels; its hair has one hue."""
    rng = np.random.default_rng(1)
    labels = _labels()
    strands = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), sigmaX=2, sigmaY=40)
    tone = 1 + 0.25 * (strands / strands.std())[..., None]
    # Shade to highlight: red falls off slower than blue, as in brown hair.
    hair = np.array((95.0, 62.0, 40.0)) * np.clip(tone, 0.2, 2) ** np.array((0.9, 1.0, 1.25))
    pixels = np.broadcast_to(GREEN, hair.shape)
    share = cv2.GaussianBlur((labels > 0).astype(np.float32), (0, 0), 2)[..., None]
    pixels = pixels * (1 - share) + hair * share
    skin = np.array((205.0, 160.0, 135.0)) + np.linspace(15, -15, SIDE)[None, :, None]
    pixels = np.where((labels == Region.SKIN)[..., None], skin, pixels)
    return pixels + rng.normal(0, 1.0, pixels.shape), labels


def _deep(labels: np.ndarray) -> np.ndarray:
    """Pixels inside the head's edge."""
    return cv2.distanceTransform((labels > 0).astype(np.uint8), cv2.DIST_L2, 5)


def bled(share: float) -> Change:
    """The background's chroma at unchanged luma, 34 pixels deep at the upper left, mixed in YCrCb."""

    def change(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
        place = (labels > 0) & (_deep(labels) < 34)
        place[600:] = place[:, 560:] = False
        luma = pixels @ np.array((0.299, 0.587, 0.114))
        tinted = luma[..., None] + GREEN - GREEN @ np.array((0.299, 0.587, 0.114))
        amount = cv2.GaussianBlur(place.astype(np.float32), (0, 0), 1.5)[..., None] * share
        return pixels * (1 - amount) + tinted * amount

    return change


def glinting(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Hair streaked with random tints of every hue, as red-green and yellow-blue waves of their own."""
    rng = np.random.default_rng(2)
    waves = [cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), sigmaX=5, sigmaY=20) for _ in range(2)]
    scaled = np.clip(pixels / 255, 0, 1).astype(np.float32)
    lab = cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB)
    hair = labels == Region.HAIR
    for channel, wave in enumerate(waves, 1):
        lab[..., channel] += (8 * wave / wave.std() * hair).astype(np.float32)
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255.0


def matte(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Thin hair: the background shines through, light and colour alike, and less with depth."""
    amount = np.where(labels > 0, 0.8 * np.exp(-_deep(labels) / 10), 0)[..., None]
    return pixels * (1 - amount) + GREEN * amount


def rim_light(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A white light from behind along one side."""
    amount = np.where(labels > 0, np.exp(-_deep(labels) / 10), 0)[..., None]
    amount[:, 512:] = 0
    return pixels + 110 * amount


def dyed(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Hair dyed violet all over."""
    hair = (labels == Region.HAIR)[..., None]
    return np.where(hair, pixels.mean(2, keepdims=True) * np.array((1.25, 0.6, 1.4)), pixels)


def subsampled(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Chroma at a quarter of the resolution."""
    crcb = cv2.cvtColor(np.clip(pixels, 0, 255).astype(np.uint8), cv2.COLOR_RGB2YCrCb)
    small = cv2.resize(crcb[..., 1:], (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA)
    crcb[..., 1:] = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return cv2.cvtColor(crcb, cv2.COLOR_YCrCb2RGB).astype(float)


@pytest.fixture(scope="module")
def head() -> tuple[np.ndarray, np.ndarray]:
    return _head()


@pytest.fixture
def view_of(
    head: tuple[np.ndarray, np.ndarray], make_photo: Callable[..., Photo], make_face: Callable[..., Face]
) -> Callable[..., FaceView]:
    """The drawn head after changes, as a view with its true regions."""

    def make(*changes: Change, sure: float = 0.9, **quality: Any) -> FaceView:
        pixels, labels = head
        for change in changes:
            pixels = change(pixels, labels)
        photo = replace(make_photo(SIDE, SIDE), pixels=np.clip(pixels, 0, 255).astype(np.uint8))
        face = make_face((511.5, 511.5), float(SIDE))
        view = FaceView(photo, replace(face, quality=replace(face.quality, **quality)))
        ys, xs = np.mgrid[:512, :512]
        points = view.to_picture(np.stack([xs.ravel(), ys.ravel()], 1).astype(float), 512)
        x, y = points.T.astype(np.float32).reshape(2, 512, 512)
        shown = cv2.remap(labels, x, y, cv2.INTER_NEAREST)
        hair, person = (shown == Region.HAIR).astype(np.float32), (shown > 0).astype(np.float32)
        view.__dict__["regions"] = Regions(shown, dict.fromkeys(Region, sure), hair, person)
        return view

    return make


def _found(view: FaceView) -> Evidence:
    found = look(view)
    assert isinstance(found, Evidence)
    return found


def test_bleed_of_known_strength_is_measured_and_found_at_its_place(view_of: Callable[..., FaceView]) -> None:
    clean, half, full = (_found(view_of(bled(share))) for share in (0.0, 0.5, 1.0))
    assert clean.measures["excess"] < half.measures["excess"] < full.measures["excess"]
    assert full.measures["excess"] > 0.55
    assert full.statistic > clean.statistic + 0.5
    box = full.findings[0].box
    assert box is not None
    assert (box[0] + box[2]) / 2 < 560
    assert (box[1] + box[3]) / 2 < 600


def test_hair_of_many_hues_is_found(view_of: Callable[..., FaceView]) -> None:
    clean, planted = _found(view_of()), _found(view_of(glinting))
    assert planted.measures["hue_spread"] > clean.measures["hue_spread"] + 0.2
    assert planted.statistic > clean.statistic + 0.5
    assert [finding for finding in planted.findings if "several colours" in finding.text], planted.measures


@pytest.mark.parametrize(
    "changes", [(), (matte,), (rim_light,), (dyed,), (subsampled,)], ids=["clean", "matte", "rim", "dyed", "4:2:0"]
)
def test_is_silent_on_look_alikes(view_of: Callable[..., FaceView], changes: tuple[Change, ...]) -> None:
    found = _found(view_of(*changes))
    assert found.findings == ()
    assert found.measures["excess"] < BleedConfig().spared


def _magnified(pixels: np.ndarray, rate: float) -> np.ndarray:
    """Red enlarged against blue about the centre, as by a lens."""
    out = pixels.copy()
    for channel, scale in ((0, 1 + rate / 2), (2, 1 - rate / 2)):
        matrix = cv2.getRotationMatrix2D(((SIDE - 1) / 2,) * 2, 0, scale)
        out[..., channel] = cv2.warpAffine(pixels[..., channel], matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
    return out


def test_lens_fringes_are_told_apart(view_of: Callable[..., FaceView]) -> None:
    view = view_of(lambda pixels, _: _magnified(pixels, 0.02))
    assert lens_shift(view.crop(512)) > lens_shift(view_of().crop(512)) + 1
    found = look(view)
    assert isinstance(found, Abstention)
    assert "lens" in found.reason


@pytest.mark.parametrize(
    ("changes", "settings", "word"),
    [
        ((), {"sharpness": 0.05}, "soft"),
        ((), {"compression": 9.0}, "JPEG"),
        ((), {"sure": 0.2}, "certainty"),
        ((lambda pixels, _: np.repeat(pixels.mean(2, keepdims=True), 3, 2),), {}, "black and white"),
    ],
)
def test_abstains_when_a_gate_fails(
    view_of: Callable[..., FaceView], changes: tuple[Change, ...], settings: dict[str, float], word: str
) -> None:
    found = look(view_of(*changes, **settings))
    assert isinstance(found, Abstention)
    assert word in found.reason


def test_abstains_on_bald_heads_and_small_faces(
    view_of: Callable[..., FaceView], make_photo: Callable[..., Photo], make_face: Callable[..., Face]
) -> None:
    view = view_of()
    labels = np.where(view.regions.labels == Region.HAIR, Region.SKIN, view.regions.labels).astype(np.uint8)
    none = np.zeros((512, 512), np.float32)
    view.__dict__["regions"] = replace(view.regions, labels=labels, hair=none)
    bald = look(view)
    small = look(FaceView(make_photo(300, 300), make_face((150.0, 150.0), 150.0)))
    assert isinstance(bald, Abstention) and isinstance(small, Abstention)
    assert "hair" in bald.reason
    assert "small" in small.reason
