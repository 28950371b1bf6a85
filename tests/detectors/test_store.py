"""The store: all or nothing, one sentence for what goes wrong, generations, groups."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from scan_helpers import result

from whichface.detectors.scanning.records import Stamp, Status
from whichface.detectors.store import Store, open_results
from whichface.forensics.errors import StoreError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.db"


def _filled(path, *results):
    with Store(path) as store:
        generation = store.generation("face-1", {"files": {}}, {"prior": 0.5})
        store.write(generation, results)
        store.group(generation, 16)
    return generation


def test_what_was_written_is_known(path):
    with Store(path) as store:
        generation = store.generation("face-1", {}, {})
        store.write(generation, [result("/a.jpg", 1.5), result("/b.jpg"), result("/c.jpg", error="is cut off.")])
        known = store.known(generation, "/a.jpg")
        assert (known.stamp, known.status, known.sha256) == (Stamp(10, 20, 30), Status.EXAMINED, "ab" * 32)
        assert store.known(generation, "/c.jpg").status is Status.FAILED
        assert store.known(generation, "/d.jpg") is None and store.known(generation + 1, "/a.jpg") is None
        store.touch(generation, "/a.jpg", Stamp(10, 21, 31))
        assert store.known(generation, "/a.jpg").stamp == Stamp(10, 21, 31)
    assert [file.name for file in path.parent.iterdir()] == ["results.db"]


def test_a_picture_that_comes_twice_replaces_itself(path):
    _filled(path, result("/a.jpg", 1.5, 0.1), result("/a.jpg", -1.5))
    with open_results(path) as results:
        assert [(row["face"], row["llr"]) for row in results.rows()] == [(1, -1.5)]
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM faces").fetchone() == (1,)


def test_other_options_make_another_generation_and_old_results_stay(path):
    with Store(path) as store:
        first = store.generation("face-1", {"files": {"a": "1"}}, {"prior": 0.5})
        assert store.generation("face-1", {"files": {"a": "1"}}, {"prior": 0.5}) == first
        store.write(first, [result("/a.jpg", 1.5)])
        second = store.generation("face-1", {"files": {"a": "2"}}, {"prior": 0.5})
        store.write(second, [result("/a.jpg", -1.5)])
    with open_results(path) as results:
        assert [row["llr"] for row in results.rows()] == [-1.5]
        assert [(g.number, g.pictures) for g in results.generations()] == [(first, 1), (second, 1)]
    with open_results(path, first) as results:
        assert [row["llr"] for row in results.rows()] == [1.5]
    with pytest.raises(ValueError, match="no generation 9"):
        open_results(path, 9)


def test_a_batch_is_all_or_nothing(path):
    with Store(path) as store:
        generation = store.generation("face-1", {}, {})
        bad = result("/b.jpg", float("nan"))
        with pytest.raises(ValueError):
            store.write(generation, [result("/a.jpg", 1.5), bad])
        assert store.known(generation, "/a.jpg") is None
        store.write(generation, [result("/a.jpg", 1.5)])
        assert store.known(generation, "/a.jpg") is not None


def test_the_same_picture_twice_is_found_by_bytes_and_by_looks(path):
    look = bytes(range(32))
    near = bytes([look[0] ^ 3, *look[1:]])
    other = bytes(reversed(range(100, 132)))
    pictures = [
        result("/a.jpg", 1.5, hash=look, sha256="aa" * 32), result("/b.jpg", 1.4, hash=near, sha256="bb" * 32),
        result("/c.jpg", hash=bytes(32), sha256="cc" * 32), result("/d.jpg", hash=bytes(32), sha256="dd" * 32),
        result("/e.jpg", hash=other, sha256="ee" * 32), result("/f.jpg", hash=None, sha256="ee" * 32),
    ]  # fmt: skip
    _filled(path, *pictures)
    with open_results(path) as results:
        assert list(results.twins()) == [["/a.jpg", "/b.jpg"], ["/e.jpg", "/f.jpg"]]
        assert results.others("/b.jpg") == ["/a.jpg"] and results.others("/c.jpg") == []


def test_a_second_scan_of_the_same_store_is_refused(path):
    with Store(path), pytest.raises(StoreError, match="being written by another scan"):
        Store(path)
    Store(path).close()


def test_a_lock_held_by_another_program_is_one_sentence(path, monkeypatch):
    _filled(path, result("/a.jpg"))
    monkeypatch.setattr("whichface.detectors.store.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    with Store(path) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="in use by another program"):
            store.generation("face-1", {}, {})
        other.execute("ROLLBACK")
        store.generation("face-1", {}, {})
    other.close()


def test_a_full_disk_loses_nothing_that_was_stored(path):
    with Store(path) as store:
        generation = store.generation("face-1", {}, {})
        store.write(generation, [result("/a.jpg", 1.5)])
        pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
        store.connection.execute(f"PRAGMA max_page_count = {pages}")  # as SQLite sees a full disk
        with pytest.raises(StoreError, match=r"the disk is full\. What it holds is safe"):
            store.write(generation, [result(f"/{n}.jpg", 1.5) for n in range(200)])
    with open_results(path) as results:
        assert [row["path"] for row in results.rows()] == ["/a.jpg"]


@pytest.mark.parametrize("content", [b"no database at all, but text" * 10, b"SQLite format 3\0" + b"x" * 200])
def test_other_files_are_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"no store of whichface"):
        Store(path)
    with pytest.raises(StoreError, match=r"no store of whichface|cannot be read"):
        open_results(path)
    assert path.read_bytes() == content


def test_other_databases_and_versions_are_refused(path):
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE notes (text)")
    with pytest.raises(StoreError, match="a database, but no store"):
        Store(path)
    path.unlink()
    _filled(path, result("/a.jpg"))
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 99")
    for opened in (Store, open_results):
        with pytest.raises(StoreError, match="another version"):
            opened(path)


def test_places_where_nothing_can_be_written(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened for writing"):
        Store(tmp_path / "missing" / "results.db")
    with pytest.raises(StoreError, match="does not exist"):
        open_results(Path("nowhere.db"))
