"""Spectrum: planted by an uneven transposed convolution, as a generator's; JPEG grids and lit walls stay silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
import skimage.data

from whichface.forensics.analyzers.spectrum import look
from whichface.forensics.geometry import crop_frame
from whichface.forensics.photo import open_photo
from whichface.forensics.recompress import jpeg_bytes
from whichface.forensics.records import Abstention, Evidence, Face, Photo, SourceFacts
from whichface.forensics.view import FaceView

SIZE = 512
RAISED = 2.0
See = Callable[..., FaceView]


@pytest.fixture
def see(make_face: Callable[..., Face]) -> See:
    """A view of a picture whose face has this side, after JPEG of a quality or as an array."""

    def make(pixels: np.ndarray, side: float = 500.0, quality: int | None = None, **changes: float) -> FaceView:
        if quality is None:
            facts = SourceFacts("PNG", 1, pixels.shape[1::-1])
            photo = replace(open_photo_of(pixels, 95), pixels=pixels, source=facts)
        else:
            photo = open_photo_of(pixels, quality)
        face = make_face((pixels.shape[1] / 2, pixels.shape[0] / 2), side)
        frame = crop_frame(face.landmarks)
        measured = replace(face.quality, side=frame.side, sharpness=0.7, compression=0.2)
        return FaceView(photo, replace(face, quality=replace(measured, **changes)))

    return make


def open_photo_of(pixels: np.ndarray, quality: int) -> Photo:
    return open_photo(BytesIO(jpeg_bytes(pixels, quality)))


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(skimage.data.astronaut())


def _generated(photo: np.ndarray, share: float, stride: int = 4) -> np.ndarray:
    """The photo with a share of itself put through a transposed convolution whose kernel overlaps unevenly."""
    small = photo[::stride, ::stride].astype(np.float32)
    spread = np.zeros(photo.shape, np.float32)
    spread[::stride, ::stride] = small
    kernel = np.ones((stride + 1, stride + 1), np.float32) * (stride / (stride + 1)) ** 2
    enlarged = cv2.filter2D(spread, -1, kernel)
    return np.clip(photo * (1 - share) + enlarged * share, 0, 255).astype(np.uint8)


def _evidence(found: Evidence | Abstention) -> Evidence:
    assert isinstance(found, Evidence)
    return found


@pytest.mark.parametrize("stride", [4, 8])
@pytest.mark.parametrize("quality", [None, 90, 75])
def test_an_upsampling_pattern_is_found(see: See, astronaut: np.ndarray, stride: int, quality: int | None) -> None:
    found = _evidence(look(see(_generated(astronaut, 0.06, stride), quality=quality)))
    clean = _evidence(look(see(astronaut, quality=quality)))
    assert found.statistic > max(RAISED, clean.statistic + 1.0)
    assert found.findings and found.heatmap is not None
    assert found.heatmap.shape == (SIZE, SIZE)
    assert found.heatmap.max() > 0.3


def test_a_pattern_in_one_part_is_mapped_there(see: See, astronaut: np.ndarray) -> None:
    mixed = astronaut.copy()
    mixed[:, :256] = _generated(astronaut, 0.15)[:, :256]
    found = _evidence(look(see(mixed)))
    assert found.heatmap is not None
    assert found.heatmap[:, 32:224].mean() > 2 * found.heatmap[:, 288:480].mean()


@pytest.mark.parametrize("quality", [None, 95, 90, 75, 60, 50])
def test_a_photograph_with_a_jpeg_grid_is_silent(see: See, astronaut: np.ndarray, quality: int | None) -> None:
    found = _evidence(look(see(astronaut, quality=quality)))
    assert found.statistic < RAISED
    assert not found.findings


@pytest.mark.parametrize("quality", [90, 75, 60])
def test_a_lit_wall_turned_to_stairs_by_jpeg_is_silent(see: See, quality: int) -> None:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIZE, :SIZE]
    wall = 60 + 0.22 * x + 0.1 * y
    pixels = np.clip(wall[..., None] + rng.normal(0, 0.6, (SIZE, SIZE, 1)), 0, 255).astype(np.uint8).repeat(3, 2)
    found = look(see(pixels, quality=quality))
    assert isinstance(found, Abstention) or not found.findings


@pytest.mark.parametrize("method", [cv2.COLOR_BayerBG2RGB, cv2.COLOR_BayerBG2RGB_VNG, cv2.COLOR_BayerBG2RGB_EA])
def test_a_cameras_colour_filter_is_silent(see: See, astronaut: np.ndarray, method: int) -> None:
    mosaic = np.zeros(astronaut.shape[:2], np.uint8)
    for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[row::2, column::2] = astronaut[row::2, column::2, channel]
    found = _evidence(look(see(cv2.demosaicing(mosaic, method))))
    assert found.statistic < RAISED and not found.findings


def test_grain_is_silent(see: See) -> None:
    rng = np.random.default_rng(5)
    pixels = rng.normal(128, 20, (SIZE, SIZE, 3)).clip(0, 255).astype(np.uint8)
    assert _evidence(look(see(pixels))).statistic < RAISED


@pytest.mark.parametrize(
    "changes", [{"side": 200.0}, {"quality": 30}, {"sharpness": 0.1}, {"compression": 2.0}]
)
def test_it_abstains_where_the_pattern_cannot_survive(
    see: See, astronaut: np.ndarray, changes: dict[str, float]
) -> None:
    found = look(see(_generated(astronaut, 0.06), **changes))
    assert isinstance(found, Abstention)
    assert found.reason.endswith(".")


def test_a_constant_picture_and_extreme_points_abstain(see: See, astronaut: np.ndarray) -> None:
    assert isinstance(look(see(np.full((SIZE, SIZE, 3), 90, np.uint8))), Abstention)
    view = see(astronaut)
    far = replace(view.face, landmarks=view.face.landmarks + np.float32(1e4))
    assert isinstance(look(FaceView(view.photo, far)), Abstention)
    lost = replace(view.face, landmarks=np.full((478, 2), np.nan, np.float32))
    assert isinstance(look(FaceView(view.photo, lost)), Abstention)
