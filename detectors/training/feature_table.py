"""Features of a pack: `python -m whichface.detectors.training.feature_table --pack pack.npz -o features.npy`.

Row i of the file belongs to row i of the pack.
"""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.parallel import spread

from ..features import features
from .pack import Pack, nobody

CHUNK = 256


@cache
def _pack(path: Path) -> Pack:
    cv2.setNumThreads(1)
    return Pack(path)


def _chunk(task: tuple[Path, int, int]) -> NDArray[np.float16]:
    path, start, end = task
    pack = _pack(path)
    return np.stack([features(pack.face(row)) for row in range(start, end)]).astype(np.float16)


def build(path: Path, out: Path, workers: int, seen: Callable[[int, int], None] = nobody) -> None:
    """Write (rows, features) float16 for the pack at `path`, a chunk at a time, to `out` (.npy).

    Goes on where a run was cut off: `out`.done tells how many rows of `out`.part are there. Raises OSError when the
    disk has no room for all of them.
    """
    count = len(_pack(path))
    part, tally = out.with_suffix(".part"), out.with_suffix(".done")
    done = int(tally.read_text() or 0) if part.exists() and tally.exists() else 0
    tasks = [(path, start, min(start + CHUNK, count)) for start in range(done, count, CHUNK)]
    if done:
        _reserve(part)
    table: np.memmap[Any, Any] | None = np.lib.format.open_memmap(part, "r+") if done else None
    for (_, start, end), values in zip(tasks, spread(_chunk, tasks, workers), strict=True):
        if table is None:
            table = np.lib.format.open_memmap(part, "w+", np.float16, (count, values.shape[1]))
            _reserve(part)
        table[start:end] = values
        table.flush()
        tally.write_text(str(end))
        seen(end, count)
    _pack.cache_clear()
    part.replace(out)
    tally.unlink()


def _reserve(path: Path) -> None:
    """Take the disk space of a sparse file now: on a full disk a mapped page kills the process. Raises OSError."""
    if not hasattr(os, "posix_fallocate"):  # macOS, Windows
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):  # what file systems without it say
                raise OSError(error.errno, error.strerror, str(path)) from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    build(args.pack, args.output, args.workers)


if __name__ == "__main__":
    main()
