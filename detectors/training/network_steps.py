"""A run of the network in pieces: its settings and data, its device, batches made ahead, weights on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whichface.forensics.errors import WeightsError

from .classifier import Crops, TrainConfig, Trainer
from .network_import import stored_states
from .observer import InputError
from .pack import Pack, Packs
from .teachers import Teachers

AHEAD = 3
"""Batches a fold that are made ahead."""


@dataclass(frozen=True, slots=True)
class NetworkRunConfig:
    """One run."""

    train: TrainConfig = field(default_factory=TrainConfig)
    """Network, batch, rates; `minutes` is the length unless `epochs` is given."""
    epochs: float | None = None
    """Length in passes over the training pictures; None: by time."""
    device: str = "auto"
    """auto, cpu or cuda."""
    amp: str = "off"
    """Mixed precision: off, bf16 or fp16."""
    patience: int = 6
    """Validations (of 20) without a gain after which a run ends; 0: never, and the last weights are taken."""
    loaders: int = 1
    """Threads that decode pictures ahead."""
    save_seconds: float = 120.0
    """Time between two saved states."""
    init: str = ""
    """File of networks (networks.safetensors or network.onnx of a model) to begin with."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Validation pictures under fixed conditions."""

    pack: Pack
    """Canonical faces; the variant is the condition."""
    fake: NDArray[np.bool_]
    """(pictures,)."""
    chosen: NDArray[np.int64]
    """Numbers of the pictures that early stopping looks at."""


@dataclass(frozen=True, slots=True)
class RunData:
    """What a run learns from, and what it is validated on."""

    pack: Pack | Packs
    """Canonical faces of the training pictures."""
    fake: NDArray[np.bool_]
    """(pictures,) True: generated."""
    weights: tuple[NDArray[np.float64], ...]
    """One entry a fold: (pictures,) weights, zero for what it leaves out."""
    grid: Grid | None = None
    """What it is validated on; None: nothing, and no weights are chosen."""
    folds: tuple[int, ...] = ()
    """Numbers of the folds of `weights`; empty: all, from 0 on."""
    veiled: frozenset[int] = frozenset()
    """Pictures of which only the face may be learned."""
    teachers: Mapping[int, Teachers] = field(default_factory=dict)
    """By fold: what else the labels follow."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The number of each fold."""
        return self.folds or tuple(range(len(self.weights)))


def pick_device(wish: str, amp: str) -> torch.device:
    """cuda when there is one and it is wished or left open. Raises InputError for what the machine cannot do."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda was asked for, but torch finds no GPU")
    device = torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")
    if amp == "fp16" and device.type == "cpu":
        raise InputError("--amp fp16 needs a GPU; on a CPU there are off and bf16")
    return device


class Feeder:
    """Batches by fold and step, made ahead by threads; each depends on the seed, the fold and the step alone."""

    def __init__(self, data: RunData, config: TrainConfig, loaders: int) -> None:
        self.fake, self.seed = data.fake, config.seed
        pairs = zip(data.numbers, data.weights, strict=True)
        self.crops = {number: Crops(data.pack, weights, config, data.veiled) for number, weights in pairs}
        self.teachers = data.teachers
        self.pool = ThreadPoolExecutor(loaders)
        self.made: dict[tuple[int, int], Future[tuple[Tensor, Tensor]]] = {}

    def batch(self, fold: int, step: int) -> tuple[Tensor, Tensor]:
        """The batch; those after it are ordered."""
        for ahead in range(step, step + AHEAD + 1):
            if (fold, ahead) not in self.made:
                self.made[fold, ahead] = self.pool.submit(self._make, fold, ahead)
        return self.made.pop((fold, step)).result()

    def _make(self, fold: int, step: int) -> tuple[Tensor, Tensor]:
        images, labels = self.crops[fold].batch(np.random.default_rng([self.seed, fold, step]), self.fake)
        teachers = self.teachers.get(fold)
        return images, teachers.soften(images, labels) if teachers else labels

    def close(self) -> None:
        """Let the threads go."""
        self.pool.shutdown(wait=True, cancel_futures=True)


def hash_of(seed: int, fold: int, step: int) -> int:
    """A seed for what torch draws in one step of one fold."""
    return int(np.random.SeedSequence([seed, fold, step, 1]).generate_state(1)[0])


def begin_with(
    trainers: Sequence[Trainer], path: Path, numbers: Sequence[int] = (), pack: Pack | Packs | None = None
) -> None:
    """Begin with the networks of a model, one a fold in turn. Raises WeightsError when they do not fit.

    `path` is what `network_import.stored_states` reads; `pack` has the faces that it needs for an exported file.
    """
    states = stored_states(path, trainers[0].config.network, pack)
    for fold, trainer in zip(numbers or range(len(trainers)), trainers, strict=True):
        try:
            trainer.network.load_state_dict(states[fold % len(states)])
            trainer.average.load_state_dict(states[fold % len(states)])
        except RuntimeError as error:
            message = f"The networks of {path.parent.name} have another shape than --arch asks for."
            raise WeightsError(message) from error
