"""Tasks over processes: in order, in this process when few, and dropped when nobody listens any more."""

from __future__ import annotations

import os

import pytest

from whichface.forensics.parallel import spread


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    tasks = ["b", "a", "dddd", "ccc", ""]
    assert list(spread(len, tasks, workers, chunk=2)) == [1, 1, 4, 3, 0]


def test_few_tasks_need_no_process() -> None:
    assert list(spread(_process, [0, 1, 2], workers=2)) == [os.getpid()] * 3
    assert os.getpid() not in spread(_process, [0, 1, 2, 3], workers=2)


def test_what_is_not_begun_is_dropped() -> None:
    results = spread(abs, range(-2000, 0), workers=2)
    assert next(results) == 2000
    results.close()  # type: ignore[attr-defined]


def test_a_failing_task_is_told() -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(_inverse, [2, 1, 0, 4], workers=2))


def _process(_: int) -> int:
    return os.getpid()


def _inverse(number: int) -> float:
    return 1 / number
