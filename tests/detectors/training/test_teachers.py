"""Networks that a new one learns from: whose they are, what they do to the labels, and that a run follows them."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")


def _config():
    from whichface.detectors.training.network import NetworkConfig

    return NetworkConfig(backbone="test_byobnet")


def _run_folder(folder: Path, number: int, bias: float) -> Path:
    """A run whose network says `bias` of every picture."""
    from whichface.detectors.training.network import FaceNetwork

    network = FaceNetwork(_config())
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.constant_(network.head.bias, bias)
    folder.mkdir()
    torch.save({"numbers": [number], "folds": [{"average": network.state_dict(), "steps": 1}]}, folder / "state.pt")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("teachers")
    return [_run_folder(place / "first", 1, 3.0), _run_folder(place / "second", 1, -1.0)]


def _teachers(folders, work: Path, share: float, number: int = 1):
    from whichface.detectors.training.teachers import Teachers

    return Teachers(folders, number, share, _config(), work)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_labels_go_their_share_of_the_way_to_the_mean_of_the_logits(folders, tmp_path: Path, share: float) -> None:
    labels = torch.tensor([0.0, 1.0, 1.0])
    softened = _teachers(folders, tmp_path, share).soften(torch.rand(3, 3, 64, 64) * 255, labels)
    mean = 1 / (1 + torch.e ** -((3.0 - 1.0) / 2))
    assert torch.allclose(softened, labels * (1 - share) + mean * share, atol=1e-3)


def test_teachers_of_another_fold_have_seen_what_the_fold_leaves_out(folders, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not 0 alone"):
        _teachers(folders, tmp_path, 0.5, number=0)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_is_a_share(folders, tmp_path: Path, share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        _teachers(folders, tmp_path, share)
    with pytest.raises(ValueError, match="one network or more"):
        _teachers([], tmp_path, 0.5)


def test_a_run_follows_its_teachers_and_says_who_they_were(tmp_path: Path) -> None:
    from tests.detectors.training.test_interpolate import _material
    from whichface.detectors.training import face_networks
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.network_export import load_networks
    from whichface.detectors.training.network_steps import NetworkRunConfig

    material = _material()
    train = TrainConfig(batch=4, crop=64, ema=0.0, network=_config())
    config = NetworkRunConfig(train=train, epochs=4, patience=0, device="cpu")
    scores = {}
    for name, bias in (("sure", 6.0), ("unsure", -6.0)):
        teacher = _teachers([_run_folder(tmp_path / name, 0, bias)], tmp_path / f"{name}-run", 1.0, number=0)
        data = replace(material.data(0), teachers={0: teacher})
        run = face_networks.run(material, tmp_path / f"{name}-run", 0, config, data)
        assert json.loads((run / "config.json").read_text())["taught_by"] == [f"{tmp_path.name}/{name}"]
        with torch.inference_mode():
            scores[name] = float(load_networks([run])[0](torch.full((1, 3, 64, 64), 127.0)).mean())
    assert scores["sure"] > scores["unsure"]
