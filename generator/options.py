"""Everything that a training run is made of, resolved from what was asked for."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass, field
from typing import Any

from .augment_config import AugmentConfig
from .networks.config import RECIPES, NetworkConfig, Recipe
from .schedule import ScheduleConfig

PRECISIONS = ("fp32", "bf16", "fp16")
AUGMENTATIONS = ("ada", "fixed", "none")


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """A resolved run; saved as training_options.json."""

    data: str
    """Path of the pictures."""
    cfg: str
    """Name of the recipe."""
    network: NetworkConfig
    schedule: ScheduleConfig
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: str = "logistic"
    """logistic or wgan-gp."""
    gamma: float = 10.0
    """Weight of R1."""
    r1_every: int = 1
    """Steps from one R1 to the next; above 1 the optimiser is adjusted for it."""
    path_length: float = 0.0
    """Weight of path length regularisation; 0: off."""
    path_every: int = 4
    """Steps from one path length regularisation to the next."""
    mixing: float = 0.9
    """Probability of style mixing."""
    ema_kimg: float = 10.0
    """Half-life of the averaged generator in thousands of pictures."""
    ema_ramp: float | None = None
    """Early on, the half-life is at most this share of the pictures so far."""
    w_decay: float = 0.995
    """Decay of the running mean of w."""
    batch_gpu: int | None = None
    """Pictures a process computes at once; the rest of its batch is accumulated."""
    mirror: bool = False
    """Mirror half of the pictures."""
    aug: str = "none"
    """none, fixed, or ada."""
    p: float = 0.0
    """First (ada) or constant (fixed) probability of augmentation."""
    kimg: float = 25000.0
    """Length of the training in thousands of pictures."""
    tick_kimg: float = 4.0
    """Thousands of pictures from one tick to the next."""
    snapshot_ticks: int = 50
    """Ticks from one snapshot to the next."""
    seed: int = 0
    precision: str = "fp32"
    """fp32, bf16 or fp16 in the four largest resolutions."""
    workers: int = 2
    """Threads that load pictures."""
    device: str = "auto"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def from_dict(content: dict[str, Any]) -> TrainOptions:
    """The options that `to_dict` gave. Raises ValueError for unknown fields."""
    known = {f.name for f in dataclasses.fields(TrainOptions)}
    if set(content) - known:
        raise ValueError(f"unknown training options: {sorted(set(content) - known)}")
    return TrainOptions(
        **content
        | {
            "network": NetworkConfig(**content["network"]),
            "schedule": ScheduleConfig(**content["schedule"]),
            "augment": AugmentConfig(**content["augment"]),
        }
    )


@dataclass(frozen=True, slots=True)
class Wishes:
    """What may be set by hand; None leaves it to the recipe."""

    cfg: str = "auto"
    gamma: float | None = None
    batch: int | None = None
    rate: float | None = None
    fmap_base: int | None = None
    fmap_max: int | None = None
    mapping_layers: int | None = None
    z_dim: int | None = None
    path_length: float | None = None
    mixing: float | None = None
    phase_kimg: float | None = None
    ema_kimg: float | None = None


def changed(
    stored: TrainOptions, *, processes: int, gamma: float | None = None, rate: float | None = None, **fields: Any
) -> TrainOptions:
    """The options of a run that goes on, with what may change. Raises ValueError for a batch that cannot be shared."""
    schedule = stored.schedule if rate is None else dataclasses.replace(stored.schedule, rate=rate)
    if schedule.batch is None and processes != schedule.processes:
        raise ValueError(
            f"This run's batches are those of {schedule.processes} processes; it cannot go on with {processes}."
        )
    if schedule.batch is not None:
        _check_shares(schedule.batch, processes)
        schedule = dataclasses.replace(schedule, processes=processes)
    weight = stored.gamma if gamma is None else gamma
    return dataclasses.replace(stored, schedule=schedule, gamma=weight, **fields)


def _check_shares(batch: int, processes: int) -> None:
    """Raises ValueError when the processes cannot share a batch evenly."""
    if batch % processes:
        raise ValueError(f"A batch of {batch} pictures cannot be shared evenly by {processes} processes.")


def recipe(name: str) -> Recipe:
    """The published configuration of this name. Raises ValueError for an unknown one."""
    if name == "auto":
        return RECIPES["stylegan2-f"]
    if name not in RECIPES:
        raise ValueError(f"Argument `cfg` is expected to be auto or one of {', '.join(RECIPES)} but got {name}")
    return RECIPES[name]


def auto_batch(resolution: int, processes: int) -> int:
    """Pictures a step that suit the size and the number of GPUs (2006.06676's code)."""
    return max(min(processes * min(4096 // resolution, 32), 64), processes)


def resolve_network(wishes: Wishes, resolution: int, classes: int) -> NetworkConfig:
    """The recipe's network with what was set by hand."""
    shape = dict(recipe(wishes.cfg).network)
    if wishes.cfg == "auto":
        shape |= {"mapping_layers": 2, "fmap_base": 16384 if resolution >= 512 else 8192}
    shape |= {"resolution": resolution, "classes": classes}
    for name in ("fmap_base", "fmap_max", "mapping_layers", "z_dim"):
        value = getattr(wishes, name)
        if value is not None:
            shape[name] = value
    if wishes.z_dim is not None:
        shape["w_dim"] = wishes.z_dim
    return NetworkConfig(**shape)


def resolve_schedule(wishes: Wishes, resolution: int, processes: int) -> ScheduleConfig:
    """The recipe's schedule with what was set by hand."""
    chosen = recipe(wishes.cfg)
    phase = 600.0 if wishes.phase_kimg is None else wishes.phase_kimg
    batch: int | None = 32
    if wishes.cfg == "auto":
        batch = auto_batch(resolution, processes)
    elif chosen.growing:
        batch = None
    rate = chosen.rate
    if wishes.cfg == "auto":
        rate = 0.0025 if resolution < 1024 else 0.002
    return ScheduleConfig(
        resolution=resolution,
        growing=chosen.growing,
        stable_kimg=phase,
        fade_kimg=phase,
        rate=rate if wishes.rate is None else wishes.rate,
        batch=batch if wishes.batch is None else wishes.batch,
        processes=processes,
    )


def _check_augmentation(aug: str, p: float) -> None:
    """Raises ValueError when the kind and the probability contradict each other."""
    if aug == "fixed" and not p:
        raise ValueError("--aug fixed needs a probability above 0 (--p), as it would augment nothing.")
    if aug == "none" and p:
        raise ValueError(f"--aug none goes without a probability, but --p is {p:g}.")


def resolve(
    wishes: Wishes, data: str, resolution: int, classes: int, processes: int, **rest: Any
) -> TrainOptions:
    """A complete run; `rest` are further fields of TrainOptions. Raises ValueError for what does not fit."""
    chosen = recipe(wishes.cfg)
    schedule = resolve_schedule(wishes, resolution, processes)
    auto = wishes.cfg == "auto"
    batch = schedule.batch or 32
    if schedule.batch is not None:
        _check_shares(batch, processes)
    _check_augmentation(rest.get("aug", "none"), rest.get("p", 0.0))
    gamma = 0.0002 * resolution**2 / batch if auto else chosen.gamma
    ema = batch * 10 / 32 if auto else 10.0
    path = chosen.path_length if wishes.path_length is None else wishes.path_length
    return TrainOptions(
        data=data,
        cfg=wishes.cfg,
        network=resolve_network(wishes, resolution, classes),
        schedule=schedule,
        loss=chosen.loss,
        gamma=gamma if wishes.gamma is None else wishes.gamma,
        r1_every=16 if chosen.lazy else 1,
        path_length=path,
        mixing=chosen.mixing if wishes.mixing is None else wishes.mixing,
        ema_kimg=ema if wishes.ema_kimg is None else wishes.ema_kimg,
        ema_ramp=0.05 if auto else None,
        **rest,
    )
