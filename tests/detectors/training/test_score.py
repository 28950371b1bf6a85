"""Networks scored out of fold: whose word counts for a picture, and what each says of what none has seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whichface.detectors.dataset import Sample
from whichface.detectors.training.scores import ScoreTable

pytest.importorskip("torch")
pytest.importorskip("sklearn")


class _Pack:
    """What scoring reads of a pack of four pictures at one scale, as stored."""

    path, sample, variant, scale = Path("pack.npz"), np.arange(4), np.zeros(4, np.int64), np.full(4, 160)

    def __len__(self) -> int:
        return 4


@pytest.fixture
def material():
    """Two pictures that a fold leaves out each, two that none has seen; the network's file tells its number."""
    from whichface.detectors.training.score import Material

    return Material((), _Pack(), np.array([0, 1, -1, -1]), 2)


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch):
    from whichface.detectors.training import network_export, score

    def told(task: tuple[Path, Path, np.ndarray]) -> np.ndarray:
        return task[2] + 100.0 * int(task[0].stem.partition("-")[2])

    monkeypatch.setattr(network_export, "load_networks", lambda runs: [None, None])
    monkeypatch.setattr(network_export, "export_networks", lambda networks, path: path.touch())
    monkeypatch.setattr(score, "_score", told)
    return score


def test_a_picture_has_the_word_of_the_network_that_left_it_out(score, material, tmp_path: Path) -> None:
    found = score.networks(material, [], tmp_path, (160,), told=lambda text: None)
    rows, values = found["network-160"]
    assert rows.tolist() == [0, 1, 2, 3]
    assert values.tolist() == [0, 101, 52, 53]


def test_what_each_says_of_unseen_pictures_is_kept(score, material, tmp_path: Path) -> None:
    score.networks(material, [], tmp_path, (160,), told=lambda text: None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["unseen-0.npz", "unseen-1.npz"]
    for number in range(2):
        alone = ScoreTable.load(tmp_path / f"unseen-{number}.npz")
        kept = np.isfinite(alone.values[:, 0])
        assert alone.sample[kept].tolist() == [2, 3]
        assert alone.values[kept, 0].tolist() == [2 + 100 * number, 3 + 100 * number]


def test_a_set_that_networks_may_have_seen_is_not_unseen(score, material, tmp_path: Path) -> None:
    sets = ("a", "a", "sg3-160", "a")
    samples = [Sample(Path("x"), True, name, "", "train", str(i), "", None) for i, name in enumerate(sets)]
    score.networks(replace(material, samples=samples), [], tmp_path, (160,), told=lambda text: None)
    alone = ScoreTable.load(tmp_path / "unseen-0.npz")
    assert alone.sample[np.isfinite(alone.values[:, 0])].tolist() == [3]
