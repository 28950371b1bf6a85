"""What a corpus is made of: settings, sources, what was found in them, rows of the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from whichface.forensics.recompress import ChainConfig
from whichface.forensics.survey import DUPLICATE_BITS, Analysis

COLUMNS = (
    "file", "label", "generator", "seed", "origin", "set", "split", "group", "width", "height",
    "face_side", "processing", "native", "source_repo", "path_in_repo", "sha256", "source_sha256",
)  # fmt: skip
"""Columns of manifest.csv: those of the project's own corpora, and what is known of the way."""
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class CorpusConfig:
    """How a corpus is made; saved as corpus.json."""

    resolution: int = 256
    """Side of the normalised pictures."""
    seed: int = 0
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Of groups for train, val and test."""
    native: bool = False
    """Keep the original files beside the normalised ones."""
    duplicate_bits: int = DUPLICATE_BITS
    """Bits of 256 in which perceptual hashes of one picture may differ."""
    jitter: float = 0.02
    """Spread of the square's centre (in sides), of its log size and of its angle in radians."""
    zoom: float = 0.9
    """Side of the square that is cut out, in sides of FFHQ's, so that aligned sources need no mirrored border."""
    size_span: float = 0.6
    """Effective face sides are drawn from this share of the common cap up to the cap."""
    quality: tuple[int, int] = (70, 96)
    """JPEG quality of the written pictures, uniform."""
    max_side: float = 1024.0
    """No face is kept larger than this, in pixels."""

    def chain(self) -> ChainConfig:
        """The codecs and blurs between resizing and alignment; edges are cut by the alignment."""
        return ChainConfig(shrink_probability=0.0, cut_probability=0.0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the fakes below drawn/ were drawn with; saved in corpus.json."""

    network: str
    """Name."""
    sha256: str
    """Of its file."""
    trunc: float


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that may enter the corpus."""

    path: Path
    fake: bool
    set: str
    """Folder or network that it comes from."""
    generator: str = ""
    seed: str = ""
    group: str = ""
    """Pictures that belong together; empty: the picture's own."""
    name: str = ""
    """Path below its folder."""


@dataclass(frozen=True, slots=True)
class Row:
    """One picture of the corpus."""

    source: Source
    analysis: Analysis
    group: str
    split: str

    @property
    def file(self) -> str:
        """Path in the corpus."""
        label = "fake" if self.source.fake else "real"
        return f"{self.split}/{label}/{self.analysis.sha256[:16]}.jpg"
