"""The training loop: steps, ticks, grids, snapshots, and how it ends.

What ends it early (Ctrl-C, a loss that is no number, a full disk) leaves the last good snapshot in its place; a
picture that cannot be read leaves one of the step before.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from whichface.forensics.stopping import Stop, listening

from . import checkpoint, distributed, run_folder
from .batches import Loader
from .costs import seconds_left
from .data import Source
from .distributed import World
from .errors import DataError, TrainingError
from .images import save_png, tile, to_pixels
from .options import TrainOptions
from .stepper import Stepper
from .ticks import Tick, cpu_gigabytes, gpu_gigabytes


class Observer(Protocol):
    """Who is told how training goes."""

    def told(self, text: str) -> None:
        """A line that is worth reading."""
        ...

    def ticked(self, tick: Tick) -> None:
        """One tick is over."""
        ...

    def moved(self, images: int, total: int) -> None:
        """A step was made."""
        ...


class Silent:
    """An observer that says nothing."""

    def told(self, text: str) -> None:
        """Nothing."""

    def ticked(self, tick: Tick) -> None:
        """Nothing."""

    def moved(self, images: int, total: int) -> None:
        """Nothing."""


def pick_device(wish: str) -> torch.device:
    """cuda when there is one and auto or cuda is asked for. Raises TrainingError for a missing GPU."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise TrainingError("--device cuda was asked for, but torch finds no GPU.")
    use = "cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu"
    return torch.device(use)


class Run:
    """One training run in its folder."""

    def __init__(
        self,
        folder: Path,
        options: TrainOptions,
        source: Source,
        observer: Observer | None = None,
        *,
        resume: bool = False,
        init: Path | None = None,
    ) -> None:
        self.folder, self.options, self.observer = folder, options, observer or Silent()
        device = pick_device(options.device)
        self.world: World = distributed.start(device.type)
        if device.type == "cuda":
            device = torch.device("cuda", self.world.local)
            torch.cuda.set_device(device)
        torch.use_deterministic_algorithms(device.type == "cpu", warn_only=True)
        torch.set_flush_denormal(True)  # vanishing numbers would slow a CPU down
        self.stepper = Stepper(options, device, self.world)
        self.source = source
        if resume:
            checkpoint.load_state(run_folder.last_state(folder), self.stepper)
            if self.world.first:
                run_folder.rewind(folder, self.stepper.progress.images)
        elif init is not None:
            checkpoint.start_from(init, self.stepper)
        self.loader = Loader(
            source,
            seed=options.seed,
            mirror=options.mirror,
            classes=options.network.classes,
            workers=options.workers,
        )
        self.saved_at = self.stepper.progress.images if resume else -1

    @property
    def total(self) -> int:
        """Pictures of the whole training."""
        return round(self.options.kimg * 1000)

    def train(self) -> bool:
        """Train to the end: True, or False after Ctrl-C; either way the state is saved.

        Raises TrainingError, DataError.
        """
        try:
            with listening() as stop:
                if self.saved_at < 0:
                    self._begin()
                done = self._guarded_loop(stop)
                self.snapshot()
                return done
        finally:
            self.loader.close()
            distributed.stop()

    def _begin(self) -> None:
        """Pictures of the data and of the untrained generator."""
        if self.world.first:
            try:
                self._save_reals()
                self._save_fakes("fakes_init")
            except OSError as error:
                raise self._full(error) from error

    def _guarded_loop(self, stop: Stop) -> bool:
        """The loop; a picture that cannot be read ends it between two steps, and what was learned is saved."""
        try:
            return self._loop(stop)
        except DataError:
            self.stepper.progress.tick -= 1  # it was begun but not reported; a resumed run reports it
            self.snapshot()
            raise

    def _loop(self, stop: Stop) -> bool:
        progress = self.stepper.progress
        while progress.images < self.total:
            progress.tick += 1
            self._tick(progress.tick, stop)
            if self._stopped(stop):
                return progress.images >= self.total
            if progress.tick % self.options.snapshot_ticks == 0:
                self.snapshot()
        return True

    def _stopped(self, stop: Stop) -> bool:
        flag = torch.tensor([float(stop.asked)], device=self.stepper.device)
        return bool(distributed.total(flag, self.world).item() > 0)

    def _tick(self, number: int, stop: Stop) -> None:
        """Steps up to the next tick, and its line."""
        progress = self.stepper.progress
        since, began = progress.images, time.monotonic()
        maintenance = began - getattr(self, "_ended", began)
        end = min(number * round(self.options.tick_kimg * 1000), self.total)
        while progress.images < max(end, since + 1):
            self._step()
            self.observer.moved(progress.images, self.total)
            if self._stopped(stop):
                break
        self._ended = time.monotonic()
        spent = self._ended - began
        progress.seconds += spent + maintenance
        self._report(number, spent, progress.images - since, maintenance)

    def _step(self) -> None:
        point = self.stepper.point()
        share = point.batch // self.world.size
        first = self.stepper.progress.images + self.world.rank
        places = [first + i * self.world.size for i in range(share)]
        self.stepper.step(self.loader.get(places))

    def _report(self, number: int, spent: float, images: int, maintenance: float) -> None:
        progress, options = self.stepper.progress, self.options
        means = self.stepper.stats.take()
        per_image = spent / max(images, 1)
        left = seconds_left(options.network, options.schedule, progress.images, self.total, per_image)
        tick = Tick(
            number=number,
            images=progress.images,
            seconds=progress.seconds,
            tick_seconds=spent,
            seconds_per_kimg=per_image * 1000,
            maintenance=maintenance,
            cpu_gigabytes=cpu_gigabytes(),
            gpu_gigabytes=gpu_gigabytes(self.stepper.device),
            augment=progress.p,
            lod=self.stepper.point().lod,
            seconds_left=left,
            means=means,
        )
        if self.world.first:
            try:
                run_folder.append(self.folder, tick.to_dict(), tick.line())
            except OSError as error:
                raise self._full(error) from error
            self.observer.ticked(tick)
        self._check(means)

    def _check(self, means: dict[str, float]) -> None:
        """Raises TrainingError when a loss or a weight is no number."""
        bad = sorted(name for name, value in means.items() if not math.isfinite(value))
        if bad or not checkpoint.finite(self.stepper):
            what = bad[0] if bad else "a weight"
            raise TrainingError(
                f"Training stopped at {self.stepper.progress.images / 1000:.1f} kimg because {what} is no number"
                f" any more; the snapshots before it are intact. A larger --gamma, a smaller --lr or"
                " --precision fp32 may help."
            )

    def snapshot(self) -> None:
        """Network, whole state and a grid, unless this moment is saved already. Raises TrainingError."""
        images = self.stepper.progress.images
        if images == self.saved_at or not self.world.first:
            return
        if not checkpoint.finite(self.stepper):
            self._check({"a weight": math.nan})
        about = {"name": self.folder.name, "kimg": images / 1000, "cfg": self.options.cfg}
        try:
            self._save_fakes(f"fakes{images // 1000:06d}")
            network = self.folder / checkpoint.network_name(images)
            checkpoint.save_network(network, self.stepper.ema, about)
            checkpoint.save_state(self.folder / checkpoint.state_name(images), self.stepper)
        except OSError as error:
            raise self._full(error) from error
        run_folder.prune(self.folder)
        self.saved_at = images
        self.observer.told(f"saved {network.name}")

    def _full(self, error: OSError) -> TrainingError:
        reason = error.strerror or str(error)
        return TrainingError(
            f"Training stopped because {self.folder} cannot be written: {reason};"
            " the snapshots before it are intact, and --resume goes on from the last."
        )

    def _grid(self) -> tuple[int, int]:
        """Columns and rows of about 1280 x 720 pixels."""
        side = self.options.network.resolution
        return min(max(1280 // side, 4), 20), min(max(720 // side, 3), 11)

    def _save_reals(self) -> None:
        columns, rows = self._grid()
        count = min(columns * rows, len(self.source))
        rng = np.random.default_rng(self.options.seed)
        chosen = rng.choice(len(self.source), count, replace=False)
        pictures = np.stack([self.source.load(int(i)) for i in chosen])
        save_png(self.folder / "reals.png", tile(pictures, columns))

    @torch.no_grad()
    def _save_fakes(self, name: str) -> None:
        columns, rows = self._grid()
        network = self.options.network
        latents = np.random.RandomState(self.options.seed).randn(columns * rows, network.z_dim)
        z = torch.from_numpy(latents).float().to(self.stepper.device)
        lod = self.stepper.point().lod
        pictures = [self._draw(z[i : i + 16], i, lod) for i in range(0, len(z), 16)]
        settings: dict[str, Any] = {"seed": self.options.seed, "kimg": self.stepper.progress.images / 1000}
        pixels = to_pixels(torch.cat(pictures).cpu().numpy())
        path = self.folder / f"{name}.png"
        save_png(path, tile(pixels, columns), generator=self.folder.name, settings=settings)

    def _draw(self, z: Tensor, first: int, lod: float) -> Tensor:
        """Pictures of the averaged generator, at full size."""
        classes = self.options.network.classes
        label = None
        if classes:
            numbers = (torch.arange(len(z), device=z.device) + first) % classes
            label = torch.nn.functional.one_hot(numbers, classes).float()
        images = self.stepper.ema(z, label, noise="const", lod=lod)
        scale = self.options.network.resolution // images.shape[-1]
        return torch.nn.functional.interpolate(images, scale_factor=scale) if scale > 1 else images
