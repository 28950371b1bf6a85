"""Building the corpus: analysis, groups and split, normalised pictures, manifest, contact sheet."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.files import whole
from whichface.forensics.geometry import CropFrame, crop_frame, warp
from whichface.forensics.photo import open_photo
from whichface.forensics.recompress import jpeg_bytes, random_chain, resize
from whichface.forensics.survey import Analysis, Wanted, points_of, survey
from whichface.generator.errors import DataError
from whichface.generator.images import save_png, tile

from .grouping import cap_of, groups, split_of
from .records import COLUMNS, SPLITS, CorpusConfig, Drawn, Row, Source

SETTINGS = "corpus.json"
DRAWN = "drawn"
"""Folder of the pictures that a network drew for the corpus."""
WRITTEN = re.compile(rf"(native/)?({'|'.join(SPLITS)})/(real|fake)/[0-9a-f]{{16}}\.\w+")
"""Names that `write` gives."""
Seen = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What became of the sources."""

    rows: tuple[Row, ...]
    refused: tuple[tuple[str, str], ...]
    """Path and reason."""
    duplicates: int
    """Pairs of near-duplicates, which lie on one side now."""
    cap: float
    """Largest effective face side in pixels."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """A picture as it goes into the corpus."""

    data: bytes
    """JPEG."""
    landmarks: NDArray[np.float32]
    """(478, 2) in its pixels."""
    processing: str
    """What was done to it."""


def check_settings(folder: Path, config: CorpusConfig, drawn: Drawn | None = None) -> None:
    """Note the settings in a new folder, or compare with those of an old one. Raises DataError, OSError.

    What was drawn before stays noted in a run that draws nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SETTINGS
    wanted: dict[str, Any] = json.loads(json.dumps(asdict(config)))  # lists for tuples, as they are read back
    stored = _stored(path) if path.exists() else wanted
    before = stored.pop("drawn", None)
    if stored != wanted:
        raise DataError(f"{folder} was begun with other settings ({SETTINGS}); choose a new folder.")
    now = before if drawn is None else asdict(drawn)
    if now != before and (before or any((folder / DRAWN).glob("*.png"))):
        raise DataError(f"{folder / DRAWN} holds faces of another network or truncation; choose a new folder.")
    text = json.dumps(wanted | ({"drawn": now} if now else {}), indent=1) + "\n"
    if not path.exists() or now != before:
        _put(path, text.encode())


def _stored(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be used: {error}.") from error


def plan(
    sources: Sequence[Source], folder: Path, config: CorpusConfig, seen: Seen
) -> Built:
    """Analyse, group and split. Raises DataError without both classes or for the corpus' own pictures, OSError."""
    _refuse_own(sources, folder)
    analyses = survey([Wanted(source.path) for source in sources], folder, seen)
    both = list(zip(sources, analyses, strict=True))
    refused = [(str(s.path), a.refused) for s, a in both if a.refused]
    kept = [(s, a) for s, a in both if not a.refused]
    try:
        cap = cap_of([a for _, a in kept], [s.fake for s, _ in kept], config)
    except ValueError as error:
        raise DataError(f"The corpus lacks a class: {error}.") from error
    low = cap * config.size_span
    refused += [(str(s.path), f"its face is only {a.side:.0f} pixels") for s, a in kept if a.side < low]
    kept = _unique([(s, a) for s, a in kept if a.side >= low])
    names, duplicates = groups([s for s, _ in kept], [a for _, a in kept], config)
    rows = [Row(s, a, n, split_of(n, config)) for (s, a), n in zip(kept, names, strict=True)]
    return Built(tuple(rows), tuple(refused), duplicates, cap)


def _refuse_own(sources: Sequence[Source], folder: Path) -> None:
    """The corpus is no source of itself: `write` replaces and removes what lies in it."""
    top, own = folder.resolve(), {(), ("native",), *((split,) for split in SPLITS)}
    for place, fake in sorted({(source.path.parent, source.fake) for source in sources}):
        inside = place.resolve()
        first = inside.relative_to(top).parts[:1] if inside.is_relative_to(top) else None
        if first in own or (first == (DRAWN,) and not fake):
            raise DataError(f"The pictures of {place} lie in the corpus itself; choose another folder for it.")


def _unique(kept: list[tuple[Source, Analysis]]) -> list[tuple[Source, Analysis]]:
    """Each file once, in the order of its first mention."""
    return list({analysis.sha256: (source, analysis) for source, analysis in reversed(kept)}.values())[::-1]


def generator_for(row: Row, config: CorpusConfig) -> np.random.Generator:
    """Random numbers that depend on the file and the seed only."""
    digest = hashlib.sha256(f"{config.seed}/{row.analysis.sha256}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _jittered(frame: CropFrame, rng: np.random.Generator, config: CorpusConfig) -> CropFrame:
    """The square moved, scaled and turned a little, so that aligned and wild pictures take one way."""
    spread = config.jitter
    angle, scale = rng.normal(0, spread), config.zoom * np.exp(rng.normal(0, spread))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turned = np.array([[cos, -sin], [sin, cos]]) @ frame.axis
    return CropFrame(frame.centre + rng.normal(0, spread, 2) * frame.side, turned)


def normalise(row: Row, config: CorpusConfig, cap: float) -> Normalised:
    """Effective size, codec chain, alignment, one JPEG: the same way for both classes. Raises PhotoError."""
    rng = generator_for(row, config)
    pixels = open_photo(row.source.path).pixels
    points = points_of(row.analysis)
    frame = crop_frame(points)
    side = float(np.exp(rng.uniform(np.log(cap * config.size_span), np.log(cap))))
    factor = min(side / frame.side, 1.0)
    method = str(rng.choice(["area", "bilinear", "bicubic", "lanczos"]))
    small = resize(pixels, factor, method) if factor < 1 else pixels
    before = frame.scaled(factor) if factor < 1 else frame
    changed, after = random_chain(small, before, rng, config.chain())
    square = _jittered(after, rng, config)
    crop, _ = warp(changed, square, config.resolution)
    quality = int(rng.integers(config.quality[0], config.quality[1] + 1))
    moved = (points + 0.5) * factor - 0.5 + (after.centre - before.centre)
    matrix = square.matrix(config.resolution)
    landmarks = (moved @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    said = f"face side {min(side, frame.side):.0f} px ({method}), codec chain, aligned, JPEG {quality}"
    return Normalised(jpeg_bytes(crop, quality), landmarks, said)


def write(built: Built, folder: Path, config: CorpusConfig, seen: Seen) -> None:
    """Pictures that are missing, landmarks, manifest, contact sheet. Raises OSError, PhotoError."""
    lines, names, points = [], [], []
    for number, row in enumerate(built.rows, 1):
        seen(number, row.file)
        done = normalise(row, config, built.cap)
        _put(folder / row.file, done.data)
        lines.append(_line(row, done, _keep_native(row, folder) if config.native else "", config))
        names.append(row.file)
        points.append(np.rint(done.landmarks * 8).astype(np.int16))
    write_manifest(folder / "manifest.csv", lines)
    _sweep(folder, lines)
    np.savez_compressed(
        folder / "landmarks478.npz", image=np.array(names), face=np.zeros(len(names), np.int16),
        xy8=np.stack(points),
    )  # fmt: skip
    sheet = contact_sheet(built, folder)
    save_png(folder / "contact-sheet.png", sheet)


def _put(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, unless it is there already."""
    if path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as beside:
        beside.write_bytes(data)


def _keep_native(row: Row, folder: Path) -> str:
    """The original bytes under native/, and their place."""
    name = f"native/{row.file.rsplit('.', 1)[0]}{row.source.path.suffix.lower()}"
    target = folder / name
    if not target.exists() or target.stat().st_size != row.source.path.stat().st_size:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole(target) as beside:
            shutil.copyfile(row.source.path, beside)
    return name


def _sweep(folder: Path, lines: Sequence[dict[str, object]]) -> None:
    """Remove pictures of an earlier run that the manifest has no more, as those of groups that changed sides."""
    named = {line[column] for line in lines for column in ("file", "native")}
    for top in (folder, folder / "native"):
        for path in (p for split in SPLITS for p in (top / split).glob("*/*")):
            name = path.relative_to(folder).as_posix()
            if name not in named and WRITTEN.fullmatch(name):
                path.unlink()


def _line(row: Row, done: Normalised, native: str, config: CorpusConfig) -> dict[str, object]:
    source, size = row.source, config.resolution
    values = (
        row.file, "fake" if source.fake else "real", source.generator, source.seed,
        "" if source.fake else source.set, source.set, row.split, row.group, size, size,
        row.analysis.side, done.processing, native, "", source.name,
        hashlib.sha256(done.data).hexdigest(), row.analysis.sha256,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def write_manifest(path: Path, lines: list[dict[str, object]]) -> None:
    """The rows of a corpus; columns that a line lacks are empty. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def contact_sheet(built: Built, folder: Path, columns: int = 10, side: int = 96) -> NDArray[np.uint8]:
    """Two rows of reals above two rows of fakes, by their hashes, so that the choice is arbitrary and repeats."""
    pictures = []
    for fake in (False, True):
        rows = sorted((r for r in built.rows if r.source.fake == fake), key=lambda r: r.analysis.sha256)
        shown = [_small(folder / row.file, side) for row in rows[: 2 * columns]]
        blank = np.full((side, side, 3), 255, np.uint8)
        pictures += shown + [blank] * (2 * columns - len(shown))
    return tile(np.stack(pictures), columns)


def _small(path: Path, side: int) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path} could not be read again.")
    shown = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(shown, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
