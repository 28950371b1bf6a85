"""The texture experts on tables whose answer is known, and their ONNX twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from whichface.detectors.metrics import auc
from whichface.detectors.training import kernel, linear
from whichface.detectors.training.kernel import KernelConfig, Texture
from whichface.detectors.training.linear import LinearConfig
from whichface.detectors.training.texture_export import export

SMALL = KernelConfig(components=6, landmarks=60)
Data = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def gaussians() -> Data:
    """(table, fake, weights): classes whose mean differs in two of ten columns."""
    rng = np.random.default_rng(0)
    fake = np.arange(600) % 3 == 0
    shift = np.zeros(10)
    shift[:2] = 2.0
    table = (rng.normal(np.outer(fake, shift)) * np.logspace(-2, 2, 10) + 5).astype(np.float32)
    return table, fake, np.where(fake, 2.0, 1.0)


@pytest.fixture(scope="module")
def texture(gaussians: Data) -> Texture:
    table, fake, weights = gaussians
    half = linear.fit(table, fake, weights, LinearConfig(strength=0.1))
    return Texture(half, kernel.fit(half.standardised(table), fake, weights, SMALL))


def test_linear_separates_gaussians(gaussians: Data, texture: Texture) -> None:
    table, fake, _ = gaussians
    scores = texture.linear.scores(table)
    assert auc(fake, scores) > 0.95
    assert scores[fake].mean() > 0 > scores[~fake].mean()


def test_standardising_uses_the_weights(gaussians: Data, texture: Texture) -> None:
    table, _, weights = gaussians
    mean = np.average(table.astype(float), axis=0, weights=weights)
    deviation = np.sqrt(np.average((table - mean) ** 2, axis=0, weights=weights))
    assert texture.linear.mean == pytest.approx(mean, rel=1e-4)
    assert texture.linear.scale == pytest.approx(deviation + 1e-3, rel=1e-3)


def test_far_features_are_held_and_constants_are_harmless(gaussians: Data) -> None:
    table, fake, weights = gaussians
    table = np.hstack([table, np.full((len(table), 1), 0.25, np.float32)])
    model = linear.fit(table, fake, weights, LinearConfig(clip=4.0))
    assert np.isfinite(model.scores(table)).all()
    assert np.abs(model.standardised(table * 1e6)).max() == 4.0


def test_a_chunk_changes_nothing(gaussians: Data, texture: Texture) -> None:
    table = gaussians[0]
    for model in (texture, texture.linear):
        assert model.scores(table, chunk=7) == pytest.approx(model.scores(table), abs=1e-4)
        assert model.scores(table[:0]).shape == (0,)


def test_half_precision_tables_are_taken(gaussians: Data, texture: Texture) -> None:
    table = gaussians[0]
    assert texture.scores(table.astype(np.float16)) == pytest.approx(texture.scores(table), abs=0.3)


def test_kernel_separates_gaussians(gaussians: Data, texture: Texture) -> None:
    table, fake, _ = gaussians
    assert auc(fake, texture.kernel.scores(texture.linear.standardised(table))) > 0.93
    assert auc(fake, texture.scores(table)) > 0.95


def test_kernel_sees_what_no_line_can() -> None:
    rng = np.random.default_rng(1)
    fake = np.arange(600) % 2 == 0
    radius = np.where(fake, 3.0, 1.0) + rng.normal(0, 0.2, 600)
    angle = rng.uniform(0, 2 * np.pi, 600)
    table = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).astype(np.float32)
    train, test, weights = slice(0, 400), slice(400, None), np.ones(400)
    half = linear.fit(table[train], fake[train], weights, LinearConfig())
    points = half.standardised(table)
    model = kernel.fit(points[train], fake[train], weights, KernelConfig(2, 50, strength=1.0))
    assert auc(fake[test], model.scores(points[test])) > 0.97
    assert auc(fake[test], half.scores(table[test])) < 0.75


def test_fits_are_the_same_again(gaussians: Data, texture: Texture) -> None:
    table, fake, weights = gaussians
    again = kernel.fit(texture.linear.standardised(table), fake, weights, SMALL)
    assert np.array_equal(again.landmarks, texture.kernel.landmarks)
    assert again.weights == pytest.approx(texture.kernel.weights)


def test_more_components_than_rows_are_cut_down() -> None:
    table = np.random.default_rng(2).normal(size=(30, 50)).astype(np.float32)
    fake = np.arange(30) % 2 == 0
    model = kernel.fit(table, fake, np.ones(30), KernelConfig())
    assert model.projection.shape == (50, 29) and len(model.landmarks) == 30
    assert np.isfinite(model.scores(table)).all()


def test_the_graph_scores_as_the_model(gaussians: Data, texture: Texture, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    export(texture, tmp_path / "texture.onnx")
    session = ort.InferenceSession(tmp_path / "texture.onnx", providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {"features": gaussians[0]})
    assert out.shape == (600, 1) and out.dtype == np.float32
    assert out[:, 0] == pytest.approx(texture.scores(gaussians[0]), rel=1e-4, abs=1e-4)
    (one,) = session.run(None, {"features": gaussians[0][:1] * 1e4})
    assert one[0] == pytest.approx(texture.scores(gaussians[0][:1] * 1e4), rel=1e-4, abs=1e-4)
