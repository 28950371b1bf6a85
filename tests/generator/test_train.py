"""Training on tiny networks: exact resume, what ends a run early, what is left behind, two modes found."""

from __future__ import annotations

import errno
import json
import signal
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from whichface.generator import checkpoint, run_folder, tensors
from whichface.generator.batches import Batch
from whichface.generator.data import open_source
from whichface.generator.distributed import World
from whichface.generator.errors import DataError, NetworkFileError, TrainingError
from whichface.generator.options import Wishes, resolve
from whichface.generator.stepper import Stepper
from whichface.generator.train import Run, Silent

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    for number in range(12):
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), pixels)
    return folder


def options(data, cfg="stylegan2-f", side=8, **fields):
    traditional = cfg in {"stylegan1-a", "stylegan1-b"}
    wishes = Wishes(
        cfg=cfg, batch=4, fmap_max=4, z_dim=4, mapping_layers=None if traditional else 1, phase_kimg=0.008
    )
    given = {"kimg": 0.032, "tick_kimg": 0.008, "snapshot_ticks": 2, "device": "cpu", "mirror": True}
    return resolve(wishes, str(data), side, 0, 1, **given | fields)


def start(folder, chosen, observer=None, **keywords):
    if not keywords.get("resume"):
        run_folder.create(folder, chosen)
    return Run(folder, chosen, open_source(chosen_path(chosen)), observer, **keywords)


def chosen_path(chosen):
    from pathlib import Path

    return Path(chosen.data)


def final(folder):
    return tensors.read(run_folder.last_state(folder))


@pytest.mark.parametrize("cfg", ["stylegan2-f", "stylegan1-f"])
def test_a_resumed_run_equals_an_unbroken_one(cfg, data, tmp_path):
    chosen = options(data, cfg, aug="ada", p=0.4, batch_gpu=2)
    assert start(tmp_path / "whole", chosen).train()
    assert start(tmp_path / "broken", replace(chosen, kimg=0.016)).train()
    start(tmp_path / "broken", chosen, resume=True).train()
    (one, first), (two, second) = final(tmp_path / "whole"), final(tmp_path / "broken")
    assert set(one) == set(two) and any(".exp_avg_sq" in name for name in one)
    assert all(torch.equal(one[name], two[name]) for name in one)
    for about in (first, second):
        about["progress"].pop("seconds")
    assert first == second and first["progress"]["images"] == 32
    lines = (tmp_path / "broken" / "stats.jsonl").read_text().splitlines()
    assert [json.loads(line)["tick"] for line in lines] == [1, 2, 3, 4]


def test_growing_shows_the_sizes_of_its_phases(data, tmp_path):
    sides = []
    chosen = options(data, "stylegan1-d", aug="none", kimg=0.024)
    run = start(tmp_path / "run", replace(chosen, schedule=replace(chosen.schedule, first=4)))
    step = run.stepper.step

    def noted(batch):
        sides.append(run.stepper.point().side)
        step(batch)

    run.stepper.step = noted
    run.train()
    assert sides == [4, 4, 4, 8, 8, 8]


def test_the_folder_holds_what_people_expect(data, tmp_path):
    start(tmp_path / "run", options(data, kimg=0.016)).train()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "training_options.json", "log.txt", "stats.jsonl", "reals.png", "fakes_init.png",
        "fakes000000.png", "network-snapshot-000000.safetensors", "training-state-000000.safetensors",
    }  # fmt: skip
    line = (tmp_path / "run" / "log.txt").read_text().splitlines()[-1]
    for word in ("tick", "kimg", "sec/kimg", "cpumem", "gpumem", "augment", "eta"):
        assert word in line
    generator, about = checkpoint.load_network(tmp_path / "run" / "network-snapshot-000000.safetensors")
    assert generator(torch.randn(1, 4)).shape == (1, 3, 8, 8) and about["kimg"] == 0.016


class Interrupts(Silent):
    """Presses Ctrl-C after the second step."""

    def moved(self, images, total):
        if images == 8:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_saves_and_the_run_goes_on(data, tmp_path):
    chosen = options(data, kimg=0.032)
    assert not start(tmp_path / "run", chosen, Interrupts()).train()
    assert final(tmp_path / "run")[1]["progress"]["images"] == 8
    assert start(tmp_path / "run", chosen, resume=True).train()
    assert final(tmp_path / "run")[1]["progress"]["images"] == 32


def test_a_loss_that_is_no_number_stops_with_the_last_snapshot_kept(data, tmp_path):
    run = start(tmp_path / "run", options(data, snapshot_ticks=1))

    class Breaks(Silent):
        def moved(self, images, total):
            if images == 16:
                with torch.no_grad():
                    next(run.stepper.generator.parameters()).fill_(float("nan"))

    run.observer = Breaks()
    with pytest.raises(TrainingError, match="no number any more; the snapshots before it are intact"):
        run.train()
    stored, about = final(tmp_path / "run")
    assert about["progress"]["images"] == 8 and all(t.isfinite().all() for t in stored.values())


def test_a_full_disk_stops_with_the_last_snapshot_kept(data, tmp_path, monkeypatch):
    run = start(tmp_path / "run", options(data, snapshot_ticks=1))
    write, count = tensors.write, []

    def full(path, *rest):
        count.append(path)
        if len(count) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, *rest)

    monkeypatch.setattr(tensors, "write", full)
    with pytest.raises(TrainingError, match=r"cannot be written: No space left on device.*--resume"):
        run.train()
    assert final(tmp_path / "run")[1]["progress"]["images"] == 8
    assert not list((tmp_path / "run").glob(".*part"))


def test_states_of_another_shape_are_refused(data, tmp_path):
    start(tmp_path / "run", options(data, kimg=0.008)).train()
    other = Stepper(options(data, side=16), CPU, World())
    with pytest.raises(NetworkFileError, match="differ at"):
        checkpoint.load_state(run_folder.last_state(tmp_path / "run"), other)
    (tmp_path / "run" / "training-state-000009.safetensors").write_bytes(b"nothing")
    with pytest.raises(NetworkFileError, match="cannot be read as safetensors"):
        checkpoint.load_state(run_folder.last_state(tmp_path / "run"), other)


def test_old_states_make_room_and_folders_are_numbered(tmp_path):
    assert run_folder.next_folder(tmp_path, "faces.zip", "auto").name == "00000-faces-auto"
    (tmp_path / "00004-x").mkdir()
    assert run_folder.next_folder(tmp_path, "a b", "auto").name == "00005-a_b-auto"
    for number in range(4):
        (tmp_path / f"training-state-00000{number}.safetensors").touch()
    run_folder.prune(tmp_path)
    assert [p.name[-13] for p in run_folder.states(tmp_path)] == ["2", "3"]
    with pytest.raises(TrainingError, match="no training run"):
        run_folder.read_options(tmp_path)


def test_accumulated_gradients_are_those_of_the_batch(data):
    torch.manual_seed(0)
    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    norms = []
    for size in (None, 1):
        chosen = options(data, batch_gpu=size)
        stepper = Stepper(chosen, CPU, World())
        stepper.discriminator.requires_grad_(True)
        for reals, _ in stepper._parts(images.float() / 127.5 - 1, None):
            loss = stepper.discriminator(reals[:1].expand(4, -1, -1, -1)).mean()
            loss.div(len(images) // (size or 4)).backward()
        norms.append(stepper.discriminator.out.bias.grad.clone())
    assert torch.allclose(norms[0], norms[1])


def test_two_modes_are_both_recovered():
    """Dark red and bright blue squares: the generator learns to draw both, and nothing between."""
    wishes = Wishes(cfg="auto", batch=8, fmap_max=8, z_dim=4, path_length=0.0, gamma=0.5, rate=0.01, ema_kimg=0.05)
    stepper = Stepper(resolve(wishes, "", 8, 0, 1), CPU, World())
    colours = torch.tensor([[140, 20, 20], [60, 130, 240]], dtype=torch.uint8)
    rng = torch.Generator().manual_seed(0)
    for _ in range(160):
        chosen = colours[torch.randint(2, (8,), generator=rng)]
        stepper.step(Batch(chosen[:, :, None, None].expand(-1, -1, 8, 8).contiguous(), None))
    with torch.no_grad():
        drawn = stepper.ema(torch.randn(64, 4, generator=rng)).mean((2, 3)) * 127.5 + 128
    distance = torch.cdist(drawn, colours.float())
    shares = [(distance.argmin(1) == k).float().mean().item() for k in range(2)]
    assert min(shares) > 0.15
    assert distance.amin(1).median() < 90


def test_half_a_line_of_statistics_does_not_block_resuming(tmp_path):
    lines = ['{"images": 8, "tick": 1}', '{"images": 16, "tick": 2}', '{"images": 24, "ti']
    (tmp_path / "stats.jsonl").write_text("\n".join(lines))
    run_folder.rewind(tmp_path, 8)
    assert (tmp_path / "stats.jsonl").read_text() == lines[0] + "\n"


def test_statistics_that_cannot_be_rewritten_are_told(tmp_path):
    (tmp_path / "stats.jsonl").mkdir()
    with pytest.raises(TrainingError, match=r"stats.jsonl cannot be rewritten"):
        run_folder.rewind(tmp_path, 8)


def test_an_unreadable_picture_ends_with_a_state_that_goes_on_exactly(data, tmp_path):
    chosen = options(data, aug="ada", p=0.4, tick_kimg=0.016)
    start(tmp_path / "whole", chosen).train()
    run = start(tmp_path / "broken", chosen)
    bad, load = run.loader.numbers([9])[0][0], run.source.load

    def damaged(number):
        if number == bad and run.stepper.progress.images:
            raise DataError("9.png is no picture that can be decoded.")
        return load(number)

    run.source.load = damaged
    with pytest.raises(DataError, match=r"9\.png"):
        run.train()
    assert final(tmp_path / "broken")[1]["progress"]["images"] == 8
    assert start(tmp_path / "broken", chosen, resume=True).train()
    (one, _), (two, about) = final(tmp_path / "whole"), final(tmp_path / "broken")
    assert all(torch.equal(one[name], two[name]) for name in one) and about["progress"]["tick"] == 2
    lines = (tmp_path / "broken" / "stats.jsonl").read_text().splitlines()
    assert [json.loads(line)["tick"] for line in lines] == [1, 2]


def test_a_mapping_network_without_layers_learns(data):
    chosen = resolve(Wishes(batch=4, fmap_max=4, z_dim=4, mapping_layers=0), "", 8, 0, 1)
    stepper = Stepper(chosen, CPU, World())
    stepper.step(Batch(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), None))
    assert chosen.path_length and checkpoint.finite(stepper) and stepper.stats.sums["path_length"]
