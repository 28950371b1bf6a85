"""The face network with a tiny backbone: shapes, one step, resuming, the ONNX twin."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")
BACKBONE = "test_byobnet"


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def _config(**changes: object):
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.network import NetworkConfig

    network = NetworkConfig(backbone=BACKBONE, dropout=0.0)
    return TrainConfig(batch=4, crop=64, network=network, **changes)


def _network(**changes: object):
    from whichface.detectors.training.network import FaceNetwork, NetworkConfig

    return FaceNetwork(NetworkConfig(**({"backbone": BACKBONE} | changes)))


def _trainer(number: int = 0, amp: str = "off"):
    from whichface.detectors.training.classifier import Trainer

    return Trainer(_config(), number, amp=amp)


def _batch(seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(4, 3, 64, 64, generator=generator) * 255
    return images, torch.tensor([0.0, 1.0, 0.0, 1.0])


def _settled(network):
    """In eval mode, with batch-norm statistics that passes in train mode have set."""
    network.train()
    with torch.no_grad():
        for seed in range(4):
            network(_batch(seed)[0])
    return network.eval()


@pytest.mark.parametrize("size", [(96, 96), (64, 128)])
def test_a_map_of_logits(size: tuple[int, int]) -> None:
    found = _network().eval()(torch.rand(2, 3, *size) * 255)
    assert found.shape == (2, 1, size[0] // 32, size[1] // 32)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize(("stride", "cells"), [(2, 3), (1, 6)])
def test_the_default_backbone_and_its_stem(stride: int, cells: int) -> None:
    from whichface.detectors.training.network import FaceNetwork, NetworkConfig

    network = FaceNetwork(NetworkConfig(stem_stride=stride)).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 96, 96) * 255).shape == (1, 1, cells, cells)


def test_a_flat_picture_has_no_residual() -> None:
    network, seen = _network().eval(), []
    network.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network.backbone.forward_features = lambda x: seen.append(x) or torch.zeros(1, 1, 1, 1)
    network.head = torch.nn.Identity()
    network(torch.full((1, 3, 32, 32), 191.5))
    assert seen[0].shape == (1, 6, 32, 32)
    assert torch.allclose(seen[0][:, :3], torch.ones(1)) and seen[0][:, 3:].abs().max() < 1e-4


def test_steps_lower_the_loss_and_move_the_average() -> None:
    trainer = _trainer()
    before = trainer.average.head.weight.clone()
    losses = [trainer.step(*_batch(), 3e-3) for _ in range(8)]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    assert trainer.steps == 8 and not torch.equal(before, trainer.average.head.weight)
    assert not trainer.average.training


def test_a_resumed_run_takes_the_same_step(tmp_path: Path) -> None:
    first = _trainer()
    for seed in range(3):
        first.step(*_batch(seed), 1e-3)
    torch.save(first.state(), tmp_path / "state.pt")
    second = _trainer(1)
    assert not torch.equal(first.network.head.weight, second.network.head.weight)
    second.load(torch.load(tmp_path / "state.pt", weights_only=True))
    steps = [[t.step(*_batch(seed), 1e-3) for seed in (7, 8)] for t in (first, second)]
    assert steps[0] == pytest.approx(steps[1], rel=1e-5) and second.steps == 5
    averages = (t.average.head.weight.detach().numpy() for t in (first, second))
    assert next(averages) == pytest.approx(next(averages), abs=1e-6)


def test_the_scale_of_gradients_is_taken_up() -> None:
    first, second = _trainer(amp="fp16"), _trainer(amp="fp16")
    first.scaler.scale(torch.ones(1))
    first.scaler.update(8.0)
    second.load(first.state())
    assert first.scaler.get_scale() == second.scaler.get_scale() == 8.0


def test_the_learning_rate_warms_up_and_falls() -> None:
    from whichface.detectors.training.classifier import learning_rate

    rates = [learning_rate(share, _config()) for share in (0, 0.02, 0.03, 0.5, 1.0, 1.2)]
    assert rates[0] < rates[1] < rates[2] and rates[2] > rates[3] > rates[4] == rates[5] > 0
    assert max(rates) <= 3e-3 * 1.02


def _pack() -> SimpleNamespace:
    """Rows of four samples at both scales; the pixels tell the row."""
    sample, scale = np.repeat(np.arange(4), 2), np.tile([256, 160], 4)

    def pixels(row: int) -> np.ndarray:
        return np.full((scale[row], scale[row], 3), 100 + 10 * sample[row], np.uint8)

    return SimpleNamespace(sample=sample, scale=scale, pixels=pixels)


def test_crops_come_from_weighted_pictures_only() -> None:
    from whichface.detectors.training.classifier import Crops

    crops = Crops(_pack(), np.array([0.5, 0.0, 0.5, 0.0]), _config())
    fake = np.array([False, True, True, True])
    drawn = [crops.batch(np.random.default_rng(seed), fake) for seed in range(6)]
    assert drawn[0][0].shape == (4, 3, 64, 64) and drawn[0][0].dtype == torch.float32
    assert {int(row) for rows in crops.rows for row in rows} == {0, 1, 4, 5}
    assert 0.2 < torch.cat([labels for _, labels in drawn]).mean() < 0.8
    again = crops.batch(np.random.default_rng(0), fake)
    assert torch.equal(again[0], drawn[0][0]) and torch.equal(again[1], drawn[0][1])


def _run(folder: Path, numbers: list[int]) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(asdict(_config())))
    folds = [_trainer().state() for _ in numbers]
    torch.save({"spent": 1.0, "numbers": numbers, "folds": folds}, folder / "state.pt")
    return folder


def test_runs_are_loaded_in_the_order_of_folds(tmp_path: Path) -> None:
    from whichface.detectors.training.network_export import load_networks, score_rows

    runs = [_run(tmp_path / "b", [2, 0]), _run(tmp_path / "a", [1])]
    networks = load_networks(runs)
    stored = torch.load(runs[0] / "state.pt", weights_only=True)["folds"]
    assert len(networks) == 3
    assert torch.equal(networks[0].head.weight, stored[1]["average"]["head.weight"])
    assert torch.equal(networks[2].head.weight, stored[0]["average"]["head.weight"])
    scores = score_rows(networks[0], _pack(), np.array([1, 3]))
    assert scores.shape == (2,) and np.isfinite(scores).all()
    with pytest.raises(ValueError, match="folds"):
        load_networks(runs[:1])


def test_the_graph_maps_as_the_networks(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    from whichface.detectors.training.network_export import export_networks

    networks = [_settled(_network()) for _ in range(2)]
    export_networks(networks, tmp_path / "network.onnx")
    session = ort.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for size, count in ((160, 1), (256, 3)):
        pixels = torch.rand(count, 3, size, size) * 255
        logits, heat = session.run(None, {"pixels": pixels.numpy()})
        with torch.no_grad():
            straight, mirrored = (torch.cat([n(p) for n in networks], 1) for p in (pixels, pixels.flip(3)))
        maps = ((straight + mirrored.flip(3)) / 2).numpy()
        assert logits.shape == (count, 2) and heat.shape == (count, size // 32, size // 32)
        assert logits == pytest.approx(maps.mean((2, 3)), rel=2e-3, abs=2e-3)  # weights in 16 bits
        assert heat == pytest.approx(maps.mean(1), rel=2e-3, abs=2e-3)  # weights in 16 bits
    other, turned = session.run(None, {"pixels": np.ascontiguousarray(pixels.numpy()[..., ::-1])})
    assert other == pytest.approx(logits, abs=1e-4) and turned[..., ::-1] == pytest.approx(heat, abs=1e-4)
