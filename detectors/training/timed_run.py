"""A training run with a budget of time: what a checkpoint holds, averaged weights, steps, the learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from whichface.forensics.files import whole

Net = TypeVar("Net", bound=nn.Module)


@dataclass(slots=True)
class TimedRun(Generic[Net]):
    """Everything that a checkpoint holds."""

    net: Net
    mean: Net
    """Averaged weights: these are validated and exported."""
    optimiser: torch.optim.Optimizer
    best: float
    """Best figure on held-out pictures so far."""
    spent: float = 0.0
    """Seconds of the budget."""
    step: int = 0
    loss: float = 0.0
    """Running mean."""

    @classmethod
    def begin(
        cls, net: Net, mean: Net, last: Path, *, rate: float, weight_decay: float, best: float
    ) -> TimedRun[Net]:
        """A fresh run with AdamW, or the one stored at `last`; `mean` takes the weights of `net`."""
        mean.load_state_dict(net.state_dict())
        net = net.to(memory_format=torch.channels_last)
        run = cls(net, mean, torch.optim.AdamW(net.parameters(), rate, weight_decay=weight_decay), best)
        if last.exists():
            stored = torch.load(last, weights_only=True)
            net.load_state_dict(stored["net"])
            mean.load_state_dict(stored["mean"])
            run.optimiser.load_state_dict(stored["optimiser"])
            run.spent, run.step, run.best = stored["spent"], stored["step"], stored["best"]
        return run

    def save(self, last: Path) -> None:
        """Store what `begin` takes up."""
        stored = {"net": self.net.state_dict(), "mean": self.mean.state_dict()}
        stored |= {"optimiser": self.optimiser.state_dict(), "spent": self.spent}
        save_whole(stored | {"step": self.step, "best": self.best}, last)

    def descend(self, loss: Tensor, rate: float, clip: float) -> None:
        """One step of the optimiser at learning rate `rate`, the gradient's norm cut to `clip`."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), clip)
        self.optimiser.step()
        self.step += 1
        value = float(loss.detach())
        self.loss = value if self.loss == 0.0 else 0.98 * self.loss + 0.02 * value

    def follow(self, ema: float) -> None:
        """Move the averaged weights a little towards the trained ones."""
        follow(self.mean, self.net, self.step, ema)


@torch.no_grad()
def follow(mean: nn.Module, net: nn.Module, step: int, ema: float) -> None:
    """Average the weights with decay `ema`, faster in the first steps; counters are copied."""
    decay = min(ema, (1 + step) / (10 + step))
    for mine, theirs in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if mine.is_floating_point():
            mine.lerp_(theirs, 1 - decay)
        else:
            mine.copy_(theirs)


def save_whole(stored: Mapping[str, Any], path: Path) -> None:
    """Written aside and moved, so that a run cut off leaves a whole file."""
    with whole(path) as aside:
        torch.save(stored, aside)


def rise_and_fall(share: float, rate: float, rise: float) -> float:
    """Learning rate after `share` of the budget: up to `rate` over the share `rise`, then half a cosine to 1 %."""
    if share < rise:
        return rate * max(share / rise, 0.05)
    return rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))
