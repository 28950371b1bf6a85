"""`whichface train`: a detector of one's own from labelled pictures."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from whichface.app import gan_options, learn_options, options
from whichface.app.console import guarded_call, say
from whichface.app.exit_codes import ExitCode
from whichface.app.learn_options import Amp, Expert

if TYPE_CHECKING:
    from whichface.detectors.training.network_steps import NetworkRunConfig
    from whichface.detectors.training.train_session import CorpusTrainConfig


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """The command line, resolved."""

    corpora: tuple[Path, ...]
    output: Path
    work: Path
    expert: Expert
    arch: str | None
    stages: int | None
    hidden: int | None
    look: float
    pretrained: Path | None
    init_from: Path | None
    minutes: float | None
    epochs: float | None
    batch: int
    crop: int
    rate: float
    ema: float
    patience: int
    amp: Amp
    device: str
    folds: int
    variants: int
    val_share: float
    grid_pictures: int
    strict: bool
    fresh: bool
    workers: int
    threads: int
    seed: int
    dry_run: bool
    as_json: bool
    quiet: bool


def check(settings: TrainSettings) -> None:
    """Raises BadParameter for options that contradict each other and for an output that is in use."""
    if settings.minutes is not None and settings.epochs is not None:
        raise typer.BadParameter("and --epochs cannot both be given.", param_hint="--minutes")
    if settings.pretrained and settings.init_from:
        raise typer.BadParameter("and --init-from cannot both be given.", param_hint="--pretrained")
    if settings.output.exists() and not settings.output.is_dir():
        raise typer.BadParameter(f"{settings.output} is a file.", param_hint="--output")
    _check_folders(settings)


def _check_folders(settings: TrainSettings) -> None:
    """Raises BadParameter for a work folder that is none of ours, and for an output that is in use."""
    from whichface.detectors.training.model_folder import UNFINISHED
    from whichface.detectors.training.observer import InputError
    from whichface.detectors.training.train_session import check_work, is_begun

    try:
        check_work(settings.work)
    except InputError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--work") from error
    output = settings.output
    if (output / "card.json").exists():
        if not settings.fresh and not is_begun(settings.work):
            raise typer.BadParameter(
                f"{output} holds a model already; choose another folder, or --fresh to replace it.",
                param_hint="--output",
            )
    elif output.exists() and any(output.iterdir()) and not (output / UNFINISHED).is_dir():
        raise typer.BadParameter(f"{output} holds other files; choose a new folder.", param_hint="--output")


def network_config(settings: TrainSettings) -> NetworkRunConfig:
    """How the network is trained. Raises BadParameter for an --init-from that is no such model."""
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.network import NetworkConfig
    from whichface.detectors.training.network_steps import NetworkRunConfig

    begun = _networks_of(settings.init_from) if settings.init_from else None
    shape = _shape_of(begun) if begun else NetworkConfig()
    wishes = {"backbone": settings.arch, "stages": settings.stages, "hidden": settings.hidden}
    shape = replace(shape, **{name: value for name, value in wishes.items() if value is not None})
    train = TrainConfig(
        minutes=60.0 if settings.minutes is None else settings.minutes,
        batch=settings.batch,
        crop=settings.crop,
        learning_rate=settings.rate,
        ema=settings.ema,
        threads=settings.threads,
        seed=settings.seed,
        look=settings.look,
        pretrained=str(settings.pretrained or ""),
        network=shape,
    )
    return NetworkRunConfig(
        train=train,
        epochs=settings.epochs,
        device=settings.device,
        amp=settings.amp.value,
        patience=settings.patience,
        loaders=settings.workers,
        init=str(begun or ""),
    )


def _networks_of(model: Path) -> Path:
    """The file of a model, or of a shipped one by its name, that training can go on from. Raises BadParameter."""
    from whichface.detectors.classifier import model_directory
    from whichface.forensics.errors import WeightsError

    try:
        folder = model_directory(str(model))
    except WeightsError as error:
        raise typer.BadParameter(str(error), param_hint="--init-from") from error
    found = [folder / name for name in ("networks.safetensors", "network.onnx") if (folder / name).is_file()]
    if not found:
        raise typer.BadParameter(f"{model} is a model without a network.", param_hint="--init-from")
    return found[0]


def _shape_of(networks: Path) -> Any:
    """The shape of stored networks, by the card beside them."""
    from whichface.detectors.training.network import NetworkConfig

    try:
        card = json.loads((networks.parent / "card.json").read_text(encoding="utf-8"))
        return NetworkConfig(**card["network"]["network"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"the card of {networks.parent} does not tell the network's shape."
        raise typer.BadParameter(message, param_hint="--init-from") from error


def config_of(settings: TrainSettings) -> CorpusTrainConfig:
    """What is trained, and how."""
    from whichface.detectors.training.corpora import CorporaConfig
    from whichface.detectors.training.pack import PackConfig
    from whichface.detectors.training.train_session import EXPERTS, CorpusTrainConfig

    return CorpusTrainConfig(
        corpora=settings.corpora,
        output=settings.output,
        work=settings.work,
        experts=EXPERTS if settings.expert is Expert.ALL else (settings.expert.value,),
        folds=settings.folds,
        pack=PackConfig(variants=settings.variants, seed=settings.seed, careful=True, part=64),
        reading=CorporaConfig(settings.val_share, settings.seed, settings.strict, settings.workers),
        network=network_config(settings),
        grid_pictures=settings.grid_pictures,
        command=shlex.join(["whichface", *sys.argv[1:]]),
    )


def run(settings: TrainSettings) -> ExitCode:
    """Train, print what the model is worth, and return the exit code."""
    from whichface.app.extras import need_training

    need_training("train", "timm", "onnx", "onnxscript")
    check(settings)

    from whichface.app.train_console import TrainConsole
    from whichface.detectors.training.corpus_train import train
    from whichface.detectors.training.observer import InputError
    from whichface.detectors.training.train_session import clear
    from whichface.forensics.errors import WeightsError

    console = TrainConsole(settings.work, quiet=settings.quiet)
    try:
        config = config_of(settings)
        if settings.dry_run:
            print(json.dumps(_plan(config), indent=1))
            return ExitCode.DONE
        if settings.fresh:
            clear(settings.work)
        card, unreadable = train(config, console)
    except InputError as error:
        raise typer.BadParameter(f"{error}.") from error
    except WeightsError as error:
        raise typer.BadParameter(str(error)) from error
    except KeyboardInterrupt:
        console.close()
        say("stopped; the same command goes on where this one was.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    finally:
        console.close()
    _print(settings, card)
    for path, reason in unreadable:
        say(f"{path}: {reason}")
    return ExitCode.SOME_FAILED if unreadable else ExitCode.DONE


def _plan(config: CorpusTrainConfig) -> dict[str, Any]:
    """The resolved settings and the corpora's counts, without looking into a picture."""
    from collections import Counter

    from whichface.detectors.training.corpora import read_corpora

    samples = read_corpora(config.corpora)
    counts = Counter(f"{'fake' if s.fake else 'real'}, {s.split or 'no split'}" for s in samples)
    plan = json.loads(json.dumps(asdict(config), default=str))
    return {"pictures": dict(sorted(counts.items())), "sets": sorted({s.set for s in samples}), **plan}


def _print(settings: TrainSettings, card: dict[str, Any]) -> None:
    if settings.as_json:
        from whichface.reports.json import to_line

        print(to_line(card))
        return
    print(summary(settings, card))


def summary(settings: TrainSettings, card: dict[str, Any]) -> str:
    """What the model is worth, for people."""
    lines = [f"{card['model']}: {card['data']}", ""]
    lines.append(f"{'validation pictures':<20s}  {'AUC':<22s}  {'false alarms':<14s}  detections")
    for name, entry in card["validation"].items():
        ends = entry["auc_interval"]
        area = f"{entry['auc']:.3f}" + ("" if None in ends else f" [{ends[0]:.3f}, {ends[1]:.3f}]")
        alarms, hits = (f"{entry[kind][0]:.1%}" for kind in ("false_alarms", "detections"))
        lines.append(f"{name:<20s}  {area:<22s}  {alarms:<14s}  {hits}")
    for name, values in card["baselines"].items():
        lines.append(f"{name + ' alone':<20s}  {values[0]:.3f}")
    lines += ["", *card["notes"], "", f"Use it: detect --model {shlex.quote(str(settings.output))} PICTURE"]
    size = sum(path.stat().st_size for path in settings.work.rglob("*") if path.is_file())
    lines.append(f"{settings.work} ({size / 1e6:.0f} MB) is needed only to go on with this training.")
    return "\n".join(lines)


def command(
    corpus: learn_options.Corpora,
    output: learn_options.ModelFolder,
    experts: learn_options.Experts = Expert.ALL,
    arch: learn_options.Arch = None,
    stages: learn_options.Stages = None,
    hidden: learn_options.Hidden = None,
    look: learn_options.Look = 0.0,
    pretrained: learn_options.Pretrained = None,
    init_from: learn_options.InitFrom = None,
    minutes: learn_options.Minutes = None,
    epochs: learn_options.Epochs = None,
    batch: learn_options.Batch = 32,
    crop: learn_options.CropSide = 128,
    rate: learn_options.Rate = 3e-3,
    ema: learn_options.Ema = 0.995,
    patience: learn_options.Patience = 6,
    amp: learn_options.AmpOption = Amp.OFF,
    device: gan_options.DeviceOption = gan_options.Device.AUTO,
    folds: learn_options.Folds = 3,
    variants: learn_options.Variants = 5,
    val_share: learn_options.ValShare = 0.15,
    grid_pictures: learn_options.GridPictures = 100,
    strict: learn_options.Strict = False,
    fresh: learn_options.Fresh = False,
    work: learn_options.Work = None,
    workers: learn_options.Workers = 2,
    threads: learn_options.Threads = 1,
    seed: gan_options.Seed = 0,
    dry_run: learn_options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train a detector on labelled pictures, calibrate it, and write it as a folder for detect --model.

    Interrupted or killed, the same command goes on where it was.

    Exit codes: 0 done, 2 usage, 3 done, but some pictures could not be read, 70 internal error, 130 interrupted.
    """
    settings = TrainSettings(
        corpora=tuple(corpus), output=output, work=work or output.parent / f"{output.resolve().name}.work",
        expert=experts, arch=arch, stages=stages, hidden=hidden, look=look, pretrained=pretrained,
        init_from=init_from, minutes=minutes, epochs=epochs,
        batch=batch, crop=crop, rate=rate, ema=ema, patience=patience, amp=amp, device=device.value, folds=folds,
        variants=variants, val_share=val_share, grid_pictures=grid_pictures, strict=strict, fresh=fresh,
        workers=workers, threads=threads, seed=seed, dry_run=dry_run, as_json=as_json, quiet=quiet,
    )  # fmt: skip
    guarded_call(lambda: run(settings), debug)
