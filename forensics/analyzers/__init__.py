"""The registry of analyzers: one file a cue, one line here."""

from __future__ import annotations

from .cue import Cue
from .provenance import CUE as PROVENANCE

# One line an analyzer, in the order in which people are told of them.
ANALYZERS: tuple[Cue, ...] = (
    PROVENANCE,
)

__all__ = ["ANALYZERS", "Cue"]
