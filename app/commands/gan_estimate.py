"""`gan estimate`: how long a configuration will train here, beside the published table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from whichface.app import gan_options, options
from whichface.app.console import guarded_call
from whichface.app.exit_codes import ExitCode
from whichface.app.gan_options import Augmentation, Device, Precision, Resolution

if TYPE_CHECKING:
    from whichface.generator.estimate import Estimate
    from whichface.generator.options import TrainOptions


def _published(size: int) -> list[str]:
    """Lines of the published tables for this size."""
    from whichface.generator.estimate import A100_LATER, V100_ADA, V100_DAYS

    lines = []
    if size in V100_DAYS:
        one, eight = V100_DAYS[size]
        lines.append(f"  V100, StyleGAN, 25000 kimg   {one:.1f} days on one, {eight:.1f} on eight")
    if size in V100_ADA:
        lines.append(f"  V100, StyleGAN2 with ADA     {V100_ADA[size]} sec/kimg")
        lines.append(f"  A100, the same, later code   {A100_LATER[size]} sec/kimg")
    return lines


def _text(chosen: TrainOptions, found: Estimate, device: str) -> str:
    from whichface.generator.ticks import duration

    size = chosen.network.resolution
    lines = [
        f"{chosen.cfg} at {size}x{size} on {device}: {found.seconds_per_kimg:.1f} sec/kimg at full size"
        f" ({found.steps} steps measured, {found.gigabytes:.2f} GB)",
        f"{chosen.kimg:g} kimg take about {duration(found.total_seconds)} at this speed.",
    ]
    published = _published(size)
    return "\n".join([*lines, *(["Published:"] if published else []), *published])


def command(
    resolution: Resolution = 256,
    cfg: gan_options.Cfg = "auto",
    kimg: Annotated[float, typer.Option(metavar="KIMG", min=1, help="Length.")] = 25000.0,
    batch: gan_options.Batch = None,
    aug: Annotated[Augmentation, typer.Option(help="Augmentation, with p = 0.5.")] = Augmentation.NONE,
    precision: Annotated[Precision, typer.Option(help="As for train.")] = Precision.FP32,
    fmap_base: gan_options.FmapBase = None,
    fmap_max: gan_options.FmapMax = None,
    map_depth: gan_options.MapDepth = None,
    latent: gan_options.Latent = None,
    seconds: Annotated[
        float, typer.Option(metavar="SEC", min=0, help="How long to measure.")
    ] = 20.0,
    threads: gan_options.Threads = None,
    device: gan_options.DeviceOption = Device.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    debug: options.Debug = False,
) -> None:
    """Measure a few steps here and say how long a training takes, beside the published figures."""

    def work() -> ExitCode:
        from whichface.app.extras import need_training

        need_training("gan estimate")
        from dataclasses import asdict

        import torch

        from whichface.generator.estimate import measure
        from whichface.generator.options import Wishes, resolve
        from whichface.generator.train import pick_device

        if threads is not None:
            torch.set_num_threads(threads)
        wishes = Wishes(
            cfg=cfg, batch=batch, fmap_base=fmap_base, fmap_max=fmap_max,
            mapping_layers=map_depth, z_dim=latent,
        )  # fmt: skip
        p = 0.0 if aug is Augmentation.NONE else 0.5
        try:
            chosen = resolve(
                wishes, "", resolution, 0, 1, kimg=kimg, precision=precision.value,
                aug="none" if p == 0 else "fixed", p=p,
            )  # fmt: skip
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        where = pick_device(device.value)
        found = measure(chosen, where, seconds)
        print(json.dumps(asdict(found)) if as_json else _text(chosen, found, where.type))
        return ExitCode.DONE

    guarded_call(work, debug)
