"""`generate`: faces from a trained network, one PNG a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from whichface.app import network_options, options
from whichface.app.console import Progress, guarded_call
from whichface.app.exit_codes import ExitCode
from whichface.app.gan_options import Device, DeviceOption, NoiseMode


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """The command line, resolved."""

    network: str | None
    seeds: str
    trunc: float
    noise: str
    chosen: int | None
    output: Path
    size: int | None
    device: str
    quiet: bool


def _device(wish: str) -> str:
    """Torch's name of the device; ONNX networks always run on the CPU."""
    if wish == "cpu":
        return "cpu"
    try:
        from whichface.generator.train import pick_device
    except ImportError:
        return "cpu"
    return pick_device(wish).type


def run(settings: GenerateSettings) -> ExitCode:
    """Draw and save; the paths go to standard output."""
    from whichface.generator.images import save_png
    from whichface.generator.sample import batches
    from whichface.generator.video import enlarge

    seeds = network_options.seeds_of(settings.seeds)
    device = _device(settings.device) if settings.network else "cpu"
    network = network_options.load(settings.network, device)
    network_options.refused(lambda: _check(network, settings.chosen), "--class")
    settings.output.mkdir(parents=True, exist_ok=True)
    progress = Progress(len(seeds), quiet=settings.quiet)
    about = {"truncation": settings.trunc, "noise": settings.noise, "class": settings.chosen}
    drawn = batches(
        network, seeds, psi=settings.trunc, noise=settings.noise, chosen=settings.chosen
    )
    number = 0
    for part, pictures in drawn:
        for seed, picture in zip(part, pictures, strict=True):
            number += 1
            path = settings.output / f"seed{seed:04d}.png"
            progress.show(number, path.name)
            shown = picture if settings.size is None else enlarge(picture, settings.size)
            save_png(path, shown, generator=network.shape.name, settings={"seed": seed, **about})
            progress.clear()
            print(path)
    return ExitCode.DONE


def _check(network: object, chosen: int | None) -> None:
    from typing import cast

    from whichface.generator.sample import Network, one_hot

    one_hot(cast(Network, network), chosen, 1)


def command(
    network: network_options.NetworkOption = None,
    seeds: Annotated[str, typer.Option(metavar="RANGE", help="As 0-99 or 1,5,7-9.")] = "0-15",
    trunc: network_options.Trunc = 0.7,
    noise_mode: Annotated[NoiseMode, typer.Option(help="Noise inputs.")] = NoiseMode.CONST,
    chosen: network_options.Class = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the pictures.")
    ] = Path("generated"),
    size: Annotated[
        int | None,
        typer.Option("--least-side", metavar="PX", min=1, help="Repeat pixels up to this side."),
    ] = None,
    device: DeviceOption = Device.CPU,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Draw faces. z of a seed is that of the published programs; every PNG says what made it."""
    settings = GenerateSettings(
        network, seeds, trunc, noise_mode.value, chosen, output, size, device.value, quiet
    )
    guarded_call(lambda: run(settings), debug)
