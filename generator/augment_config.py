"""How strongly the discriminator's pictures are augmented, and how p is steered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Strengths, as published."""

    target: float = 0.6
    """Mean sign of D at reals that p is steered to."""
    interval: int = 4
    """Steps between adjustments."""
    ramp_kimg: float = 500.0
    """Thousands of pictures in which p may rise from 0 to 1."""
    shift: float = 0.125
    """Largest whole-pixel translation, and spread of the fractional one, in sides."""
    scale: float = 0.2
    """Spread of the isotropic and of the anisotropic scaling in octaves."""
    brightness: float = 0.2
    """Spread."""
    contrast: float = 0.5
    """Spread in octaves."""
    saturation: float = 1.0
    """Spread in octaves."""
