"""The folder of a run: options, log, statistics, grids and snapshots, named as people know them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whichface.forensics.files import whole

from .checkpoint import STATE
from .errors import TrainingError
from .options import TrainOptions, from_dict

OPTIONS = "training_options.json"
STATS = "stats.jsonl"
LOG = "log.txt"
KEPT = 2
"""Training states that are kept; the older ones make room."""


def next_folder(outdir: Path, data: str, cfg: str) -> Path:
    """A new folder 00000-<data>-<cfg>, numbered on from those that are there."""
    names = [path.name for path in outdir.iterdir()] if outdir.is_dir() else []
    numbers = [int(name[:5]) for name in names if re.match(r"\d{5}-", name)]
    label = re.sub(r"[^\w.-]+", "_", Path(data).stem)
    return outdir / f"{max(numbers, default=-1) + 1:05d}-{label}-{cfg}"


def create(folder: Path, options: TrainOptions) -> None:
    """Make the folder and write its options. Raises OSError."""
    folder.mkdir(parents=True)
    write_options(folder, options)


def write_options(folder: Path, options: TrainOptions) -> None:
    """Write the options of a run, in place of those that were there. Raises OSError."""
    _replace(folder / OPTIONS, json.dumps(options.to_dict(), indent=1) + "\n")


def read_options(folder: Path) -> TrainOptions:
    """The options of a run. Raises TrainingError."""
    try:
        return from_dict(json.loads((folder / OPTIONS).read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise TrainingError(f"{folder} is no training run: it has no {OPTIONS}.") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"{OPTIONS} of {folder} cannot be used: {error}.") from error


def states(folder: Path) -> list[Path]:
    """Training states, oldest first."""
    return sorted(folder.glob(f"{STATE}-*.safetensors"))


def last_state(folder: Path) -> Path:
    """The newest training state. Raises TrainingError when there is none."""
    found = states(folder)
    if not found:
        raise TrainingError(f"{folder} has no training state to go on from.")
    return found[-1]


def prune(folder: Path) -> None:
    """Delete all but the newest states."""
    for path in states(folder)[:-KEPT]:
        path.unlink(missing_ok=True)


def append(folder: Path, stats: Mapping[str, Any], line: str) -> None:
    """Add a tick to stats.jsonl and log.txt. Raises OSError."""
    with (folder / STATS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(stats) + "\n")
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def rewind(folder: Path, images: int) -> None:
    """Drop the ticks after `images`, which a resumed run reports again, and torn lines. Raises TrainingError."""
    path = folder / STATS
    try:
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        _replace(path, "".join(f"{line}\n" for line in lines if _until(line, images)))
    except OSError as error:
        raise TrainingError(f"{path} cannot be rewritten: {error.strerror or error}.") from error


def _until(line: str, images: int) -> bool:
    """Whether a line is a whole tick up to `images`; a kill or a full disk leaves half of one at the end."""
    try:
        return bool(json.loads(line)["images"] <= images)
    except (ValueError, KeyError, TypeError):
        return False


def _replace(path: Path, text: str) -> None:
    """Write a file whole or leave the one that was there. Raises OSError."""
    try:
        with whole(path) as beside:
            beside.write_text(text, encoding="utf-8")
    except OSError as error:
        error.filename = str(path)  # a full disk names none
        raise
