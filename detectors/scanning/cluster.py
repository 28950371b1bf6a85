"""The same stages on Ray Data: each actor keeps one worker process with the model, so limits hold there too.

Ray runs a lost actor's pictures again, so nothing is lost; what comes twice replaces itself in the store.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from whichface.forensics.errors import ForensicsError, MissingExtraError

from .pool import Pool
from .records import Encoder, Result, ScanConfig, Stamp, Status, Task
from .work import ExaminerFactory, Work

WAVE = 20_000
"""Pictures that are handed to Ray at once: the driver holds their paths, not their pixels."""


class Actor:
    """What Ray keeps alive on a worker: a pool of one process."""

    def __init__(self, config: ScanConfig, encoder: Encoder, factory: Callable[[], Work]) -> None:
        self.pool = Pool(factory, encoder, workers=1, limits=config.limits, batch=config.batch)

    def __call__(self, block: dict[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Tasks to results, a block at a time."""
        names = list(block)
        tasks = [from_row(dict(zip(names, row, strict=True))) for row in zip(*block.values(), strict=True)]
        rows = [result_row(result) for result in self.pool.run(iter(tasks))]
        return {name: [row[name] for row in rows] for name in rows[0]}


def task_row(task: Task) -> dict[str, Any]:
    """A task as plain values; its path as bytes, which need not be UTF-8."""
    stamp = task.stamp
    return {"path": os.fsencode(task.path), "size": stamp.size, "modified": stamp.modified, "changed": stamp.changed}


def from_row(row: dict[str, Any]) -> Task:
    """The task of a row."""
    return Task(os.fsdecode(bytes(row["path"])), Stamp(int(row["size"]), int(row["modified"]), int(row["changed"])))


def result_row(result: Result) -> dict[str, Any]:
    """A result as plain values."""
    row = task_row(result.task) | {"status": result.status.value, "record": json.dumps(result.record)}
    return row | {"hash": result.hash or b"", "thumbnail": result.thumbnail or b"", "seconds": result.seconds}


def to_result(row: dict[str, Any]) -> Result:
    """The result of a row."""
    hash, thumbnail = bytes(row["hash"]) or None, bytes(row["thumbnail"]) or None
    record = json.loads(row["record"])
    return Result(from_row(row), Status(row["status"]), record, hash, thumbnail, float(row["seconds"]))


class RayEngine:
    """A cluster at `address`, or one on this machine. Raises MissingExtraError without Ray."""

    def __init__(
        self, config: ScanConfig, encoder: Encoder, address: str | None = None, actors: int | None = None
    ) -> None:
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtraError('--engine ray needs an extra: pip install "whichface[cluster]".') from error
        self.ray, self.config, self.encoder = ray, config, encoder
        self.factory: Callable[[], Work] = ExaminerFactory(config.options, encoder)
        self.owner = not ray.is_initialized()
        if self.owner:
            self._connect(address)
        self.actors = actors or max(1, int(ray.cluster_resources().get("CPU", 1)))
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False

    def _connect(self, address: str | None) -> None:
        """Join the cluster, or make one. Raises ForensicsError for one that cannot be reached."""
        _check_reachable(address)
        local = {} if address else {"num_cpus": self.config.workers, "include_dashboard": False}
        try:
            self.ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **local)
        except Exception as error:  # Ray raises many kinds
            first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise ForensicsError(f"The Ray cluster at {address or 'this machine'} cannot be used: {first}.") from error

    def run(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """One result a task, in any order; Ray examines again what a killed worker had in hand."""
        while wave := list(islice(tasks, WAVE)):
            yield from self._wave(wave)

    def _wave(self, wave: Sequence[Task]) -> Iterator[Result]:
        size = self.config.batch
        blocks = -(-len(wave) // size)
        data = self.ray.data.from_items([task_row(task) for task in wave], override_num_blocks=blocks)
        strategy = self.ray.data.ActorPoolStrategy(min_size=1, max_size=self.actors, initial_size=1)
        done = data.map_batches(
            Actor,
            fn_constructor_args=(self.config, self.encoder, self.factory),
            batch_size=size,
            batch_format="numpy",
            compute=strategy,
            num_cpus=1,
        )
        for row in done.iter_rows():
            yield to_result(row)

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, *_: object) -> None:
        if self.owner:
            self.ray.shutdown()


def _check_reachable(address: str | None) -> None:
    """Raises ForensicsError where nobody listens; Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise ForensicsError(f"The Ray cluster at {address} cannot be reached.") from error
