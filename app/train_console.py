"""How `train` is shown: lines on stderr, one moving line with the time that is left, TensorBoard where it is there."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whichface.app.console import Progress, say
from whichface.app.gan_console import board


class TrainConsole:
    """An observer of `detectors.training`."""

    def __init__(self, folder: Path, *, quiet: bool = False) -> None:
        self.folder, self.quiet = folder, quiet
        self.progress = Progress(2, quiet=quiet)
        self.board: Any = None
        self.stage, self.start, self.first, self.spoken = "", 0.0, 0.0, 0.0

    def told(self, text: str) -> None:
        """A line on stderr."""
        if not self.quiet:
            self.progress.clear()
            print(text, file=sys.stderr, flush=True)

    def warned(self, text: str) -> None:
        """A line with the program's name; with --quiet too, since figures may be worthless."""
        self.progress.clear()
        say(f"WARNING: {text}")

    def moved(self, stage: str, done: float, total: float, note: str = "") -> None:
        """The moving line of a terminal; in a pipe a line a minute."""
        now = time.monotonic()
        if stage != self.stage:
            self.stage, self.start, self.first, self.spoken = stage, now, done, now
        text = f"{stage}: {done / max(total, 1e-9):.0%}{self._left(now, done, total)}"
        text += f", {note}" if note else ""
        if self.progress.active:
            self.progress.line(text)
        elif now - self.spoken > 60:
            self.spoken = now
            self.told(text)

    def _left(self, now: float, done: float, total: float) -> str:
        """Words for the time that is left, from what this run has done."""
        fresh = done - self.first
        if fresh <= 0 or done >= total:
            return ""
        seconds = (now - self.start) / fresh * (total - done)
        return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"

    def measured(self, step: int, values: Mapping[str, float]) -> None:
        """Hand the numbers to TensorBoard."""
        if self.board is None:
            self.board = board(self.folder / "tensorboard")
        for name, value in values.items() if self.board else ():
            self.board.add_scalar(name, value, step)

    def close(self) -> None:
        """Wipe the moving line, end TensorBoard's file."""
        self.progress.clear()
        if self.board:
            self.board.close()
