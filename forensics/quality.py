"""Gates: how large, sharp, compressed and complete a face is, and whether to judge it at all."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import CropFrame, crop_frame, interocular
from .pixelation import repeated_share
from .pose import head_pose
from .records import Alignment, FaceQuality, Pixels, SourceFacts

MIN_SIDE = 80.0
"""Below this side in pixels the traces that a generator leaves are not resolved: no verdict."""
LOW_SIDE = 160.0
"""Below this side the examination is weaker: the networks' scales are 128 px and more."""
MIN_DETAIL = 40.0
"""Side times sharpness: an enlarged thumbnail carries no more than the thumbnail."""
LOW_DETAIL = 96.0
MIN_VISIBLE = 0.25
"""Share of the square in the picture: tight crops of 0.3 to 0.6 still show the whole face."""
LOW_VISIBLE = 0.8
MAX_OCCLUSION = 0.5
LOW_OCCLUSION = 0.2
HIGH_COMPRESSION = 0.6
"""Steps at the grid's lines over those elsewhere, less 1: 61 % of files of JPEG quality 40, 3 % of 60 (gates.md)."""
STRONG_QUALITY = 60
"""JPEG quality up to which a file's own compression may be called strong; at 80 some (2 %) have such steps too."""
CERTAIN_COMPRESSION = 1.0
"""Steps that no file of JPEG quality 50 and more showed (300 faces): whatever the file says, it was compressed more."""
MAX_YAW = 65.0
"""Degrees: one eye is hidden, and the mesh's far side is a guess."""
HIGH_YAW = 40.0
WINDOW = 512
"""Largest side in pixels of the part on which sharpness is measured."""
LINES = 120
"""Rows, and columns, that are measured at least, when there are as many."""
ROUNDING = 4.0
"""Power taken off every frequency, in units of the power of rounding to whole numbers."""
DETAIL_SHARE = 0.9
"""Share of the gradient energy below the frequency that is taken as the limit of resolution."""


def visible_share(frame: CropFrame, width: int, height: int) -> float:
    """Share of the square that lies inside a picture of this size."""
    picture = np.array(
        [[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]]
    )
    area, _ = cv2.intersectConvexConvex(
        frame.corners().astype(np.float32), picture.astype(np.float32)
    )
    return float(np.clip(area / max(frame.side**2, 1e-6), 0.0, 1.0))


def inner_face(pixels: Pixels, frame: CropFrame) -> NDArray[np.float32]:
    """Luma 0..255 of the middle of the face at native scale, at most 512 px; may be empty."""
    height, width = pixels.shape[:2]
    half = min(0.3 * frame.side, WINDOW / 2)
    x0, y0 = (max(0, round(float(c - half))) for c in frame.centre)
    x1, y1 = (round(float(c + half)) for c in frame.centre)
    part = pixels[y0 : min(y1, height), x0 : min(x1, width)]
    if part.size == 0:
        return np.zeros((0, 0), np.float32)
    return cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _flat_spectrum(lines: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean power along the rows times frequency squared: about level for a sharp photograph."""
    lines = lines[:: max(1, len(lines) // LINES)]
    count = lines.shape[1]
    window = np.hanning(count).astype(np.float32)
    centred = (lines - lines.mean(1, keepdims=True)) * window
    power = np.square(np.abs(np.fft.rfft(centred, axis=1))).mean(0).astype(np.float64)
    rounding = ROUNDING * float(np.square(window).sum()) / 12
    frequency = np.arange(len(power), dtype=np.float64) / count
    return np.asarray(np.maximum(power - rounding, 0.0) * np.square(frequency))


def _reach(lines: NDArray[np.float32]) -> float:
    """Share of the frequency scale below which nine tenths of the rows' gradient energy lie."""
    energy = np.cumsum(_flat_spectrum(lines))
    if energy[-1] <= 1e-9:
        return 0.0
    scale = np.linspace(0.0, 1.0, len(energy))
    return float(np.interp(DETAIL_SHARE, energy / energy[-1], scale))


def effective_resolution(luma: NDArray[np.float32], repeated: float | None = None) -> float:
    """Share 0 to 1 of the pixel scale that carries detail; about 0.25 after enlarging four times.

    `repeated` is the picture's `repeated_share` where it is known. Measured on the data: photographs as
    stored 0.6 to 0.95, enlarged twice 0.35 to 0.5, four times 0.2 to 0.3.
    """
    if min(luma.shape) < 16:
        return 0.0
    reach = min(_reach(luma), _reach(luma.T.copy())) / DETAIL_SHARE
    return float(np.clip(min(reach, repeated_share(luma) if repeated is None else repeated), 0.0, 1.0))


def _excess(profile: NDArray[np.float64], period: int) -> float:
    """How far the best phase of a period stands above the other phases, as a share."""
    usable = len(profile) // period * period
    if usable < 4 * period:
        return 0.0
    phases = np.median(profile[:usable].reshape(-1, period), axis=0)
    rest = float(np.median(phases))
    return float(phases.max() / rest - 1.0) if rest > 1e-6 else 0.0


def blockiness(luma: NDArray[np.float32]) -> float:
    """Steps at the lines of an 8 or 16 px grid over the steps elsewhere, less 1; 0 for none."""
    if min(luma.shape) < 40:
        return 0.0
    found = []
    for lines in (luma, luma.T):
        step = np.abs(np.diff(lines[:: max(1, len(lines) // LINES)], axis=1))
        around = (step[:, :-2] + step[:, 2:]) / 2
        profile = (step[:, 1:-1] - around).mean(0) + step.mean()
        found.append(max(_excess(profile.astype(np.float64), period) for period in (8, 16)))
    return max(0.0, min(found))


GREY = 1.9
"""Lab units: spread of colour that tone alone does not explain, below which a picture is black and white or tinted.

benchmarks/gates.md: of 300 training faces six are caught as stored, and all once they are turned black and white, also
with colour noise of standard deviation 5, or sepia, and saved at JPEG 75.
"""
CELLS = 48
"""Side of the face in averaged cells whose colours are compared: noise and codec blocks average out."""


def is_grey(pixels: Pixels, frame: CropFrame) -> bool:
    """Whether the face shows no colours of its own: black and white, or one tint that follows the tone."""
    corners = frame.corners()
    low = np.maximum(corners.min(0), 0).astype(int)
    high = np.ceil(corners.max(0)).astype(int) + 1
    part = pixels[low[1] : high[1], low[0] : high[0]]
    if not part.size:
        return False
    cells = cv2.resize(part, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(cells, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    tones = np.vander(lab[:, 0] / 100, 4)
    left = lab[:, 1:] - tones @ np.linalg.lstsq(tones, lab[:, 1:], rcond=None)[0]
    return bool(np.sqrt(np.square(left).sum(1).mean()) < GREY)


def _limits(quality: FaceQuality, yaw: float, source: SourceFacts) -> tuple[list[str], bool]:
    """Sentences on what weakens the examination, and whether a verdict may be given."""
    detail = quality.side * quality.sharpness
    checks = (
        (
            quality.side < MIN_SIDE,
            quality.side < LOW_SIDE,
            f"The face is only {quality.side:.0f} px wide.",
        ),
        (
            detail < MIN_DETAIL,
            detail < LOW_DETAIL and quality.side >= LOW_DETAIL,
            f"The face carries the detail of only about {detail:.0f} px.",
        ),
        (
            quality.visible < MIN_VISIBLE,
            quality.visible < LOW_VISIBLE,
            f"Only {quality.visible:.0%} of the square around the face lies inside the picture.",
        ),
        (
            quality.occlusion > MAX_OCCLUSION,
            quality.occlusion > LOW_OCCLUSION,
            f"About {quality.occlusion:.0%} of the face seems to be covered.",
        ),
        (abs(yaw) > MAX_YAW, abs(yaw) > HIGH_YAW, f"The head is turned by {abs(yaw):.0f} degrees."),
        (False, *_compressed(quality.compression, source)),
    )
    return [text for bad, weak, text in checks if bad or weak], not any(bad for bad, _, _ in checks)


def _compressed(blocks: float, source: SourceFacts) -> tuple[bool, str]:
    """Whether strong compression weakens the examination, and the sentence that says so."""
    quality = source.jpeg_quality
    codec = f"{source.format} of quality {quality}" if quality else source.format
    if quality is not None and quality <= STRONG_QUALITY:
        return blocks > HIGH_COMPRESSION, f"Strong compression ({codec})."
    text = f"Blocks of an earlier, strong compression (the file itself: {codec})."
    return blocks > CERTAIN_COMPRESSION, text


def face_quality(
    pixels: Pixels,
    landmarks: NDArray[np.floating],
    source: SourceFacts,
    *,
    occlusion: float = 0.0,
) -> FaceQuality:
    """The gates of one face with (478, 2) landmarks in pixels.

    `occlusion` is the landmark network's hint; it learned from synthetic covers only.
    """
    frame = crop_frame(landmarks)
    luma = inner_face(pixels, frame)
    repeated = repeated_share(luma)
    measured = FaceQuality(
        side=frame.side,
        interocular=interocular(landmarks),
        sharpness=effective_resolution(luma, repeated),
        # Repeated pixels make steps at the codec's grid that no codec made.
        compression=blockiness(luma) if repeated == 1.0 else 0.0,
        visible=visible_share(frame, pixels.shape[1], pixels.shape[0]),
        occlusion=float(np.clip(occlusion, 0.0, 1.0)),
    )
    limits, usable = _limits(measured, head_pose(landmarks).yaw, source)
    return replace(measured, limits=tuple(limits), usable=usable)


def alignment(frame: CropFrame, width: int, height: int) -> Alignment:
    """How near a picture of this size is to the FFHQ crop of the face with this square.

    Closeness is a Gaussian in offset, log size, roll and log aspect, whose widths are about three
    times the spread over FFHQ itself.
    """
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    offset = float(np.hypot(*(frame.centre - middle))) / max(frame.side, 1e-6)
    scale = frame.side / max(min(width, height), 1)
    aspect = np.log(width / max(height, 1))
    terms = (offset / 0.02, np.log(max(scale, 1e-6)) / 0.09, frame.roll / 3.0, aspect / 0.05)
    closeness = float(np.exp(-0.5 * sum(float(term) ** 2 for term in terms)))
    return Alignment(offset, float(scale), frame.roll, closeness)
