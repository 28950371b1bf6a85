"""The command that trains one fold's network: what it learns from, what it leaves behind."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from whichface.detectors.dataset import Sample

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")


def _samples() -> list[Sample]:
    sets = [("sg1-ffhq-256", True, "stylegan1"), ("sg1-ffhq-256", False, ""), ("sgx-256", True, "stylegan-unknown"),
            ("wild-lfw", False, "")]  # fmt: skip
    return [Sample(Path("x"), fake, name, generator, "train", f"{name}/{fake}/{i}", "", None)
            for name, fake, generator in sets for i in range(6)]  # fmt: skip


def _material(samples: list[Sample], divided: int | None = None, pack: object = None):
    from whichface.detectors.training.face_networks import Material

    return Material(samples, pack, len(samples) if divided is None else divided)


def test_a_fold_does_not_see_what_it_leaves_out() -> None:
    from whichface.detectors.training.folds import training_folds

    samples = _samples()
    folds, material = training_folds(samples), _material(samples)
    assert np.array_equal(material.seen_by(1), folds != 1)
    assert material.seen_by(-1).all()
    assert {s.set for s, seen in zip(samples, material.seen_by(-1, "stylegan1"), strict=True) if seen} == {
        "sgx-256", "wild-lfw",
    }  # fmt: skip


def test_what_lies_beside_the_folds_is_seen_by_all_and_blurred_pictures_only_then() -> None:
    blurred = Sample(Path("x"), True, "sg3-160", "stylegan3", "train", "b", "", None)
    held = replace(blurred, split="val")
    samples = [*_samples(), blurred, held]
    assert not _material(samples).seen_by(0)[-2:].any() and not _material(samples).veiled.any()
    beside = [replace(blurred, set="drawn", split=split) for split in ("train", "val")]
    material = _material([*samples, *beside], divided=len(samples))
    assert material.seen_by(0)[-4:].tolist() == [True, False, True, False]
    assert np.flatnonzero(material.veiled).tolist() == [len(samples) - 2]


def test_a_run_leaves_the_network_of_its_fold(tmp_path: Path, capsys) -> None:
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.face_networks import run
    from whichface.detectors.training.network import NetworkConfig
    from whichface.detectors.training.network_export import described
    from whichface.detectors.training.network_steps import NetworkRunConfig

    samples = _samples()
    sample = np.arange(len(samples))
    pack = SimpleNamespace(
        sample=sample, scale=np.full(len(sample), 160), variant=np.zeros(len(sample)),
        pixels=lambda row: np.full((160, 160, 3), 5 * row, np.uint8),
    )  # fmt: skip
    train = TrainConfig(batch=4, crop=64, network=NetworkConfig(backbone="test_byobnet"))
    config = NetworkRunConfig(train=train, epochs=1.0, patience=0, device="cpu")
    material = _material(samples, pack=pack)
    pictures = np.count_nonzero(material.seen_by(2))
    assert run(material, tmp_path, 2, config) == tmp_path
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["numbers"] == [2] and state["at"]["step"] == round(pictures / 4)
    assert "loss" in capsys.readouterr().out
    assert described([tmp_path])["started_from"] == "random weights"
    assert described([tmp_path])["seen_by_all"] == {}
    run(material, tmp_path, 2, replace(config, epochs=2.0))
    assert torch.load(tmp_path / "state.pt", weights_only=True)["at"]["step"] == round(2 * pictures / 4)
    assert json.loads((tmp_path / "config.json").read_text())["network"]["backbone"] == "test_byobnet"
