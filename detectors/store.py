"""The store of a scan: one SQLite file in WAL mode, written in one transaction a batch, never left half written.

Reading is `scanning.results`: `open_results(path)`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whichface.forensics.errors import NotAStoreError, StoreError
from whichface.forensics.phash import close_groups

from .scanning.records import Result, Stamp, Status, model_print
from .scanning.results import Results, open_results
from .scanning.schema import APPLICATION, SCHEMA, UNGROUPED, VERSION

BUSY_SECONDS = 30.0
"""How long to wait for another program that writes to the store."""
PICTURE = (
    "INSERT OR REPLACE INTO pictures (generation, path, size, modified, changed, sha256, status, error, width, height,"
    " format, hash, twins, seconds, examined, thumbnail, versions, record)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)"
)
FACE = f"INSERT INTO faces VALUES ({', '.join('?' * 16)})"


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into StoreError, with one sentence."""
    try:
        yield
    except sqlite3.Error as error:
        said = str(error)
        kind = NotAStoreError if "not a database" in said else StoreError
        raise kind(_sentence(path, said)) from error


def _sentence(path: Path, said: str) -> str:
    if "full" in said:
        return f"{path} cannot grow: the disk is full. What it holds is safe, and the same command goes on from there."
    if "locked" in said or "busy" in said:
        return f"{path} is in use by another program; try again when that has ended."
    if "not a database" in said:
        return f"{path} is no store of whichface, or it is damaged."
    if "malformed" in said:
        return f"{path} is damaged; scan into a new file."
    if "readonly" in said or "unable to open" in said:
        return f"{path} cannot be opened for writing."
    return f"{path} cannot be written: {said}."


@dataclass(frozen=True, slots=True)
class Known:
    """What the store has of one picture."""

    stamp: Stamp
    """Of the file when it was examined."""
    sha256: str | None
    """Of its bytes; None when it could not be read."""
    status: Status
    """What came of it."""


class Store:
    """A store that one scan writes to; a second scan of the same file is refused. Raises StoreError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = self._locked()
        with translated(path):
            self.connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise

    def _locked(self) -> sqlite3.Connection:
        """A lock that ends with the process, however that ends."""
        beside = self.path.with_name(self.path.name + "-lock")
        try:
            lock = sqlite3.connect(beside, timeout=0, isolation_level=None)
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreError(f"{self.path} is being written by another scan.") from error
            raise StoreError(_sentence(self.path, str(error))) from error
        return lock

    def _prepare(self) -> None:
        run = self.connection.execute
        known, empty = (run("PRAGMA application_id").fetchone()[0], not run("SELECT 1 FROM sqlite_master").fetchone())
        if known != APPLICATION and not empty:
            raise NotAStoreError(f"{self.path} is a database, but no store of whichface.")
        if known == APPLICATION and run("PRAGMA user_version").fetchone()[0] != VERSION:
            raise NotAStoreError(f"{self.path} was written by another version of whichface; scan into a new file.")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA foreign_keys = ON")
        if known != APPLICATION:
            marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
            self.connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {marks} COMMIT;")
        run(UNGROUPED)

    def generation(
        self, model: str, made_by: Mapping[str, Any], options: Mapping[str, Any], source: str | None = None
    ) -> int:
        """The number of the results that this model with these options gives; a new one when they are new.

        Where the model was found (`source`) is kept beside the options, and is not what tells generations apart.
        """
        saved = json.dumps(options, sort_keys=True)
        found = {"model": source or model, "model_print": model_print(model, made_by.get("files", {}))}
        kept = json.dumps({**options, **found}, sort_keys=True)
        key = hashlib.sha256(json.dumps([model, made_by, saved], sort_keys=True).encode()).hexdigest()[:16]
        with self.transaction():
            row = self.connection.execute("SELECT id FROM generations WHERE key = ?", (key,)).fetchone()
            if row is None:
                insert = "INSERT INTO generations (key, model, options, created) VALUES (?, ?, ?, ?) RETURNING id"
                row = self.connection.execute(insert, (key, model, kept, utc())).fetchone()
            else:  # the model's folder may have been moved
                self.connection.execute("UPDATE generations SET options = ? WHERE id = ?", (kept, row[0]))
        return int(row[0])

    def known(self, generation: int, key: str) -> Known | None:
        """What the generation has of a picture."""
        query = "SELECT size, modified, changed, sha256, status FROM pictures WHERE generation = ? AND path = ?"
        with translated(self.path):
            row = self.connection.execute(query, (generation, key)).fetchone()
        return Known(Stamp(*row[:3]), row[3], Status(row[4])) if row else None

    def touch(self, generation: int, key: str, stamp: Stamp) -> None:
        """Note a new time of a file whose bytes are the same."""
        update = "UPDATE pictures SET modified = ?, changed = ? WHERE generation = ? AND path = ?"
        with translated(self.path):
            self.connection.execute(update, (stamp.modified, stamp.changed, generation, key))

    def write(self, generation: int, results: Sequence[Result]) -> None:
        """Store results in one transaction; a picture that is there already is replaced."""
        with self.transaction():
            self.connection.execute("INSERT OR IGNORE INTO ungrouped VALUES (?)", (generation,))
            for result in results:
                self._write(generation, result)

    def ungrouped(self, generation: int) -> bool:
        """True when pictures came since the groups were numbered: a scan was ended before it got there."""
        with translated(self.path):
            query = "SELECT 1 FROM ungrouped WHERE generation = ?"
            return self.connection.execute(query, (generation,)).fetchone() is not None

    def _write(self, generation: int, result: Result) -> None:
        record = dict(result.record)
        size = record["size"] or (None, None)
        stamp = result.task.stamp
        versions = self._versions(record.pop("versions"))
        values = (
            generation, result.task.key, stamp.size, stamp.modified, stamp.changed, record["sha256"],
            result.status.value, record["error"], *size, record["format"], result.hash, result.seconds, utc(),
            result.thumbnail, versions, json.dumps(record, allow_nan=False),
        )  # fmt: skip
        picture = self.connection.execute(PICTURE, values).lastrowid
        self.connection.executemany(FACE, [_face(picture, n, face) for n, face in enumerate(record["faces"], 1)])

    def _versions(self, versions: Mapping[str, str]) -> int:
        content = json.dumps(versions)
        self.connection.execute("INSERT OR IGNORE INTO versions (content) VALUES (?)", (content,))
        return int(self.connection.execute("SELECT id FROM versions WHERE content = ?", (content,)).fetchone()[0])

    def group(self, generation: int, bits: int) -> int:
        """Number the groups of pictures that are nearly the same or the same file; how many groups there are.

        Takes some 330 bytes of memory a picture for that moment.
        """
        own = "FROM pictures WHERE generation = ?"
        with translated(self.path):
            rows = self.connection.execute(f"SELECT id, hash {own} AND hash IS NOT NULL ORDER BY id", (generation,))
            ids, hashes = array("q"), bytearray()
            for picture, digest in rows:
                ids.append(picture)
                hashes += digest
            files = f"SELECT group_concat(id) {own} AND sha256 IS NOT NULL GROUP BY sha256 HAVING count(*) > 1"
            same = [[int(n) for n in row[0].split(",")] for row in self.connection.execute(files, (generation,))]
        groups = _joined([[ids[n] for n in group] for group in close_groups(bytes(hashes), bits)], same)
        with self.transaction():
            clear = "UPDATE pictures SET twins = NULL WHERE generation = ? AND twins IS NOT NULL"
            self.connection.execute(clear, (generation,))
            pairs = [(group[0], picture) for group in groups for picture in group]
            self.connection.executemany("UPDATE pictures SET twins = ? WHERE id = ?", pairs)
            self.connection.execute("DELETE FROM ungrouped WHERE generation = ?", (generation,))
        return len(groups)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        with translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back already after some errors
                    self.connection.execute("ROLLBACK")
                raise

    def results(self, generation: int | None = None) -> Results:
        """The same file, to be read."""
        return Results(self.path, generation)

    def close(self) -> None:
        """Leave one file: SQLite empties its log when the last connection closes."""
        with suppress(sqlite3.Error, AttributeError):
            self.connection.close()
        with suppress(OSError):
            self.path.with_name(self.path.name + "-lock").unlink(missing_ok=True)
        with suppress(sqlite3.Error):
            self._lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _face(picture: int | None, number: int, face: Mapping[str, Any]) -> tuple[Any, ...]:
    verdict, box = face["verdict"], face["box"] or (None,) * 4
    return (
        picture, number, verdict["label"], verdict["llr"], *verdict["interval"], verdict["ceiling"],
        verdict["threshold"], verdict["probability"], verdict["prior"], face["confidence"], *box,
        face["quality"]["side"],
    )  # fmt: skip


def _joined(first: list[list[int]], second: list[list[int]]) -> list[list[int]]:
    """Groups that share a member made one, each sorted."""
    group_of: dict[int, set[int]] = {}
    for group in (*first, *second):
        joined = set(group).union(*(group_of[number] for number in group if number in group_of))
        for number in joined:
            group_of[number] = joined
    return [sorted(group) for group in {id(g): g for g in group_of.values()}.values()]


def utc() -> str:
    """Now, in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["Known", "Results", "Store", "open_results"]
