"""`gan reconstruct`: photographs drawn anew by StyleGAN2's blocks, as a corpus of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whichface.app import gan_options, options
from whichface.app.console import Progress, guarded_call, say
from whichface.app.exit_codes import ExitCode
from whichface.app.leakage_report import report_leakage

if TYPE_CHECKING:
    from whichface.generator.data import Source
    from whichface.generator.reconstruct.network import ReconstructConfig


@dataclass(frozen=True, slots=True)
class ReconstructSettings:
    """The command line, resolved."""

    output: Path
    minutes: float
    quality: int
    device: str
    leakage: bool
    quiet: bool


def run(settings: ReconstructSettings, source: Source, config: ReconstructConfig) -> ExitCode:
    """Train or go on, write the pairs, and print what the baselines make of them."""
    from whichface.generator.reconstruct.pairs import write_pairs
    from whichface.generator.reconstruct.training import Reconstruction
    from whichface.generator.train import pick_device

    training = Reconstruction(source, settings.output, config, pick_device(settings.device))
    told = (lambda text: None) if settings.quiet else say
    if not training.train(settings.minutes, told):
        say(f"stopped after {training.steps} steps; the same command goes on")
        return ExitCode.INTERRUPTED
    progress = Progress(len(source), quiet=settings.quiet)
    pairs = write_pairs(training.average, source, settings.output, config, settings.quality, progress.show)
    progress.clear()
    print(f"{settings.output}: {pairs} photographs and their reconstructions, after {training.steps} steps")
    if settings.leakage:
        report_leakage(settings.output)
    return ExitCode.DONE


def command(
    data: gan_options.Data,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder of the corpus.")],
    minutes: Annotated[
        float, typer.Option(metavar="M", min=0, help="Length of the training, all calls together.")
    ] = 60.0,
    factor: Annotated[
        int, typer.Option(metavar="F", min=2, help="The bottleneck is the pictures' side over this power of two.")
    ] = 4,
    fmap_base: gan_options.FmapBase = 2048,
    crop: Annotated[int, typer.Option(metavar="PX", min=8, help="Side of the squares to learn from.")] = 128,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Squares a step.")] = 8,
    rate: Annotated[float, typer.Option(metavar="R", min=0.0, help="Learning rate.")] = 0.002,
    quality: Annotated[int, typer.Option(metavar="Q", min=1, max=100, help="JPEG quality of both classes.")] = 75,
    device: gan_options.DeviceOption = gan_options.Device.AUTO,
    threads: gan_options.Threads = None,
    seed: gan_options.Seed = 0,
    leakage: gan_options.Leakage = True,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train a small decoder on photographs, and write each beside what the decoder makes of it.

    PATH holds squares of one side (gan dataset --crop align makes them). Both classes of the corpus show the same
    faces, in one size, codec and sharpness. Given again, the same command goes on where it stopped.
    """

    def work() -> ExitCode:
        from whichface.app.extras import need_training

        need_training("gan reconstruct")
        import torch

        from whichface.generator.data import open_source
        from whichface.generator.reconstruct.network import ReconstructConfig

        if threads:
            torch.set_num_threads(threads)
        source = open_source(data)
        shape = {"resolution": source.resolution, "factor": factor, "crop": min(crop, source.resolution)}
        try:
            config = ReconstructConfig(**shape, fmap_base=fmap_base or 2048, batch=batch, rate=rate, seed=seed)
        except ValueError as error:
            raise typer.BadParameter(f"{error}.") from error
        return run(ReconstructSettings(output, minutes, quality, device.value, leakage, quiet), source, config)

    guarded_call(work, debug)
