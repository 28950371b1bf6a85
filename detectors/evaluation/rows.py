"""One row a picture and condition, and the CSV file that keeps them, so that an interrupted run goes on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

from whichface.forensics.files import whole

EXAMINED, NO_FACE, UNREADABLE, SKIPPED = "examined", "no face", "unreadable", "not applicable"


@dataclass(frozen=True, slots=True)
class Row:
    """What was said of the largest face of one picture under one condition."""

    file: str
    """Path below the corpus."""
    sha256: str
    """Of the file, hexadecimal; empty where the picture is to be tried again in the next run."""
    condition: str
    """Name in `robustness.CONDITIONS`."""
    fake: bool
    """True: generated."""
    set: str
    """Name of its set."""
    generator: str
    """Generator of a fake."""
    group: str
    """Pictures that stay together."""
    status: str
    """examined, no face, unreadable or not applicable."""
    message: str = ""
    """Why it could not be examined."""
    label: str = ""
    """The verdict."""
    llr: float = float("nan")
    """Bounded log10 likelihood ratio."""
    score: float = float("nan")
    """The ratio before the bounds, for ranking; 0 where no expert could look."""
    threshold: float = float("nan")
    """log10 ratio from which the label is generated."""
    ceiling: float = float("nan")
    """Largest absolute log10 ratio."""
    side: float = float("nan")
    """Side of the face square in pixels."""
    resolution: float = float("nan")
    """Effective resolution, 0 to 1."""
    closeness: float = float("nan")
    """0 (unlike) to 1: how near the picture is to an FFHQ crop of the face."""
    yaw: float = float("nan")
    """Degrees."""
    pitch: float = float("nan")
    """Degrees."""
    format: str = ""
    """Container."""
    width: int = 0
    """Of the picture."""
    height: int = 0
    """Of the picture."""
    seconds: float = float("nan")
    """CPU time of the examination: with reading the file as stored, with the change of the picture under others."""
    traits: dict[str, Any] = field(default_factory=dict)
    """Inputs of the baselines, for the picture as stored."""
    cues: dict[str, Any] = field(default_factory=dict)
    """By analyzer: [statistic, llr or null], or null for an abstention."""

    def cells(self) -> list[str]:
        """The CSV line."""
        values = asdict(self)
        return [json.dumps(v) if isinstance(v, dict) else str(v) for v in values.values()]

    @classmethod
    def from_cells(cls, cells: list[str]) -> Row:
        """From a CSV line. Raises ValueError for one that is cut off."""
        if len(cells) != len(COLUMNS):
            raise ValueError("the line is cut off")
        return cls(**{n: _parsed(n, cell) for n, cell in zip(COLUMNS, cells, strict=True)})


COLUMNS = tuple(f.name for f in fields(Row))
_KINDS = {f.name: str(f.type) for f in fields(Row)}


def _parsed(name: str, cell: str) -> Any:
    kind = _KINDS[name]
    if kind == "bool":
        return cell == "True"
    if kind in ("int", "float"):
        return int(cell) if kind == "int" else float(cell)
    return json.loads(cell) if kind.startswith("dict") else cell


class Cache:
    """Rows in a CSV file; each is on the disk before the next is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Row]:
        """The rows so far; lines that an interruption has cut off are dropped."""
        if not self.path.exists():
            return []
        rows = []
        with self.path.open(newline="", encoding="utf-8") as file:
            for cells in list(csv.reader(file))[1:]:
                try:
                    rows.append(Row.from_cells(cells))
                except ValueError:
                    continue
        return rows

    def write(self, rows: Iterable[Row]) -> None:
        """Begin the file anew with these rows; until all are written, the file of before stays."""
        with whole(self.path) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(row.cells() for row in rows)

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows at the end."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(row.cells() for row in rows)


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """The rows as a table, one column a field."""
    return pd.DataFrame([asdict(row) for row in rows], columns=list(COLUMNS))
