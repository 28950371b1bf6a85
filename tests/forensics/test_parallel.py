"""Tasks over processes: in order, in this process when few, and dropped when nobody listens any more."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

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


def _says_where_it_runs(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(60)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from tests.forensics.test_parallel import _says_where_it_runs\n"
        "from whichface.forensics.parallel import spread\n"
        f"places = [Path({str(tmp_path)!r}) / n for n in 'abcd']\n"
        "if __name__ == '__main__': list(spread(_says_where_it_runs, places, 2))"
    )
    script = tmp_path / "parent.py"
    script.write_text(program)
    root = Path(__file__).parents[2]
    parent = subprocess.Popen([sys.executable, script], env={**os.environ, "PYTHONPATH": str(root)})
    for _ in range(300):
        found = [p for p in (tmp_path / "a", tmp_path / "b") if p.exists() and p.read_text()]
        if len(found) == 2:
            break
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    workers = [int(p.read_text()) for p in found]
    assert len(workers) == 2
    for _ in range(100):
        if not any(_alive(pid) for pid in workers):
            return
        time.sleep(0.1)
    raise AssertionError("workers outlived their parent")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
