"""The line that training prints at every tick, and what it measures."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

import torch


def duration(seconds: float) -> str:
    """As 20s, 5m 03s, 3h 12m or 2d 04h."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


@dataclass(frozen=True, slots=True)
class Tick:
    """What happened since the last tick."""

    number: int
    images: int
    """Pictures shown so far."""
    seconds: float
    """Time that the run has had."""
    tick_seconds: float
    seconds_per_kimg: float
    maintenance: float
    """Seconds between the ticks: snapshots, grids."""
    cpu_gigabytes: float
    gpu_gigabytes: float
    augment: float
    """Probability of augmentation."""
    lod: float
    """Halvings to the full size."""
    seconds_left: float
    """At the present speed."""
    means: dict[str, float] = field(default_factory=dict)
    """Means of losses and scores."""

    def line(self) -> str:
        """For people."""
        parts = [
            f"tick {self.number:<5d}",
            f"kimg {self.images / 1000:<8.1f}",
            f"time {duration(self.seconds):<9s}",
            f"sec/tick {self.tick_seconds:<7.1f}",
            f"sec/kimg {self.seconds_per_kimg:<7.2f}",
            f"maintenance {self.maintenance:<6.1f}",
            f"cpumem {self.cpu_gigabytes:<6.2f}",
            f"gpumem {self.gpu_gigabytes:<6.2f}",
            f"augment {self.augment:.3f}",
            f"eta {duration(self.seconds_left)}",
        ]
        return " ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """For stats.jsonl."""
        return {
            "tick": self.number,
            "images": self.images,
            "seconds": round(self.seconds, 2),
            "sec_per_kimg": round(self.seconds_per_kimg, 4),
            "cpumem": self.cpu_gigabytes,
            "gpumem": self.gpu_gigabytes,
            "augment": self.augment,
            "lod": self.lod,
            **self.means,
        }


def cpu_gigabytes() -> float:
    """Largest resident memory of this process; 0 where it cannot be asked for."""
    try:
        import resource
    except ImportError:
        return 0.0
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(largest / (1e9 if sys.platform == "darwin" else 1e6), 3)


def gpu_gigabytes(device: torch.device) -> float:
    """Largest memory of the GPU that tensors had."""
    return round(torch.cuda.max_memory_allocated(device) / 1e9, 3) if device.type == "cuda" else 0.0
