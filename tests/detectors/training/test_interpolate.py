"""Networks between two runs: weights in between, statistics taken anew, a folder that scoring can read."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from whichface.detectors.dataset import Sample

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")


def test_weights_lie_between_and_counters_are_the_later_ones() -> None:
    from whichface.detectors.training.interpolate import between

    start = {"weight": torch.zeros(2), "count": torch.tensor(3)}
    end = {"weight": torch.ones(2), "count": torch.tensor(7)}
    found = between(start, end, 0.25)
    assert found["weight"].tolist() == [0.25, 0.25] and int(found["count"]) == 7
    with pytest.raises(ValueError, match="different networks"):
        between(start, {"weight": torch.ones(3), "count": torch.tensor(7)}, 0.25)


def _material():
    from whichface.detectors.training.face_networks import Material

    sets = [("sgx-256", True), ("wild-lfw", False), ("sg1-ffhq-256", True), ("sg1-ffhq-256", False)]
    samples = [Sample(Path("x"), fake, name, "g", "train", f"{name}{fake}{i}", "", None)
               for name, fake in sets for i in range(6)]  # fmt: skip
    rng = np.random.default_rng(0)
    faces = rng.integers(60, 190, (len(samples), 160, 160, 3), np.uint8)
    pack = SimpleNamespace(sample=np.arange(len(samples)), scale=np.full(len(samples), 160),
                           variant=np.zeros(len(samples)), pixels=lambda row: faces[row])  # fmt: skip
    return Material(samples, pack, len(samples))  # type: ignore[arg-type]


def test_a_folder_is_written_that_scoring_reads(tmp_path: Path) -> None:
    from whichface.detectors.training import face_networks, interpolate
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.network import NetworkConfig
    from whichface.detectors.training.network_export import described, load_networks
    from whichface.detectors.training.network_steps import NetworkRunConfig

    material = _material()
    for seed, name in enumerate(("start", "end")):
        train = TrainConfig(batch=4, crop=64, seed=seed, network=NetworkConfig(backbone="test_byobnet"))
        config = NetworkRunConfig(train=train, epochs=0.5, patience=0, device="cpu")
        face_networks.run(material, tmp_path / name, 0, config)
    interpolate.run(material, tmp_path / "start", tmp_path / "end", 1.0, tmp_path / "same", 0.6)
    interpolate.run(material, tmp_path / "start", tmp_path / "end", 0.5, tmp_path / "between", 0.6)
    end, same, middle = (load_networks([tmp_path / name])[0] for name in ("end", "same", "between"))
    assert all(torch.equal(a, b) for a, b in zip(end.parameters(), same.parameters(), strict=True))
    statistics = [name for name in end.state_dict() if name.endswith("running_mean")]
    assert any(not torch.equal(end.state_dict()[name], same.state_dict()[name]) for name in statistics)
    assert all(torch.isfinite(value).all() for value in middle.state_dict().values())
    assert described([tmp_path / "between"])["share"] == 0.5


def test_runs_of_two_folds_are_refused(tmp_path: Path) -> None:
    from whichface.detectors.training.interpolate import run

    for name, number in (("start", 0), ("end", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text('{"network": {}}')
        torch.save({"numbers": [number], "folds": [{"average": {}, "steps": 1}]}, tmp_path / name / "state.pt")
    with pytest.raises(ValueError, match="not 1 alone"):
        run(_material(), tmp_path / "start", tmp_path / "end", 0.5, tmp_path / "out", 0.6)
