"""How well people do with the same question, from published studies. Other pictures: an orientation, no contest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Study:
    """One published figure."""

    who: str
    """Authors and people."""
    pictures: str
    """What they saw."""
    measure: str
    """accuracy: right answers, chance is 0.5. hits: fakes recognised."""
    value: float
    """As published, 0 to 1."""


STUDIES: tuple[Study, ...] = (
    Study("Survey of 49 people (22.45 of 40 right)", "StyleGAN2 and photographs", "accuracy", 0.56),
    Study("Nightingale & Farid 2022", "StyleGAN2 and photographs", "accuracy", 0.482),
    Study("Nightingale & Farid 2022, trained with feedback", "StyleGAN2 and photographs", "accuracy", 0.59),
    Study("Gray 2025", "StyleGAN3", "hits", 0.31),
    Study("Gray 2025, after five minutes with the cues", "StyleGAN3", "hits", 0.51),
)
