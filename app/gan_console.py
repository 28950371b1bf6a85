"""How training is shown: tick lines on stderr, a bar on a terminal, TensorBoard where it is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from whichface.generator.ticks import Tick


class TrainingConsole:
    """An observer of training runs."""

    def __init__(self, folder: Path, *, quiet: bool = False) -> None:
        self.quiet, self.folder = quiet, folder
        self.bar: Any = None
        self.task: Any = None
        self.board: Any = None

    def __enter__(self) -> Self:
        if not self.quiet and sys.stderr is not None and sys.stderr.isatty():
            self.bar = _bar()
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()
        if self.board:
            self.board.close()

    def told(self, text: str) -> None:
        """A line that is worth reading."""
        if self.quiet:
            return
        if self.bar is not None:
            self.bar.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def ticked(self, tick: Tick) -> None:
        """Print the line, and hand the numbers to TensorBoard."""
        self.told(tick.line())
        if self.board is None:
            self.board = board(self.folder)
        for name, value in tick.to_dict().items() if self.board else ():
            self.board.add_scalar(name, value, tick.images)

    def moved(self, images: int, total: int) -> None:
        """Move the bar."""
        if self.bar is None:
            return
        if self.task is None:
            self.task = self.bar.add_task("training", total=total / 1000)
        self.bar.update(self.task, completed=images / 1000)


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.completed:.1f}/{task.total:g} kimg"), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def board(folder: Path) -> Any:
    """TensorBoard's writer, or False where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return False
    return SummaryWriter(str(folder))
