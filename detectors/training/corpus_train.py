"""`whichface train`: from labelled pictures to a model folder, in steps that each go on where they were cut off.

corpora -> faces, groups, split -> packs -> texture experts and network -> out-of-fold scores -> stack and bounds ->
figures on the validation grid -> model folder.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canonical import SCALES
from ..classifier import NETWORK_SCALES
from ..dataset import Sample
from ..leakage import Baseline, baselines
from . import feature_table, pack
from .backbones import create_backbone
from .corpora import CorporaConfig, Gathered, check_enough, gather, read_corpora
from .folds import FOLDS, plan_for, source_weights, training_folds
from .model_folder import Making, write_model
from .network_run import (
    DeviceTrainer,
    NetworkRun,
    NetworkRunConfig,
    RunData,
    begin_with,
    pick_device,
    write_networks,
)
from .observer import InputError, Observer
from .pack import Pack, PackConfig
from .robust_grid import balanced_choice, grid_rows
from .score import VARIANTS, Material, Scores, networks, texture
from .scores import ScoreTable, arrays, table

EXPERTS = ("texture", "network")
SETTINGS = "settings.json"
FEWEST = 8
"""Groups of a class that an expert of one scale is trained on at least, in every fold."""
BASELINE_PICTURES = 300
"""Most pictures a class that the baselines look at."""
FEWEST_TO_STOP = 10
"""Validation pictures a class below which early stopping would choose by chance."""
STOPPING_PICTURES = 64
"""Most validation pictures a class that early stopping looks at."""


@dataclass(frozen=True, slots=True)
class CorpusTrainConfig:
    """One training."""

    corpora: tuple[Path, ...]
    """Folders of labelled pictures."""
    output: Path
    """The model folder."""
    work: Path
    """Folder of what is kept between runs."""
    experts: tuple[str, ...] = EXPERTS
    """What is trained: texture, network, or both."""
    folds: int = FOLDS
    """Folds of the out-of-fold scores."""
    pack: PackConfig = field(default_factory=lambda: PackConfig(careful=True, part=64))
    """Variants of every picture, through random chains of codecs and sizes."""
    reading: CorporaConfig = field(default_factory=CorporaConfig)
    """How the corpora are read."""
    network: NetworkRunConfig = field(default_factory=NetworkRunConfig)
    """How the network is trained."""
    grid_pictures: int = 100
    """Most validation pictures a class that go through the grid."""
    command: str = ""
    """The command line, for the card."""


@dataclass(frozen=True, slots=True)
class Session:
    """What all steps share."""

    config: CorpusTrainConfig
    gathered: Gathered
    train: tuple[Sample, ...]
    """Pictures of the train split; their order numbers the rows of the pack."""
    held: tuple[Sample, ...]
    """Validation pictures that go through the grid; likewise."""
    folds: NDArray[np.int64]
    """(train pictures,) number of the fold that leaves the picture out."""
    observer: Observer

    def path(self, name: str) -> Path:
        """A file or folder of the work folder."""
        return self.config.work / name

    def seen(self, stage: str) -> Callable[..., None]:
        """An observer of one stage."""
        return lambda done, total, note="": self.observer.moved(stage, done, total, note)


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
    found = _baselines(session)
    _tell(gathered, observer)
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
    trainer = DeviceTrainer(config.train, 0, pick_device(config.device, config.amp), config.amp)
    if config.init:
        begin_with([trainer], Path(config.init))


def check_overlap(session: Session, model: Path) -> None:
    """Raises InputError when networks to begin with have seen validation pictures; a word where folds have.

    Fold k begins with the model's fold k, so one division of the same pictures hides from each what it hid before.
    """
    with (model / "pictures.csv").open(newline="", encoding="utf-8") as file:
        seen = {row["sha256"]: int(row["fold"]) for row in csv.DictReader(file) if row["split"] == "train"}
    digests = dict(zip((s.path for s in session.gathered.samples), session.gathered.sha256, strict=True))
    held = sum(digests[session.gathered.samples[i].path] in seen for i in session.gathered.split("val"))
    if held:
        raise InputError(
            f"{model} was trained on {held} of the pictures that are validation here; give a manifest with its split"
        )
    count = 1 + max(seen.values(), default=0)
    leaking = [
        s for s, fold in zip(session.train, session.folds.tolist(), strict=True)
        if seen.get(digests[s.path], fold % count) != fold % count
    ]  # fmt: skip
    if leaking:
        session.observer.warned(
            f"the networks to begin with were trained on {len(leaking)} pictures that their folds leave out now: "
            "the calibration of the network is too good by that"
        )


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


def fixed_settings(config: CorpusTrainConfig, gathered: Gathered) -> dict[str, Any]:
    """What must not change between two runs in one work folder; lengths, threads and devices may."""
    run = config.network
    network = asdict(run.train)
    for name in ("minutes", "threads"):
        network.pop(name)
    for name in ("pretrained",):
        network[name] = file_digest(Path(network[name])) if network.get(name) else ""
    rows = [
        f"{digest} {s.fake} {s.set} {s.split} {s.group}"
        for digest, s in zip(gathered.sha256, gathered.samples, strict=True)
    ]
    return {
        "pictures": hashlib.sha256("\n".join(rows).encode()).hexdigest(),
        "experts": sorted(config.experts),
        "folds": config.folds,
        "pack": {name: value for name, value in asdict(config.pack).items() if name != "part"},
        "grid_pictures": config.grid_pictures,
        "seed": config.reading.seed,
        "network": network if "network" in config.experts else None,
        "by": "epochs" if run.epochs is not None else "minutes",
        "amp": run.amp,
        "init": file_digest(Path(run.init)) if run.init else "",
    }


def file_digest(path: Path) -> str:
    """SHA-256 of a file. Raises InputError when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def check_settings(config: CorpusTrainConfig, gathered: Gathered) -> None:
    """Note the settings in a new work folder, or compare them with those of an old one. Raises InputError."""
    now = json.loads(json.dumps(fixed_settings(config, gathered)))
    path = config.work / SETTINGS
    if not path.exists():
        path.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    different = [name for name in now if now[name] != before.get(name)]
    if different:
        raise InputError(
            f"{config.work} was begun with other settings ({', '.join(different)}): "
            "give the same ones, another output, or --fresh"
        )


def clear(work: Path) -> None:
    """Begin anew: everything goes but what was found in the pictures."""
    for name in (SETTINGS, "scores.npz", "pack.npz", "grid.npz"):
        (work / name).unlink(missing_ok=True)
    for path in [*work.glob("features-*"), *work.glob("*.parts"), work / "made", work / "network"]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _tell(gathered: Gathered, observer: Observer) -> None:
    for split in ("train", "val", "test"):
        chosen = [gathered.samples[i] for i in gathered.split(split)]
        if chosen:
            fakes = sum(s.fake for s in chosen)
            groups = len({s.group for s in chosen})
            drawn = " (drawn here, whole groups)" if split == "val" and gathered.assigned else ""
            observer.told(f"{split}: {len(chosen) - fakes} real, {fakes} fake pictures in {groups} groups{drawn}")
    for reason, count in gathered.left_out.items():
        if count:
            observer.told(f"left out: {count} ({reason})")
    if gathered.joined:
        observer.told(f"{gathered.joined} pairs of near-duplicates stay on one side")


def _baselines(session: Session) -> list[Baseline]:
    """What the files give away without their faces; a loud word where the container does."""
    numbers = range(len(session.gathered.samples))
    some = balanced_choice(session.gathered.samples, numbers, BASELINE_PICTURES, session.config.reading.seed)
    try:
        found = baselines([session.gathered.samples[i] for i in some], seen=session.seen("looking for leaks"))
    except ValueError:
        return []
    for one in found:
        if one.name == "container" and one.above_chance:
            session.observer.warned(
                f"the file format alone tells real from fake: AUC {one.auc:.2f} [{one.low:.2f}, {one.high:.2f}],"
                " where 0.5 is chance. All faces are coded anew, but older codecs leave traces: bring both"
                " classes to one codec and size (whichface corpus does), or do not believe the figures."
            )
        if one.name == "sharpness" and one.low > 0.6:
            session.observer.warned(
                f"sharpness alone tells real from fake: AUC {one.auc:.2f} [{one.low:.2f}, {one.high:.2f}]; "
                "the model may learn no more than that."
            )
    return found


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
            aside = path.with_suffix(".part.npz")
            np.savez(aside, rows=rows, values=values)
            aside.replace(path)
        with np.load(path, allow_pickle=False) as stored:
            found[f"texture-{scale}"] = stored["rows"], stored["values"]
    return found


def _network(
    session: Session, material: Material, held: Pack, scales: Sequence[int], made: Path
) -> dict[str, Scores]:
    """The trained networks' out-of-fold scores; written as ONNX and as tensors that can be trained on."""
    from .network_export import load_networks

    config = session.config
    fake = arrays(session.train)[0]
    held_fake = arrays(session.held)[0]
    weights = tuple(source_weights(session.train, session.folds != k) for k in range(config.folds))
    chosen = balanced_choice(session.held, range(len(session.held)), STOPPING_PICTURES, config.reading.seed)
    data = RunData(material.pack, fake, weights, held, held_fake, np.array(chosen))
    patient = _patient(session)
    if patient.patience != config.network.patience:
        session.observer.told("too few validation pictures to stop early by them: the training has its whole length")
    run = NetworkRun(session.path("network"), data, patient, session.observer)
    if not run.at.step:
        _check_export(run, session.path("trial.onnx"))
    folder = run.train()
    write_networks(load_networks([folder]), made / "networks.safetensors")
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
