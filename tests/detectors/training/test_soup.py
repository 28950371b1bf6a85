"""Averaged networks: each fold with its own start."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")


def _run(folder: Path, networks: dict[int, object], train) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(asdict(train) | {"init": "old/networks.safetensors"}))
    folds = [{"average": network.state_dict(), "steps": 7} for network in networks.values()]
    torch.save({"numbers": list(networks), "folds": folds}, folder / "state.pt")
    return folder


def test_every_fold_is_averaged_with_its_own_start(tmp_path: Path) -> None:
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.network import FaceNetwork, NetworkConfig
    from whichface.detectors.training.network_export import described, load_networks
    from whichface.detectors.training.network_import import write_networks
    from whichface.detectors.training.soup import write

    train = replace(TrainConfig(), network=NetworkConfig(backbone="test_byobnet"))
    starts, ends = ([FaceNetwork(train.network).eval() for _ in range(2)] for _ in range(2))
    write_networks(starts, tmp_path / "networks.safetensors")
    runs = [_run(tmp_path / "b", {1: ends[1]}, train), _run(tmp_path / "a", {0: ends[0]}, train)]
    write(tmp_path / "networks.safetensors", runs, None, tmp_path / "soup")
    found = load_networks([tmp_path / "soup"])
    for start, end, mean in zip(starts, ends, found, strict=True):
        assert torch.allclose(mean.head.weight, (start.head.weight + end.head.weight) / 2, atol=1e-6)
        assert not torch.equal(mean.head.weight, end.head.weight)
    about = described([tmp_path / "soup"])
    assert about["steps"] == {"0": 7, "1": 7} and about["averaged_with"].endswith("networks.safetensors")
