"""Rows of a scan as files: CSV, JSON lines, Parquet; one row at a time, so that any number of them fits."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from whichface.forensics.errors import MissingExtraError

from .wording import clean

GROUP = 4096
"""Rows a group of a Parquet file."""
TEXTS = frozenset({"path", "label", "status", "error", "format", "sha256", "examined", "model"})
WHOLE = frozenset({"face", "faces", "width", "height", "size", "twins", "generation"})
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
Rows = Iterable[Mapping[str, Any]]


def write_csv(rows: Rows, columns: Sequence[str], stream: TextIO) -> int:
    """Write a header and the rows; the number of rows. Text that a spreadsheet would run gets a quote before it."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
        count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return "" if value is None else value


def write_jsonl(rows: Rows, stream: TextIO) -> int:
    """Write one JSON object a line, in ASCII; the number of lines."""
    count = 0
    for row in rows:
        stream.write(json.dumps(dict(row), allow_nan=False) + "\n")
        count += 1
    return count


def write_parquet(rows: Rows, columns: Sequence[str], path: Path) -> int:
    """Write a Parquet file; the number of rows. Raises MissingExtraError without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError('Parquet needs an extra: pip install "whichface[parquet]".') from error
    kinds = [
        (name, pyarrow.string() if name in TEXTS else pyarrow.int64() if name in WHOLE else pyarrow.float64())
        for name in columns
    ]
    schema, count = pyarrow.schema(kinds), 0
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for group in _groups(rows):
            writer.write_table(pyarrow.Table.from_pylist([dict(row) for row in group], schema=schema))
            count += len(group)
    return count


def _groups(rows: Rows) -> Iterator[list[Mapping[str, Any]]]:
    stream = iter(rows)
    while group := list(islice(stream, GROUP)):
        yield group


def line_of(row: Mapping[str, Any]) -> str:
    """One row for people and grep, as `detect` begins its lines: path: LABEL, log10 …"""
    name = clean(row["path"])
    if row["status"] == "failed":
        return f"{name}: FAILED, {clean(row['error'] or '')}"
    if row["label"] is None:
        return f"{name}: NO FACE, no verdict"
    where = f", face {row['face']} of {row['faces']}" if row["faces"] > 1 else ""
    return f"{name}: {row['label'].upper()}, log10 {row['llr']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]{where}"
