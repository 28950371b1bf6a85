"""Training of the reconstructing network: it must give back the small picture, and pass for a photograph.

Every step draws its squares and noise from the seed and its number, so that a run that was stopped goes on as it
would have gone.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from whichface.forensics.stopping import listening

from .. import tensors
from ..checkpoint import Parts, below, fill
from ..data import Source
from ..errors import DataError, NetworkFileError, TrainingError
from ..losses import discriminator_loss, generator_loss, r1_penalty
from ..networks import build_discriminator
from ..stepper import step_seed
from .network import ReconstructConfig, Reconstructor

STATE = "reconstructor.safetensors"
SAVE_SECONDS = 60.0
Told = Callable[[str], None]


class Reconstruction:
    """Both networks, their optimisers and counters, kept in a folder."""

    def __init__(self, source: Source, folder: Path, config: ReconstructConfig, device: torch.device) -> None:
        """Goes on where the folder's state ended. Raises DataError, NetworkFileError."""
        if source.resolution != config.resolution:
            raise DataError(f"{source.name} has pictures of {source.resolution} px, not of {config.resolution}.")
        torch.manual_seed(config.seed)
        self.source, self.config, self.device, self.path = source, config, device, folder / STATE
        self.generator = Reconstructor(config).to(device, memory_format=torch.channels_last)
        self.adversary = build_discriminator(config.adversary).to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.adam_g, self.adam_d = (
            torch.optim.Adam(network.parameters(), config.rate, betas=(0.0, 0.99), eps=1e-8)
            for network in (self.generator, self.adversary)
        )
        self.steps, self.seconds = 0, 0.0
        if self.path.exists():
            self._load()

    def train(self, minutes: float, told: Told) -> bool:
        """Up to `minutes` of training in all; False when Ctrl-C ended it. Raises TrainingError when it diverges."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        saved = time.monotonic()
        with listening() as stop:
            while self.seconds < minutes * 60:
                began = time.monotonic()
                losses = self.step()
                self.seconds += time.monotonic() - began
                if not all(np.isfinite(value) for value in losses.values()):
                    raise TrainingError(f"A loss is no number at step {self.steps}; a smaller --rate may help.")
                if stop.asked or time.monotonic() - saved > SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
                    figures = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
                    told(f"step {self.steps}, {self.seconds / 60:.1f} of {minutes:g} min: {figures}")
                if stop.asked:
                    return False
        self.save()
        return True

    def squares(self) -> Tensor:
        """(batch, 3, crop, crop) in [-1, 1]: random squares, on the bottleneck's grid, mirrored half the time."""
        config = self.config
        rng = np.random.default_rng([config.seed, self.steps])
        found = []
        for number in rng.integers(0, len(self.source), config.batch):
            room = (config.resolution - config.crop) // config.factor
            top, left = rng.integers(0, room + 1, 2) * config.factor
            pixels = self.source.load(int(number))[top : top + config.crop, left : left + config.crop]
            found.append(pixels[:, ::-1] if rng.random() < 0.5 else pixels)
        real = torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).to(self.device)
        return (real.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)

    def step(self) -> dict[str, float]:
        """One step of either network; the means of the losses."""
        config = self.config
        torch.manual_seed(step_seed(config.seed, self.steps, 0))
        real = self.squares()
        low = avg_pool2d(real, config.factor)
        fake = self.generator(low)
        self.adversary.requires_grad_(False)
        passing = generator_loss("logistic", self.adversary(fake)).mean()
        consistency = (avg_pool2d(fake, config.factor) - low).abs().mean()
        likeness = (fake - real).abs().mean()
        self._descend(self.adam_g, passing + config.consistency * consistency + config.likeness * likeness)
        self.adversary.requires_grad_(True)
        told_apart = discriminator_loss("logistic", self.adversary(real), self.adversary(fake.detach())).mean()
        loss = told_apart
        if self.steps % config.r1_every == 0:
            loss = loss + r1_penalty(self.adversary, real, config.gamma).mean() * config.r1_every
        self._descend(self.adam_d, loss)
        self.steps += 1
        decay = min(config.ema, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        return {
            "passing": float(passing.detach()), "told apart": float(told_apart.detach()),
            "consistency": float(consistency.detach()), "likeness": float(likeness.detach()),
        }  # fmt: skip

    @staticmethod
    def _descend(adam: torch.optim.Adam, loss: Tensor) -> None:
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()

    def save(self) -> None:
        """Networks, optimisers and counters in one file. Raises OSError."""
        about = {"kind": "reconstructor", "config": asdict(self.config), "steps": self.steps, "seconds": self.seconds}
        tensors.write(self.path, self._parts().tensors(), about)

    def _parts(self) -> Parts:
        return Parts(
            {"g": self.generator, "d": self.adversary, "ema": self.average},
            {"adam_g": (self.adam_g, self.generator), "adam_d": (self.adam_d, self.adversary)},
        )

    def _load(self) -> None:
        stored, about = tensors.read(self.path)
        if about.get("kind") != "reconstructor" or about.get("config") != asdict(self.config):
            raise NetworkFileError(f"{self.path} was begun with other settings; choose a new folder.")
        self._parts().load(stored, self.path.name)
        self.steps, self.seconds = int(about["steps"]), float(about["seconds"])


def read_average(path: Path) -> tuple[Reconstructor, ReconstructConfig]:
    """The averaged network of a run, ready for use, and its settings. Raises NetworkFileError."""
    stored, about = tensors.read(path)
    try:
        config = ReconstructConfig(**about["config"])
    except (KeyError, TypeError, ValueError) as error:
        raise NetworkFileError(f"{path.name} holds no reconstructing network.") from error
    network = Reconstructor(config)
    fill(network, below(stored, "ema"), path.name)
    return network.eval().requires_grad_(False), config
