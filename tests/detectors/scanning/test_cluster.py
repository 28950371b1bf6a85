"""The same stages on a Ray cluster of two workers on this machine; skipped where Ray is not installed."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scan_helpers import ENCODER, Breaker
from skimage import data

from whichface.detectors.scan import Scan, local_engine
from whichface.detectors.scanning import cluster
from whichface.detectors.scanning.cluster import (
    RayEngine,
    from_row,
    result_row,
    task_row,
    to_result,
)
from whichface.detectors.scanning.records import Limits, ScanConfig, Stamp, Task
from whichface.detectors.store import Store, open_results
from whichface.forensics.errors import ForensicsError, MissingExtraError


def _ray():
    return pytest.importorskip("ray", reason="Ray is not installed: the extra cluster is not tested")


@pytest.fixture(scope="module")
def two_workers():
    ray = _ray()
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    workers = [nodes.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    nodes.wait_for_nodes()
    yield nodes, workers
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture
def folder(tmp_path):
    picture = np.asarray(data.astronaut())
    (tmp_path / "in").mkdir()
    for number in range(6):
        small = cv2.resize(picture, (300 + 20 * number,) * 2, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    (tmp_path / "in" / "bad.jpg").write_bytes(b"\xff\xd8\xff cut")
    return tmp_path / "in"


def _records(folder, name, engine, config):
    with Store(folder.parent / name) as store, engine:
        Scan([str(folder)], store, config, ENCODER).run(engine)
    with open_results(folder.parent / name) as results:
        return {record["path"]: record for record in results.records()}


def test_results_are_those_of_one_machine(two_workers, folder):
    config = ScanConfig(workers=1, batch=2)
    here = _records(folder, "local.db", local_engine(config, ENCODER), config)
    there = _records(folder, "ray.db", RayEngine(config, ENCODER), config)
    assert here.keys() == there.keys() and len(here) == 7
    for path, record in here.items():
        assert record["error"] == there[path]["error"]
        for one, two in zip(record["faces"], there[path]["faces"], strict=True):
            assert one["verdict"]["llr"] == pytest.approx(two["verdict"]["llr"], abs=1e-4)
            assert one["box"] == pytest.approx(two["box"], abs=0.11)
            assert [s["logit"] for s in one["scores"]] == pytest.approx([s["logit"] for s in two["scores"]], abs=1e-4)


def test_a_worker_that_is_killed_loses_nothing(two_workers, tmp_path):
    nodes, workers = two_workers
    log = tmp_path / "examined.txt"
    (tmp_path / "in").mkdir()
    for number in range(60):
        (tmp_path / "in" / f"{number:03}.jpg").write_bytes(b"x")
    config = ScanConfig(batch=3, limits=Limits(60.0))

    def kill():
        while not log.exists() or log.read_text().count("\n") < 12:
            time.sleep(0.02)
        nodes.remove_node(workers.pop(), allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    with Store(tmp_path / "r.db") as store, RayEngine(config, ENCODER) as engine:
        engine.factory = Breaker(log=str(log), pause=0.1)
        progress = Scan([str(tmp_path / "in")], store, config, ENCODER).run(engine)
    killer.join(timeout=60)
    assert not killer.is_alive() and len(workers) == 1 and progress.failed == 0
    with open_results(tmp_path / "r.db") as results:
        assert results.count() == 60 == results.count("status = 'examined'")


def test_rows_hold_tasks_and_results_whole():
    (result,) = Breaker()()([Task(os.fsdecode(b"/in/\xff.jpg"), Stamp(1, 2, 3))])
    assert from_row(task_row(result.task)) == result.task
    assert to_result(result_row(result)) == replace(result, thumbnail=None)  # no bytes are no thumbnail


def test_without_ray_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="cluster"):
        RayEngine(ScanConfig(), ENCODER)


def test_a_cluster_that_does_not_answer_is_one_sentence():
    with pytest.raises(ForensicsError, match=r"The Ray cluster at 127\.0\.0\.1:1 cannot be reached"):
        cluster._check_reachable("127.0.0.1:1")
    cluster._check_reachable("auto")
    cluster._check_reachable(None)
