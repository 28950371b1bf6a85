"""Weights that a network starts from: matched by name or by order, refused when they are of another architecture."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from whichface.forensics.errors import WeightsError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")
BACKBONE = "test_byobnet"


def _network(backbone: str = BACKBONE):
    from whichface.detectors.training.network import FaceNetwork, NetworkConfig

    return FaceNetwork(NetworkConfig(backbone=backbone))


def _published(seed: int = 7) -> dict[str, object]:
    """The same architecture on three channels, as its publisher would give it."""
    from whichface.detectors.training.timm_import import import_timm

    torch.manual_seed(seed)
    return import_timm().create_model(BACKBONE).state_dict()


def _start(network, path: Path) -> int:
    from whichface.detectors.training.pretrained import start_from

    return start_from(network.backbone, path)


@pytest.mark.parametrize("renamed", [False, True])
def test_weights_are_taken_by_name_or_by_order(tmp_path: Path, renamed: bool) -> None:
    given = _published()
    stored = {f"layer_{i}" + ("" if v.ndim else ".num_batches_tracked"): v for i, v in enumerate(given.values())}
    torch.save(stored if renamed else given, tmp_path / "given.pth")
    network = _network()
    assert _start(network, tmp_path / "given.pth") > 10
    own = network.backbone.state_dict()
    first, *rest = [n for n in own if n.endswith("weight")]
    assert all(torch.equal(own[n], given[n]) for n in rest if n in given)
    assert torch.equal(own[first][:, :3], given[first])
    assert torch.allclose(own[first][:, 3:], 0.25 * given[first])


def test_safetensors_are_read_too(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({n: v.contiguous() for n, v in _published().items()}, tmp_path / "given.safetensors")
    assert _start(_network(), tmp_path / "given.safetensors") > 10


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    torch.save({f"layer_{i}": torch.zeros(3, 3) for i in range(20)}, tmp_path / "given.pth")
    with pytest.raises(WeightsError, match="another architecture"):
        _start(_network(), tmp_path / "given.pth")


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_a_file_that_cannot_be_read_is_said_in_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "given.pth"
    if content is None:
        torch.save([1, 2, 3], path)
    else:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"given\.pth"):
        _start(_network(), path)


def test_a_changed_look_keeps_the_range_and_differs() -> None:
    from whichface.detectors.training.classifier import changed_look

    crop = np.random.default_rng(0).uniform(0, 255, (64, 64, 3)).astype(np.float32)
    for seed in range(20):
        changed = changed_look(crop, np.random.default_rng(seed))
        assert changed.dtype == np.float32 and changed.shape == crop.shape
        assert changed.min() >= 0 and changed.max() <= 255
        assert not np.allclose(changed, crop)


def test_softness_takes_fine_detail_and_leaves_the_light() -> None:
    from whichface.detectors.training.classifier import softened

    crop = np.random.default_rng(0).uniform(0, 255, (64, 64, 3)).astype(np.float32)
    for seed in range(5):
        soft = softened(crop, np.random.default_rng(seed))
        assert soft.dtype == np.float32 and soft.shape == crop.shape
        assert soft.std() < 0.8 * crop.std() and abs(soft.mean() - crop.mean()) < 2


def test_a_veil_leaves_the_face_and_blurs_what_is_around_it() -> None:
    from whichface.detectors.training.classifier import behind_veil

    picture = np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)
    for seed in range(5):
        veiled = behind_veil(picture, np.random.default_rng(seed))
        assert np.array_equal(veiled[80:100, 70:90], picture[80:100, 70:90])
        assert veiled[:12].std() < 0.3 * picture[:12].std() and veiled[:, :12].std() < 0.3 * picture.std()


def test_pictures_of_which_only_the_face_counts_are_always_veiled(monkeypatch) -> None:
    from types import SimpleNamespace

    from whichface.detectors.training import classifier

    sizes = np.full(4, 160)
    pack = SimpleNamespace(sample=np.arange(4), scale=sizes, pixels=lambda row: np.full((160, 160, 3), row, np.uint8))
    seen: list[int] = []
    monkeypatch.setattr(classifier, "behind_veil", lambda pixels, rng: seen.append(int(pixels[0, 0, 0])) or pixels)
    config = classifier.TrainConfig(batch=64, crop=64)
    crops = classifier.Crops(pack, np.full(4, 0.25), config, frozenset({2}))  # type: ignore[arg-type]
    crops.batch(np.random.default_rng(0), np.array([True, False, True, False]))
    assert seen and set(seen) == {2}


def test_stages_and_a_hidden_layer_shape_the_network() -> None:
    from whichface.detectors.training.network import FaceNetwork, NetworkConfig

    network = FaceNetwork(NetworkConfig("tf_efficientnet_lite0", stages=5, hidden=32)).eval()
    assert network(torch.zeros(1, 3, 128, 128)).shape == (1, 1, 8, 8)
    assert sum(p.numel() for p in network.parameters()) < 800_000
