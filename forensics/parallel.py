"""Many tasks over processes, in order, with one way for all long jobs."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVar

import cv2

Task = TypeVar("Task")
Result = TypeVar("Result")


def spread(
    job: Callable[[Task], Result], tasks: Sequence[Task], workers: int, chunk: int = 1
) -> Iterator[Result]:
    """`job` of every task, in the order of the tasks, as they come; in this process when it is not worth a pool.

    `job` is a function of a module. What is not begun is dropped when the caller stops listening.
    """
    if workers <= 1 or len(tasks) < 2 * workers:
        yield from map(job, tasks)
        return
    # Spawned, not forked: a fork of a process whose libraries have threads may wait for a lock for ever.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_quiet) as pool:
        try:
            yield from pool.map(job, tasks, chunksize=chunk)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _quiet() -> None:
    """How a process of a pool begins: one thread of OpenCV, and Ctrl-C is left to the parent, which ends the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    end_with_parent()


def end_with_parent() -> None:
    """Let this process end when the one that started it does, however that comes, even while a decoder hangs."""

    def follow() -> None:
        parent = parent_process()
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
