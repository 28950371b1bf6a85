"""The flow of a scan, with work that needs no model: resuming, changes, failures, watching, being killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from scan_helpers import ENCODER, Breaker

from whichface.detectors import scan as scan_module
from whichface.detectors.scan import Scan, scan
from whichface.detectors.scanning.pool import Pool
from whichface.detectors.scanning.records import Limits, ScanConfig
from whichface.detectors.scanning.sources import Filter
from whichface.detectors.store import Store, open_results
from whichface.forensics.errors import SourceError


class Inline:
    """An engine without processes."""

    def __init__(self, work):
        self.work = work
        self.seen = []

    def run(self, tasks):
        for task in tasks:
            self.seen.append(Path(task.path).name)
            yield from self.work([task])


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        (tmp_path / "in" / f"p{number}.jpg").parent.mkdir(exist_ok=True)
        (tmp_path / "in" / f"p{number}.jpg").write_bytes(b"x" * number)
    return tmp_path / "in"


def _scan(folder, config=None, engine=None, **options):
    engine = engine or Inline(Breaker()())
    with Store(folder.parent / "r.db") as store:
        run = Scan([str(folder)], store, config or ScanConfig(), ENCODER, **options)
        run.run(engine)
    return engine.seen, run.progress


def _rows(folder):
    with open_results(folder.parent / "r.db") as results:
        return {Path(row["path"]).name: row for row in results.rows()}


def test_unchanged_files_are_not_examined_again(folder):
    seen, progress = _scan(folder)
    assert sorted(seen) == [f"p{n}.jpg" for n in range(6)] and progress.total == progress.fresh == 6
    seen, progress = _scan(folder)
    assert seen == [] and (progress.unchanged, progress.fresh, progress.failed) == (6, 0, 0)


def test_changed_new_and_touched_files(folder, monkeypatch):
    monkeypatch.setattr("scan_helpers.record", _with_digest)
    _scan(folder)
    (folder / "p1.jpg").write_bytes(b"another")
    (folder / "new.jpg").write_bytes(b"new")
    os.utime(folder / "p2.jpg", ns=(1, 1))  # the same bytes
    (folder / "p3.jpg").write_bytes(b"yyy")  # other bytes of the same length
    seen, _ = _scan(folder)
    assert sorted(seen) == ["new.jpg", "p1.jpg", "p3.jpg"]
    assert _scan(folder)[0] == []


def _with_digest(path, *llrs):
    from scan_helpers import verdict

    values = {"path": path, "sha256": scan_module.digest(path), "size": [9, 9], "format": "JPEG", "error": None}
    face = {"box": None, "confidence": 1.0, "verdict": verdict(0.0), "quality": {"side": 9.0}}
    return values | {"faces": [face], "provenance": [], "warnings": [], "versions": {}}


def test_other_options_begin_a_new_generation(folder):
    from whichface.detectors.examine import ExamineOptions

    _scan(folder)
    seen, _ = _scan(folder, ScanConfig(ExamineOptions(prior=0.1)))
    assert len(seen) == 6
    assert _scan(folder, ScanConfig(ExamineOptions(prior=0.1), workers=5, batch=1))[0] == []
    assert _scan(folder)[0] == []


def test_failures_are_kept_and_tried_again_when_asked(folder):
    def broken(tasks):
        from whichface.detectors.scanning.work import failure

        return [failure(task, "is cut off.", ENCODER) for task in tasks]

    _, progress = _scan(folder, engine=Inline(broken))
    assert progress.failed == progress.failed_now == 6
    seen, progress = _scan(folder)
    assert seen == [] and (progress.failed, progress.failed_now) == (6, 0)
    seen, progress = _scan(folder, ScanConfig(retry=True))
    assert len(seen) == 6 and progress.failed == 0


def test_what_cannot_be_opened_has_failed_and_does_not_replace_results(folder, tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text("in/p1.jpg\nin/gone.jpg\nin/p2.jpg\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with Store(tmp_path / "r.db") as store:
        for gone, failed in ((False, 1), (True, 2)):
            if gone:
                (folder / "p1.jpg").unlink()
            run = Scan([str(tmp_path / "list.txt")], store, ScanConfig(), ENCODER)
            assert run.run(Inline(Breaker()())).failed == failed
    rows = _rows(folder)
    assert rows["gone.jpg"]["error"] == "does not exist." and rows["p1.jpg"]["status"] == "examined"


def test_sources_that_cannot_be_used_leave_the_others_alone(folder, tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04broken")
    said, told = [], []
    with Store(tmp_path / "r.db") as store:
        sources = [str(tmp_path / "bad.zip"), str(folder)]
        run = Scan(sources, store, ScanConfig(), ENCODER, Filter(exclude=("p0*",)), told.append, said.append)
        assert run.run(Inline(Breaker()())).fresh == 5
    assert said == ["bad.zip is no ZIP archive that can be read, or it is cut off."]
    assert told[-1].done == told[-1].total == 5 and told[-1].left == 0


def test_nothing_but_bad_sources_is_an_error(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04broken")
    with Store(tmp_path / "r.db") as store, pytest.raises(SourceError, match=r"bad.zip is no ZIP"):
        scan([str(tmp_path / "bad.zip")], store, ScanConfig(), ENCODER)


def test_a_path_that_is_named_twice_is_examined_once(folder):
    engine = Inline(Breaker()())
    with Store(folder.parent / "r.db") as store:
        Scan([str(folder), str(folder / "p1.jpg"), str(folder)], store, ScanConfig(), ENCODER).run(engine)
    assert len(engine.seen) == 6


def test_an_interruption_keeps_what_was_done(folder):
    class Stopped(Inline):
        def run(self, tasks):
            for number, result in enumerate(super().run(tasks)):
                if number == 4:
                    raise KeyboardInterrupt
                yield result

    with pytest.raises(KeyboardInterrupt):
        _scan(folder, engine=Stopped(Breaker()()))
    assert len(_rows(folder)) == 4
    assert len(_scan(folder)[0]) == 2


def test_watching_finds_new_files_that_have_settled(folder, monkeypatch):
    rounds = []

    def nap(seconds):
        rounds.append(seconds)
        if len(rounds) == 1:
            (folder / "new.jpg").write_bytes(b"new")
        if len(rounds) == 2:
            os.utime(folder / "new.jpg", ns=(1, 1))
        if len(rounds) == 4:
            raise KeyboardInterrupt

    clock = SimpleNamespace(sleep=nap, monotonic=time.monotonic, time_ns=time.time_ns, time=time.time)
    monkeypatch.setattr(scan_module, "time", clock)
    engine = Inline(Breaker()())
    with Store(folder.parent / "r.db") as store:
        run = Scan([str(folder)], store, ScanConfig(), ENCODER)
        with pytest.raises(KeyboardInterrupt):
            run.run(engine, watch=True)
    assert engine.seen[6:] == ["new.jpg"] and "new.jpg" in _rows(folder)


@pytest.mark.parametrize("bad", [{"workers": 0}, {"batch": 0}, {"commit": 0}, {"limits": Limits(0)}])
def test_impossible_configurations_are_refused(bad):
    with pytest.raises(ValueError):
        ScanConfig(**bad)


SCRIPT = """
import sys
from pathlib import Path
from scan_helpers import ENCODER, Breaker
from whichface.detectors.scan import Scan
from whichface.detectors.scanning.pool import Pool
from whichface.detectors.scanning.records import Limits, ScanConfig
from whichface.detectors.store import Store

if __name__ == "__main__":
    config = ScanConfig(commit=3, commit_seconds=0.05)
    work = Breaker(log="examined.txt", pause=0.01)
    with Store(Path("r.db")) as store, Pool(work, ENCODER, workers=2, limits=Limits(), batch=3) as pool:
        print(Scan(["in"], store, config, ENCODER).run(pool).done)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL")
def test_killed_at_random_moments_it_loses_and_repeats_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    names = [f"{n:03}" for n in range(90)]
    for name in names:
        (tmp_path / "in" / f"{name}.jpg").write_bytes(b"x")
    (tmp_path / "run.py").write_text(SCRIPT, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    random.seed(5)
    kills, stored = 0, set()
    for attempt in range(40):
        process = subprocess.Popen([sys.executable, "run.py"], cwd=tmp_path, env=environment)
        if attempt < 5:
            _wait_for_more(tmp_path / "examined.txt", process, random.randint(0, 20))
            time.sleep(random.random() * 0.1)
            process.kill()
            kills += process.wait() == -signal.SIGKILL
            now = _stored(tmp_path / "r.db")
            assert stored <= now  # nothing that was there is lost
            stored = now
        elif process.wait(timeout=120) == 0:
            break
    assert kills >= 3
    done = (tmp_path / "examined.txt").read_text().split()
    assert set(done) == set(names) == _stored(tmp_path / "r.db")
    assert len(done) - len(names) <= kills * (3 + 2 * 2 * 3)  # only what was in hand was done again
    with open_results(tmp_path / "r.db") as results:
        assert results.count() == len(names)


def _wait_for_more(log, process, more):
    def length():
        return log.read_text().count("\n") if log.exists() else 0

    start, end = length(), time.monotonic() + 60
    while length() < start + more and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)


def _stored(path):
    if not path.exists() or not path.stat().st_size:
        return set()
    for end in ("", "-wal", "-shm"):
        if Path(f"{path}{end}").exists():
            shutil.copy(f"{path}{end}", f"{path}.copy{end}")
    with open_results(Path(f"{path}.copy")) as results:
        found = {Path(row["path"]).stem for row in results.rows()}
    for end in ("", "-wal", "-shm"):
        Path(f"{path}.copy{end}").unlink(missing_ok=True)
    return found


def test_the_pool_is_an_engine(folder):
    with Pool(Breaker(), ENCODER, workers=2, limits=Limits(), batch=2) as pool, Store(folder.parent / "r.db") as store:
        assert Scan([str(folder)], store, ScanConfig(), ENCODER).run(pool).examined == 6


def test_a_file_from_the_far_future_is_examined_once(folder):
    os.utime(folder / "p1.jpg", (1e10, 1.05e10))  # the year 2302
    assert len(_scan(folder)[0]) == 6 and _scan(folder)[0] == []


def test_groups_that_a_killed_scan_left_out_are_numbered_by_the_next(folder, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Store, "group", killed)
        _scan(folder)
    assert _rows(folder)["p1.jpg"]["twins"] is None
    assert _scan(folder)[0] == [] and _rows(folder)["p1.jpg"]["twins"] is not None
    monkeypatch.setattr(Store, "group", killed)  # and not again without need
    assert _scan(folder)[0] == []


def test_the_store_remembers_where_the_model_of_a_scan_lies(folder, tmp_path, monkeypatch):
    from whichface.detectors.classifier import model_directory
    from whichface.detectors.examine import ExamineOptions

    for name in ("mine", "moved"):  # the same model in another place is the same generation
        (tmp_path / name).mkdir()
        shutil.copy(model_directory() / "card.json", tmp_path / name)
        monkeypatch.chdir(tmp_path)
        _scan(folder, ScanConfig(ExamineOptions(model=name)))
        with open_results(tmp_path / "r.db") as results:
            (generation,) = results.generations()
        assert generation.source == str(tmp_path / name) and generation.model_print
        assert "model" not in generation.options
