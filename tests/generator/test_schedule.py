"""Growing, learning rates and minibatches as published."""

from __future__ import annotations

import pytest

from whichface.generator.costs import relative_cost, seconds_left
from whichface.generator.networks.config import NetworkConfig
from whichface.generator.options import Wishes, from_dict, resolve
from whichface.generator.schedule import ScheduleConfig, at, published_batch

GROWING = ScheduleConfig(resolution=1024, growing=True, batch=None)


@pytest.mark.parametrize(
    ("kimg", "lod", "side", "rate", "batch"),
    [
        (0, 7.0, 8, 0.001, 128),
        (600, 7.0, 8, 0.001, 128),
        (900, 6.5, 16, 0.001, 128),
        (1200, 6.0, 16, 0.001, 128),
        (6000, 2.0, 256, 0.002, 8),
        (8399, 0.0017, 1024, 0.003, 4),
        (25000, 0.0, 1024, 0.003, 4),
    ],
)
def test_published_schedule(kimg, lod, side, rate, batch):
    point = at(kimg * 1000, GROWING)
    assert point.lod == pytest.approx(lod, abs=1e-3)
    assert (point.side, point.rate, point.batch) == (side, rate, batch)


@pytest.mark.parametrize(
    ("processes", "batches"), [(1, [128, 32, 4]), (8, [256, 32, 32]), (3, [129, 33, 12])]
)
def test_minibatches_of_several_gpus(processes, batches):
    assert [published_batch(side, processes) for side in (8, 64, 1024)] == batches


def test_moments_begin_anew_when_layers_join_or_settle():
    stable, fading, later = (at(k * 1000, GROWING) for k in (500, 700, 1000))
    assert not stable.same_phase(fading)
    assert fading.same_phase(later)


def test_without_growing_everything_is_constant():
    config = ScheduleConfig(resolution=64, rate=0.0025, batch=16)
    assert at(0, config) == at(10**7, config)


def test_the_time_left_counts_what_larger_sizes_cost():
    network = NetworkConfig(version=1, resolution=64, fmap_max=32)
    growing = ScheduleConfig(resolution=64, growing=True, stable_kimg=10, fade_kimg=10)
    constant = ScheduleConfig(resolution=64)
    assert relative_cost(network, 64) > 3 * relative_cost(network, 32)
    assert seconds_left(network, constant, 50_000, 100_000, 0.01) == pytest.approx(500)
    assert seconds_left(network, growing, 0, 100_000, 0.01) > 5000


def test_options_resolve_and_come_back():
    chosen = resolve(Wishes(cfg="auto"), "d", 64, 0, 1, aug="ada")
    assert chosen.schedule.batch == 32 and chosen.network.fmap_base == 8192
    assert chosen.gamma == pytest.approx(0.0002 * 64**2 / 32)
    assert from_dict(chosen.to_dict()) == chosen
    published = resolve(Wishes(cfg="stylegan2-e"), "d", 256, 0, 1)
    assert (published.gamma, published.r1_every, published.path_length) == (100.0, 16, 2.0)


@pytest.mark.parametrize("wishes", [Wishes(cfg="stylegan9"), Wishes(batch=7)])
def test_impossible_wishes_are_refused(wishes):
    with pytest.raises(ValueError, match=r"expected|shared evenly"):
        resolve(wishes, "d", 64, 0, 2)
