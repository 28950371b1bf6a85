"""The reconstructing network: shapes, a bottleneck that is given back, runs that go on, pairs as a corpus."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tests.photographs import photograph  # noqa: E402
from whichface.detectors.dataset import read_corpus  # noqa: E402
from whichface.forensics.photo import open_photo  # noqa: E402
from whichface.generator.data import open_source  # noqa: E402
from whichface.generator.errors import DataError, NetworkFileError  # noqa: E402
from whichface.generator.images import save_png  # noqa: E402
from whichface.generator.reconstruct.network import ReconstructConfig, Reconstructor  # noqa: E402
from whichface.generator.reconstruct.pairs import reconstructed, write_pairs  # noqa: E402
from whichface.generator.reconstruct.training import STATE, Reconstruction  # noqa: E402

CPU = torch.device("cpu")
SMALL = ReconstructConfig(resolution=32, factor=4, fmap_base=128, fmap_max=16, w_dim=8, crop=16, batch=4)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six squares of 32 px whose spectra fall as those of photographs do."""
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(6):
        save_png(folder / f"{number}.png", photograph(32, number))
    return folder


@pytest.mark.parametrize(("side", "factor"), [(32, 2), (32, 4), (64, 8)])
def test_a_small_picture_becomes_one_of_full_size(side: int, factor: int) -> None:
    config = replace(SMALL, resolution=side, factor=factor, crop=side)
    network = Reconstructor(config)
    assert len(network.blocks) == factor.bit_length() - 1
    for low in (side // factor, 2 * side // factor):  # squares and whole pictures take one network
        assert network(torch.zeros(2, 3, low, low)).shape == (2, 3, low * factor, low * factor)


@pytest.mark.parametrize("wrong", [{"factor": 3}, {"crop": 64}, {"crop": 8}, {"resolution": 48}])
def test_sizes_that_do_not_fit_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        replace(SMALL, **wrong)


def test_training_learns_to_give_the_bottleneck_back(photographs: Path, tmp_path: Path) -> None:
    run = Reconstruction(open_source(photographs), tmp_path, SMALL, CPU)
    losses = [run.step() for _ in range(60)]
    first, last = (np.mean([step["likeness"] for step in part]) for part in (losses[:5], losses[-5:]))
    assert last < first
    assert losses[-1]["consistency"] < 0.2


def test_a_run_that_was_stopped_goes_on_as_it_would_have_gone(photographs: Path, tmp_path: Path) -> None:
    source = open_source(photographs)
    whole = Reconstruction(source, tmp_path / "whole", SMALL, CPU)
    for _ in range(5):
        whole.step()
    part = Reconstruction(source, tmp_path / "part", SMALL, CPU)
    part.path.parent.mkdir()
    for _ in range(3):
        part.step()
    part.save()
    again = Reconstruction(source, tmp_path / "part", SMALL, CPU)
    for _ in range(2):
        again.step()
    for mine, theirs in zip(again.average.state_dict().values(), whole.average.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)
    with pytest.raises(NetworkFileError, match="other settings"):
        Reconstruction(source, tmp_path / "part", replace(SMALL, rate=0.01), CPU)
    with pytest.raises(DataError, match="of 32 px, not of 64"):
        Reconstruction(source, tmp_path, replace(SMALL, resolution=64), CPU)


def test_time_is_counted_over_all_calls(photographs: Path, tmp_path: Path) -> None:
    run = Reconstruction(open_source(photographs), tmp_path, SMALL, CPU)
    assert run.train(0.002, lambda text: None)
    assert run.steps and (tmp_path / STATE).is_file()
    steps = run.steps
    assert Reconstruction(open_source(photographs), tmp_path, SMALL, CPU).train(0.002, lambda text: None)
    assert Reconstruction(open_source(photographs), tmp_path, SMALL, CPU).steps == steps


def test_pairs_are_a_corpus_of_one_size_codec_and_sharpness(photographs: Path, tmp_path: Path) -> None:
    source = open_source(photographs)
    assert write_pairs(Reconstructor(SMALL), source, tmp_path, SMALL, 75, lambda number, name: None) == 6
    samples = read_corpus(tmp_path)
    assert sum(s.fake for s in samples) == 6 and len({s.group for s in samples}) == 6
    splits = {}
    for sample in samples:
        assert splits.setdefault(sample.group, sample.split) == sample.split
    qualities = {open_photo(s.path).source.jpeg_quality for s in samples}
    assert qualities == {75}
    with (tmp_path / "manifest.csv").open(newline="") as file:
        assert {row["generator"] for row in csv.DictReader(file)} == {"", "stylegan2-reconstruction"}
    pixels = source.load(0)
    made, again = (reconstructed(Reconstructor(SMALL).eval(), pixels, SMALL, 0) for _ in range(2))
    assert made.shape == pixels.shape and not np.array_equal(made, again)  # other weights
    detail = [np.abs(np.diff(x.astype(float).mean(2), axis=0)).mean() for x in (made, pixels)]
    assert detail[0] == pytest.approx(detail[1], rel=0.35)


def test_noise_follows_from_seed_and_number(photographs: Path) -> None:
    network, pixels = Reconstructor(SMALL), open_source(photographs).load(1)
    for layer in [layer for block in network.blocks for layer in block.layers]:
        torch.nn.init.constant_(layer.strength, 0.5)
    one, two, other = (reconstructed(network, pixels, SMALL, number) for number in (1, 1, 2))
    assert np.array_equal(one, two) and not np.array_equal(one, other)
