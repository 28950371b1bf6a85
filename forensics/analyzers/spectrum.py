"""Spectrum: a faint pattern in step with the pixel grid, which the enlarging layers of a generator leave.

Upsampling leaves peaks in the spectrum at whole fractions of the sampling rate (Durall et al. 2020, arXiv 2003.01826;
Frank et al. 2020, arXiv 2003.08685). The 8 x 8 blocks of JPEG leave power there too, but of random sign: a block step
is as often up as down. So the residual is folded tile by tile to one period, and what counts is whether the tiles
agree in phase. Slope, decay and neighbouring-pixel residual (Tan et al. 2024, arXiv 2312.10461) are shown beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..records import Abstention, Box, Evidence, Finding
from ..view import LONGEST_MAP, FaceView
from .cue import Cue

NAME = "spectrum"
Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpectrumConfig:
    """How the pattern is looked for, and when it cannot be."""

    least_side: float = 320.0
    """Native side of the face's square below which a picture has nearly always been shrunk."""
    sharpness: float = 0.15
    """Effective resolution below which the picture was enlarged or blurred after it was made."""
    compression: float = 1.5
    """Blockiness above which the codec has overwritten the pattern."""
    jpeg_quality: int = 40
    """The same for the quality of the file's own compression."""
    largest: int = 1024
    """Side in pixels of the part that is measured."""
    tile: int = 64
    """Side in pixels of a tile; a multiple of the period."""
    period: int = 16
    """Longest period in pixels; the pattern's others divide it."""
    sigma: float = 0.8
    """Of the blur in pixels whose difference from the picture is the residual."""
    least_tiles: int = 16
    """Tiles that must have texture and lie inside the photograph."""
    cap: float = 40.0
    """Agreement of one frequency beyond which more says no more."""
    worth: float = 2.0
    """Statistic from which the pattern is pointed out."""


def look(view: FaceView, config: SpectrumConfig | None = None) -> Evidence | Abstention:
    """Evidence on a pattern in step with the pixels; the statistic grows with the agreement of its phase over tiles."""
    config = config or SpectrumConfig()
    reason = _gate(view, config)
    if reason:
        return Abstention(NAME, reason)
    box = native_box(view, config)
    if min(box[2] - box[0], box[3] - box[1]) < config.tile:
        return Abstention(NAME, "Too little of the face lies inside the picture.")
    luma = cv2.cvtColor(view.photo.pixels[box[1] : box[3], box[0] : box[2]], cv2.COLOR_RGB2GRAY).astype(np.float32)
    folds = tile_spectra(luma, config)
    used = _usable(view, box, folds, config)
    if used.sum() < config.least_tiles:
        return Abstention(NAME, "Too little of the picture has texture in which a fine pattern could be seen.")
    votes = np.zeros(used.shape)
    votes[used] = fair_votes(tile_slopes(luma, config)[used])
    agreement = phase_agreement(folds[used], votes[used])
    measures = {**_peaks(agreement, config), **_textures(luma)}
    statistic = measures["period_8"] + measures["period_16"] + 0.5 * measures["strongest"]
    seen = statistic >= config.worth
    share = _share(folds * votes[..., None, None], agreement)
    where = (float(box[0]), float(box[1]), float(box[2] - 1), float(box[3] - 1))
    return Evidence(
        analyzer=NAME,
        statistic=statistic,
        llr=None,
        findings=(_finding(where),) if seen else (),
        quality=float(np.clip(view.side / 900.0, 0.2, 1.0) * np.clip(view.face.quality.sharpness / 0.6, 0.3, 1.0)),
        heatmap=_heat(view, box, share * min(1.0, statistic / (2 * config.worth))),
        measures=measures,
        innocent=INNOCENT,
    )


def _gate(view: FaceView, config: SpectrumConfig) -> str | None:
    """Why the pattern cannot be looked for, or None."""
    quality, source = view.face.quality, view.photo.source
    if not view.side >= config.least_side:
        return "The face is small: such a picture has mostly been shrunk, which wipes out a generator's pattern."
    if not quality.sharpness >= config.sharpness:
        return "The picture was enlarged or blurred, which wipes out a generator's pattern."
    if quality.compression > config.compression or (source.jpeg_quality or 100) < config.jpeg_quality:
        return "The picture is compressed so strongly that a generator's pattern would be gone."
    return None


def native_box(view: FaceView, config: SpectrumConfig) -> tuple[int, int, int, int]:
    """XYXY (end excluded) of the upright part of the picture around the face, at its own pixels."""
    half = min(view.side / 2, config.largest / 2)
    centre = view.frame.centre
    sizes = view.photo.pixels.shape[1::-1]
    low = [max(0, round(float(c - half + 0.5))) for c in centre]
    high = [min(size, round(float(c + half + 0.5))) for c, size in zip(centre, sizes, strict=True)]
    return low[0], low[1], max(high[0], low[0]), max(high[1], low[1])


def tile_spectra(luma: Plane, config: SpectrumConfig) -> NDArray[np.complex64]:
    """(rows, columns, period, period) spectra of the residual of each tile, folded to one period."""
    residual = luma - cv2.GaussianBlur(luma, (0, 0), config.sigma)
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(residual * residual, (0, 0), 4.0), 0.0)) + 1.0
    # Level, so that hair and edges do not drown the rest.
    residual = np.clip(residual / spread, -2.0, 2.0)
    tile, period = config.tile, config.period
    rows, columns = (size // tile for size in luma.shape)
    parts = residual[: rows * tile, : columns * tile].reshape(
        rows, tile // period, period, columns, tile // period, period
    )
    folded = parts.mean((1, 4)).transpose(0, 2, 1, 3)
    return np.asarray(np.fft.fft2(folded), np.complex64)


def _usable(
    view: FaceView, box: tuple[int, int, int, int], folds: NDArray[np.complex64], config: SpectrumConfig
) -> NDArray[np.bool_]:
    """(rows, columns) tiles with texture that are not padding."""
    energy = np.square(np.abs(folds)).sum((2, 3))
    mask = view.padding.mask
    scale = np.array(mask.shape) / view.photo.pixels.shape[:2]
    rows, columns = folds.shape[:2]
    y = ((box[1] + (np.arange(rows) + 0.5) * config.tile) * scale[0]).astype(int).clip(0, mask.shape[0] - 1)
    x = ((box[0] + (np.arange(columns) + 0.5) * config.tile) * scale[1]).astype(int).clip(0, mask.shape[1] - 1)
    return np.asarray((energy > 1e-4) & ~mask[np.ix_(y, x)])


def tile_slopes(luma: Plane, config: SpectrumConfig) -> NDArray[np.float64]:
    """(rows, columns, 2) direction of each tile's mean slope across and down, of length 0 (level) to 1."""
    rows, columns = (size // config.tile for size in luma.shape)
    quarter = cv2.resize(
        luma[: rows * config.tile, : columns * config.tile], (2 * columns, 2 * rows), interpolation=cv2.INTER_AREA
    ).astype(np.float64)
    cells = quarter.reshape(rows, 2, columns, 2)
    across, down = (cells[..., 1] - cells[..., 0]).mean(1), (cells[:, 1] - cells[:, 0]).mean(2)
    # In grey levels over half a tile: one level is what the codec turns into stairs.
    return np.stack([across / np.hypot(across, 1.0), down / np.hypot(down, 1.0)], 2)


def fair_votes(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) weights of tiles that no pattern proportional to their slopes (n, 2) can win.

    On a wall lit from one side the codec's blocks make stairs that all go the same way: such tiles agree in phase
    without any generator. Weights orthogonal to the slopes cancel them and keep what does not turn with the light.
    """
    normal = slopes.T @ slopes + 1e-6 * np.eye(2)
    return np.asarray(1.0 - slopes @ np.linalg.solve(normal, slopes.sum(0)))


def phase_agreement(folds: NDArray[np.complex64], votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(period, period / 2 + 1) how far tiles (n, period, period) agree in phase: about 0 by chance, at most n - 1."""
    half = folds[:, :, : folds.shape[2] // 2 + 1] * votes[:, None, None]
    single = np.square(np.abs(half)).sum(0)
    agreement = (np.square(np.abs(half.sum(0))) - single) / np.maximum(single, 1e-9)
    agreement[0, 0] = 0.0
    # A camera's colour filter (Bayer) repeats every two pixels too; demosaicing leaves that in unscaled photographs.
    nyquist = agreement.shape[0] // 2
    agreement[[0, nyquist, nyquist], [nyquist, 0, nyquist]] = 0.0
    return np.asarray(agreement)


def _peaks(agreement: NDArray[np.float64], config: SpectrumConfig) -> dict[str, float]:
    """Logarithms of the mean agreement for periods up to 8 and 16 pixels, and of the four strongest frequencies."""
    capped = np.clip(agreement, -1.0, config.cap)
    eight = capped[::2, ::2]
    values = {
        "period_8": eight.mean(),
        "period_16": capped.mean(),
        "strongest": np.sort(eight, axis=None)[-4:].mean(),
    }
    return {name: float(np.log1p(max(value, 0.0))) for name, value in values.items()}


def _textures(luma: Plane) -> dict[str, float]:
    """Azimuthal slope, high-frequency decay (Dzanic et al. 2020) and the phase contrast of 2 x 2 residuals."""
    side = min(256, *luma.shape)
    top, left = (luma.shape[0] - side) // 2, (luma.shape[1] - side) // 2
    part = luma[top : top + side, left : left + side]
    window = np.hanning(side).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft2((part - part.mean()) * window[:, None] * window)))
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    ring = np.minimum((radius * 20).astype(int), 10)
    means = np.bincount(ring.ravel(), power.ravel(), 11)[1:10] / np.bincount(ring.ravel(), minlength=11)[1:10]
    level, scale = np.log(means + 0.05 * side**2), np.log((np.arange(1, 10) + 0.5) / 20)
    slope, offset = np.polyfit(scale[:5], level[:5], 1)
    across = [float(np.median(np.abs(np.diff(luma, axis=1)).mean(0)[phase::2])) for phase in (0, 1)]
    return {
        "slope": float(slope),
        "decay": float((level[5:] - offset - slope * scale[5:]).mean()),
        "pixel_pairs": float(abs(np.log((across[0] + 0.1) / (across[1] + 0.1)))),
    }


def _share(folds: NDArray[np.complexfloating], agreement: NDArray[np.float64]) -> Plane:
    """(rows, columns) how far each tile (rows, columns, period, period) follows the pattern of all others, 0 to 1."""
    half = folds[:, :, :, : agreement.shape[1]]
    weight = np.clip(agreement, 0.0, None)
    weight = np.where(weight >= 0.1 * max(float(weight.max()), 1e-9), weight, 0.0)
    others = half.sum((0, 1)) - half
    follow = (weight * (half * others.conj()).real).sum((2, 3))
    length = np.sqrt((weight * np.square(np.abs(half))).sum((2, 3)) * (weight * np.square(np.abs(others))).sum((2, 3)))
    return np.clip(follow / np.maximum(length, 1e-9), 0.0, 1.0).astype(np.float32)


def _heat(view: FaceView, box: tuple[int, int, int, int], tiles: Plane) -> Plane:
    """The tiles' map at its place in the picture."""
    width, height = view.photo.width, view.photo.height
    factor = min(1.0, LONGEST_MAP / max(width, height))
    out = np.zeros((max(1, round(height * factor)), max(1, round(width * factor))), np.float32)
    x0, y0 = round(box[0] * factor), round(box[1] * factor)
    x1, y1 = min(round(box[2] * factor), out.shape[1]), min(round(box[3] * factor), out.shape[0])
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = cv2.resize(cv2.blur(tiles, (3, 3)), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return np.clip(out, 0.0, 1.0)


def _finding(box: Box) -> Finding:
    text = (
        "A faint pattern repeats every few pixels over the whole picture, in step with the pixels, "
        "as a generator's enlarging layers leave it."
    )
    return Finding(text, box)


INNOCENT = (
    "a photograph of a screen or of a printed page",
    "a picture that an editing program enlarged, sharpened or filtered in whole-pixel steps",
    "a camera's own processing, when the picture was never scaled",
)

CUE = Cue(
    name=NAME,
    title="Pattern in the pixels",
    meaning=(
        "A generator builds a picture by doubling its size several times, and each doubling leaves a faint pattern in "
        "step with the pixels. It is measured, not seen: shrinking or strong compression wipes it out, so that its "
        "absence says nothing."
    ),
    innocent=INNOCENT,
    needs="The generator's own pixels: a face of 320 pixels or more, not scaled, not blurred, JPEG quality 40 or more.",
    source="Durall et al. 2020; Frank et al. 2020; the agreement in phase is proposed here",
    look=look,
)
