"""What an analyzer is: a name, words for people, and a function from a face to evidence or an abstention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..records import Abstention, Evidence
from ..view import FaceView

Look = Callable[[FaceView], Evidence | Abstention]


@dataclass(frozen=True, slots=True)
class Cue:
    """One analyzer, as registered in ANALYZERS."""

    name: str
    """Short name: of its file, of `--cue`, of the JSON."""
    title: str
    """What people call it."""
    meaning: str
    """Two or three plain sentences: what to look at, and why a generator leaves it."""
    innocent: tuple[str, ...]
    """What looks the same in a camera photograph, plain phrases."""
    needs: str
    """Plain sentence: what a picture must have so that this can be looked for."""
    source: str
    """Where the cue was described, or "Proposed here"."""
    look: Look
    """The analyzer: its statistic is higher the more it speaks for a generator."""
