"""Work for scan's processes that needs no model; imported by them, so it lies in a module of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whichface.detectors.scanning.records import Encoder, Result, Stamp, Status, Task
from whichface.detectors.scanning.work import OutOfMemory
from whichface.forensics.errors import WeightsError
from whichface.reports.json import failure_to_dict, to_dict

ENCODER = Encoder(to_dict, failure_to_dict)


def verdict(llr: float) -> dict[str, Any]:
    """As a record has it."""
    label = "generated" if llr > 1 else "real" if llr < -1 else "inconclusive"
    values = {"label": label, "llr": llr, "interval": [llr - 0.2, llr + 0.2], "ceiling": 2.0, "probability": 0.5}
    return values | {"prior": 0.5, "threshold": 1.0, "reasons": []}


def record(path: str, *llrs: float, sha256: str = "ab" * 32) -> dict[str, Any]:
    """One picture with a face of each ratio."""
    faces = [
        {"box": [10.0 * n, 10.0, 10.0 * n + 40, 60.0], "confidence": 0.99, "verdict": verdict(llr),
         "quality": {"side": 100.0}}
        for n, llr in enumerate(llrs)
    ]  # fmt: skip
    values = {"path": path, "sha256": sha256, "size": [100, 80], "format": "JPEG", "faces": faces}
    return values | {"provenance": [], "warnings": [], "error": None, "versions": {"model": "face-1"}}


def result(path: str, *llrs: float, hash: bytes | None = None, **changes: Any) -> Result:
    """What a worker would send; a reason makes it a failure."""
    task = Task(path, Stamp(10, 20, 30))
    if "error" in changes:
        return Result(task, Status.FAILED, failure_to_dict(path, changes["error"]))
    status = Status.EXAMINED if llrs else Status.NO_FACE
    return Result(task, status, record(path, *llrs, **changes), hash, b"jpeg", 0.5)


@dataclass(frozen=True)
class Breaker:
    """Makes work that does what a picture's name says: hang, crash, eat, slow, or be examined."""

    start: str = ""
    """What to do at the start: die, or fail."""
    log: str = ""
    """File that gets a line for every picture that is examined."""
    pause: float = 0.0
    """Seconds a picture."""

    def __call__(self) -> Callable[[Sequence[Task]], list[Result]]:
        if self.start == "die":
            os._exit(7)
        if self.start == "fail":
            raise WeightsError("The model file is missing.")
        return lambda tasks: [self.examine(task) for task in tasks]

    def examine(self, task: Task) -> Result:
        name = Path(task.path).stem
        if name.startswith("hang"):
            time.sleep(600)
        if name.startswith("crash"):
            os.abort()
        if name.startswith("eat"):
            held = []
            while True:
                held.append(bytearray(50_000_000))
        if name.startswith("greedy"):
            raise OutOfMemory
        time.sleep(self.pause)
        if self.log:
            with Path(self.log).open("a") as stream:
                stream.write(name + "\n")
        return Result(task, Status.EXAMINED, record(task.key, float(len(name) % 5 - 2)), bytes(32), b"", 0.0)
