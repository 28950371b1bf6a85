"""A resumable training of the face network on any corpus: folds side by side, early stopping on the robust grid.

Every step draws its own random numbers from the seed, the fold and its number, so that a run that was killed and goes
on is the run that was never stopped: bit for bit on a CPU with one number of threads, when its length is in epochs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whichface.forensics.stopping import listening

from ..classifier import NETWORK_SCALES
from ..metrics import auc
from .classifier import Trainer, learning_rate
from .network_export import score_rows
from .network_import import STATE
from .network_steps import Feeder, Grid, NetworkRunConfig, RunData, begin_with, hash_of, pick_device
from .observer import Observer, TrainingStoppedError
from .robust_grid import GRID, mean_by_picture
from .timed_run import save_whole

BEST, LOG = "best", "log.jsonl"
CHECKS = 20
"""Validations over the whole length, at most."""
CHECKING = 0.2
"""Share of the time that validations may take in a run whose length is in minutes."""
STOPPING = ("as stored", "JPEG 50", "256 px, JPEG 75", "blur 0.8, JPEG 80")
"""Conditions of the grid that early stopping looks at."""


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
    loss: float = 0.0
    """Running mean of the loss."""
    checking: float = 0.0
    """Seconds of validation."""


class NetworkRun:
    """The networks of all folds, trained side by side in a folder."""

    def __init__(self, folder: Path, data: RunData, config: NetworkRunConfig, observer: Observer) -> None:
        self.folder, self.data, self.config, self.observer = folder, data, config, observer
        torch.set_num_threads(config.train.threads)
        device = pick_device(config.device, config.amp)
        self.trainers = [Trainer(config.train, k, device, config.amp) for k in data.numbers]
        self.at = Progress()
        folder.mkdir(parents=True, exist_ok=True)
        settings = asdict(config.train) | {"init": "/".join(Path(config.init).parts[-2:])}
        if data.teachers:
            settings |= {"taught_by": sorted({name for t in data.teachers.values() for name in t.names})}
        (folder / "config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
        if (folder / STATE).exists():
            self._load()
            return
        _rewind(folder / LOG, 0)
        if config.init:
            begin_with(self.trainers, Path(config.init), data.numbers, data.pack)

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
        start, before = time.monotonic(), self.share
        rate = learning_rate(before, self.config.train)
        losses = []
        for fold, trainer in zip(self.data.numbers, self.trainers, strict=True):
            torch.manual_seed(hash_of(self.config.train.seed, fold, self.at.step))
            losses.append(trainer.step(*feeder.batch(fold, self.at.step), rate))
        loss = float(np.mean(losses))
        if not np.isfinite(loss):
            raise TrainingStoppedError(
                f"The loss is no number at step {self.at.step}; a lower --rate, or --amp off, may help."
            )
        self.at.step += 1
        self.at.loss += (loss - self.at.loss) / min(self.at.step, 200)
        self.at.spent += time.monotonic() - start
        if self._due(before):
            self._check(loss)
        total = self.steps or self.config.train.minutes * 60
        self.observer.moved("training", self.at.step if self.steps else self.at.spent, total, f"loss {loss:.3f}")

    def _due(self, before: float) -> bool:
        """True when another part of the length is over since it was `before`, or all of it."""
        if self.share >= 1:
            return True
        if int(self.share * CHECKS + 1e-9) <= int(before * CHECKS + 1e-9):
            return False
        return self.steps is not None or self.at.checking <= CHECKING * self.at.spent

    def _check(self, loss: float) -> None:
        """Validate on the grid, keep the best, and end when patience has run out."""
        start = time.monotonic()
        self.at.checked += 1
        if self.data.grid is None:
            self.observer.told(f"step {self.at.step}, {self.share:.0%}: loss {self.at.loss:.4f}")
            return
        found = grid_figures([t.average for t in self.trainers], self.data.grid)
        mean = float(np.mean(list(found.values())))
        if mean > self.at.best:
            self.at.best, self.at.best_check = mean, self.at.checked
            self._save_best()
        waited = self.at.checked - self.at.best_check
        self.at.stopped = bool(self.config.patience) and waited >= self.config.patience and self.share < 1
        took = time.monotonic() - start
        self.at.spent, self.at.checking = self.at.spent + took, self.at.checking + took
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

    def _save_best(self) -> None:
        folder = self.folder / BEST
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text((self.folder / "config.json").read_text(encoding="utf-8"), encoding="utf-8")
        averages = [{k: v.cpu() for k, v in t.average.state_dict().items()} for t in self.trainers]
        folds = [{"average": average, "steps": self.at.step} for average in averages]
        save_whole({"numbers": list(self.data.numbers), "folds": folds}, folder / STATE)

    def _save(self) -> None:
        folds = [trainer.state() for trainer in self.trainers]
        save_whole({"at": asdict(self.at), "numbers": list(self.data.numbers), "folds": folds}, self.folder / STATE)

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
        lines = [line for line in log.read_text(encoding="utf-8").splitlines() if _step_of(line) <= step]
        log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _step_of(line: str) -> float:
    """The step of a log's line; beyond all of them for one that was cut off."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def grid_figures(networks: Sequence[Any], grid: Grid) -> dict[str, float]:
    """AUC of the networks' mean under each condition that early stopping looks at."""
    wanted = [i for i, condition in enumerate(GRID) if condition.name in STOPPING]
    used = np.isin(grid.pack.sample, grid.chosen) & np.isin(grid.pack.variant, wanted)
    rows, values = [], []
    for scale in NETWORK_SCALES:
        chosen = np.flatnonzero(used & (grid.pack.scale == scale))
        if len(chosen):
            rows.append(chosen)
            values.append(np.mean([score_rows(network, grid.pack, chosen) for network in networks], axis=0))
    place = np.concatenate(rows)
    sample, variant, score = mean_by_picture(grid.pack.sample[place], grid.pack.variant[place], np.concatenate(values))
    return {
        GRID[number].name: auc(grid.fake[sample[variant == number]], score[variant == number])
        for number in wanted
        if len(set(grid.fake[sample[variant == number]])) == 2
    }
