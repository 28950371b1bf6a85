"""Stopping a long run in good order: the first Ctrl-C is noted, a second one is let through."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Stop:
    """Set by Ctrl-C or SIGTERM; a loop looks at it between its steps."""

    asked: bool = False


@contextmanager
def listening() -> Iterator[Stop]:
    """Note the first Ctrl-C or SIGTERM and let a second one through; does nothing outside the main thread."""
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
