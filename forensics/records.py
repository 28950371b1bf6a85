"""The nouns of whichface: frozen records that every room passes on (design: docs/architecture.md).

Pixels are HxWx3 uint8 RGB; boxes are XYXY in pixels of the upright picture; angles are degrees;
likelihood ratios are log10, positive when they support "generated".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


class Label(StrEnum):
    """What the verdict says."""

    GENERATED = "generated"
    INCONCLUSIVE = "inconclusive"
    REAL = "real"


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the container says of itself, before a pixel is judged."""

    format: str
    """Format by content: JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF, HEIF; or ARRAY for pixels handed in."""
    byte_count: int
    """Length of the file in bytes."""
    stored_size: tuple[int, int]
    """Width and height as stored, before the EXIF orientation is applied."""
    mode: str = "RGB"
    """Pillow's mode of the stored picture: RGB, L, CMYK, P, I;16, RGBA …"""
    orientation: int = 1
    """EXIF orientation, 1 to 8."""
    frames: int = 1
    """Number of frames; only the first is examined."""
    quantisation_tables: tuple[tuple[int, ...], ...] = ()
    """JPEG quantisation tables in natural (row-major) order, 64 numbers each; empty for other formats."""
    jpeg_quality: int | None = None
    """Quality 1 to 100 whose IJG standard table is nearest to the luminance table."""
    jpeg_quality_exact: bool = False
    """True when the tables are the IJG tables of that quality exactly."""
    subsampling: str | None = None
    """JPEG chroma subsampling: 4:4:4, 4:2:2, 4:2:0, 4:1:1, 4:4:0, other; else None."""
    progressive: bool | None = None
    """JPEG coding: progressive or not; None for other formats."""
    exif: Mapping[str, str] = field(default_factory=dict)
    """EXIF tags by name, values as short printable text."""
    xmp: str | None = None
    """The XMP packet as text, if there is one."""
    text: Mapping[str, str] = field(default_factory=dict)
    """Text chunks (PNG tEXt, iTXt, zTXt; JPEG and GIF comments) by key."""
    icc_profile: str | None = None
    """Description of the embedded ICC profile, if there is one."""
    has_alpha: bool = False
    """True when transparency was flattened over white."""
    thumbnail: Pixels | None = None
    """HxWx3 uint8 RGB of the preview in the EXIF block as stored, if there is one."""
    c2pa: Mapping[str, str] | None = None
    """Content Credentials (keys: see credentials.py); state "unread" when they cannot be read."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One decoded picture."""

    path: Path | None
    """Where it came from; None for bytes, streams and arrays."""
    pixels: Pixels
    """HxWx3 uint8 RGB, upright, alpha flattened over white, in sRGB."""
    source: SourceFacts
    """What the container says."""
    sha256: str
    """SHA-256 of the file's bytes (of the pixel bytes for arrays), hexadecimal."""
    warnings: tuple[str, ...] = ()
    """What had to be given up while decoding, one sentence each."""

    @property
    def width(self) -> int:
        """Width of the upright picture in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height of the upright picture in pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees; 0, 0, 0 looks into the camera."""

    yaw: float
    """Positive: the head turns to the right side of the picture."""
    pitch: float
    """Positive: the head looks up."""
    roll: float
    """Positive: the head leans clockwise in the picture."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """Measured limits of one face, and what they allow."""

    side: float
    """Side in pixels of the FFHQ-style square around the face: the native size of an aligned face."""
    interocular: float
    """Distance of the two eye centres in pixels."""
    sharpness: float
    """Effective resolution, 0 to 1: share of the pixel scale that carries detail (1 = sharp at native size)."""
    compression: float
    """Blockiness of the JPEG grid, 0 (none seen) upward."""
    visible: float
    """Share of the FFHQ-style square that lies inside the picture, 0 to 1."""
    occlusion: float
    """Estimated share of the face that is covered, 0 to 1."""
    limits: tuple[str, ...] = ()
    """Plain sentences on what weakens the examination; empty when nothing does."""
    usable: bool = True
    """False when no verdict other than inconclusive may be given."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How near the picture already is to an FFHQ crop of this face."""

    offset: float
    """Distance of the crop's centre from the picture's centre, in sides of the crop."""
    scale: float
    """Side of the FFHQ crop over the picture's shorter side; 1 for an FFHQ picture."""
    roll: float
    """Rotation of the crop against the picture in degrees."""
    closeness: float
    """0 (unlike) to 1 (like an FFHQ crop)."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a picture."""

    box: Box
    """XYXY in pixels, around the landmarks."""
    landmarks: NDArray[np.float32]
    """(478, 2) x and y in pixels, numbered as MediaPipe's face mesh with irises."""
    pose: Pose
    """Head pose in degrees."""
    quality: FaceQuality
    """Gates."""
    alignment: Alignment
    """Closeness to an FFHQ crop."""
    confidence: float
    """Presence score of the landmark network, 0 to 1."""


class Region(IntEnum):
    """Parts of a portrait; left is the pictured person's left."""

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    GLASSES = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    LEFT_BROW = 6
    RIGHT_BROW = 7
    LEFT_EAR = 8
    RIGHT_EAR = 9
    MOUTH = 10
    UPPER_LIP = 11
    LOWER_LIP = 12
    HAIR = 13
    HAT = 14
    EARRING = 15
    NECKLACE = 16
    NECK = 17
    CLOTH = 18


@dataclass(frozen=True, slots=True)
class Regions:
    """Which part of the portrait each pixel of the FFHQ square shows."""

    labels: NDArray[np.uint8]
    """(S, S) values of `Region` over the FFHQ square of the face (geometry.warp with margin 0)."""
    confidence: Mapping[Region, float]
    """For each part: mean probability, 0 to 1, that the network gives it where it labels it; 0 where it is absent."""
    hair: NDArray[np.float32]
    """(S, S) share of hair in each pixel, 0 to 1, its edge refined against the picture."""
    person: NDArray[np.float32]
    """(S, S) share of the person (everything but background), 0 to 1, its edge refined against the picture."""

    def mask(self, *parts: Region) -> NDArray[np.bool_]:
        """(S, S) where one of the parts is labelled."""
        return np.isin(self.labels, [int(part) for part in parts])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at."""

    text: str
    """One plain sentence."""
    box: Box | None = None
    """Where, XYXY in pixels of the upright picture; None when it is everywhere."""
    outline: tuple[tuple[float, float], ...] | None = None
    """Corners (x, y) of a closed polygon in pixels of the upright picture, where a box says too little."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well an analyzer told generated faces from photographs where it was measured."""

    auc: float
    """Share of pairs in which the generated face has the higher statistic, 0 to 1; 0.5 is chance."""
    interval: tuple[float, float]
    """95 % interval of the AUC, bootstrap by group and source."""
    pictures: int
    """Number of pictures that it was measured on."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one analyzer found."""

    analyzer: str
    """Its name in ANALYZERS, or the expert's."""
    statistic: float
    """The raw measure, in the analyzer's own unit."""
    llr: float | None
    """log10 likelihood ratio from calibration tables; None while the analyzer is illustrative only."""
    findings: tuple[Finding, ...] = ()
    """What to look at, strongest first."""
    quality: float = 1.0
    """How far the prerequisites were met, 0 to 1."""
    heatmap: NDArray[np.float32] | None = None
    """float32 in [0, 1] over the whole upright picture, at most 1,024 px on the longer side; or None."""
    reliability: Reliability | None = None
    """Measured reliability at this size of face; None where it was not measured."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """The parts of the statistic by name, in their own units."""
    innocent: tuple[str, ...] = ()
    """What else may look like this in a camera photograph, plain phrases; those that fit best first."""
    share: float | None = None
    """What it adds to the verdict's log10 likelihood ratio; None where it does not count."""


@dataclass(frozen=True, slots=True)
class Abstention:
    """An analyzer or expert that could not look, and why: a value, never an invented 0.5."""

    analyzer: str
    """Its name."""
    reason: str
    """One plain sentence."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one expert says of one face."""

    expert: str
    """Name of the expert."""
    logit: float
    """Natural-log odds-like score before fusion; positive supports "generated"."""
    saliency: NDArray[np.float32] | None = None
    """Map over the aligned face, float32 in [0, 1], or None."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one face, and how firmly."""

    label: Label
    """generated, inconclusive or real."""
    llr: float
    """log10 likelihood ratio, generated over camera photograph, within the ceiling."""
    llr_interval: tuple[float, float]
    """95 % interval of the log10 likelihood ratio."""
    llr_ceiling: float
    """Largest absolute log10 likelihood ratio that the calibration data can support."""
    probability: float
    """Probability of "generated" under the prior."""
    prior: float
    """Prior probability of "generated"."""
    threshold: float
    """log10 likelihood ratio from which the label is generated."""
    reasons: tuple[str, ...] = ()
    """Plain sentences: why this label, strongest first."""


@dataclass(frozen=True, slots=True)
class FaceExamination:
    """Everything said of one face."""

    face: Face
    """The face."""
    verdict: Verdict
    """The verdict."""
    scores: tuple[Score, ...] = ()
    """One an expert."""
    evidence: tuple[Evidence, ...] = ()
    """Findings, with their place."""
    abstentions: tuple[Abstention, ...] = ()
    """What could not be looked for, and why."""


@dataclass(frozen=True, slots=True)
class ProvenanceFact:
    """One statement of the container about where the picture comes from; beside the verdict, never in it."""

    kind: str
    """metadata, software, generator, content-credentials, camera, own-generator, thumbnail."""
    text: str
    """One plain sentence."""
    suggests: Label | None = None
    """What it would suggest if true; None when nothing."""


@dataclass(frozen=True, slots=True)
class Examination:
    """The whole result for one picture."""

    photo: Photo
    """The picture."""
    faces: tuple[FaceExamination, ...]
    """Largest face first; empty when no face was found (then `warnings` says so)."""
    provenance: tuple[ProvenanceFact, ...] = ()
    """What the container says."""
    warnings: tuple[str, ...] = ()
    """What limits the result, one sentence each."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """whichface, model id, weights' SHA-256, libraries."""
