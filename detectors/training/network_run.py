"""A resumable training of the face network on any corpus: folds side by side, early stopping on the robust grid.

Every step draws its own random numbers from the seed, the fold and its number, so that a run that was killed and goes
on is the run that was never stopped: bit for bit on a CPU with one number of threads, when its length is in epochs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whichface.forensics.errors import WeightsError
from whichface.forensics.stopping import listening

from ..classifier import NETWORK_SCALES
from ..metrics import auc
from .classifier import Crops, TrainConfig, Trainer, learning_rate
from .network_export import score_rows
from .observer import InputError, Observer, TrainingStoppedError
from .pack import Pack
from .robust_grid import GRID, mean_by_picture
from .timed_run import save_whole

STATE, BEST, LOG = "state.pt", "best", "log.jsonl"
CHECKS = 20
"""Validations over the whole length."""
AHEAD = 3
"""Batches a fold that are made ahead."""
STOPPING = ("as stored", "JPEG 50", "256 px, JPEG 75", "blur 0.8, JPEG 80")
"""Conditions of the grid that early stopping looks at."""


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
    """File of networks (network.safetensors of a model) to begin with."""


@dataclass(frozen=True, slots=True)
class RunData:
    """What a run learns from, and what it is validated on."""

    pack: Pack
    """Canonical faces of the training pictures."""
    fake: NDArray[np.bool_]
    """(pictures,) True: generated."""
    weights: tuple[NDArray[np.float64], ...]
    """One entry a fold: (pictures,) weights, zero for what it leaves out."""
    grid: Pack
    """Canonical faces of validation pictures; the variant is the condition."""
    grid_fake: NDArray[np.bool_]
    """(validation pictures,)."""
    chosen: NDArray[np.int64]
    """Numbers of the validation pictures that early stopping looks at."""


def pick_device(wish: str, amp: str) -> torch.device:
    """cuda when there is one and it is wished or left open. Raises InputError for what the machine cannot do."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda was asked for, but torch finds no GPU")
    device = torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")
    if amp == "fp16" and device.type == "cpu":
        raise InputError("--amp fp16 needs a GPU; on a CPU there are off and bf16")
    return device


class DeviceTrainer(Trainer):
    """The state of one fold on a device, in mixed precision where it is asked for."""

    def __init__(self, config: TrainConfig, number: int, device: torch.device, amp: str) -> None:
        torch.manual_seed(config.seed * 1000 + number)
        super().__init__(config)
        self.device, self.amp = device, amp
        self.network.to(device)
        self.average.to(device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """As the base, on the device."""
        kind = torch.float16 if self.amp == "fp16" else torch.bfloat16
        with torch.autocast(self.device.type, kind, enabled=self.amp != "off"):
            return super().loss(images.to(self.device), labels.to(self.device))

    def descend(self, loss: Tensor) -> None:
        """As the base, with scaled gradients."""
        if not self.scaler.is_enabled():
            super().descend(loss)
            return
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def state(self) -> dict[str, object]:
        """As the base, with the scale of the gradients."""
        return super().state() | {"scaler": self.scaler.state_dict()}

    def load(self, state: dict[str, object]) -> None:
        """As the base."""
        super().load(state)
        self.scaler.load_state_dict(state["scaler"])  # type: ignore[arg-type]


class Feeder:
    """Batches by fold and step, made ahead by threads; each depends on the seed, the fold and the step alone."""

    def __init__(self, data: RunData, config: TrainConfig, loaders: int) -> None:
        self.fake, self.seed = data.fake, config.seed
        self.crops = [Crops(data.pack, weights, config) for weights in data.weights]
        self.pool = ThreadPoolExecutor(loaders)
        self.made: dict[tuple[int, int], Future[tuple[Tensor, Tensor]]] = {}

    def batch(self, fold: int, step: int) -> tuple[Tensor, Tensor]:
        """The batch; those after it are ordered."""
        for ahead in range(step, step + AHEAD + 1):
            if (fold, ahead) not in self.made:
                self.made[fold, ahead] = self.pool.submit(self._make, fold, ahead)
        return self.made.pop((fold, step)).result()

    def _make(self, fold: int, step: int) -> tuple[Tensor, Tensor]:
        return self.crops[fold].batch(np.random.default_rng([self.seed, fold, step]), self.fake)

    def close(self) -> None:
        """Let the threads go."""
        self.pool.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class Progress:
    """Where a run is."""

    step: int = 0
    spent: float = 0.0
    """Seconds of training and validation."""
    checked: int = 0
    """Validations so far."""
    best: float = -1.0
    """Best figure of the grid."""
    best_check: int = 0
    """Number of the validation that had it."""
    stopped: bool = False
    """True when patience ran out."""


class NetworkRun:
    """The networks of all folds, trained side by side in a folder."""

    def __init__(self, folder: Path, data: RunData, config: NetworkRunConfig, observer: Observer) -> None:
        self.folder, self.data, self.config, self.observer = folder, data, config, observer
        torch.set_num_threads(config.train.threads)
        device = pick_device(config.device, config.amp)
        self.trainers = [DeviceTrainer(config.train, k, device, config.amp) for k in range(len(data.weights))]
        self.at = Progress()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(config.train), indent=1), encoding="utf-8")
        if (folder / STATE).exists():
            self._load()
            return
        _rewind(folder / LOG, 0)
        if config.init:
            begin_with(self.trainers, Path(config.init))

    @property
    def steps(self) -> int | None:
        """Length in steps; None when it is in time."""
        if self.config.epochs is None:
            return None
        pictures = np.mean([np.count_nonzero(w) for w in self.data.weights])
        return max(1, round(self.config.epochs * pictures / self.config.train.batch))

    @property
    def share(self) -> float:
        """Share of the length that is over."""
        return self.at.step / self.steps if self.steps else self.at.spent / (self.config.train.minutes * 60)

    @property
    def finished(self) -> bool:
        """True when nothing is left to do."""
        return self.at.stopped or self.share >= 1

    def train(self) -> Path:
        """Train to the end; the folder of the networks that are to be used. Raises KeyboardInterrupt after saving."""
        feeder = Feeder(self.data, self.config.train, self.config.loaders)
        saved = time.monotonic()
        try:
            with listening() as stop:
                while not self.finished:
                    self._step(feeder)
                    if stop.asked or time.monotonic() - saved > self.config.save_seconds:
                        self._save()
                        saved = time.monotonic()
                    if stop.asked:
                        raise KeyboardInterrupt
        finally:
            feeder.close()
        self._save()
        return self.folder / BEST if self.config.patience and (self.folder / BEST).exists() else self.folder

    def _step(self, feeder: Feeder) -> None:
        start = time.monotonic()
        rate = learning_rate(self.share, self.config.train)
        losses = []
        for fold, trainer in enumerate(self.trainers):
            torch.manual_seed(hash_of(self.config.train.seed, fold, self.at.step))
            losses.append(trainer.step(*feeder.batch(fold, self.at.step), rate))
        loss = float(np.mean(losses))
        if not np.isfinite(loss):
            raise TrainingStoppedError(
                f"The loss is no number at step {self.at.step}; a lower --rate, or --amp off, may help."
            )
        self.at.step += 1
        self.at.spent += time.monotonic() - start
        if self.share >= min(1.0, (self.at.checked + 1) / CHECKS) - 1e-9:
            self._check(loss)
        total = self.steps or self.config.train.minutes * 60
        self.observer.moved("training", self.at.step if self.steps else self.at.spent, total, f"loss {loss:.3f}")

    def _check(self, loss: float) -> None:
        """Validate on the grid, keep the best, and end when patience has run out."""
        start = time.monotonic()
        found = grid_figures([t.average for t in self.trainers], self.data)
        self.at.checked += 1
        mean = float(np.mean(list(found.values())))
        if mean > self.at.best:
            self.at.best, self.at.best_check = mean, self.at.checked
            self._save_best()
        waited = self.at.checked - self.at.best_check
        self.at.stopped = bool(self.config.patience) and waited >= self.config.patience and self.share < 1
        self.at.spent += time.monotonic() - start
        values = {"loss": loss, "grid AUC": mean, **{f"AUC, {name}": value for name, value in found.items()}}
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps({"step": self.at.step, "minutes": self.at.spent / 60} | values) + "\n")
        self.observer.measured(self.at.step, values)
        worst = min(found, key=lambda name: found[name])
        best = " (best)" if waited == 0 and self.config.patience else ""
        text = f"step {self.at.step}, {self.share:.0%}: loss {loss:.3f}, AUC on the grid {mean:.3f}{best}"
        self.observer.told(f"{text}, least {found[worst]:.3f} for {worst}")
        if self.at.stopped:
            self.observer.told(f"No gain in {waited} validations: the training ends early.")

    def _numbers(self) -> list[int]:
        return list(range(len(self.trainers)))

    def _save_best(self) -> None:
        folder = self.folder / BEST
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text((self.folder / "config.json").read_text(encoding="utf-8"), encoding="utf-8")
        folds = [{"average": {k: v.cpu() for k, v in t.average.state_dict().items()}} for t in self.trainers]
        save_whole({"numbers": self._numbers(), "folds": folds}, folder / STATE)

    def _save(self) -> None:
        folds = [trainer.state() for trainer in self.trainers]
        save_whole({"at": asdict(self.at), "numbers": self._numbers(), "folds": folds}, self.folder / STATE)

    def _load(self) -> None:
        stored = torch.load(self.folder / STATE, weights_only=True, map_location="cpu")
        for trainer, state in zip(self.trainers, stored["folds"], strict=True):
            trainer.load(state)
        self.at = Progress(**stored["at"])
        _rewind(self.folder / LOG, self.at.step)
        if self.config.patience == 0 or self.at.checked - self.at.best_check < self.config.patience:
            self.at.stopped = False


def _rewind(log: Path, step: int) -> None:
    """Take what comes after `step` off a log: it will be written again."""
    if log.exists():
        lines = [line for line in log.read_text(encoding="utf-8").splitlines() if json.loads(line)["step"] <= step]
        log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def hash_of(seed: int, fold: int, step: int) -> int:
    """A seed for what torch draws in one step of one fold."""
    return int(np.random.SeedSequence([seed, fold, step, 1]).generate_state(1)[0])


def grid_figures(networks: Sequence[Any], data: RunData) -> dict[str, float]:
    """AUC of the networks' mean under each condition that early stopping looks at."""
    wanted = [i for i, condition in enumerate(GRID) if condition.name in STOPPING]
    used = np.isin(data.grid.sample, data.chosen) & np.isin(data.grid.variant, wanted)
    rows, values = [], []
    for scale in NETWORK_SCALES:
        chosen = np.flatnonzero(used & (data.grid.scale == scale))
        if len(chosen):
            rows.append(chosen)
            values.append(np.mean([score_rows(network, data.grid, chosen) for network in networks], axis=0))
    place = np.concatenate(rows)
    sample, variant, score = mean_by_picture(data.grid.sample[place], data.grid.variant[place], np.concatenate(values))
    return {
        GRID[number].name: auc(data.grid_fake[sample[variant == number]], score[variant == number])
        for number in wanted
        if len(set(data.grid_fake[sample[variant == number]])) == 2
    }


def begin_with(trainers: Sequence[Trainer], path: Path) -> None:
    """Begin with the networks of a model, one a fold in turn. Raises WeightsError when they do not fit."""
    from safetensors.torch import load_file

    stored = load_file(path)
    count = 1 + max(int(name.split(".", 1)[0]) for name in stored)
    for fold, trainer in enumerate(trainers):
        prefix = f"{fold % count}."
        state = {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}
        try:
            trainer.network.load_state_dict(state)
            trainer.average.load_state_dict(state)
        except RuntimeError as error:
            message = f"The networks of {path.parent.name} have another shape than --arch asks for."
            raise WeightsError(message) from error


def write_networks(networks: Sequence[Any], path: Path) -> None:
    """The folds' networks as one .safetensors file, for `begin_with`."""
    from safetensors.torch import save_file

    states = [network.state_dict() for network in networks]
    tensors = {f"{k}.{name}": value.contiguous() for k, state in enumerate(states) for name, value in state.items()}
    save_file(tensors, path)


