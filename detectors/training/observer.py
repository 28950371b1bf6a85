"""Who is told how a training goes; the core never draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from whichface.forensics.errors import ForensicsError


class InputError(ValueError):
    """A corpus, file or setting that cannot be used; the message is one sentence without a full stop."""


class TrainingStoppedError(ForensicsError):
    """The training cannot go on: its numbers are no numbers any more."""


class Observer(Protocol):
    """What a training reports."""

    def told(self, text: str) -> None:
        """A line that is worth reading."""
        ...

    def warned(self, text: str) -> None:
        """Something that the user should act on."""
        ...

    def moved(self, stage: str, done: float, total: float, note: str = "") -> None:
        """`done` of `total` of a stage is over."""
        ...

    def measured(self, step: int, values: Mapping[str, float]) -> None:
        """Figures after a step."""
        ...


class Silent:
    """An observer that says nothing."""

    def told(self, text: str) -> None:
        """Nothing."""

    def warned(self, text: str) -> None:
        """Nothing."""

    def moved(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Nothing."""

    def measured(self, step: int, values: Mapping[str, float]) -> None:
        """Nothing."""
