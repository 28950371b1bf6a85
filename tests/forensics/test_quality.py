"""Quality: synthetic truth for sharpness, blocks, visibility and closeness to an FFHQ crop."""

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.forensics.geometry import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE, CropFrame
from whichface.forensics.pose import GENERIC, POINTS
from whichface.forensics.quality import (
    MIN_SIDE,
    alignment,
    blockiness,
    effective_resolution,
    face_quality,
    inner_face,
    is_grey,
    visible_share,
)
from whichface.forensics.records import SourceFacts

SOURCE = SourceFacts("ARRAY", 0, (512, 512))


def _landmarks(side: float, centre: tuple[float, float]) -> np.ndarray:
    """(478, 2) frontal landmarks whose FFHQ square has this side, about this centre."""
    unit = side / 4
    x, y = centre
    points = np.tile(np.array(centre), (478, 1))
    points[list(POINTS)] = GENERIC[:, :2] / 6.3 * unit + centre + np.array([0, 0.3 * unit])
    points[list(RIGHT_EYE)] = (x - unit / 2, y - 0.1 * unit)
    points[list(LEFT_EYE)] = (x + unit / 2, y - 0.1 * unit)
    points[list(MOUTH_CORNERS)] = (x, y + 0.95 * unit)
    return points


def _luma() -> np.ndarray:
    return cv2.cvtColor(data.astronaut()[0:256, 100:356], cv2.COLOR_RGB2GRAY).astype(np.float32)


def _enlarged(luma: np.ndarray, times: int, way: int) -> np.ndarray:
    small = cv2.resize(luma, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, luma.shape[::-1], interpolation=way)


@pytest.mark.parametrize("way", [cv2.INTER_LINEAR, cv2.INTER_CUBIC])
def test_enlarged_picture_reads_its_true_size(way: int) -> None:
    sharp = effective_resolution(_luma())
    assert sharp > 0.7
    assert effective_resolution(_enlarged(_luma(), 4, way)) == pytest.approx(0.25, abs=0.09)
    assert effective_resolution(_enlarged(_luma(), 2, way)) == pytest.approx(0.45, abs=0.13)


def test_rounding_of_a_much_enlarged_picture_is_no_detail() -> None:
    small = data.astronaut()[60:180, 165:285]
    large = cv2.cvtColor(cv2.resize(small, (1440, 1440)), cv2.COLOR_RGB2GRAY).astype(np.float32)
    assert effective_resolution(large[400:900, 400:900]) < 0.15


def test_noise_is_sharp_and_flat_is_not() -> None:
    noise = np.random.default_rng(0).normal(128, 20, (128, 128)).astype(np.float32)
    assert effective_resolution(noise) > 0.85
    assert effective_resolution(np.full((128, 128), 90, np.float32)) == 0.0
    assert effective_resolution(np.zeros((5, 5), np.float32)) == 0.0


def test_blocks_rise_as_quality_falls() -> None:
    def at(quality: int) -> float:
        code = cv2.imencode(".jpg", _luma(), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return blockiness(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE).astype(np.float32))

    assert at(15) > at(40) > at(95) - 0.05
    assert at(15) > 0.8
    assert blockiness(np.full((128, 128), 7, np.float32)) == 0.0
    assert blockiness(np.zeros((10, 10), np.float32)) == 0.0


def test_blocks_of_an_enlarged_jpeg_are_seen() -> None:
    code = cv2.imencode(".jpg", _luma()[:160, :160], [cv2.IMWRITE_JPEG_QUALITY, 15])[1]
    small = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE).astype(np.float32)
    large = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    assert blockiness(large) > 0.8


def test_visible_share_is_the_area_inside() -> None:
    frame = CropFrame(np.array([49.5, 49.5]), np.array([50.0, 0.0]))
    assert visible_share(frame, 100, 100) == pytest.approx(1.0, abs=1e-4)
    assert visible_share(frame, 50, 100) == pytest.approx(0.5, abs=1e-4)
    assert visible_share(CropFrame(np.array([-90.0, 0.0]), np.array([20.0, 0.0])), 50, 50) == 0.0


def test_inner_face_outside_the_picture_is_empty() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    assert inner_face(pixels, CropFrame(np.array([500.0, 500.0]), np.array([20.0, 0.0]))).size == 0


def test_good_face_has_no_limits() -> None:
    pixels = np.random.default_rng(4).integers(60, 200, (400, 400, 3)).astype(np.uint8)
    quality = face_quality(pixels, _landmarks(300, (199.5, 199.5)), SOURCE)
    assert quality.side == pytest.approx(300)
    assert quality.interocular == pytest.approx(75)
    assert quality.usable
    assert quality.limits == ()


def test_small_face_is_not_usable() -> None:
    pixels = np.random.default_rng(4).integers(60, 200, (100, 100, 3)).astype(np.uint8)
    quality = face_quality(pixels, _landmarks(MIN_SIDE - 10, (50, 50)), SOURCE)
    assert not quality.usable
    assert "px wide" in quality.limits[0]


def test_enlarged_thumbnail_is_not_usable() -> None:
    small = np.random.default_rng(5).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    pixels = cv2.resize(small, (320, 320), interpolation=cv2.INTER_CUBIC)
    quality = face_quality(pixels, _landmarks(300, (159.5, 159.5)), SOURCE)
    assert not quality.usable
    assert any("detail" in text for text in quality.limits)


def test_covered_and_cut_faces_say_so() -> None:
    pixels = np.random.default_rng(4).integers(60, 200, (300, 300, 3)).astype(np.uint8)
    quality = face_quality(pixels, _landmarks(420, (149.5, 149.5)), SOURCE, occlusion=0.7)
    assert not quality.usable
    assert any("covered" in text for text in quality.limits)
    assert any("inside the picture" in text for text in quality.limits)


def test_alignment_knows_an_ffhq_crop() -> None:
    exact = alignment(CropFrame(np.array([127.5, 127.5]), np.array([128.0, 0.0])), 256, 256)
    assert exact.closeness == pytest.approx(1.0)
    assert exact.scale == pytest.approx(1.0)
    moved = alignment(CropFrame(np.array([140.0, 127.5]), np.array([128.0, 0.0])), 256, 256)
    wide = alignment(CropFrame(np.array([255.5, 127.5]), np.array([128.0, 0.0])), 512, 256)
    turned = alignment(CropFrame(np.array([127.5, 127.5]), np.array([126.0, 22.0])), 256, 256)
    assert max(moved.closeness, wide.closeness, turned.closeness) < 0.1
    assert moved.offset == pytest.approx(12.5 / 256)
    assert turned.roll == pytest.approx(9.9, abs=0.1)


@pytest.mark.parametrize(
    ("blocks", "quality", "said"),
    [
        (0.7, 75, None),  # blocks like these are seen at quality 75 too, where nothing is strong about it
        (0.7, 45, "Strong compression (JPEG of quality 45)."),
        (0.5, 45, None),
        (1.1, 92, "Blocks of an earlier, strong compression (the file itself: JPEG of quality 92)."),
        (1.1, None, "Blocks of an earlier, strong compression (the file itself: PNG)."),
        (0.7, None, None),
    ],
)
def test_compression_is_called_strong_where_it_is(
    blocks: float, quality: int | None, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whichface.forensics.quality.blockiness", lambda luma: blocks)
    pixels = np.random.default_rng(4).integers(60, 200, (400, 400, 3)).astype(np.uint8)
    source = SourceFacts("JPEG" if quality else "PNG", 1, (400, 400), jpeg_quality=quality)
    limits = face_quality(pixels, _landmarks(300, (199.5, 199.5)), source).limits
    assert limits == (() if said is None else (said,))


def _face_in(pixels: np.ndarray) -> bool:
    frame = CropFrame(np.array([223.0, 110.0]), np.array([60.0, 0.0]))
    return is_grey(pixels, frame)


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.07, 0.95, 0.75), (0.9, 0.97, 1.05)])
@pytest.mark.parametrize("noise", [0.0, 5.0])
def test_no_colours_of_its_own(tint: tuple[float, float, float], noise: float) -> None:
    grey = data.astronaut() @ np.array([0.299, 0.587, 0.114])
    toned = grey[..., None] * np.array(tint) + np.random.default_rng(0).normal(0, noise, (*grey.shape, 3))
    assert _face_in(np.clip(toned, 0, 255).astype(np.uint8))
    assert not _face_in(data.astronaut())


def test_a_face_outside_the_picture_has_no_colours_to_miss() -> None:
    assert not is_grey(np.zeros((10, 10, 3), np.uint8), CropFrame(np.array([90.0, 90.0]), np.array([5.0, 0.0])))
