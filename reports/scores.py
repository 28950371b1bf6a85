"""Scores of an evaluation as CSV: one line a picture as stored; its columns file and score make it a peer's file."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

COLUMNS = (
    "file", "label", "set", "generator", "group", "status", "score", "llr", "verdict", "side", "sha256", "message",
)  # fmt: skip


def write_scores(rows: Iterable[Mapping[str, Any]], stream: TextIO) -> int:
    """Write rows as `detectors.evaluation.rows.Row` has them, those with a score first; the number of lines.

    A line without a score has its reason in `message`.
    """
    lines = sorted((_line(row) for row in rows), key=lambda line: line["score"] == "")
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return len(lines)


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    line = {name: row[name] for name in ("file", "set", "generator", "group", "status", "sha256", "message")}
    numbers = {name: "" if math.isnan(row[name]) else row[name] for name in ("score", "llr", "side")}
    return line | numbers | {"label": "fake" if row["fake"] else "real", "verdict": row["label"]}
