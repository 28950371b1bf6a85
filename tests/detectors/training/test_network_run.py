"""A run of the network: killed and resumed it is the run that was never stopped; early stopping; what it refuses."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs the extra `train`")
PICTURES, SCALE = 8, 160


class Watcher:
    """An observer that notes what it is told, and acts after a number of steps."""

    def __init__(self, at: int = 0, act=None) -> None:
        self.lines, self.steps, self.at, self.act = [], 0, at, act

    def told(self, text: str) -> None:
        self.lines.append(text)

    warned = told

    def moved(self, stage: str, done: float, total: float, note: str = "") -> None:
        self.steps += 1
        if self.act and self.steps == self.at:
            self.act()

    def measured(self, step: int, values: dict[str, float]) -> None:
        pass


class KilledError(Exception):
    """As sudden as SIGKILL, but the test goes on."""


def _killed() -> None:
    raise KilledError


def _pack(variants: int) -> SimpleNamespace:
    """Faces of one scale; those of odd pictures have a coarse pattern."""
    sample = np.repeat(np.arange(PICTURES), variants)
    scale = np.full(len(sample), SCALE)

    def pixels(row: int) -> np.ndarray:
        rng = np.random.default_rng(row)
        stripes = 40 * (np.arange(SCALE) // 4 % 2) * (sample[row] % 2)
        return (rng.integers(60, 120, (SCALE, SCALE, 3)) + stripes[:, None]).astype(np.uint8)

    return SimpleNamespace(sample=sample, scale=scale, variant=np.tile(np.arange(variants), PICTURES), pixels=pixels)


@pytest.fixture(scope="module")
def data():
    from whichface.detectors.training.network_steps import Grid, RunData
    from whichface.detectors.training.robust_grid import GRID

    fake = np.arange(PICTURES) % 2 == 1
    weights = tuple(np.where(np.arange(PICTURES) % 4 // 2 == k, 0.0, 0.25) for k in range(2))
    return RunData(_pack(2), fake, weights, Grid(_pack(len(GRID)), fake, np.arange(PICTURES)))


def _config(**changes):
    from whichface.detectors.training.classifier import TrainConfig
    from whichface.detectors.training.network import NetworkConfig
    from whichface.detectors.training.network_steps import NetworkRunConfig

    train = TrainConfig(batch=4, crop=64, network=NetworkConfig(backbone="test_byobnet"))
    return replace(NetworkRunConfig(train=train, epochs=8.0, patience=0, device="cpu"), **changes)


def _run(folder: Path, data, observer=None, **changes):
    from whichface.detectors.training.network_run import NetworkRun

    return NetworkRun(folder, data, _config(**changes), observer or Watcher())


def _weights(folder: Path) -> list[np.ndarray]:
    state = torch.load(folder / "state.pt", weights_only=True)
    return [v.numpy() for fold in state["folds"] for v in fold["average"].values()]


@pytest.fixture(scope="module")
def unbroken(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, _run(folder, data).train()


def _same(folder: Path, other: Path) -> bool:
    pairs = zip(_weights(folder), _weights(other), strict=True)
    logs = [[json.loads(line) | {"minutes": 0} for line in (f / "log.jsonl").open()] for f in (folder, other)]
    return all(np.array_equal(a, b) for a, b in pairs) and logs[0] == logs[1]


@pytest.mark.parametrize("save_seconds", [0.0, 1000.0])
def test_killed_and_resumed_is_the_unbroken_run(data, unbroken, tmp_path: Path, save_seconds: float) -> None:
    folder, _ = unbroken
    with pytest.raises(KilledError):
        _run(tmp_path, data, Watcher(5, _killed), save_seconds=save_seconds).train()
    assert (tmp_path / "state.pt").exists() == (save_seconds == 0)
    with pytest.raises(KilledError):
        _run(tmp_path, data, Watcher(3, _killed), save_seconds=save_seconds).train()
    _run(tmp_path, data).train()
    assert _same(tmp_path, folder)


def test_ctrl_c_saves_and_the_run_goes_on(data, unbroken, tmp_path: Path) -> None:
    folder, _ = unbroken
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, data, Watcher(4, lambda: os.kill(os.getpid(), signal.SIGINT))).train()
    run = _run(tmp_path, data)
    assert run.at.step == 4 and not run.finished
    run.train()
    assert _same(tmp_path, folder)


def test_a_finished_run_is_not_trained_again(data, unbroken) -> None:
    folder, _ = unbroken
    watcher = Watcher()
    assert _run(folder, data, watcher).train() == folder and watcher.steps == 0


def test_a_longer_length_goes_on(data, unbroken, tmp_path: Path) -> None:
    run = _run(tmp_path, data, epochs=2.0)
    run.train()
    longer = _run(tmp_path, data, epochs=4.0)
    assert longer.at.step == run.at.step and not longer.finished
    longer.train()
    assert longer.at.step == 2 * run.at.step


def test_a_longer_run_is_validated_on_its_way(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from whichface.detectors.training import network_run

    monkeypatch.setattr(network_run, "grid_figures", lambda *_: {"as stored": 0.5})
    _run(tmp_path, data, epochs=20.0).train()
    longer = _run(tmp_path, data, epochs=40.0)
    before = longer.at.checked
    longer.train()
    assert longer.at.checked - before == network_run.CHECKS // 2


@pytest.mark.parametrize(("checking", "due"), [(0.0, True), (5.9, True), (7.0, False)])
def test_validations_take_a_fifth_of_a_timed_run(data, tmp_path: Path, checking: float, due: bool) -> None:
    run = _run(tmp_path, data, epochs=None)  # an hour by default
    run.at.spent, run.at.checking = 200.0, checking * 200 / 30
    assert run._due(0.04) is due
    run.at.spent = 3600.0
    assert run._due(0.99)


def test_a_log_that_was_cut_off_is_gone_on_with(data, tmp_path: Path) -> None:
    run = _run(tmp_path, data, epochs=2.0)
    run.train()
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 1, "min')
    assert _run(tmp_path, data, epochs=2.0).at.step == run.at.step
    assert all(json.loads(line) for line in (tmp_path / "log.jsonl").open())


def test_early_stopping_keeps_the_best(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from whichface.detectors.training import network_run

    figures = iter([0.6, 0.8, 0.7, 0.75, 0.9])
    monkeypatch.setattr(network_run, "grid_figures", lambda *_: {"as stored": next(figures)})
    watcher = Watcher()
    run = _run(tmp_path, data, watcher, patience=2, epochs=80.0)
    assert run.train() == tmp_path / "best"
    assert (run.at.checked, run.at.best_check, run.at.best) == (4, 2, 0.8)
    assert "No gain in 2 validations" in watcher.lines[-1]
    from whichface.detectors.training.network_export import load_networks

    assert len(load_networks([tmp_path / "best"])) == 2
    assert _run(tmp_path, data, patience=2, epochs=80.0).finished
    assert not _run(tmp_path, data, patience=3, epochs=80.0).finished


def test_the_grid_is_looked_at_condition_by_condition(data) -> None:
    from whichface.detectors.training.classifier import Trainer
    from whichface.detectors.training.network_run import STOPPING, grid_figures

    trainer = Trainer(_config().train, 0, torch.device("cpu"), "off")
    found = grid_figures([trainer.average], data.grid)
    assert set(found) == set(STOPPING) and all(0 <= value <= 1 for value in found.values())


def test_bf16_trains_too(data, tmp_path: Path) -> None:
    run = _run(tmp_path, data, amp="bf16", epochs=1.0)
    run.train()
    assert all(np.isfinite(values).all() for values in _weights(tmp_path))


@pytest.mark.parametrize(
    ("wish", "amp", "message"), [("cuda", "off", "torch finds no GPU"), ("cpu", "fp16", "fp16 needs a GPU")]
)
def test_what_the_machine_cannot_do_is_refused(wish: str, amp: str, message: str) -> None:
    from whichface.detectors.training.network_steps import pick_device
    from whichface.detectors.training.observer import InputError

    if wish == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match=message):
        pick_device(wish, amp)


def test_a_loss_that_is_no_number_ends_the_run(data, tmp_path: Path) -> None:
    from whichface.detectors.training.observer import TrainingStoppedError

    run = _run(tmp_path, data)
    with torch.no_grad():
        run.trainers[0].network.head.bias.fill_(float("nan"))
    with pytest.raises(TrainingStoppedError, match="The loss is no number at step 0"):
        run.train()


def test_networks_are_written_and_begun_with(data, tmp_path: Path) -> None:
    from whichface.detectors.training.network_import import write_networks
    from whichface.forensics.errors import WeightsError

    first = _run(tmp_path / "a", data)
    write_networks([t.average for t in first.trainers], tmp_path / "networks.safetensors")
    init = str(tmp_path / "networks.safetensors")
    second = _run(tmp_path / "b", data, init=init)
    for mine, theirs in zip(first.trainers, second.trainers, strict=True):
        assert torch.equal(mine.average.head.weight, theirs.network.head.weight)
    other = replace(_config().train, network=replace(_config().train.network, backbone="test_vit"))
    with pytest.raises(WeightsError, match="another shape than --arch asks for"):
        _run(tmp_path / "c", data, init=init, train=other)


def test_folds_in_runs_of_their_own_are_those_side_by_side(data, unbroken, tmp_path: Path) -> None:
    from whichface.detectors.training.network_export import load_networks

    for fold in range(2):
        alone = replace(data, weights=(data.weights[fold],), folds=(fold,), grid=None)
        watcher = Watcher()
        assert _run(tmp_path / str(fold), alone, watcher).train() == tmp_path / str(fold)
        assert watcher.lines and "AUC" not in " ".join(watcher.lines)
    together = load_networks([unbroken[0]])
    for mine, theirs in zip(load_networks([tmp_path / "1", tmp_path / "0"]), together, strict=True):
        assert torch.equal(mine.head.weight, theirs.head.weight)


def test_a_run_may_go_on_from_the_shipped_networks(data, tmp_path: Path) -> None:
    """The averaged networks give what the shipped file gives."""
    import onnxruntime

    from whichface.detectors.classifier import model_directory
    from whichface.detectors.training.network import Ensemble, NetworkConfig

    folder = model_directory()
    shape = NetworkConfig(**json.loads((folder / "card.json").read_text())["network"]["network"])
    run = _run(tmp_path, data, init=str(folder / "network.onnx"), train=replace(_config().train, network=shape))
    pixels = torch.from_numpy(data.pack.pixels(1)).permute(2, 0, 1)[None].float()
    wanted = onnxruntime.InferenceSession(folder / "network.onnx").run(None, {"pixels": pixels.numpy()})[0][0]
    with torch.no_grad():
        found = Ensemble([trainer.average for trainer in run.trainers])(pixels)[0][0].tolist()
    assert found == pytest.approx(wanted[: len(found)].tolist(), abs=1e-3)
    begun = run.trainers[0].network.head.weight.clone()
    run.train()
    assert not torch.equal(begun, run.trainers[0].network.head.weight)
