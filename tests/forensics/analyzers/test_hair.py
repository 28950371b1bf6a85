"""Drawn hair: strands that float or hold, streaks from a comb or not, before a plain or a busy background."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from whichface.forensics.analyzers.hair import CONFIG, look
from whichface.forensics.photo import photo_from_array
from whichface.forensics.records import Abstention, Evidence, Region, Regions
from whichface.forensics.view import FaceView

SIZE = 1024
HEAD = (512, 540)
OUTER = (330, 400)
"""Half axes of the hair's outline; it ends at the face's."""
FACE = (200, 300)
HAIR = (70, 50, 40)
NOISE = np.random.default_rng(3).integers(-2, 3, (SIZE, SIZE, 1), dtype=np.int16)
FLOATING = (
    (160, 350, 140, 430),
    (140, 490, 125, 580),
    (865, 350, 890, 430),
    (885, 480, 905, 570),
    (690, 120, 760, 160),
)
"""Ends x, y of strands that touch nothing."""
MORE = tuple((x0 + d, y0, x1 + d, y1) for x0, y0, x1, y1 in FLOATING[:4] for d in ((-22, 22)[x0 > 512],))


def ellipse(axes: tuple[int, int], size: int = SIZE) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.ellipse(mask, HEAD, axes, 0, 0, 360, 255, -1)
    return cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA)


def regions(confidence: float = 0.9) -> Regions:
    """The parts of the drawn portrait, as a parser would give them."""
    hair = (ellipse(OUTER, 512) / np.float32(255) - ellipse(FACE, 512) / np.float32(255)).clip(0, 1)
    person = ellipse(OUTER, 512) / np.float32(255)
    labels = np.where(hair > 0.5, Region.HAIR, np.where(person > 0.5, Region.SKIN, Region.BACKGROUND))
    parts = {Region.HAIR: confidence, Region.SKIN: 0.9, Region.BACKGROUND: 0.9}
    return Regions(labels.astype(np.uint8), parts, hair.astype(np.float32), person.astype(np.float32))


def strands(canvas: np.ndarray, rng: np.random.Generator, spread: float, tilt: float = 0.0) -> None:
    """Some thousands of strands, each with its own place, tone, width and bend."""
    for _ in range(4000):
        x, y = rng.uniform(150, 880), rng.uniform(60, 960)
        angle = tilt + rng.normal(0, spread)
        length, bend = rng.uniform(60, 220), rng.normal(0, 0.3)
        t = np.linspace(-0.5, 0.5, 7)
        turn = angle + bend * t
        points = np.stack([x + length * t * np.sin(turn), y + length * t * np.cos(turn)], 1)
        tone = tuple(float(v) for v in np.array(HAIR) * rng.uniform(0.5, 2.2))
        cv2.polylines(canvas, [(points * 16).astype(np.int32)], False, tone, int(rng.integers(1, 3)), cv2.LINE_AA, 4)


@lru_cache
def hair_texture(kind: str) -> np.ndarray:
    canvas = np.full((SIZE, SIZE, 3), HAIR, np.uint8)
    rng = np.random.default_rng(1)
    if kind == "comb":
        for i, x in enumerate(range(0, SIZE, 7)):
            cv2.line(canvas, (x, 0), (x, SIZE), (150, 115, 95) if i % 2 else (140, 105, 90), 3, cv2.LINE_AA)
    elif kind == "braids":
        for sign in (-1, 1):
            layer = np.full_like(canvas, HAIR)
            strands(layer, rng, 0.1, sign * 0.8)
            bands = (np.arange(SIZE) // 60 % 2 == (sign + 1) // 2)[:, None, None]
            canvas = np.where(bands, layer, canvas)
    else:
        strands(canvas, rng, 0.02 if kind == "straight" else 0.25)
    return canvas


def loose(canvas: np.ndarray, ends: tuple[int, ...], width: int = 2) -> None:
    """One bent strand between two places."""
    x0, y0, x1, y1 = ends
    t = np.linspace(0, 1, 12)[:, None]
    line = np.array([[x0, y0]]) * (1 - t) + np.array([[x1, y1]]) * t
    line += np.sin(t * np.pi) * np.array([[y1 - y0, x0 - x1]]) * 0.12
    cv2.polylines(canvas, [(line * 16).astype(np.int32)], False, HAIR, width, cv2.LINE_AA, 4)


def attached() -> list[tuple[int, ...]]:
    """Strands that begin in the hair and reach out by about 50 pixels."""
    angles = np.radians(np.arange(190, 351, 8))
    inner = np.stack([np.cos(angles) * (OUTER[0] - 15), np.sin(angles) * (OUTER[1] - 15)], 1) + HEAD
    outer = np.stack([np.cos(angles + 0.06) * (OUTER[0] + 45), np.sin(angles + 0.06) * (OUTER[1] + 45)], 1) + HEAD
    return [tuple(int(v) for v in (*a, *b)) for a, b in zip(inner, outer, strict=True)]


def drawn(
    make_face,
    kind: str = "natural",
    lines: tuple[tuple[int, ...], ...] = (),
    *,
    background: str = "plain",
    blur: float = 0.7,
    confidence: float = 0.9,
    **quality: float,
) -> FaceView:
    """A portrait with that hair and those loose strands."""
    ramp = np.linspace(170, 215, SIZE)[:, None, None]
    canvas = np.broadcast_to(ramp, (SIZE, SIZE, 3)).astype(np.uint8).copy()
    rng = np.random.default_rng(2)
    if background == "busy":
        for x0, y0, x1, y1 in rng.integers(0, SIZE, (1500, 4)):
            loose(canvas, (int(x0), int(y0), int(x0 + (x1 - x0) / 8), int(y0 + (y1 - y0) / 8)))
    if background == "bokeh":
        for x, y, r in rng.integers((0, 0, 15), (SIZE, SIZE, 60), (60, 3)):
            cv2.circle(canvas, (int(x), int(y)), int(r), (235, 225, 200), -1)
        canvas = cv2.GaussianBlur(canvas, (0, 0), 6)
    canvas = np.where(ellipse(OUTER)[..., None] > 127, hair_texture(kind), canvas)
    canvas[ellipse(FACE) > 127] = (205, 160, 140)
    for ends in lines:
        loose(canvas, ends)
    smooth = cv2.GaussianBlur(canvas, (0, 0), blur).astype(np.int16)
    pixels = np.clip(smooth + NOISE, 0, 255).astype(np.uint8)
    face = make_face((511.5, 507.2), SIZE / 0.9372)
    face = replace(face, quality=replace(face.quality, **quality))
    view = FaceView(photo_from_array(pixels), face)
    view.__dict__["regions"] = regions(confidence)
    return view


def seen(make_face, *arguments, **parts) -> Evidence:
    found = look(drawn(make_face, *arguments, **parts))
    assert isinstance(found, Evidence), found
    return found


@pytest.fixture(scope="module")
def held() -> tuple[tuple[int, ...], ...]:
    return tuple(attached())


def test_floating_strands_are_found_at_their_places(make_face, held) -> None:
    clean, planted = seen(make_face, "natural", held), seen(make_face, "natural", (*FLOATING, *MORE))
    assert clean.findings == ()
    assert clean.statistic < -1.0
    assert planted.statistic > clean.statistic + 1.0
    boxes = np.array([finding.box for finding in planted.findings])
    assert len(boxes) == CONFIG.most
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    truth = np.array([((x0 + x1) / 2, (y0 + y1) / 2) for x0, y0, x1, y1 in (*FLOATING, *MORE)])
    nearest = np.hypot(*(middles[:, None] - truth[None]).transpose(2, 0, 1)).min(1)
    assert (nearest < 12).all()
    x, y = (truth[1] + 0.5).astype(int)
    assert planted.heatmap is not None
    assert planted.heatmap[y - 8 : y + 9, x - 8 : x + 9].max() > 0.3
    assert planted.heatmap[540, 512] == 0


def test_one_floating_strand_raises_the_share(make_face, held) -> None:
    clean, planted = seen(make_face, "natural", held), seen(make_face, "natural", (*held, FLOATING[1]))
    assert planted.measures["floating_share"] > clean.measures["floating_share"] + 0.02
    assert planted.statistic > clean.statistic


def test_a_comb_is_found_in_the_hair(make_face) -> None:
    clean, combed = seen(make_face), seen(make_face, "comb")
    assert clean.measures["comb"] == 0
    assert combed.measures["comb"] > 1
    assert combed.statistic > clean.statistic + 1
    assert "comb" in combed.findings[0].text
    x0, y0, x1, y1 = combed.findings[0].box
    assert x0 < 400 < 620 < x1
    assert y0 < 300 < y1


@pytest.mark.parametrize(
    ("kind", "background"),
    [("natural", "bokeh"), ("straight", "plain"), ("braids", "plain")],
)
def test_innocent_hair_has_no_finding(make_face, held, kind: str, background: str) -> None:
    found = seen(make_face, kind, held, background=background)
    assert found.measures["comb"] == 0
    assert found.findings == ()
    assert found.statistic < 0


def test_blur_has_no_finding(make_face, held) -> None:
    found = look(drawn(make_face, "natural", held, blur=5.0))
    assert isinstance(found, Abstention) or found.findings == ()


def test_a_busy_background_says_nothing_of_strands(make_face) -> None:
    found = seen(make_face, background="busy")
    assert "floating_density" not in found.measures
    assert found.findings == ()
    assert found.quality < seen(make_face).quality


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({"sharpness": 0.1}, "blurred"),
        ({"compression": 0.9}, "compressed"),
        ({"confidence": 0.2}, "cannot be told"),
    ],
)
def test_abstains(make_face, parts: dict, word: str) -> None:
    found = look(drawn(make_face, **parts))
    assert isinstance(found, Abstention)
    assert word in found.reason


def test_abstains_on_a_small_face_and_on_a_bald_one(make_face) -> None:
    view = drawn(make_face)
    small = photo_from_array(cv2.resize(view.photo.pixels, (300, 300), interpolation=cv2.INTER_AREA))
    found = look(FaceView(small, make_face((149.5, 143.0), 320.0)))
    assert isinstance(found, Abstention)
    assert "small" in found.reason
    view.__dict__["regions"] = replace(regions(), hair=np.zeros((512, 512), np.float32))
    found = look(view)
    assert isinstance(found, Abstention)
    assert "little hair" in found.reason


def test_the_same_twice(make_face, held) -> None:
    assert seen(make_face, "natural", held).measures == seen(make_face, "natural", held).measures
