"""Processes that examine pictures, kept apart from each other: a picture that kills or stalls one costs itself only.

A worker takes a few pictures at once. When it dies, stalls or runs out of memory, each of them is tried alone, and the
one that does it again is the culprit. Processes are spawned, as a fork beside threads may deadlock.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from whichface.forensics.errors import ForensicsError, WeightsError
from whichface.forensics.parallel import end_with_parent

from .records import Encoder, Limits, Result, Task
from .work import OutOfMemory, Work, failure, internal

START_SECONDS = 180.0
"""Longest time for a worker to load its model."""
STARTS = 3
"""Workers in a row that may die before they have begun."""
READY, RESULTS, MEMORY, BROKEN = "ready", "results", "memory", "broken"


@dataclass
class Worker:
    """One process, and what it is busy with."""

    process: BaseProcess
    pipe: Connection
    tasks: Sequence[Task] = ()
    ready: bool = False
    deadline: float = field(default_factory=lambda: time.monotonic() + START_SECONDS)

    def give(self, tasks: Sequence[Task], seconds: float) -> None:
        """Hand over tasks; a worker that has died shows when it is waited for."""
        self.tasks, self.deadline = tasks, time.monotonic() + seconds
        try:
            self.pipe.send(list(tasks))
        except OSError:
            return

    def end(self) -> None:
        """Stop the process at once."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Pool:
    """Examines tasks as they come; at most `workers` processes, started when there is something to do."""

    def __init__(
        self, factory: Callable[[], Work], encoder: Encoder, *, workers: int, limits: Limits, batch: int
    ) -> None:
        self.factory, self.encoder = factory, encoder
        self.limits, self.batch, self.most = limits, batch, workers
        self.workers: list[Worker] = []
        self.alone: deque[Task] = deque()
        self.stillborn = 0

    def run(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """One result a task, as they are ready. Raises WeightsError when the model cannot be loaded."""
        while self._feed(tasks):
            for worker in self._waiting():
                yield from self._heard(worker)
            now = time.monotonic()
            for worker in [w for w in self.workers if self._busy(w) and now > w.deadline]:
                yield from self._lost(worker, f"took longer than the limit of {self.limits.seconds:g} s.")

    def _feed(self, tasks: Iterator[Task]) -> bool:
        """Give every idle worker something to do; False when all is done."""
        for worker in self.workers:
            if worker.ready and not worker.tasks:
                self._assign(worker, tasks)
        while len(self.workers) < self.most:
            chunk = self._next(tasks)
            if not chunk:
                break
            worker = self._start()
            worker.tasks = chunk  # sent as soon as it is ready
        return any(self._busy(worker) for worker in self.workers)

    def _busy(self, worker: Worker) -> bool:
        return bool(worker.tasks)

    def _next(self, tasks: Iterator[Task]) -> list[Task]:
        return [self.alone.popleft()] if self.alone else list(islice(tasks, self.batch))

    def _assign(self, worker: Worker, tasks: Iterator[Task]) -> None:
        chunk = self._next(tasks)
        if chunk:
            worker.give(chunk, self.limits.seconds)

    def _start(self) -> Worker:
        context = get_context("spawn")
        near, far = context.Pipe()
        process = context.Process(target=serve, args=(far, self.factory, self.limits), daemon=True)
        process.start()
        far.close()
        self.workers.append(Worker(process, near))
        return self.workers[-1]

    def _waiting(self) -> list[Worker]:
        """Workers that have something to say, or have died, or None until the next deadline."""
        busy = [worker for worker in self.workers if self._busy(worker)]
        timeout = max(0.0, min(worker.deadline for worker in busy) - time.monotonic()) + 0.05
        heard = set(map(id, wait([worker.pipe for worker in busy], timeout)))
        return [worker for worker in busy if id(worker.pipe) in heard]

    def _heard(self, worker: Worker) -> Iterator[Result]:
        try:
            kind, content = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._lost(worker, None)
            return
        if kind == READY:
            self.stillborn, worker.ready = 0, True
            worker.give(worker.tasks, self.limits.seconds)
        elif kind == RESULTS:
            worker.tasks = ()
            yield from content
        elif kind == MEMORY:
            yield from self._lost(worker, f"needs more memory than the limit of {self.limits.megabytes:,} MB.")
        else:
            raise WeightsError(content) if kind == BROKEN else ForensicsError(content)

    def _lost(self, worker: Worker, reason: str | None) -> Iterator[Result]:
        """End a worker; its only picture has failed, several are tried alone."""
        self.workers.remove(worker)
        worker.end()
        if not worker.ready:
            self.stillborn += 1
            if self.stillborn >= STARTS:
                raise ForensicsError(f"The processes that examine pictures cannot start ({_ended(worker.process)}).")
            self.alone.extend(worker.tasks)
        elif len(worker.tasks) > 1:
            self.alone.extend(worker.tasks)
        else:
            why = reason or f"ended the process that examined it ({_ended(worker.process)})."
            yield from (failure(task, why, self.encoder) for task in worker.tasks)

    def close(self) -> None:
        """End all processes."""
        for worker in self.workers:
            worker.end()
        self.workers.clear()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ended(process: BaseProcess) -> str:
    code = process.exitcode or 0
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"exit code {code}"


def serve(pipe: Connection, factory: Callable[[], Work], limits: Limits) -> None:
    """What a worker process runs: tasks in, results out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends its workers
    end_with_parent()
    try:
        work = factory()
    except Exception as error:
        known = isinstance(error, ForensicsError)
        pipe.send((BROKEN if known else "failed", str(error) if known else internal(error)))
        return
    _bound_memory(limits.megabytes)
    try:
        pipe.send((READY, None))
        while True:
            tasks = pipe.recv()
            try:
                results = work(tasks)
            except (OutOfMemory, MemoryError):
                pipe.send((MEMORY, None))
                return
            pipe.send((RESULTS, results))
    except (EOFError, OSError):
        return


def _bound_memory(megabytes: int) -> None:
    """Let the process grow by so much more; beyond that allocations fail. On Linux only."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as stream:  # noqa: PTH123
            taken = int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return
    if megabytes:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        wanted = taken + megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
