"""Where a corpus' pictures come from: folders with or without a manifest, and a network's seeds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from whichface.generator.errors import DataError
from whichface.generator.images import save_png
from whichface.generator.sample import Network, batches

from .records import Source

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic"})


def folder_sources(folder: Path, *, fake: bool) -> list[Source]:
    """Pictures of a folder; with a manifest.csv those of the label, with their groups. Raises DataError."""
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder.")
    manifest = folder / "manifest.csv"
    found = list(_from_manifest(folder, manifest, fake) if manifest.exists() else _files(folder, fake))
    if not found:
        raise DataError(f"{folder} has no picture that is {'fake' if fake else 'real'}.")
    return found


def _files(folder: Path, fake: bool) -> Iterator[Source]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in EXTENSIONS and path.is_file():
            name = path.relative_to(folder).as_posix()
            yield Source(path, fake, set=folder.resolve().name, name=name)


def _from_manifest(folder: Path, manifest: Path, fake: bool) -> Iterator[Source]:
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"file", "label"} <= set(rows[0]):
        raise DataError(f"{manifest} lacks the columns file and label.")
    for row in rows:
        if (row["label"] == "fake") == fake:
            yield Source(
                folder / row["file"],
                fake,
                set=row.get("set") or folder.resolve().name,
                generator=row.get("generator") or "",
                seed=row.get("seed") or "",
                group=row.get("group") or "",
                name=row["file"],
            )


def drawn_sources(
    network: Network,
    count: int,
    folder: Path,
    *,
    psi: float,
    first: int = 0,
    seen: Callable[[int, str], None] = lambda number, name: None,
) -> list[Source]:
    """`count` faces of a network as PNG files in `folder`; those that are there already are kept. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    name = network.shape.name
    paths = {seed: folder / f"seed{seed:06d}.png" for seed in range(first, first + count)}
    missing = [seed for seed, path in paths.items() if not path.exists()]
    for part, pictures in batches(network, missing, psi=psi, noise="random"):
        for seed, picture in zip(part, pictures, strict=True):
            seen(seed - first + 1, paths[seed].name)
            save_png(paths[seed], picture, generator=name, settings={"seed": seed, "truncation": psi})
    return [
        Source(path, True, set=name, generator=name, seed=str(seed), group=f"{name}:{seed}", name=path.name)
        for seed, path in paths.items()
    ]
