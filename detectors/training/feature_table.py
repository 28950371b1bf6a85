"""Features of a pack: `python -m whichface.detectors.training.feature_table --pack pack.npz -o features.npy`.

Row i of the file belongs to row i of the pack.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..features import features
from .pack import Pack

CHUNK = 256


@cache
def _pack(path: Path) -> Pack:
    cv2.setNumThreads(1)
    return Pack(path)


def _chunk(path: Path, start: int, end: int) -> NDArray[np.float16]:
    pack = _pack(path)
    return np.stack([features(pack.face(row)) for row in range(start, end)]).astype(np.float16)


def build(path: Path, out: Path, workers: int) -> None:
    """Write (rows, features) float16 for the pack at `path`, a chunk at a time, to `out` (.npy)."""
    count = len(_pack(path))
    starts = list(range(0, count, CHUNK))
    ends = [min(start + CHUNK, count) for start in starts]
    part = out.with_suffix(".part")
    table: NDArray[np.float16] | None = None
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        results = pool.map(_chunk, [path] * len(starts), starts, ends)
        for start, end, values in zip(starts, ends, results, strict=True):
            if table is None:
                shape = (count, values.shape[1])
                table = np.lib.format.open_memmap(part, "w+", np.float16, shape)
            table[start:end] = values
    part.replace(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    build(args.pack, args.output, args.workers)


if __name__ == "__main__":
    main()
