"""Isolation: a picture that crashes, hangs or eats memory costs itself only."""

from __future__ import annotations

import sys

import pytest
from scan_helpers import ENCODER, Breaker

from whichface.detectors.scanning.pool import Pool
from whichface.detectors.scanning.records import Limits, Stamp, Status, Task
from whichface.forensics.errors import ForensicsError, WeightsError


def _tasks(*names):
    return [Task(f"/pictures/{name}.jpg", Stamp(1, 2)) for name in names]


def _run(names, breaker=None, workers=2, batch=4, seconds=60.0, megabytes=400):
    limits = Limits(seconds, megabytes)
    with Pool(breaker or Breaker(), ENCODER, workers=workers, limits=limits, batch=batch) as pool:
        results = list(pool.run(iter(_tasks(*names))))
        assert all(worker.process.is_alive() for worker in pool.workers)
    return {result.task.path.split("/")[-1][:-4]: result for result in results}, results


def test_a_crash_and_a_hang_cost_one_picture_each():
    names = ["a1", "crash", "a2", "a3", "a4", "hang", "a5", "a6"]
    found, results = _run(names, seconds=3.0)
    assert len(results) == len(names)
    failed = {name: r.record["error"] for name, r in found.items() if r.status is Status.FAILED}
    assert failed.pop("hang") == "took longer than the limit of 3 s."
    reason = failed.pop("crash")
    assert reason.startswith("ended the process that examined it (") and failed == {}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_picture_that_eats_memory_costs_itself():
    found, _ = _run(["a1", "eat", "a2"], workers=1, megabytes=300)
    assert found["eat"].record["error"] == "needs more memory than the limit of 300 MB."
    assert found["a1"].status is found["a2"].status is Status.EXAMINED


def test_every_task_has_one_result_whatever_the_sizes():
    names = [f"p{n}" for n in range(23)]
    for workers, batch in ((1, 1), (2, 5)):
        found, results = _run(names, workers=workers, batch=batch)
        assert sorted(found) == sorted(names) and len(results) == 23
    with Pool(Breaker(), ENCODER, workers=2, limits=Limits(), batch=2) as pool:
        assert list(pool.run(iter(()))) == [] and pool.workers == []


def test_processes_stay_for_the_next_round():
    with Pool(Breaker(), ENCODER, workers=1, limits=Limits(), batch=2) as pool:
        list(pool.run(iter(_tasks("a", "b"))))
        first = pool.workers[0].process.pid
        list(pool.run(iter(_tasks("c"))))
        assert pool.workers[0].process.pid == first


def test_a_model_that_cannot_be_loaded_ends_the_run():
    with pytest.raises(WeightsError, match="model file is missing"):
        _run(["a"], Breaker(start="fail"))
    with pytest.raises(ForensicsError, match=r"cannot start \(exit code 7\)"):
        _run(["a", "b"], Breaker(start="die"), workers=1)
