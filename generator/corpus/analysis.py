"""Finding and describing the face of every source once; the findings are kept in a journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.errors import PhotoError
from whichface.forensics.face import find_faces
from whichface.forensics.geometry import align, crop_frame
from whichface.forensics.phash import difference_hash
from whichface.forensics.photo import open_photo

from .records import Analysis, Source

JOURNAL = "analysis.jsonl"
HASHED = 64
"""Side of the crop that is hashed."""


def points_of(analysis: Analysis) -> NDArray[np.float32]:
    """(478, 2) landmarks in pixels."""
    return (np.array(analysis.landmarks).reshape(-1, 2) / 8).astype(np.float32)


def analyse(path: Path) -> Analysis:
    """Find the largest face. Raises OSError when the file cannot be read."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    try:
        photo = open_photo(data)
    except PhotoError as error:
        return Analysis(digest, refused=str(error))
    faces = find_faces(photo, max_faces=1)
    if not faces:
        return Analysis(digest, refused="no face was found")
    landmarks = faces[0].landmarks
    crop, _ = align(photo.pixels, landmarks, HASHED)
    return Analysis(
        sha256=digest,
        landmarks=tuple(int(v) for v in np.rint(landmarks.ravel() * 8)),
        side=round(crop_frame(landmarks).side, 2),
        hash=difference_hash(crop),
        mirrored=difference_hash(np.ascontiguousarray(crop[:, ::-1])),
    )


def _key(path: Path) -> str:
    """Changes when the file does."""
    status = path.stat()
    return f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"


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


def analyse_all(
    sources: Iterable[Source], folder: Path, seen: Callable[[int, str], None]
) -> list[Analysis]:
    """One finding a source, from the journal where it is known. Raises OSError when the journal cannot be written."""
    known = read_journal(folder)
    results = []
    with (folder / JOURNAL).open("a", encoding="utf-8") as journal:
        for number, source in enumerate(sources, 1):
            seen(number, source.path.name)
            try:
                key = _key(source.path)
                if key not in known:
                    known[key] = analyse(source.path)
                    journal.write(json.dumps({"key": key, "analysis": asdict(known[key])}) + "\n")
                    journal.flush()
                results.append(known[key])
            except OSError as error:
                if Path(str(error.filename)) != source.path:
                    raise
                results.append(Analysis("", refused=f"it cannot be read: {error.strerror}"))
    return results
