"""Several processes by torchrun; with one process everything here does nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True, slots=True)
class World:
    """This process among all."""

    rank: int = 0
    size: int = 1
    local: int = 0
    """Number of the GPU on this machine."""

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0


def start(device: str) -> World:
    """Join the processes that torchrun started, if it did."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World()
    world = World(int(os.environ["RANK"]), size, int(os.environ.get("LOCAL_RANK", "0")))
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    return world


def stop() -> None:
    """Leave the group."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def share_gradients(parameters: Iterable[nn.Parameter], world: World) -> None:
    """Every gradient replaced by its mean over the processes."""
    if world.size == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= world.size
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.reshape(gradient.shape))


def total(value: Tensor, world: World) -> Tensor:
    """The sum over the processes."""
    if world.size > 1:
        distributed.all_reduce(value)
    return value


def spread(module: nn.Module, world: World) -> None:
    """Give every process the first one's parameters and buffers."""
    if world.size > 1:
        for tensor in [*module.parameters(), *module.buffers()]:
            distributed.broadcast(tensor.data, 0)
