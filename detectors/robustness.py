"""What may happen to a picture on its way, and what a verdict does under each.

Pictures are only ever shrunk: a size that the picture does not reach is left out. Codec conditions are files of that
codec; the others change the pixels and save nothing, so that one thing is varied at a time. The combined conditions are
what pictures on the web have been through; they leave no picture out, so that a loss is one over the same pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from whichface.forensics.errors import CodecLimitError
from whichface.forensics.photo import open_photo, photo_from_array
from whichface.forensics.recompress import jpeg, jpeg_bytes, resize, webp_bytes
from whichface.forensics.records import FaceExamination, Photo, Pixels

from .examine import Examiner

STORED = "as stored"
SMALL_JPEG = "256 px, JPEG 50"
"""The condition that the target of robustness is set for (detectors/evaluation/tables.py)."""
NO_FACE = "no face was found"


class Grid(StrEnum):
    """How many conditions are tried."""

    NONE = "none"
    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Condition:
    """One change of a picture."""

    name: str
    """Short name with its strength, such as "JPEG 50"."""
    family: str
    """What kind of change."""
    what: str
    """Plain words."""
    change: Callable[[Photo], Photo | None]
    """The photo after the change, or None where it does not apply. Raises CodecLimitError for a very wide picture."""
    quick: bool = False
    """True when the quick grid has it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The largest face of one picture under one condition."""

    condition: Condition
    """The change."""
    face: FaceExamination | None
    """What was said; None where nothing could be."""
    note: str = ""
    """Why nothing could be said."""


def _jpeg(quality: int) -> Callable[[Photo], Photo]:
    return lambda photo: open_photo(jpeg_bytes(photo.pixels, quality))


def _webp(quality: int) -> Callable[[Photo], Photo]:
    return lambda photo: open_photo(webp_bytes(photo.pixels, quality))


def _pixels(change: Callable[[Pixels], Pixels]) -> Callable[[Photo], Photo]:
    return lambda photo: photo_from_array(change(photo.pixels))


def _longest(side: int) -> Callable[[Photo], Photo | None]:
    def change(photo: Photo) -> Photo | None:
        factor = side / max(photo.width, photo.height)
        return photo_from_array(resize(photo.pixels, factor)) if factor < 1 else None

    return change


def _blur(sigma: float) -> Callable[[Photo], Photo]:
    return _pixels(lambda p: cv2.GaussianBlur(p, (0, 0), sigma).astype(np.uint8, copy=False))


def _noise(sigma: float) -> Callable[[Photo], Photo]:
    def change(photo: Photo) -> Photo:
        rng = np.random.default_rng(int(photo.sha256[:8], 16))
        noisy = photo.pixels + rng.normal(0, sigma, photo.pixels.shape)
        return photo_from_array(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))

    return change


def _crop(share: float) -> Callable[[Photo], Photo]:
    def change(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        y, x = round(height * share), round(width * share)
        return np.ascontiguousarray(pixels[y : max(height - y, y + 1), x : max(width - x, x + 1)])

    return _pixels(change)


def _twice(first: int, second: int) -> Callable[[Photo], Photo]:
    """Two JPEGs whose 8 x 8 grids do not coincide: three rows and columns are cut off in between."""

    def change(photo: Photo) -> Photo:
        once = jpeg(photo.pixels, first)
        height, width = once.shape[:2]
        return open_photo(jpeg_bytes(np.ascontiguousarray(once[min(3, height - 1) :, min(3, width - 1) :]), second))

    return change


def screenshot(pixels: Pixels, longest: int = 720) -> Pixels:
    """The picture as shown by a viewer: shrunk to at most `longest`, on a light page under a dark bar."""
    factor = min(1.0, longest / max(pixels.shape[:2]))
    shown = resize(pixels, factor, "bilinear") if factor < 1 else pixels
    height, width = shown.shape[:2]
    margin, bar = max(8, width // 8), max(8, height // 12)
    page = np.full((height + 2 * margin + bar, width + 2 * margin, 3), 243, np.uint8)
    page[:bar] = (32, 36, 44)
    page[bar + margin : bar + margin + height, margin : margin + width] = shown
    return page


def avatar(pixels: Pixels, side: int = 200) -> Pixels:
    """The middle square as a disc of at most `side` pixels on a plain light ground, as profile pages show it."""
    height, width = pixels.shape[:2]
    least = min(height, width)
    y, x = (height - least) // 2, (width - least) // 2
    square = np.ascontiguousarray(pixels[y : y + least, x : x + least])
    shown = resize(square, side / least) if least > side else square
    disc = np.hypot(*(np.indices(shown.shape[:2]) - (len(shown) - 1) / 2))
    # One pixel of soft edge: a hard one would be a trace that no browser leaves.
    share = np.clip(len(shown) / 2 - disc + 0.5, 0, 1)[..., None]
    return np.rint(shown * share + 245.0 * (1 - share)).astype(np.uint8)


def contrast(pixels: Pixels, slope: float = 2.5) -> Pixels:
    """After a strong S-shaped tone curve, one for all channels: `slope` at middle grey, black and white kept."""
    grey = np.linspace(-1, 1, 256)
    # tanh(b x) / tanh(b) has the slope b / tanh(b) at 0; two steps towards b = slope tanh(b) come near.
    bend = slope * np.tanh(slope * np.tanh(slope))
    curve = np.rint((np.tanh(bend * grey) / np.tanh(bend) + 1) * 127.5).astype(np.uint8)
    return curve[pixels]


def black_and_white(pixels: Pixels) -> Pixels:
    """The luma in all three channels."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8, copy=False)


def small_jpeg(side: int, quality: int) -> Callable[[Photo], Photo]:
    """Shrunk to at most `side`, then a JPEG: a picture that is no larger is saved again all the same."""

    def change(photo: Photo) -> Photo:
        factor = side / max(photo.width, photo.height)
        pixels = resize(photo.pixels, factor) if factor < 1 else photo.pixels
        return open_photo(jpeg_bytes(pixels, quality))

    return change


def _conditions() -> Iterator[Condition]:
    yield Condition(STORED, "as stored", "The file as it is", lambda photo: photo, quick=True)
    yield from _single()
    yield from _combined()


def _single() -> Iterator[Condition]:
    for side in (1024, 768, 512, 384, 256, 200, 100):
        what = f"Shrunk to {side} pixels on the longer side"
        yield Condition(f"{side} px", "size", what, _longest(side), quick=side in (512, 256))
    for quality in (95, 90, 80, 70, 50, 30):
        what = f"Saved again as JPEG of quality {quality}"
        yield Condition(f"JPEG {quality}", "JPEG", what, _jpeg(quality), quick=quality in (90, 70, 50))
    for quality in (80, 50):
        yield Condition(f"WebP {quality}", "WebP", f"Saved again as WebP of quality {quality}", _webp(quality))
    for sigma in (1, 2, 4):
        what = f"Gaussian blur of {sigma} px"
        yield Condition(f"blur {sigma}", "blur", what, _blur(sigma), quick=sigma == 1)
    for sigma in (2, 5, 10):
        what = f"Gaussian noise of {sigma} grey levels"
        yield Condition(f"noise {sigma}", "noise", what, _noise(sigma), quick=sigma == 5)
    for percent in (5, 10, 20):
        yield Condition(f"crop {percent} %", "crop", f"{percent} % cut from every edge", _crop(percent / 100))
    for first, second in ((90, 75), (60, 85)):
        what = f"Saved as JPEG {first}, cut by three pixels, saved again as JPEG {second}"
        yield Condition(f"JPEG {first}, {second}", "double JPEG", what, _twice(first, second))
    yield Condition("contrast", "tone", "A strong S-shaped tone curve", _pixels(contrast))
    yield Condition("black and white", "tone", "Without its colours", _pixels(black_and_white))


def _combined() -> Iterator[Condition]:
    what = "At most 256 pixels on the longer side, saved as JPEG of quality 50"
    yield Condition(SMALL_JPEG, "combined", what, small_jpeg(256, 50), quick=True)
    what = "The middle square as a disc of at most 200 px on a plain ground, saved as JPEG of quality 80"
    sent = lambda photo: open_photo(jpeg_bytes(avatar(photo.pixels), 80))  # noqa: E731
    yield Condition("round avatar, 200 px", "combined", what, sent)
    what = "A screenshot: at most 720 px, on a page"
    yield Condition("screenshot", "screenshot", what, _pixels(screenshot), quick=True)
    what = "A screenshot, sent on as JPEG of quality 70"
    sent = lambda photo: open_photo(jpeg_bytes(screenshot(photo.pixels), 70))  # noqa: E731
    yield Condition("screenshot, JPEG 70", "screenshot", what, sent)


CONDITIONS: tuple[Condition, ...] = tuple(_conditions())
"""All conditions, from the file itself on; names are unique."""
FILLING = ("200 px", "100 px")
"""Sizes at which aligned pictures have the small faces that wild photographs have (evaluation/wild.py)."""
BY_NAME = {condition.name: condition for condition in CONDITIONS}


def conditions(grid: Grid) -> tuple[Condition, ...]:
    """The conditions of a grid; the file as it is always is the first."""
    if grid is Grid.NONE:
        return CONDITIONS[:1]
    return tuple(c for c in CONDITIONS if c.quick or grid is Grid.FULL)


def evaluated(grid: Grid) -> tuple[Condition, ...]:
    """The conditions of a grid for an evaluation: also those that `FILLING` names, unless the grid has no change."""
    chosen = conditions(grid)
    return chosen if grid is Grid.NONE else tuple(c for c in CONDITIONS if c in chosen or c.name in FILLING)


def trial(examiner: Examiner, photo: Photo, condition: Condition) -> Trial:
    """What is said of the largest face of the photo under a condition."""
    try:
        changed = condition.change(photo)
    except CodecLimitError:
        return Trial(condition, None, "the codec cannot hold a picture of this size")
    if changed is None:
        return Trial(condition, None, "the picture is not larger than this")
    faces = examiner.examine(changed).faces
    return Trial(condition, faces[0]) if faces else Trial(condition, None, NO_FACE)


def trials(examiner: Examiner, photo: Photo, chosen: Sequence[Condition] = CONDITIONS) -> Iterator[Trial]:
    """One trial a condition, in order, as they come."""
    for condition in chosen:
        yield trial(examiner, photo, condition)
