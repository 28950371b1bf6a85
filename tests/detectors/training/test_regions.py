"""Training of the parsing network: sets of classes, counting, changes of a picture, the ONNX twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch")

from whichface.detectors.training import regions as training  # noqa: E402
from whichface.detectors.training.regions_augment import (  # noqa: E402
    AugmentConfig,
    borrow,
    example,
    filled,
    halved,
    mirrored,
    mirrored_outlines,
    pools_of,
    wear_glasses,
)
from whichface.detectors.training.regions_data import (  # noqa: E402
    CACHE,
    FLESH,
    IGNORE,
    NOT_HAIR,
    OUTSIDE,
    WHOLE_MOUTH,
    RegionCache,
    count,
    guessed_frame,
    members,
    overlap,
    without_doubt,
)
from whichface.detectors.training.regions_net import RegionNet  # noqa: E402
from whichface.forensics.records import Region  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def cache(make_face) -> RegionCache:
    """Three drawn heads: two with every class, one of hair only and without a face."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:CACHE, :CACHE] / CACHE - 0.5
    round_ = np.hypot(rows, columns)
    masks = np.full((3, CACHE, CACHE), Region.BACKGROUND, np.uint8)
    masks[:2][:, round_ < 0.42] = Region.HAIR
    masks[:2][:, round_ < 0.3] = Region.SKIN
    masks[2] = np.where(round_ < 0.3, Region.HAIR, NOT_HAIR)
    colours = rng.integers(0, 256, (256, 3))
    points = make_face(((CACHE - 1) / 2,) * 2, CACHE / 1.3).landmarks
    everything = np.stack([points, points, np.full_like(points, np.nan)])
    sources = np.array(["celebamask_1000", "celebamask_1000", "figaro1k"])
    return RegionCache(colours[masks].astype(np.uint8), masks, everything, sources)


def test_sets_of_classes() -> None:
    table = members()
    assert table[: len(Region)].sum() == len(Region)
    assert table[NOT_HAIR].sum() == len(Region) - 1
    assert not table[NOT_HAIR, Region.HAIR]
    assert list(np.nonzero(table[WHOLE_MOUTH])[0]) == [10, 11, 12]
    assert list(np.nonzero(table[FLESH])[0]) == [1, 3, 8, 9, 17]
    assert table[OUTSIDE, Region.BACKGROUND]
    assert not table[OUTSIDE, [Region.HAIR, Region.SKIN, Region.NOSE]].any()
    assert not table[[19, 100, 204, IGNORE]].any()


def test_the_loss_by_hand() -> None:
    logits = torch.randn(1, len(Region), 1, 4)
    target = torch.tensor([[[Region.SKIN, WHOLE_MOUTH, NOT_HAIR, IGNORE]]])
    weights = torch.ones(256)
    weights[Region.SKIN], weights[WHOLE_MOUTH], weights[IGNORE] = 2.0, 3.0, 0.0
    shares = torch.softmax(logits[0, :, 0], 0)
    parts = (shares[1, 0], shares[[10, 11, 12], 1].sum(), 1 - shares[Region.HAIR, 2])
    expected = -(2 * parts[0].log() + 3 * parts[1].log() + parts[2].log()) / 6
    loss = training.partial_loss(logits, target, training.log_members(), weights)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_a_set_teaches_its_members_and_nothing_teaches_what_is_ignored() -> None:
    logits = torch.zeros(1, len(Region), 1, 2, requires_grad=True)
    target = torch.tensor([[[WHOLE_MOUTH, IGNORE]]])
    tables = training.log_members(), training.code_weights()
    training.partial_loss(logits, target, *tables).backward()
    assert logits.grad is not None
    taught = logits.grad[0, :, 0]
    assert (taught[[10, 11, 12], 0] < 0).all()
    assert (taught[[0, 1, 13], 0] > 0).all()
    assert not taught[:, 1].any()


def test_weights_of_codes() -> None:
    weights = training.code_weights()
    assert weights[IGNORE] == weights[100] == 0
    assert weights[Region.SKIN] == weights[NOT_HAIR] == 1
    assert weights[Region.EARRING] == 2.5


def test_counting_by_hand() -> None:
    codes = np.array([1, 1, 13, NOT_HAIR, NOT_HAIR, IGNORE], np.uint8)
    labels = np.array([1, 13, 13, 13, 0, 13], np.uint8)
    counts = count(labels, codes, members())
    assert list(counts[Region.SKIN]) == [1, 0, 1]
    assert list(counts[Region.HAIR]) == [1, 2, 0]
    assert counts[Region.BACKGROUND].sum() == 0
    each = overlap(counts)
    assert each[Region.SKIN] == 0.5
    assert each[Region.HAIR] == pytest.approx(1 / 3)
    assert np.isnan(each[Region.HAT])


def test_mirrored_codes_change_sides() -> None:
    codes = np.array([[4, 6, 8, 13, 201]], np.uint8)
    assert mirrored(codes).tolist() == [[201, 13, 9, 7, 5]]
    assert np.array_equal(mirrored(mirrored(codes)), codes)
    prior = np.random.default_rng(0).random((8, 4, 4)).astype(np.float32)
    assert np.array_equal(mirrored_outlines(prior)[2], prior[3, :, ::-1])
    assert np.array_equal(mirrored_outlines(mirrored_outlines(prior)), prior)


def test_half_the_size_keeps_pixel_centres() -> None:
    matrix = np.array([[0.8, 0.1, 5.0], [-0.1, 0.8, 9.0]])
    point = np.array([31.0, 17.0, 1.0])
    assert (matrix @ point + 0.5) / 2 - 0.5 == pytest.approx(halved(matrix) @ point)


@pytest.mark.parametrize("index", [0, 2])
def test_an_example(cache: RegionCache, index: int) -> None:
    pools = pools_of(cache)
    assert list(pools.whole) == [0, 1]
    config = AugmentConfig(outline_loss=0.0)
    for seed in range(8):
        made, again = (
            example(cache, index, pools, 96, np.random.default_rng(seed), config)
            for _ in range(2)
        )
        assert made.crop.shape == (96, 96, 3)
        assert made.crop.dtype == made.target.dtype == np.uint8
        assert made.prior.shape == (8, 48, 48)
        assert made.target.shape == (48, 48)
        assert set(np.unique(made.target)) <= {0, 1, 3, 13, NOT_HAIR, IGNORE}
        assert np.array_equal(made.crop, again.crop)
        assert np.array_equal(made.target, again.target)
    assert bool(made.prior.any()) == (index == 0)


def test_drawn_glasses_are_labelled_about_the_eyes(cache: RegionCache) -> None:
    crop, codes = cache.crops[0], cache.masks[0, ::2, ::2]
    points = cache.points[0].astype(np.float64)
    out, labels = wear_glasses(crop, codes, points, np.random.default_rng(3))
    where = labels == Region.GLASSES
    assert 0.01 < where.mean() < 0.2
    assert np.array_equal(labels[~where], codes[~where])
    changed = (out != crop).any(-1)
    assert changed.any()
    assert not changed[: CACHE // 4].any()


def test_a_borrowed_hat_comes_with_what_is_above_it(cache: RegionCache) -> None:
    crop, codes = cache.crops[0], cache.masks[0, ::2, ::2]
    other, others = np.full_like(crop, 7), np.zeros_like(codes)
    others[40:60, 60:100] = Region.HAT
    out, labels = borrow(crop, codes, other, others, Region.HAT)
    assert (labels[40:60, 60:100] == Region.HAT).all()
    assert (labels[:40, 60:100] == Region.BACKGROUND).all()
    assert np.array_equal(labels[60:], codes[60:])
    assert (out[90:110, 130:190] == 7).all()
    assert np.array_equal(out[140:], crop[140:])
    _, labels = borrow(crop, codes, other, others, Region.EARRING)
    assert np.array_equal(labels, codes)


def test_a_background_without_its_person(cache: RegionCache) -> None:
    out = filled(cache.crops[0], cache.masks[0])
    assert out.shape == cache.crops[0].shape
    assert np.abs(out.astype(int) - cache.crops[0, 0, 0].astype(int)).max() <= 2


def test_doubtful_hair_is_ignored(make_face) -> None:
    mask = np.full((300, 300), NOT_HAIR, np.uint8)
    mask[20:80, 60:240] = Region.HAIR
    mask[180:230, 110:190] = Region.HAIR
    points = make_face((150.0, 150.0), 250.0).landmarks.astype(np.float64)
    sure = without_doubt(mask, points)
    assert sure[50, 150] == Region.HAIR
    assert sure[20, 150] == IGNORE
    assert sure[205, 150] == IGNORE, "a beard"
    assert without_doubt(mask, None)[205, 150] == Region.HAIR
    assert sure[280, 20] == NOT_HAIR


def test_a_guessed_square_lies_about_the_hair() -> None:
    mask = np.full((300, 300), NOT_HAIR, np.uint8)
    assert guessed_frame(mask) is None
    mask[50:150, 100:200] = Region.HAIR
    frame = guessed_frame(mask)
    assert frame is not None
    assert frame.centre == pytest.approx([149.5, 99.5], abs=1)
    assert 100 < frame.side < 140


def test_rare_parts_are_drawn_more_often(cache: RegionCache) -> None:
    cache.masks[1, :20, :20] = Region.HAT
    chances = training.chances(cache)
    assert chances.sum() == pytest.approx(1)
    assert chances[1] == pytest.approx(3 * chances[0])


def test_the_rate_rises_and_falls() -> None:
    config = training.RegionsTraining()
    rates = [training.rate_at(share, config) for share in (0, 0.02, 0.5, 1.0)]
    assert rates[0] < rates[1] <= config.rate
    assert rates[1] > rates[2] > rates[3] == pytest.approx(0.01 * config.rate)


def test_one_step_and_resuming(cache: RegionCache, tmp_path: Path) -> None:
    config = training.RegionsTraining(batch=2)
    draw = training.chances(cache), pools_of(cache)
    state = training.begin(tmp_path, config)
    before = state.net.head.weight.detach().clone()
    batch = training.batch_of(cache, draw, 64, np.random.default_rng(0), config)
    tables = training.log_members(), training.code_weights()
    training.learn(state, batch, tables, 1e-3)
    state.follow(config.ema)
    assert not torch.equal(before, state.net.head.weight)
    assert state.loss > 0
    state.spent = 60.0
    training.review(state, [training.plain_square(cache, 0)], tmp_path)
    assert not list(tmp_path.glob("*.part"))
    assert (tmp_path / "regions.onnx").exists()
    again = training.begin(tmp_path, config)
    assert (again.step, again.spent, again.best) == (1, 60.0, state.best)
    for name, value in state.net.state_dict().items():
        assert torch.equal(again.net.state_dict()[name], value), name


def test_the_onnx_twin_agrees(tmp_path: Path) -> None:
    from whichface.detectors.training.regions_export import export

    net = RegionNet().eval()
    crop, prior = torch.rand(1, 3, 256, 256) * 255, torch.rand(1, 8, 128, 128)
    export(net, tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").stat().st_size <= 4_000_000
    (shares,) = ort.InferenceSession(tmp_path / "net.onnx").run(
        None, {"crop": crop.numpy(), "outlines": prior.numpy()}
    )
    with torch.no_grad():
        expected = torch.softmax(net(crop, prior), 1).numpy()
    assert shares.shape == (1, len(Region), 128, 128)
    assert shares == pytest.approx(expected, abs=1e-3)


def test_any_size_that_is_a_multiple_of_32() -> None:
    logits = RegionNet()(torch.rand(2, 3, 96, 160), torch.rand(2, 8, 48, 80))
    assert logits.shape == (2, len(Region), 48, 80)
