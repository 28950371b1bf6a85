"""`gan train`: train a StyleGAN, or go on with a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from whichface.app import gan_options, options, train_options
from whichface.app.console import guarded_call
from whichface.app.exit_codes import ExitCode
from whichface.app.gan_options import Augmentation, Device, Precision

if TYPE_CHECKING:
    from whichface.generator.data import Source
    from whichface.generator.options import TrainOptions, Wishes


CHANGEABLE = ("data", "kimg", "gamma", "lr", "precision", "device", "workers")
"""Options of a run that may change when it goes on; they are stored."""
ASIDE = ("resume", "threads", "dry_run", "quiet", "debug")
"""Options that belong to a call, not to the run."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """The command line, resolved as far as it can be without the data."""

    data: Path | None
    outdir: Path
    resume: Path | None
    init: Path | None
    wishes: dict[str, Any]
    fields: dict[str, Any]
    conditional: bool
    resolution: int | None
    given: frozenset[str]
    """Names of the options that the command line has."""
    threads: int | None
    dry_run: bool
    quiet: bool


def _plan(settings: TrainSettings) -> tuple[Path, TrainOptions, Source]:
    """Folder, options and data of the run. Raises DataError, TrainingError, BadParameter."""
    from whichface.generator import run_folder
    from whichface.generator.data import open_source
    from whichface.generator.options import Wishes

    if settings.resume is not None:
        chosen = _going_on(settings, settings.resume)
        return settings.resume, chosen, open_source(Path(chosen.data), chosen.network.resolution)
    if settings.data is None:
        raise typer.BadParameter("is needed unless --resume names a run.", param_hint="--data")
    source = open_source(settings.data, settings.resolution)
    chosen = _resolve(settings, Wishes(**settings.wishes), source)
    return run_folder.next_folder(settings.outdir, str(settings.data), chosen.cfg), chosen, source


def _going_on(settings: TrainSettings, folder: Path) -> TrainOptions:
    """The stored options with what the command line changes. Raises TrainingError, BadParameter."""
    from whichface.generator import run_folder
    from whichface.generator.options import changed

    odd = sorted(settings.given - {*CHANGEABLE, *ASIDE})
    if odd:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in odd)
        allowed = ", ".join(f"--{name}" for name in CHANGEABLE)
        raise typer.BadParameter(f"keeps the run's own {names}; only {allowed} may change.", param_hint="--resume")
    stored = run_folder.read_options(folder)
    named = settings.given & {"kimg", "precision", "device", "workers"}
    fields = {name: settings.fields[name] for name in named}
    data = settings.data or Path(stored.data)
    wishes = {name: settings.wishes[name] for name in ("gamma", "rate")}
    try:
        return changed(stored, processes=_processes(), data=str(data.resolve()), **wishes, **fields)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--resume") from error


def _processes() -> int:
    """How many torchrun started."""
    import os

    return int(os.environ.get("WORLD_SIZE", "1"))


def _resolve(settings: TrainSettings, wishes: Wishes, source: Source) -> TrainOptions:
    from whichface.generator.options import resolve

    classes = 0
    if settings.conditional:
        if source.labels is None:
            raise typer.BadParameter("needs labels (dataset.json) in the data.", param_hint="--cond")
        classes = int(source.labels.max()) + 1
    where = str(settings.data.resolve()) if settings.data else ""
    try:
        return resolve(wishes, where, source.resolution, classes, _processes(), **settings.fields)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _given(context: typer.Context) -> frozenset[str]:
    """Names of the options that the command line has."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(name for name, source in sources.items() if source is not None and source.name != "DEFAULT")


def run(settings: TrainSettings) -> ExitCode:
    """Train, and say where the run lies."""
    from whichface.app.extras import need_training

    need_training("gan train")
    folder, chosen, source = _plan(settings)
    if settings.dry_run:
        plan = {"folder": str(folder), "images": len(source), **chosen.to_dict()}
        print(json.dumps(plan, indent=1))
        return ExitCode.DONE
    return _train(settings, folder, chosen, source)


def _train(
    settings: TrainSettings, folder: Path, chosen: TrainOptions, source: Source
) -> ExitCode:
    import os

    import torch

    from whichface.app.gan_console import TrainingConsole
    from whichface.generator import run_folder
    from whichface.generator.train import Run

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    first = os.environ.get("RANK", "0") == "0"
    if settings.resume is None and first:
        run_folder.create(folder, chosen)
    with TrainingConsole(folder, quiet=settings.quiet) as console:
        training = Run(
            folder, chosen, source, console, resume=settings.resume is not None, init=settings.init
        )
        if settings.resume is not None and first:
            run_folder.write_options(folder, chosen)  # the run can go on: from now on so
        finished = training.train()
    if first:
        print(folder)
    return ExitCode.DONE if finished else ExitCode.INTERRUPTED


def command(
    context: typer.Context,
    data: train_options.Data = None,
    outdir: train_options.Outdir = Path("training-runs"),
    cfg: gan_options.Cfg = "auto",
    gamma: train_options.Gamma = None,
    kimg: train_options.Kimg = None,
    batch: gan_options.Batch = None,
    batch_gpu: train_options.BatchGpu = None,
    lr: train_options.Rate = None,
    mirror: train_options.Mirror = False,
    aug: train_options.Aug = Augmentation.ADA,
    p: train_options.P = 0.0,
    target: train_options.Target = 0.6,
    cond: train_options.Cond = False,
    resume: train_options.Resume = None,
    init: train_options.Init = None,
    snap: train_options.Snap = 50,
    tick: train_options.TickLength = 4.0,
    seed: gan_options.Seed = 0,
    precision: train_options.PrecisionOption = Precision.FP32,
    fmap_base: gan_options.FmapBase = None,
    fmap_max: gan_options.FmapMax = None,
    map_depth: gan_options.MapDepth = None,
    latent: gan_options.Latent = None,
    path_length: train_options.PathLength = None,
    mixing: train_options.Mixing = None,
    phase_kimg: train_options.PhaseKimg = None,
    resolution: train_options.Which = None,
    workers: train_options.Workers = 2,
    threads: gan_options.Threads = None,
    device: gan_options.DeviceOption = Device.AUTO,
    dry_run: train_options.DryRun = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train a StyleGAN. Ctrl-C saves; --resume goes on where a run stopped.

    For several GPUs: torchrun --nproc-per-node N -m whichface.app gan train …
    """
    wishes = {
        "cfg": cfg, "gamma": gamma, "batch": batch, "rate": lr, "fmap_base": fmap_base,
        "fmap_max": fmap_max, "mapping_layers": map_depth, "z_dim": latent,
        "path_length": path_length, "mixing": mixing, "phase_kimg": phase_kimg,
    }  # fmt: skip
    fields: dict[str, Any] = {
        "batch_gpu": batch_gpu, "mirror": mirror, "aug": aug.value, "p": p, "seed": seed,
        "tick_kimg": tick, "snapshot_ticks": snap, "precision": precision.value,
        "workers": workers, "device": device.value,
    }  # fmt: skip
    fields |= {} if kimg is None else {"kimg": kimg}

    def work() -> ExitCode:
        from whichface.generator.augment_config import AugmentConfig

        given = fields | {"augment": AugmentConfig(target=target)}
        more = (cond, resolution, _given(context), threads, dry_run, quiet)
        return run(TrainSettings(data, outdir, resume, init, wishes, given, *more))

    guarded_call(work, debug)
