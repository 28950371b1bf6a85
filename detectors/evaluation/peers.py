"""Other detectors on the same pictures: a CSV file of scores, compared by DeLong's test and by groups."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from ..delong import delong
from ..metrics import Scores, true_rate_at
from .figures import Values, area, both, gain, number


@dataclass(frozen=True, slots=True)
class Peer:
    """Scores of another detector; higher means generated."""

    name: str
    """Name of its file."""
    scores: dict[str, float]
    """By path as written."""


def read_peer(path: Path) -> Peer:
    """Scores from a CSV file with the columns file and score; an empty score is none.

    Raises ValueError with one sentence.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"file", "score"} - set(reader.fieldnames or ())
            if missing:
                raise ValueError(f"{path} lacks the columns {sorted(missing)}; it needs file and score")
            scores: dict[str, float] = {}
            for line, row in enumerate(reader, 2):
                if row["score"]:
                    scores[row["file"].replace("\\", "/")] = _score(path, line, row["score"])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    return Peer(path.stem, scores)


def _score(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{path}, line {line}: {text!r} is no score") from None
    if not np.isfinite(value):
        raise ValueError(f"{path}, line {line}: a score must be finite")
    return value


def check_overlap(peer: Peer, files: Sequence[str]) -> None:
    """Raises ValueError when the peer has no scores of these pictures: most often the paths are written otherwise."""
    if not np.isfinite(matched(peer, files)).any():
        raise ValueError(f"{peer.name} has scores of none of the pictures; its files should be like {files[0]}")


def matched(peer: Peer, files: Sequence[str]) -> Scores:
    """The peer's score of each file, NaN where it has none: by path below the corpus, else by a name that is unique."""
    names = Counter(PurePosixPath(file).name for file in files)
    ours = {PurePosixPath(f).name for f in files if names[PurePosixPath(f).name] == 1}
    theirs = Counter(PurePosixPath(file).name for file in peer.scores)
    by_name = {PurePosixPath(f).name: s for f, s in peer.scores.items() if theirs[PurePosixPath(f).name] == 1}

    def find(file: str) -> float:
        if file in peer.scores:
            return peer.scores[file]
        name = PurePosixPath(file).name
        return by_name.get(name, float("nan")) if name in ours else float("nan")

    return np.array([find(file) for file in files])


def compare(peer: Peer, rows: pd.DataFrame) -> Values | None:
    """Ours beside the peer's on the pictures that both scored; None when there are too few."""
    table = rows.assign(peer=matched(peer, rows["file"].astype(str).tolist())).dropna(subset=["peer", "score"])
    if not both(table):
        return None
    fake = table["fake"].to_numpy(bool)
    ours, theirs = table["score"].to_numpy(float), table["peer"].to_numpy(float)
    test = delong(fake, ours, theirs)
    values = {"value": test.difference, "low": test.low, "high": test.high, "p": test.p}
    return {
        "name": peer.name,
        "reals": int((~fake).sum()),
        "fakes": int(fake.sum()),
        "without_score": len(rows) - len(table),
        "ours": area(table),
        "theirs": area(table, "peer"),
        "delong": {name: number(value) for name, value in values.items()},
        "by_group": gain(table, "score", "peer"),
        "tpr_at_1_percent": {
            "ours": number(true_rate_at(fake, ours, 0.01)),
            "theirs": number(true_rate_at(fake, theirs, 0.01)),
        },
    }
