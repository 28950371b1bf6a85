"""`whichface train`: from labelled pictures to a model folder, in steps that each go on where they were cut off.

corpora -> faces, groups, split -> packs -> texture experts and network -> out-of-fold scores -> stack and bounds ->
figures on the validation grid -> model folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canonical import SCALES
from ..classifier import NETWORK_SCALES
from ..leakage import Baseline
from . import feature_table, pack
from .backbones import create_backbone
from .classifier import Trainer
from .corpora import Gathered, check_enough, gather, read_corpora
from .folds import plan_for, source_weights, training_folds
from .model_folder import Making, write_model
from .network_import import write_networks
from .network_run import NetworkRun
from .network_steps import Grid, NetworkRunConfig, RunData, begin_with, pick_device
from .observer import InputError, Observer
from .pack import Pack
from .robust_grid import balanced_choice, grid_rows
from .score import VARIANTS, Material, Scores, networks, texture
from .scores import ScoreTable, arrays, table
from .train_checks import check_overlap, short_cuts, tell
from .train_session import CorpusTrainConfig, Session, check_settings, fixed_settings

FEWEST = 8
"""Groups of a class that an expert of one scale is trained on at least, in every fold."""
FEWEST_TO_STOP = 10
"""Validation pictures a class below which early stopping would choose by chance."""
STOPPING_PICTURES = 64
"""Most validation pictures a class that early stopping looks at."""


def train(config: CorpusTrainConfig, observer: Observer) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    """Train; the model card, and the pictures that could not be read with the reason.

    Raises InputError for corpora and settings that cannot be used, WeightsError for weights that do not fit,
    TrainingStoppedError, OSError, KeyboardInterrupt (the same call goes on).
    """
    samples = read_corpora(config.corpora)
    if "network" in config.experts:
        check_network(config.network)
    config.work.mkdir(parents=True, exist_ok=True)
    gathered = gather(samples, config.work, config.reading, _finding(observer))
    check_enough(gathered, config.folds)
    session = prepare(config, gathered, observer)
    if config.network.init and "network" in config.experts:
        check_overlap(session, Path(config.network.init).parent)
    found = short_cuts(session)
    tell(gathered, observer)
    packed, held = _packs(session)
    scales = usable_scales(packed, session)
    material = Material(session.train, packed, session.folds, config.folds)
    scores: dict[str, Scores] = {}
    made = session.path("made")
    made.mkdir(exist_ok=True)
    if "texture" in config.experts:
        scores |= _textures(session, material, scales, made)
    if "network" in config.experts:
        scores |= _network(session, material, held, [s for s in scales if s in NETWORK_SCALES], made)
    joined = table(packed, scores, VARIANTS)
    joined.save(session.path("scores.npz"))
    return _write(session, joined, held, scales, found), gathered.unreadable


def check_network(config: NetworkRunConfig) -> None:
    """Build one fold's network once, before pictures are opened. Raises InputError, WeightsError."""
    shape = config.train.network
    if shape.stages and not hasattr(create_backbone(shape.backbone), "blocks"):
        raise InputError(f"--stages needs an architecture with `blocks`; {shape.backbone} has none")
    trainer = Trainer(config.train, 0, pick_device(config.device, config.amp), config.amp)
    if config.init:
        begin_with([trainer], Path(config.init))


def _finding(observer: Observer) -> Callable[[int, int, str], None]:
    return lambda done, total, name: observer.moved("finding faces", done, total, name)


def prepare(config: CorpusTrainConfig, gathered: Gathered, observer: Observer) -> Session:
    """Split and folds, and the settings noted or compared. Raises InputError when the work folder has others."""
    check_settings(config, gathered)
    train_part = tuple(gathered.samples[i] for i in gathered.split("train"))
    chosen = balanced_choice(gathered.samples, gathered.split("val"), config.grid_pictures, config.reading.seed)
    held = tuple(gathered.samples[i] for i in chosen)
    plan = plan_for(train_part, config.folds, config.reading.seed)
    folds = training_folds(train_part, plan=plan)
    fake = np.array([s.fake for s in train_part])
    for k in range(config.folds):
        kept = folds != k
        if len(set(fake[kept])) < 2:
            raise InputError(f"without fold {k + 1} one class has no picture left; give more pictures or fewer --folds")
    return Session(config, gathered, train_part, held, folds, observer)


def _packs(session: Session) -> tuple[Pack, Pack]:
    """The training pack and the validation grid; read again when they are there."""
    workers = session.config.reading.workers
    jobs = (("pack.npz", session.train, pack.variants), ("grid.npz", session.held, grid_rows))
    for name, samples, make in jobs:
        if not session.path(name).exists():
            stage = "random codecs and sizes" if make is pack.variants else "validation grid"
            pack.build(samples, session.config.pack, session.path(name), workers, make, session.seen(stage))
    return Pack(session.path("pack.npz")), Pack(session.path("grid.npz"))


def usable_scales(packed: Pack, session: Session) -> list[int]:
    """Scales at which every fold trains on enough groups of both classes. Raises InputError when there is none."""
    fake, _, groups = arrays(session.train)
    found: list[int] = []
    for scale in SCALES:
        there = np.unique(packed.sample[packed.scale == scale])
        counts = [
            len({groups[i] for i in there if session.folds[i] != k and fake[i] == side})
            for k in range(session.config.folds)
            for side in (False, True)
        ]
        if min(counts) < FEWEST:
            session.observer.told(
                f"faces of {scale} px and more: only {min(counts)} groups of a class, fewer than {FEWEST}; "
                "no expert looks at this scale"
            )
            break
        found.append(scale)
    if not found:
        raise InputError(f"too few pictures to train on: every fold needs at least {FEWEST} groups of either class")
    return found


def features_of(session: Session, name: str) -> NDArray[np.float16]:
    """(rows, features) of a pack, memory-mapped."""
    path = session.path(f"features-{name}.npy")
    if not path.exists():
        seen = session.seen("texture features")
        feature_table.build(session.path(f"{name}.npz"), path, session.config.reading.workers, seen)
    return np.load(path, mmap_mode="r")


def _textures(session: Session, material: Material, scales: Sequence[int], made: Path) -> dict[str, Scores]:
    """Texture experts and their out-of-fold scores; each scale is kept when it is done."""
    features = features_of(session, "pack")
    found: dict[str, Scores] = {}
    for scale in scales:
        path = made / f"texture-{scale}.npz"
        if not path.exists():
            rows, values = texture(material, features, scale, made, session.observer.told)
            pack.write_npz(path, {"rows": rows, "values": values})
        with np.load(path, allow_pickle=False) as stored:
            found[f"texture-{scale}"] = stored["rows"], stored["values"]
    return found


def _network(
    session: Session, material: Material, held: Pack, scales: Sequence[int], made: Path
) -> dict[str, Scores]:
    """The trained networks' out-of-fold scores; written as ONNX and as tensors that can be trained on."""
    from .network_export import export_networks, load_networks

    config = session.config
    fake = arrays(session.train)[0]
    held_fake = arrays(session.held)[0]
    weights = tuple(source_weights(session.train, session.folds != k) for k in range(config.folds))
    chosen = balanced_choice(session.held, range(len(session.held)), STOPPING_PICTURES, config.reading.seed)
    data = RunData(material.pack, fake, weights, Grid(held, held_fake, np.array(chosen)))
    patient = _patient(session)
    if patient.patience != config.network.patience:
        session.observer.told("too few validation pictures to stop early by them: the training has its whole length")
    run = NetworkRun(session.path("network"), data, patient, session.observer)
    if not run.at.step:
        _check_export(run, session.path("trial.onnx"))
    folder = run.train()
    found = load_networks([folder])
    write_networks(found, made / "networks.safetensors")
    export_networks(found, made / "network.onnx")
    return networks(material, [folder], made, scales, session.observer.told)


def _patient(session: Session) -> NetworkRunConfig:
    """The run, without early stopping where the validation part is too small to choose anything."""
    config = session.config.network
    counts = [sum(s.fake is side for s in session.held) for side in (False, True)]
    return replace(config, patience=0) if min(counts) < FEWEST_TO_STOP else config


def _check_export(run: NetworkRun, path: Path) -> None:
    """Raises InputError before hours are spent on a network that cannot be written as ONNX."""
    import copy

    from .network_export import export_networks

    try:
        export_networks([copy.deepcopy(run.trainers[0].average).cpu()], path)
    except Exception as error:  # torch's exporter raises many kinds
        name = run.config.train.network.backbone
        raise InputError(f"the architecture {name} cannot be written as ONNX ({type(error).__name__})") from error
    finally:
        path.unlink(missing_ok=True)


def _write(
    session: Session, joined: ScoreTable, held: Pack, scales: Sequence[int], found: Sequence[Baseline]
) -> dict[str, Any]:
    """The model folder."""
    config = session.config
    grid_features = features_of(session, "grid") if "texture" in config.experts else None
    device = str(pick_device(config.network.device, config.network.amp)) if "network" in config.experts else "cpu"
    making = Making(
        made=session.path("made"),
        output=config.output,
        train=session.train,
        held=session.held,
        gathered=session.gathered,
        folds=session.folds,
        scales=tuple(scales),
        experts=config.experts,
        scores=joined,
        grid=held,
        grid_features=grid_features,
        baselines=tuple(found),
        about={"command": config.command, "device": device, "settings": fixed_settings(config, session.gathered)},
        chosen_on_val="network" in config.experts and _patient(session).patience > 0,
    )
    return write_model(making, session.observer)
