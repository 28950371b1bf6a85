"""The same stages on Ray Data: each actor keeps one worker process with the model, so limits hold there too.

Ray runs a lost actor's pictures again, so nothing is lost; what comes twice replaces itself in the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from whichface.forensics.errors import ForensicsError, MissingExtraError

from .pool import Pool
from .records import Encoder, Result, ScanConfig, Task
from .work import ExaminerFactory

WAVE = 20_000
"""Pictures that are handed to Ray at once: the driver holds their paths, not their pixels."""


class Actor:
    """What Ray keeps alive on a worker: a pool of one process."""

    def __init__(self, config: ScanConfig, encoder: Encoder) -> None:
        factory = ExaminerFactory(config.options, encoder)
        self.pool = Pool(factory, encoder, workers=1, limits=config.limits, batch=config.batch)

    def __call__(self, batch: dict[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Tasks to results, a block at a time."""
        return {"result": list(self.pool.run(iter(list(batch["task"]))))}


class RayEngine:
    """A cluster at `address`, or one on this machine. Raises MissingExtraError without Ray."""

    def __init__(self, config: ScanConfig, encoder: Encoder, address: str | None = None) -> None:
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtraError('--engine ray needs an extra: pip install "whichface[cluster]".') from error
        self.ray, self.config, self.encoder = ray, config, encoder
        self.owner = not ray.is_initialized()
        if self.owner:
            self._connect(address)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False

    def _connect(self, address: str | None) -> None:
        """Join the cluster. Raises ForensicsError for one that cannot be reached."""
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        local = {} if address else {"num_cpus": self.config.workers, "include_dashboard": False}
        try:
            self.ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ForensicsError(f"The Ray cluster at {address or 'this machine'} cannot be used: {first}") from error

    def run(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """One result a task, in any order; Ray examines again what a killed worker had in hand."""
        while wave := list(islice(tasks, WAVE)):
            yield from self._wave(wave)

    def _wave(self, wave: Sequence[Task]) -> Iterator[Result]:
        size = self.config.batch
        blocks = max(1, -(-len(wave) // size))
        data = self.ray.data.from_items([{"task": task} for task in wave], override_num_blocks=blocks)
        done = data.map_batches(
            Actor,
            fn_constructor_args=(self.config, self.encoder),
            batch_size=size,
            batch_format="numpy",
            concurrency=(1, self.config.workers),
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=-1,
        )
        for row in done.iter_rows():
            yield row["result"]

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, *_: object) -> None:
        if self.owner:
            self.ray.shutdown()
