"""Collecting: resumed where it stopped, in order, with unreadable pictures as rows; the rows survive their file."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from whichface.detectors.evaluation import collect as module
from whichface.detectors.evaluation.collect import CollectConfig, Worker, collect, traits
from whichface.detectors.evaluation.corpus import gather
from whichface.detectors.evaluation.rows import COLUMNS, Cache, Row, frame
from whichface.detectors.leakage import BASELINES
from whichface.detectors.robustness import Grid
from whichface.forensics.errors import MissingExtraError


@pytest.fixture
def corpus(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("real/1", "real/2", "fake/3", "fake/4"):
        path = tmp_path / "corpus" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 256, (32, 32, 3)).astype(np.uint8))
    return gather(tmp_path / "corpus")


@pytest.fixture
def seen(monkeypatch, make_face_examination):
    """Names that were examined; a stand-in for the model, which needs no picture of a face."""
    names = []

    class Examiner:
        cues = ()

        def __init__(self, options, model=None):
            self.model = model

        def examine(self, photo):
            return type("Examination", (), {"faces": (make_face_examination(),)})()

        def unbounded(self, scores, evidence=()):
            return 0.75

    original = Worker.rows

    def rows(self, task):
        names.append((task.name, task.left))
        return original(self, task)

    monkeypatch.setattr(module, "Examiner", Examiner)
    monkeypatch.setattr(Worker, "rows", rows)
    return names


def run(corpus, path, grid=Grid.NONE):
    told = []
    rows = collect(corpus, CollectConfig(grid=grid, workers=1), Cache(path), lambda *args: told.append(args))
    return rows, told


def test_rows_come_in_order_and_the_observer_is_told(corpus, seen, tmp_path):
    rows, told = run(corpus, tmp_path / "rows.csv")
    assert [row.file for row in rows] == ["real/1.png", "real/2.png", "fake/3.png", "fake/4.png"]
    assert [row.fake for row in rows] == [False, False, True, True]
    assert all((row.status, row.score, row.label) == ("examined", 0.75, "generated") for row in rows)
    assert told == [(0, 4, ""), *((n, 4, row.file) for n, row in enumerate(rows, 1))]


def test_a_second_run_does_only_what_is_left(corpus, seen, tmp_path):
    first, _ = run(corpus, tmp_path / "rows.csv")
    seen.clear()
    again, told = run(corpus, tmp_path / "rows.csv")
    assert not seen and told == [(4, 4, "")]
    assert [a.cells() for a in again] == [f.cells() for f in first]
    more, _ = run(corpus, tmp_path / "rows.csv", Grid.QUICK)
    assert all("as stored" not in left for _, left in seen) and len(seen) == 4
    assert len(more) == 4 * 12 and sum(row.status == "not applicable" for row in more) == 4 * 4


def test_an_interrupted_file_is_mended(corpus, seen, tmp_path):
    path = tmp_path / "rows.csv"
    run(corpus, path)
    text = path.read_text()
    path.write_text(text[: text.index("fake/4.png") + 30])
    seen.clear()
    rows, _ = run(corpus, path)
    assert [name for name, _ in seen] == ["fake/4.png"] and len(rows) == 4
    assert len(Cache(path).read()) == 4


def test_a_picture_that_changed_is_examined_anew(corpus, seen, tmp_path):
    run(corpus, tmp_path / "rows.csv")
    seen.clear()
    cv2.imwrite(str(corpus.samples[1].path), np.zeros((32, 32, 3), np.uint8))
    run(corpus, tmp_path / "rows.csv")
    assert [name for name, _ in seen] == ["real/2.png"]


def test_an_unreadable_picture_is_a_row_and_the_others_go_on(corpus, seen, tmp_path):
    corpus.samples[0].path.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    rows, _ = run(corpus, tmp_path / "rows.csv", Grid.QUICK)
    assert (rows[0].status, rows[0].label) == ("unreadable", "") and rows[0].message
    assert sum(row.file == "real/1.png" for row in rows) == 1 and len(rows) == 1 + 3 * 12


def test_what_lacks_an_extra_is_tried_again_when_it_is_there(corpus, seen, tmp_path, monkeypatch):
    opened = module.open_photo

    def lacking(path):
        if path == corpus.samples[1].path:
            raise MissingExtraError("HEIC needs the extra heic.")
        return opened(path)

    monkeypatch.setattr(module, "open_photo", lacking)
    rows, _ = run(corpus, tmp_path / "rows.csv")
    assert (rows[1].status, rows[1].sha256, rows[1].message) == ("unreadable", "", "HEIC needs the extra heic.")
    monkeypatch.setattr(module, "open_photo", opened)
    seen.clear()
    rows, _ = run(corpus, tmp_path / "rows.csv")
    assert [name for name, _ in seen] == ["real/2.png"] and rows[1].status == "examined"


def test_reading_the_file_is_part_of_the_time_as_stored(corpus, seen, tmp_path, monkeypatch):
    opened, clock = module.open_photo, [0.0]

    def slow(path):
        clock[0] += 3.0
        return opened(path)

    monkeypatch.setattr(module, "open_photo", slow)
    monkeypatch.setattr(module.time, "process_time", lambda: clock[0])
    rows, _ = run(corpus, tmp_path / "rows.csv", Grid.QUICK)
    assert {row.seconds for row in rows if row.condition == "as stored"} == {3.0}
    assert {row.seconds for row in rows if row.condition != "as stored"} == {0.0}


def test_a_write_that_fails_leaves_the_rows_of_before(tmp_path, make_rows):
    cache, rows = Cache(tmp_path / "rows.csv"), make_rows(3, 3)
    cache.write(rows)

    def stopped():
        yield rows[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.write(stopped())
    assert cache.read() == rows


def test_workers_end_with_their_parent(monkeypatch):
    called = []
    monkeypatch.setattr(module, "Worker", lambda config: "worker")
    monkeypatch.setattr(module, "_WORKER", called)
    monkeypatch.setattr(module.signal, "signal", lambda *args: None)
    monkeypatch.setattr(module, "end_with_parent", lambda: called.append("follows"))
    module._start(CollectConfig())
    assert called == ["follows", "worker"]


def test_rows_survive_their_file(tmp_path, make_rows):
    rows = make_rows(4, 4, cues={"hair": [0.5, None], "eyes": None}, message='a "quoted", name\nof two lines')
    cache = Cache(tmp_path / "rows.csv")
    cache.write(rows[:3])
    cache.append(rows[3:])
    assert cache.read() == rows
    assert list(frame(rows).columns) == list(COLUMNS) and len(frame([])) == 0
    with pytest.raises(ValueError, match="cut off"):
        Row.from_cells(["a"])


def test_traits_hold_what_the_baselines_see(make_photo):
    photo = make_photo(40, 40)
    found = traits(photo)
    stored = np.frombuffer(bytes.fromhex(found["thumbnail"]), np.uint8) / 255
    np.testing.assert_allclose(stored, BASELINES["thumbnail"](photo), atol=1 / 510)
    assert set(found) == set(BASELINES) and len(found["container"]) == 8
