"""Networks that are read back from their ONNX file give its scores, and normalise as before when they are trained."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from whichface.forensics.errors import WeightsError

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")


def _shape(**changes):
    from whichface.detectors.training.network import NetworkConfig

    return NetworkConfig(**({"backbone": "tf_efficientnet_lite0", "stages": 3, "hidden": 16, "dropout": 0.0} | changes))


def _pixels(seed: int, count: int = 4):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 96, 96, generator=generator) * 255


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    from whichface.detectors.training.network import FaceNetwork
    from whichface.detectors.training.network_export import export_networks

    torch.manual_seed(0)
    networks = []
    for _ in range(2):
        network = FaceNetwork(_shape()).train()
        with torch.no_grad():
            for seed in range(30):
                network(_pixels(seed))
        networks.append(network.eval())
    path = tmp_path_factory.mktemp("exported") / "network.onnx"
    export_networks(networks, path)
    return networks, path


def test_they_give_the_scores_of_the_file(exported) -> None:
    import onnxruntime

    from whichface.detectors.training.network import Ensemble
    from whichface.detectors.training.network_import import read_networks

    _, path = exported
    found = read_networks(path, _shape(), _pixels(100))
    wanted = onnxruntime.InferenceSession(path).run(None, {"pixels": _pixels(7).numpy()})[0]
    with torch.no_grad():
        got = Ensemble(found)(_pixels(7))[0].numpy()
    assert wanted.std() > 0
    assert got == pytest.approx(wanted, abs=1e-4)


def test_in_training_a_batch_gives_what_the_original_gives(exported) -> None:
    """On the pictures whose statistics were taken; the weights are stored in 16 bits."""
    from whichface.detectors.training.network_import import read_networks

    originals, path = exported
    found = read_networks(path, _shape(), _pixels(100, 16))
    with torch.no_grad():
        for original, network in zip(originals, found, strict=True):
            before = original(_pixels(100, 16)).mean((1, 2, 3))
            after = network.train()(_pixels(100, 16)).mean((1, 2, 3))
            network.eval()
            assert after.numpy() == pytest.approx(before.numpy(), abs=0.02)


def test_another_shape_is_said_in_one_sentence(exported) -> None:
    from whichface.detectors.training.network_import import read_networks

    with pytest.raises(WeightsError, match="another shape"):
        read_networks(exported[1], _shape(hidden=24), _pixels(0))


def test_a_file_of_something_else_is_refused() -> None:
    from whichface.detectors.training.network_import import read_networks
    from whichface.forensics.weights_io import WEIGHTS

    with pytest.raises(WeightsError, match="holds no face networks"):
        read_networks(WEIGHTS / "regions.onnx", _shape(), _pixels(0))


def test_networks_may_be_stored_to_go_on_from(exported, tmp_path: Path) -> None:
    from whichface.detectors.training.classifier import TrainConfig, Trainer
    from whichface.detectors.training.network_import import read_networks, write_networks
    from whichface.detectors.training.network_steps import begin_with

    found = read_networks(exported[1], _shape(), _pixels(100))
    write_networks(found, tmp_path / "networks.safetensors")
    trainer = Trainer(TrainConfig(network=_shape()))
    begin_with([trainer], tmp_path / "networks.safetensors", [1])
    assert torch.equal(trainer.average.head.weight, found[1].head.weight)
    assert not torch.equal(trainer.average.head.weight, found[0].head.weight)
