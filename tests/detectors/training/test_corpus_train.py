"""A network and its model from a corpus of drawn pictures, and a second one that begins with the first."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("timm", "onnx", "onnxscript")), reason="needs the extra `train`"
)


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.lines, self.warnings, self.stages = [], [], set()

    def told(self, text: str) -> None:
        self.lines.append(text)

    def warned(self, text: str) -> None:
        self.warnings.append(text)

    def moved(self, stage: str, done: float, total: float, note: str = "") -> None:
        assert 0 < done <= total * 1.5
        self.stages.add(stage)

    def measured(self, step: int, values: dict[str, float]) -> None:
        pass


def _config(corpus: Path, folder: Path, **changes):
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.network import NetworkConfig
    from whichface.detectors.training.network_steps import NetworkRunConfig
    from whichface.detectors.training.pack import PackConfig
    from whichface.detectors.training.train_session import CorpusTrainConfig

    train = TrainConfig(batch=4, crop=64, network=NetworkConfig(backbone="test_byobnet"))
    run = NetworkRunConfig(train=train, epochs=0.5, device="cpu")
    config = CorpusTrainConfig(
        (corpus,), folder / "model", folder / "model.work", ("network",), 2, PackConfig(variants=1, careful=True),
        network=run, grid_pictures=4,
    )  # fmt: skip
    return replace(config, **changes)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, make_corpus) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus") / "drawn", 48, 240.0)


@pytest.fixture(scope="module")
def made(corpus, tmp_path_factory):
    from whichface.detectors.training import corpus_train

    folder, notes = tmp_path_factory.mktemp("made"), Notes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_train, "_check_export", lambda *_: None)  # slow, and done again at the end
        card, _ = corpus_train.train(_config(corpus, folder), notes)
    return folder / "model", card, notes


def test_the_model_has_a_network_alone(made) -> None:
    from whichface.detectors.classifier import load_model
    from whichface.detectors.training.network_export import load_networks
    from whichface.detectors.training.pack import Pack

    folder, card, notes = made
    model = load_model(str(folder))
    assert model.scales == (160, 256) and model.experts == {"network-160", "network-256"}
    assert card["network"]["network"]["backbone"] == "test_byobnet" and "nothing was chosen on val" in card["split"]
    assert any("too few validation pictures to stop early" in line for line in notes.lines)
    assert {"random codecs and sizes", "validation grid", "training", "measuring on the grid"} <= notes.stages
    pack = Pack(folder.parent / "model.work/pack.npz")
    networks = load_networks([folder.parent / "model.work/network"])
    row = int(np.flatnonzero(pack.scale == 256)[0])
    pixels = torch.from_numpy(pack.pixels(row)).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        logits = [float(network(pixels).mean()) for network in networks]
    assert model.network(pack.face(row)).logit == pytest.approx(np.mean(logits), abs=1e-3)


def test_a_training_that_may_stop_early_ends_in_a_model(make_corpus, tmp_path: Path) -> None:
    """Enough validation pictures, patience left as it is: what a user's first training meets."""
    from whichface.detectors.classifier import load_model
    from whichface.detectors.training import corpus_train
    from whichface.detectors.training.corpora import CorporaConfig

    corpus, notes = make_corpus(tmp_path / "drawn", 80, 240.0), Notes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_train, "_check_export", lambda *_: None)
        config = _config(corpus, tmp_path, reading=CorporaConfig(val_share=0.4), grid_pictures=12)
        card, _ = corpus_train.train(config, notes)
    assert not any("too few validation pictures" in line for line in notes.lines)
    assert (tmp_path / "model.work/network/best/state.pt").is_file()
    assert load_model(str(tmp_path / "model")).experts == {"network-160", "network-256"} and card["figures"]


def _overlap(made, corpus: Path, folder: Path, *, seed: int = 0, folds: int = 2) -> list[str]:
    """Warnings when a training of this seed and these folds begins with the model."""
    from whichface.detectors.training.corpora import CorporaConfig, gather, read_corpora
    from whichface.detectors.training.corpus_train import prepare
    from whichface.detectors.training.train_checks import check_overlap

    config = _config(corpus, folder, reading=CorporaConfig(seed=seed), folds=folds)
    config.work.mkdir()
    notes = Notes()
    gathered = gather(read_corpora([corpus]), config.work, config.reading, lambda *_: None)
    check_overlap(prepare(config, gathered, notes), made[0])
    return notes.warnings


def test_networks_of_the_same_division_may_be_begun_with(made, corpus, tmp_path: Path) -> None:
    assert _overlap(made, corpus, tmp_path) == []


def test_networks_that_know_what_a_fold_leaves_out_are_told(made, corpus, tmp_path: Path) -> None:
    (warning,) = _overlap(made, corpus, tmp_path, folds=3)
    assert "that their folds leave out now" in warning


def test_networks_that_know_the_validation_part_are_refused(made, corpus, tmp_path: Path) -> None:
    from whichface.detectors.training.observer import InputError

    with pytest.raises(InputError, match="of the pictures that are validation here"):
        _overlap(made, corpus, tmp_path, seed=7)


def test_a_container_that_gives_the_class_away_is_said_loudly(tmp_path: Path, make_corpus) -> None:
    from whichface.detectors.training.corpora import CorporaConfig, gather, read_corpora
    from whichface.detectors.training.corpus_train import prepare
    from whichface.detectors.training.train_checks import short_cuts

    folder = make_corpus(tmp_path / "corpus", 32)
    for path in (folder / "fake").iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path)), [cv2.IMWRITE_JPEG_QUALITY, 60])
    config, notes = _config(folder, tmp_path), Notes()
    config.work.mkdir()
    gathered = gather(read_corpora([folder]), config.work, CorporaConfig(), lambda *_: None)
    found = short_cuts(prepare(config, gathered, notes))
    assert {b.name: b.auc for b in found}["container"] == 1.0
    assert any("the file format alone tells real from fake: AUC 1.00" in warning for warning in notes.warnings)


def test_too_few_pictures_to_train_on_are_told(tmp_path: Path, make_corpus) -> None:
    from whichface.detectors.training.corpus_train import train
    from whichface.detectors.training.observer import InputError, Silent

    few = make_corpus(tmp_path / "few", 20)
    with pytest.raises(InputError, match="every fold needs at least 8 groups of either class"):
        train(_config(few, tmp_path, experts=("texture",)), Silent())


def test_other_settings_are_refused_until_the_work_is_cleared(made, corpus) -> None:
    from whichface.detectors.training.corpus_train import train
    from whichface.detectors.training.observer import InputError, Silent
    from whichface.detectors.training.train_session import SETTINGS, clear

    folder, _, _ = made
    config = _config(corpus, folder.parent, folds=3)
    with pytest.raises(InputError, match=r"was begun with other settings \(folds\)"):
        train(config, Silent())
    clear(config.work)
    assert not (config.work / SETTINGS).exists() and (config.work / "analysis.jsonl").exists()
    assert not list(config.work.glob("*.npz")) and json.loads((folder / "card.json").read_text())["model"] == "model"
