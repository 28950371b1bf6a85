"""Reading a store: rows a face, whole records, a summary, a data frame. Nothing here can change the file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whichface.forensics.errors import StoreError

from .records import Status
from .schema import APPLICATION, COLUMNS, TABLES, VERSION

if TYPE_CHECKING:
    import pandas

BY_EVIDENCE = "status = 'failed', label IS NULL, llr DESC, path, face"
"""Strongest support for a generator first, then pictures without a face, then those that failed."""
SHUT = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "randomblob", "zeroblob"})
"""Functions that a question may not call."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Results of one model with one set of options."""

    number: int
    model: str
    options: dict[str, Any]
    created: str
    """UTC."""
    pictures: int
    source: str | None = None
    """Id of the model or its folder; None in stores of before."""
    model_print: str | None = None
    """As `records.model_print` has it; None in stores of before."""


def open_results(path: str | Path, generation: int | None = None) -> Results:
    """The results that a store holds: of one generation, by default the latest. Raises StoreError."""
    return Results(Path(path), generation)


class Results:
    """What a store holds, read only. Raises StoreError for a file that is none, ValueError for a bad question."""

    def __init__(self, path: Path, generation: int | None = None) -> None:
        if not path.is_file():
            raise StoreError(f"{path} does not exist; whichface scan makes such a store.")
        self.path = path
        self.connection = self._connect()
        self.asking = self._connect()
        self.asking.set_authorizer(_permitted)
        numbers = [item.number for item in self.generations()]
        if generation is not None and generation not in numbers:
            raise ValueError(f"there is no generation {generation}; the store has {numbers or 'none'}")
        latest = "SELECT generation FROM pictures ORDER BY examined DESC, id DESC LIMIT 1"
        last = self.connection.execute(latest).fetchone() if generation is None and numbers else None
        self.generation = generation if generation is not None else (last[0] if last else 0)

    def _connect(self) -> sqlite3.Connection:
        """For questions only. SQLite tidies its log away when the last connection that may write closes, hence rw
        first; in a read-only folder the log cannot be opened, so the file is taken as one that nobody writes.
        """
        said = ""
        for mode in ("mode=rw", "mode=ro", "immutable=1"):
            try:
                connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?{mode}", uri=True, timeout=30)
                connection.execute("PRAGMA query_only = ON")
                known = connection.execute("PRAGMA application_id").fetchone()[0]
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if known != APPLICATION:
                    raise StoreError(f"{self.path} is no store of whichface.")
                if version != VERSION:
                    raise StoreError(f"{self.path} was written by another version of whichface.")
                connection.execute("SELECT 1 FROM pictures LIMIT 1").fetchone()
                return connection
            except sqlite3.DatabaseError as error:
                said = str(error)
                if "not a database" in said or "malformed" in said:
                    break
        if "not a database" in said:
            raise StoreError(f"{self.path} is no store of whichface.")
        raise StoreError(f"{self.path} cannot be read: {said}.")

    def generations(self) -> list[Generation]:
        """All of the store, oldest first."""
        query = (
            "SELECT id, model, options, created, (SELECT count(*) FROM pictures WHERE generation = g.id) AS pictures"
            " FROM generations AS g ORDER BY id"
        )
        return [_generation(*row) for row in self.connection.execute(query)]

    def check(self, where: str | None) -> None:
        """Raises ValueError for a question that SQLite does not understand, or that does more than ask.

        It is asked of every row, as some fail only then: json_extract of what is no JSON.
        """
        if where is not None:
            self.count(where)

    def rows(self, where: str | None = None, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """One row a face, or one for a picture without, by evidence; `where` is an SQL expression over COLUMNS."""
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        for row in self._asked(names, where, f"ORDER BY {BY_EVIDENCE} LIMIT {-1 if limit is None else int(limit)}"):
            yield dict(zip(COLUMNS, row, strict=True))

    def count(self, where: str | None = None) -> int:
        """Number of such rows."""
        return int(next(self._asked("count(*)", where, ""))[0])

    def records(self, where: str | None = None) -> Iterator[dict[str, Any]]:
        """Whole records, as `detect --json` has them, of the pictures with such a row, in order of their paths."""
        for (path,) in self._asked("DISTINCT path", where, "ORDER BY path"):
            record = self.record(path)
            if record is not None:
                yield record

    def record(self, which: str) -> dict[str, Any] | None:
        """The whole record of a picture by its path or SHA-256; None when the store has none."""
        query = (
            "SELECT p.record, v.content FROM pictures AS p JOIN versions AS v ON v.id = p.versions"
            " WHERE p.generation = ? AND (p.path = ? OR p.sha256 = ?) ORDER BY p.path = ? DESC, p.path LIMIT 1"
        )
        row = self.connection.execute(query, (self.generation, which, which.lower(), which)).fetchone()
        if row is None:
            return None
        record: dict[str, Any] = json.loads(row[0])
        return record | {"versions": json.loads(row[1])}

    def thumbnail(self, path: str) -> bytes | None:
        """A small JPEG of a picture."""
        query = "SELECT thumbnail FROM pictures WHERE generation = ? AND path = ?"
        row = self.connection.execute(query, (self.generation, path)).fetchone()
        return row[0] if row else None

    def twins(self) -> Iterator[list[str]]:
        """Paths of pictures that are the same or nearly so, a group at a time."""
        query = "SELECT twins, path FROM pictures WHERE generation = ? AND twins IS NOT NULL ORDER BY twins, path"
        group: list[str] = []
        number = None
        for twins, path in self.connection.execute(query, (self.generation,)):
            if twins != number and group:
                yield group
                group = []
            number = twins
            group.append(path)
        if group:
            yield group

    def others(self, path: str) -> list[str]:
        """Paths of the other pictures that are the same as this one or nearly so."""
        query = (
            "SELECT o.path FROM pictures AS p JOIN pictures AS o ON o.generation = p.generation AND o.twins = p.twins"
            " WHERE p.generation = ? AND p.path = ? AND o.path != p.path ORDER BY o.path"
        )
        return [row[0] for row in self.connection.execute(query, (self.generation, path))]

    def summary(self) -> dict[str, Any]:
        """Counts by status, label and error of this generation, groups of twins, time."""
        ask = self.connection.execute
        own = "WHERE generation = ?"
        mine = (self.generation,)
        statuses = dict(ask(f"SELECT status, count(*) FROM pictures {own} GROUP BY status", mine).fetchall())
        faces = "SELECT label, count(*) FROM faces JOIN pictures ON id = picture WHERE generation = ? GROUP BY label"
        errors = f"SELECT error, count(*) FROM pictures {own} AND error IS NOT NULL"
        groups = f"SELECT count(DISTINCT twins), count(twins) FROM pictures {own}"
        times = f"SELECT min(examined), max(examined), total(seconds) FROM pictures {own}"
        model = ask("SELECT model FROM generations WHERE id = ?", mine).fetchone()
        return {
            "statuses": {status.value: statuses.get(status.value, 0) for status in Status},
            "labels": dict(ask(faces, mine).fetchall()),
            "reasons": [tuple(row) for row in ask(f"{errors} GROUP BY 1 ORDER BY 2 DESC LIMIT 10", mine)],
            "twins": tuple(ask(groups, mine).fetchone()),
            "times": tuple(ask(times, mine).fetchone()),
            "model": model[0] if model else None,
            "generation": self.generation,
        }

    def to_frame(self, where: str | None = None) -> pandas.DataFrame:
        """The rows as a pandas data frame, columns as COLUMNS."""
        import pandas

        return pandas.DataFrame.from_records(list(self.rows(where)), columns=list(COLUMNS))

    def _asked(self, names: str, where: str | None, end: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a question, with all but reading shut. Raises ValueError."""
        condition = f" AND (\n{where}\n)" if where else ""
        query = f"SELECT {names} FROM results WHERE generation = {self.generation}{condition} {end}"
        try:
            yield from self.asking.execute(query)
        except sqlite3.Error as error:
            said = str(error)
            shut = "not authorized" in said or "prohibited" in said
            raise ValueError("only reading is allowed" if shut else said) from error

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()
        self.asking.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _generation(number: int, model: str, saved: str, created: str, pictures: int) -> Generation:
    options = json.loads(saved)
    source, known = options.pop("model", None), options.pop("model_print", None)
    return Generation(number, model, options, created, pictures, source, known)


def _permitted(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """SQLite's authorizer: reading the store's tables and calling plain functions."""
    allowed = (
        action == sqlite3.SQLITE_SELECT
        or (action == sqlite3.SQLITE_READ and first in TABLES)
        or (action == sqlite3.SQLITE_FUNCTION and second not in SHUT)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
