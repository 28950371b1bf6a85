"""The registry of analyzers: one file a cue, one line here."""

from __future__ import annotations

from .alignment import CUE as ALIGNMENT
from .asymmetry import CUE as ASYMMETRY
from .background import CUE as BACKGROUND
from .bleed import CUE as BLEED
from .cue import Cue
from .eyes import CUE as EYES
from .hair import CUE as HAIR
from .provenance import CUE as PROVENANCE
from .spectrum import CUE as SPECTRUM
from .splotches import CUE as SPLOTCHES
from .teeth import CUE as TEETH

# One line an analyzer, in the order in which people are told of them.
ANALYZERS: tuple[Cue, ...] = (
    SPLOTCHES,
    BACKGROUND,
    ASYMMETRY,
    HAIR,
    BLEED,
    TEETH,
    EYES,
    ALIGNMENT,
    SPECTRUM,
    PROVENANCE,
)

__all__ = ["ANALYZERS", "Cue"]
