"""Settings of a training on corpora, what its steps share, and the work folder that remembers both."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.files import whole
from whichface.forensics.survey import JOURNAL

from ..dataset import Sample
from .corpora import CorporaConfig, Gathered
from .folds import FOLDS
from .network_steps import NetworkRunConfig
from .observer import InputError, Observer
from .pack import PackConfig

EXPERTS = ("texture", "network")
SETTINGS = "settings.json"
BEFORE_SETTINGS = {JOURNAL, "tensorboard"}
"""What a work folder may hold without settings: a run that ended while it looked for faces, or was cleared."""

CLEARED = ("scores.npz*", "pack.npz*", "grid.npz*", "*.parts", "features-*", "trial.onnx*", "made", "network")
"""What `clear` removes, asides of runs that were cut off too."""


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
        _write_whole(path, json.dumps(now, indent=1) + "\n")
        return
    before = _stored(path)
    if before is None:
        raise InputError(f"{path} is damaged, as a power cut may leave it: begin anew with --fresh")
    different = [name for name in now if now[name] != before.get(name)]
    if different:
        raise InputError(
            f"{config.work} was begun with other settings ({', '.join(different)}): "
            "give the same ones, another output, or --fresh"
        )


def _write_whole(path: Path, text: str) -> None:
    """Written aside, brought to the disk and moved, so that a power cut leaves all of it or nothing."""
    with whole(path) as aside, aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _stored(path: Path) -> dict[str, Any] | None:
    """The settings of a work folder; None for a torn file, or none of ours."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def is_begun(work: Path) -> bool:
    """True for a work folder in which a training has noted its settings; a torn note beside a journal is one, too."""
    path = work / SETTINGS
    if not path.is_file():
        return False
    found = _stored(path)
    return {"pictures", "experts", "pack"} <= found.keys() if found else (work / JOURNAL).is_file()


def check_work(work: Path) -> None:
    """Raises InputError for a folder that is none of ours: what lies there may be of worth to somebody."""
    if not work.exists() or is_begun(work):
        return
    if not work.is_dir():
        raise InputError(f"{work} is a file, so nothing can be kept in it")
    names = {path.name for path in work.iterdir() if not path.name.startswith(".")}
    if names - BEFORE_SETTINGS:
        raise InputError(f"{work} holds other files and no work of a training; choose a new folder for --work")


def clear(work: Path) -> None:
    """Begin anew: everything goes but what was found in the pictures. Raises InputError for a folder not ours."""
    check_work(work)
    for path in [path for pattern in CLEARED for path in work.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (work / SETTINGS).unlink(missing_ok=True)  # last: until then they say whose folder it is, and what the rest is of
