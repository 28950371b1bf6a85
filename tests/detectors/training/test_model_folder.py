"""The calibration of a trained model: which experts are stacked at each size."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from whichface.detectors.dataset import Sample
from whichface.detectors.training.scores import ScoreTable

pytest.importorskip("sklearn")
PICTURES = 60
EXPERTS = ("network-160", "network-256", "texture-160", "texture-256", "texture-512")


@pytest.fixture
def making():
    """Makes a model's parts from experts that each know a little, by kinds of experts."""
    from whichface.detectors.training.model_folder import Making

    rng = np.random.default_rng(0)
    fake = np.arange(PICTURES) % 2 == 1
    train = [Sample(Path(f"{i}.jpg"), bool(f), "all", "", "train", f"g{i}", "", None) for i, f in enumerate(fake)]
    scores = rng.normal(np.where(fake, 0.5, -0.5)[:, None], 1.0, (PICTURES, len(EXPERTS)))
    rows = np.arange(PICTURES)
    table = ScoreTable(rows, 0 * rows, EXPERTS, scores)

    def make(kinds: tuple[str, ...]) -> Making:
        unused = SimpleNamespace()
        return Making(
            made=Path(), output=Path(), train=train, held=[], gathered=unused, folds=rows // 2 % 3,
            scales=(160, 256, 512), experts=kinds, scores=table, grid=unused, grid_features=None, baselines=(),
            about={}, chosen_on_val=False,
        )  # fmt: skip

    return make


@pytest.mark.parametrize(
    ("kinds", "experts"),
    [
        (("texture", "network"), ["texture-512", "network-160", "network-256"]),
        (("texture",), ["texture-160", "texture-256", "texture-512"]),
    ],
)
def test_a_large_face_has_the_experts_that_ship(making, kinds: tuple[str, ...], experts: list[str]) -> None:
    from whichface.detectors.training.model_folder import calibrate

    calibration, _, notes = calibrate(making(kinds))
    assert set(calibration["strata"]) == {"160", "256", "512"} and len(notes) == 3
    large = calibration["strata"]["512"]
    assert large["experts"] == experts and len(large["weights"]) == len(experts)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Publishes a model whose experts' file holds the given text; may be stopped at a step, counted from 1."""
    from whichface.detectors.training.corpora import Gathered
    from whichface.detectors.training.model_folder import _publish

    made = tmp_path / "made"
    made.mkdir()
    parts = SimpleNamespace(
        made=made, output=tmp_path / "model", experts=("texture",), gathered=Gathered((), ()), folds=np.zeros(0, int)
    )

    def publish(text: str, stop: int = 0) -> Path:
        steps = 0

        def step(do):
            def stopped(*arguments):
                nonlocal steps
                steps += 1
                if steps == stop:
                    raise KeyboardInterrupt
                return do(*arguments)

            return stopped

        (made / "texture-160.onnx").write_text(text)
        with monkeypatch.context() as patch:
            patch.setattr("shutil.copyfile", step(shutil.copyfile))
            patch.setattr(Path, "replace", step(Path.replace))
            _publish(parts, {"text": text}, ["texture-160.onnx"])
        return parts.output

    return publish


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_publishing_that_is_cut_off_leaves_a_whole_model_or_says_so(published, stop: int) -> None:
    from whichface.detectors.training.model_folder import UNFINISHED

    output = published("old")
    (output / "README").write_text("mine")
    with pytest.raises(KeyboardInterrupt):
        published("new", stop)
    assert (output / UNFINISHED).is_dir()
    assert (output / "card.json").exists() == (stop <= 2)  # two files are copied aside, three moved
    if stop <= 2:
        assert (output / "texture-160.onnx").read_text() == json.loads((output / "card.json").read_text())["text"]
    published("new")
    assert {path.name for path in output.iterdir()} == {"README", "card.json", "pictures.csv", "texture-160.onnx"}
    assert (output / "README").read_text() == "mine"
    assert (output / "texture-160.onnx").read_text() == json.loads((output / "card.json").read_text())["text"] == "new"
