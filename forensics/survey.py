"""Finding and describing the face of many pictures once, for corpora: a journal keeps what was found.

Which pictures belong together follows from it: the same file, or perceptual hashes that nearly agree, mirrored too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import MissingExtraError, PhotoError
from .face import find_faces
from .geometry import align, crop_frame
from .parallel import spread
from .phash import Union, difference_hash, near_pairs
from .photo import open_photo
from .recompress import WEBP_SIDE

JOURNAL = "analysis.jsonl"
HASHED = 64
"""Side of the crop that is hashed."""
DUPLICATE_BITS = 30
"""Bits of 256 in which the hashes of one picture may differ (benchmarks/duplicates.py)."""
NO_FACE = "no face was found"
TOO_WIDE = "it has {:,} x {:,} pixels, and no side may be longer than {:,}"
Seen = Callable[[int, str], None]
"""Called with the number of pictures done and the name of the last."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in a picture; stored, so that a survey can be resumed."""

    sha256: str
    """Of the file; empty when it could not be read at all, or lacks an extra: it is then tried again."""
    landmarks: tuple[int, ...] = ()
    """478 x and y in eighths of a pixel; empty when it is refused."""
    side: float = 0.0
    """Side of the face's square in pixels."""
    hash: str = ""
    """Perceptual hash of the aligned face, 64 hexadecimal digits."""
    mirrored: str = ""
    """The same of the mirrored face."""
    refused: str = ""
    """Why it is left out."""

    @property
    def readable(self) -> bool:
        """False for a file that is no picture, or that could not be opened."""
        return self.refused in ("", NO_FACE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture to survey."""

    path: Path
    """The file."""
    landmarks: NDArray[np.float32] | None = None
    """(478, 2) in pixels where the face is known already; else the largest face is looked for."""


def points_of(analysis: Analysis) -> NDArray[np.float32]:
    """(478, 2) landmarks in pixels."""
    return (np.array(analysis.landmarks).reshape(-1, 2) / 8).astype(np.float32)


def analyse(wanted: Wanted) -> Analysis:
    """The largest face of a picture, or why there is none."""
    try:
        data = wanted.path.read_bytes()
    except OSError as error:
        return Analysis("", refused=f"it cannot be read: {error.strerror}")
    digest = hashlib.sha256(data).hexdigest()
    try:
        photo = open_photo(data)
    except MissingExtraError as error:
        return Analysis("", refused=str(error))
    except PhotoError as error:
        return Analysis(digest, refused=str(error))
    if max(photo.width, photo.height) > WEBP_SIDE:  # the codec chains of training and of corpora end in WebP at times
        return Analysis(digest, refused=TOO_WIDE.format(photo.width, photo.height, WEBP_SIDE))
    landmarks = wanted.landmarks
    if landmarks is None:
        faces = find_faces(photo, max_faces=1)
        if not faces:
            return Analysis(digest, refused=NO_FACE)
        landmarks = faces[0].landmarks
    crop, _ = align(photo.pixels, landmarks, HASHED)
    return Analysis(
        sha256=digest,
        landmarks=tuple(int(v) for v in np.rint(landmarks.ravel() * 8)),
        side=round(crop_frame(landmarks).side, 2),
        hash=difference_hash(crop),
        mirrored=difference_hash(np.ascontiguousarray(crop[:, ::-1])),
    )


def _key(wanted: Wanted) -> str:
    """Changes when the file does; empty for one that is not there."""
    try:
        status = wanted.path.stat()
    except OSError:
        return ""
    given = "" if wanted.landmarks is None else f"|{hashlib.sha256(wanted.landmarks.tobytes()).hexdigest()[:16]}"
    return f"{wanted.path.resolve()}|{status.st_size}|{status.st_mtime_ns}{given}"


def read_journal(folder: Path) -> dict[str, Analysis]:
    """Findings by key; a last line that was cut off is passed over."""
    path, found = folder / JOURNAL, {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                fields = entry["analysis"] | {"landmarks": tuple(entry["analysis"]["landmarks"])}
                found[entry["key"]] = Analysis(**fields)
            except (ValueError, KeyError, TypeError):
                continue
    return found


def survey(pictures: Sequence[Wanted], folder: Path, seen: Seen, workers: int = 1) -> list[Analysis]:
    """One finding a picture, from the journal where it is known. Raises OSError when the journal cannot be written."""
    known = read_journal(folder)
    keys = [_key(wanted) for wanted in pictures]
    new = [(key, wanted) for key, wanted in zip(keys, pictures, strict=True) if key not in known]
    _end_line(folder / JOURNAL)
    with (folder / JOURNAL).open("a", encoding="utf-8") as journal:
        first = len(pictures) - len(new) + 1
        found = spread(analyse, [wanted for _, wanted in new], workers, chunk=4)
        lost: dict[Path, Analysis] = {}
        for number, ((key, wanted), analysis) in enumerate(zip(new, found, strict=True), first):
            seen(number, wanted.path.name)
            if not key or not analysis.sha256:
                lost[wanted.path] = analysis
                continue
            known[key] = analysis
            journal.write(json.dumps({"key": key, "analysis": asdict(analysis)}) + "\n")
            journal.flush()
    return [lost.get(w.path) or known[key] for key, w in zip(keys, pictures, strict=True)]


def _end_line(journal: Path) -> None:
    """End a last line that was cut off, so that the next is not joined to it."""
    if journal.exists() and not journal.read_bytes().endswith(b"\n"):
        with journal.open("a", encoding="utf-8") as file:
            file.write("\n")


def near_duplicates(analyses: Sequence[Analysis], bits: int = DUPLICATE_BITS) -> list[tuple[int, int]]:
    """Pairs i < j of pictures whose faces are the same picture by their hashes, mirrored or not."""
    hashes = [analysis.hash for analysis in analyses]
    mirrored = [analysis.mirrored for analysis in analyses]
    return sorted({(i, j) for others in (hashes, mirrored) for i, j in near_pairs(hashes, others, bits) if i < j})


def together(
    groups: Sequence[str], analyses: Sequence[Analysis], pairs: Sequence[tuple[int, int]]
) -> list[int]:
    """For every picture the number of the first that it belongs to: same group (unless empty), same file, or a pair."""
    union = Union(len(analyses))
    seen: dict[str, int] = {}
    for number, (group, analysis) in enumerate(zip(groups, analyses, strict=True)):
        for key in (f"group {group}" if group else "", f"file {analysis.sha256}"):
            if key:
                union.join(number, seen.setdefault(key, number))
    for i, j in pairs:
        union.join(i, j)
    return [union.root(number) for number in range(len(analyses))]
