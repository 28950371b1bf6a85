"""Codecs and sizes as pictures meet them on their way through the web, drawn at random or given.

Everything works on HxWx3 uint8 RGB and on the FFHQ square of the face (`CropFrame`), which is carried along.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .errors import CodecLimitError
from .geometry import CropFrame
from .records import Pixels

SUBSAMPLING = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}
JPEG_SIDE, WEBP_SIDE = 65_500, 16_383
"""Longest side in pixels that a file of the codec can have (libjpeg's and the VP8 format's limits)."""
FILTERS = {
    "area": cv2.INTER_AREA,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}


def jpeg(pixels: Pixels, quality: int, subsampling: str = "4:2:0") -> Pixels:
    """The picture after a JPEG round trip at IJG `quality` (1 to 100). Raises CodecLimitError."""
    return _decode(jpeg_bytes(pixels, quality, subsampling))


def jpeg_bytes(pixels: Pixels, quality: int, subsampling: str = "4:2:0") -> bytes:
    """The picture as a JPEG file of IJG `quality` (1 to 100). Raises CodecLimitError beyond `JPEG_SIDE`."""
    _check_side(pixels, "JPEG", JPEG_SIDE)
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        SUBSAMPLING[subsampling],
    ]
    return _encode(pixels, ".jpg", options)


def webp(pixels: Pixels, quality: int) -> Pixels:
    """The picture after a lossy WebP round trip at `quality` (1 to 100). Raises CodecLimitError."""
    return _decode(webp_bytes(pixels, quality))


def webp_bytes(pixels: Pixels, quality: int) -> bytes:
    """The picture as a lossy WebP file of `quality` (1 to 100). Raises CodecLimitError beyond `WEBP_SIDE`."""
    _check_side(pixels, "WebP", WEBP_SIDE)
    return _encode(pixels, ".webp", [cv2.IMWRITE_WEBP_QUALITY, quality])


def _check_side(pixels: Pixels, codec: str, most: int) -> None:
    height, width = pixels.shape[:2]
    if max(width, height) > most:
        raise CodecLimitError(f"{width:,} x {height:,} pixels cannot be saved as {codec}, where {most:,} are the most.")


def _encode(pixels: Pixels, extension: str, options: list[int]) -> bytes:
    done, data = cv2.imencode(extension, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"the picture could not be encoded as {extension}")
    return bytes(data.tobytes())


def _decode(data: bytes) -> Pixels:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("the picture could not be decoded again")
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def resize(pixels: Pixels, factor: float, interpolation: str = "area") -> Pixels:
    """The picture with both sides multiplied by `factor`.

    Filters other than "area" are preceded by a Gaussian when shrinking, as photo editors do, so that none aliases.
    """
    height, width = pixels.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if factor < 1 and interpolation != "area":
        sigma = 0.4 * (1 / factor - 1) + 1e-3
        pixels = cv2.GaussianBlur(pixels, (0, 0), sigma).astype(np.uint8, copy=False)
    if factor > 1 and interpolation == "area":
        interpolation = "bicubic"
    return cv2.resize(pixels, size, interpolation=FILTERS[interpolation]).astype(np.uint8, copy=False)


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """Ranges from which a processing chain is drawn."""

    shrink_probability: float = 0.7
    """How often the picture is resized at all, where its face allows it."""
    min_side: float = 150.0
    """Face side in pixels that no chain goes below."""
    quality: tuple[int, int] = (50, 98)
    """JPEG quality, uniform."""
    webp_probability: float = 0.15
    """How often the last codec is WebP (quality 60 to 95)."""
    double_probability: float = 0.35
    """How often there is a codec before the resize as well."""
    blur_probability: float = 0.12
    """How often a mild Gaussian blur (σ 0.3 to 0.9 px) is applied."""
    cut_probability: float = 0.3
    """How often the edges of the picture are cut away, as profile pictures are."""
    cut_share: float = 0.14
    """Most that is cut from one edge, in sides of the face square."""


def random_chain(
    pixels: Pixels, frame: CropFrame, rng: np.random.Generator, config: ChainConfig | None = None
) -> tuple[Pixels, CropFrame]:
    """Picture and face square after a random chain: cut, codec, resize, blur, codec."""
    config = config or ChainConfig()
    if rng.random() < config.cut_probability:
        pixels, frame = _random_cut(pixels, frame, rng, config)
    if rng.random() < config.double_probability:
        pixels = _random_codec(pixels, rng, config)
    if frame.side > config.min_side * 1.02 and rng.random() < config.shrink_probability:
        side = np.exp(rng.uniform(np.log(config.min_side), np.log(frame.side)))
        factor = float(side / frame.side)
        pixels = resize(pixels, factor, str(rng.choice(list(FILTERS))))
        frame = frame.scaled(factor)
    if rng.random() < config.blur_probability:
        sigma = float(rng.uniform(0.3, 0.9))
        pixels = cv2.GaussianBlur(pixels, (0, 0), sigma).astype(np.uint8, copy=False)
    return _random_codec(pixels, rng, config), frame


def _random_cut(
    pixels: Pixels, frame: CropFrame, rng: np.random.Generator, config: ChainConfig
) -> tuple[Pixels, CropFrame]:
    """The picture without random strips at its edges; at most a quarter of it goes on either side."""
    height, width = pixels.shape[:2]
    most = config.cut_share * frame.side
    left, right = (int(rng.uniform(0, min(most, width / 4))) for _ in range(2))
    top, bottom = (int(rng.uniform(0, min(most, height / 4))) for _ in range(2))
    part = np.ascontiguousarray(pixels[top : height - bottom, left : width - right])
    return part, CropFrame(frame.centre - [left, top], frame.axis)


def _random_codec(pixels: Pixels, rng: np.random.Generator, config: ChainConfig) -> Pixels:
    if rng.random() < config.webp_probability:
        return webp(pixels, int(rng.integers(60, 96)))
    low, high = config.quality
    return jpeg(pixels, int(rng.integers(low, high + 1)), str(rng.choice(list(SUBSAMPLING), p=[0.25, 0.15, 0.6])))
