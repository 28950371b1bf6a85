"""Other detectors on the same pictures: a CSV file of scores, compared by DeLong's test and by groups."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from ..delong import delong
from ..metrics import true_rate_at
from .corpus import CorpusError
from .figures import Values, area, both, gain, number


@dataclass(frozen=True, slots=True)
class Peer:
    """Scores of another detector; higher means generated."""

    name: str
    """Name of its file."""
    scores: dict[str, float]
    """By path as written, or after `matched` by path below the corpus."""


def read_peer(path: Path) -> Peer:
    """Scores from a CSV file with the columns file and score; an empty score is none.

    Raises CorpusError with one sentence.
    """
    try:
        return Peer(path.stem, dict(_lines(path)))
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not a text in UTF-8") from error
    except (OSError, csv.Error) as error:
        raise CorpusError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _lines(path: Path) -> Iterator[tuple[str, float]]:
    """File and score of every line that has one."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {"file", "score"} - set(reader.fieldnames or ())
        if missing:
            raise CorpusError(f"{path} lacks the columns {sorted(missing)}; it needs file and score")
        for row in reader:
            if row["score"]:
                if not row["file"]:
                    raise CorpusError(f"{path}, line {reader.line_num}: a score without its file")
                yield row["file"].replace("\\", "/"), _score(path, reader.line_num, row["score"])


def _score(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise CorpusError(f"{path}, line {line}: {text!r} is no score") from None
    if not np.isfinite(value):
        raise CorpusError(f"{path}, line {line}: a score must be finite")
    return value


def matched(peer: Peer, files: Sequence[str]) -> Peer:
    """The peer with its scores by these paths: found by the path, else by a name that is unique on both sides.

    `files` are all pictures of the corpus, of every split: a name that is unique among some may mean another picture.
    """
    names = Counter(PurePosixPath(file).name for file in files)
    theirs = Counter(PurePosixPath(file).name for file in peer.scores)
    by_name = {PurePosixPath(f).name: s for f, s in peer.scores.items() if theirs[PurePosixPath(f).name] == 1}
    found = {}
    for file in files:
        name = PurePosixPath(file).name
        if file in peer.scores:
            found[file] = peer.scores[file]
        elif names[name] == 1 and name in by_name:
            found[file] = by_name[name]
    return replace(peer, scores=found)


def check_overlap(peer: Peer, files: Sequence[str]) -> None:
    """Raises CorpusError when a matched peer has no scores of these: most often the paths are written otherwise."""
    if peer.scores.keys().isdisjoint(files):
        raise CorpusError(f"{peer.name} has scores of none of the pictures; its files should be like {files[0]}")


def compare(peer: Peer, rows: pd.DataFrame) -> Values | None:
    """Ours beside a matched peer's on the pictures that both scored; None when there are too few."""
    theirs_of = [peer.scores.get(str(file), float("nan")) for file in rows["file"]]
    table = rows.assign(peer=theirs_of).dropna(subset=["peer", "score"])
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
