"""What a model's files say of the validation grid, every network by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.records import Score
from whichface.forensics.weights_io import load_session

from ..canonical import network_input
from ..classifier import network_session
from .observer import Observer
from .pack import Pack
from .robust_grid import GRID
from .scores import Array, ScoreTable, table

FEWEST = 30
"""Rows of the grid from which the spread of the networks about their mean is taken."""
CHUNK = 256


@dataclass(frozen=True, slots=True)
class GridScores:
    """Scores of rows of a grid, by expert."""

    grid: Pack
    """Canonical faces; the variant is the condition."""
    rows: Mapping[str, NDArray[np.int64]]
    """By expert, the rows of the pack that it was asked about."""
    values: Mapping[str, Array]
    """By expert (rows, networks); a texture expert counts as one network."""

    def means(self) -> dict[str, dict[int, float]]:
        """By expert and row of the pack, what ships: the mean of the networks."""
        return {
            name: dict(zip(rows.tolist(), self.values[name].mean(1).tolist(), strict=True))
            for name, rows in self.rows.items()
        }

    def alone(self) -> list[ScoreTable]:
        """A table a network: what it says by itself; none without networks."""
        names = [name for name in self.rows if name.startswith("network")]
        count = self.values[names[0]].shape[1] if names else 0
        return [
            table(self.grid, {name: (self.rows[name], self.values[name][:, k]) for name in names}, len(GRID))
            for k in range(count)
        ]


def grid_scores(
    grid: Pack, features: NDArray[np.float16] | None, made: Path, experts: Iterable[str], observer: Observer
) -> GridScores:
    """Ask the files in `made` about every row of the grid; `features` are the texture features of its rows."""
    rows: dict[str, NDArray[np.int64]] = {}
    values: dict[str, Array] = {}
    for name in sorted(experts):
        kind, _, scale = name.rpartition("-")
        rows[name] = np.flatnonzero(grid.scale == int(scale))
        if kind == "network":
            values[name] = _networks(grid, rows[name], made, name, observer)
        elif features is not None:
            values[name] = _textures(features, rows[name], made, name)
    return GridScores(grid, rows, values)


def _textures(features: NDArray[np.float16], rows: NDArray[np.int64], made: Path, name: str) -> Array:
    session = load_session(made, f"{name}.onnx", sha256_of(made / f"{name}.onnx"))
    found = np.zeros((len(rows), 1))
    for start in range(0, len(rows), CHUNK):
        part = np.asarray(features[rows[start : start + CHUNK]], np.float32)
        (logits,) = session.run(None, {"features": part})
        found[start : start + CHUNK, 0] = np.reshape(logits, (len(part), -1))[:, 0]
    return found


def _networks(grid: Pack, rows: NDArray[np.int64], made: Path, name: str, observer: Observer) -> Array:
    found: list[NDArray[np.float32]] = []
    if not len(rows):
        return np.zeros((0, 1))
    side = network_input(grid.pixels(int(rows[0]))).shape[0]
    session = network_session((made / "network.onnx").read_bytes(), side)
    for done, row in enumerate(rows, 1):
        pixels = network_input(grid.pixels(int(row))).transpose(2, 0, 1)[None].astype(np.float32)
        found.append(session.run(["logits"], {"pixels": pixels})[0][0])
        observer.moved("measuring on the grid", done, len(rows), name)
    return np.array(found, np.float64)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def told_apart(alone: Sequence[ScoreTable], experts: Iterable[str]) -> Sequence[ScoreTable]:
    """The tables, where they hold rows enough for these experts; else none."""
    known = [name for name in experts if alone and name in alone[0].experts]
    if not known:
        return []
    return alone if np.isfinite(alone[0].columns(known)).all(1).sum() >= FEWEST else []


def scores_of(means: Mapping[str, Mapping[int, float]], rows: Iterable[int], experts: Iterable[str]) -> list[Score]:
    """What the experts that a stratum asks say of the rows of one picture."""
    return [Score(name, means[name][row]) for name in experts if name in means for row in rows if row in means[name]]
