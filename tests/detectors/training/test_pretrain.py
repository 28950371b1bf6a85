"""Self-supervised pre-training: what a batch holds, the loss, and a file that trainings begin with."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")

SIDE, PICTURES, VARIANTS = 160, 6, 3


@pytest.fixture(scope="module")
def pack() -> SimpleNamespace:
    """Pictures that are plain but for what their chain left: grain of a strength of its own."""
    sample = np.repeat(np.arange(PICTURES), VARIANTS)
    variant = np.tile(np.arange(VARIANTS), PICTURES)

    def pixels(row: int) -> np.ndarray:
        rng = np.random.default_rng(row)
        grain = rng.normal(0, (1, 8, 30)[variant[row]], (SIDE, SIDE, 1))
        return np.clip(60 + 20 * sample[row] + grain, 0, 255).repeat(3, 2).astype(np.uint8)

    return SimpleNamespace(sample=sample, variant=variant, scale=np.full(len(sample), SIDE), pixels=pixels)


def _config(**changes):
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.network import NetworkConfig
    from whichface.detectors.training.pretrain import PretrainConfig

    settings = {"batch": 4, "crop": 64, "minutes": 0.02, "network": NetworkConfig("test_byobnet"), **changes}
    return PretrainConfig(TrainConfig(**settings), width=8)


def _faces(pack, config, used=None):
    from whichface.detectors.training.pretrain import Faces

    return Faces(pack, np.ones(PICTURES, bool) if used is None else used, config.train)


def test_the_loss_is_least_where_partners_agree_and_others_do_not() -> None:
    from whichface.detectors.training.pretrain import contrast

    apart = torch.eye(4)
    assert contrast(apart, apart, 0.1) < 1e-3
    assert contrast(apart, apart.roll(1, 0), 0.1) > 5
    alike = torch.ones(4, 4)
    assert contrast(alike, alike, 0.1) == pytest.approx(np.log(7), abs=1e-4)  # eight rows, not oneself


def test_half_of_a_batch_shows_the_faces_of_the_other_half(pack) -> None:
    config = _config(grey=0.0)
    asked: list[int] = []
    spied = SimpleNamespace(**{**vars(pack), "pixels": lambda row: asked.append(row) or pack.pixels(row)})
    first, second = _faces(spied, config).batch(np.random.default_rng(1))
    assert first.shape == second.shape == (4, 3, 64, 64)
    faces, chains = pack.sample[asked], pack.variant[asked]
    assert (faces[::2] == faces[1::2]).all() and (chains[::2] != chains[1::2]).all()


def test_only_what_may_be_used_is_looked_at(pack) -> None:
    used = np.arange(PICTURES) < 2
    faces = _faces(pack, _config(), used)
    assert {int(pack.sample[row]) for part in faces.faces for row in part} == {0, 1}
    alone = SimpleNamespace(**{**vars(pack), "sample": np.arange(len(pack.sample))})
    with pytest.raises(ValueError, match="two chains"):
        _faces(alone, _config(), np.ones(len(pack.sample), bool))


def test_it_goes_on_and_ends_in_a_file_that_a_training_begins_with(pack, tmp_path: Path) -> None:
    from whichface.detectors.training.network import FaceNetwork
    from whichface.detectors.training.network_import import stored_states
    from whichface.detectors.training.pretrain import pretrain

    config, out = _config(), tmp_path / "ssl.safetensors"
    faces = _faces(pack, config)
    steps = pretrain(faces, config, out, lambda text: None)
    assert steps > 0 and pretrain(faces, config, out, lambda text: None) == steps
    network = FaceNetwork(config.train.network)
    network.load_state_dict(stored_states(out, config.train.network)[0])


def test_chains_are_told_apart_after_a_few_steps(pack, tmp_path: Path) -> None:
    from whichface.detectors.training.pretrain import begin, step

    config = _config(learning_rate=1e-2)
    faces, run, losses = _faces(pack, config), begin(config, tmp_path / "none.pt"), []
    for number in range(40):
        before = run.loss
        step(run, faces, config, number / 40)
        losses.append((run.loss - 0.98 * before) / 0.02 if number else run.loss)
    assert np.mean(losses[-8:]) < np.mean(losses[:8])
