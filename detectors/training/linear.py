"""Fit the classical experts: one L2 logistic model a canonical scale and fold on standardised features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class LinearConfig:
    """How a model is fitted."""

    strength: float = 0.02
    """scikit-learn's C with weights that sum to the number of rows: smaller is smoother."""
    clip: float = 6.0
    """Standardised features are held within this many deviations."""
    iterations: int = 150
    """Most L-BFGS iterations."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A fitted model: clip((x - mean) / scale) @ weights + bias."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: float
    clip: float

    def scores(self, table: Table, chunk: int = 4096) -> NDArray[np.float64]:
        """(rows,) natural-log odds."""
        parts = [
            self.standardised(table[start : start + chunk]) @ self.weights + self.bias
            for start in range(0, len(table), chunk)
        ]
        return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)

    def standardised(self, table: Table) -> NDArray[np.float32]:
        """(rows, features) float32."""
        return np.clip((np.asarray(table, np.float32) - self.mean) / self.scale, -self.clip, self.clip)


def fit(table: Table, fake: NDArray[np.bool_], weights: NDArray[np.float64], config: LinearConfig) -> Linear:
    """Fit on (rows, features) with a weight a row."""
    from sklearn.linear_model import LogisticRegression

    weights = weights * len(weights) / weights.sum()
    mean = np.zeros(table.shape[1])
    square = np.zeros(table.shape[1])
    for start in range(0, len(table), 4096):
        part = np.asarray(table[start : start + 4096], np.float64)
        share = weights[start : start + 4096, None] / len(table)
        mean += (part * share).sum(0)
        square += (part**2 * share).sum(0)
    scale = np.sqrt(np.maximum(square - mean**2, 0)) + 1e-3
    blank = Linear(mean.astype(np.float32), scale.astype(np.float32), np.zeros(0, np.float32), 0.0, config.clip)
    model = LogisticRegression(C=config.strength, max_iter=config.iterations, tol=1e-3)
    model.fit(blank.standardised(table), fake, sample_weight=weights.astype(np.float32))
    return Linear(blank.mean, blank.scale, model.coef_[0].astype(np.float32), float(model.intercept_[0]), config.clip)


def export(models: Sequence[Linear], path: Path) -> None:
    """Write the mean of the models' scores as ONNX: features (N, F) float32 to logit (N, 1)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, terms = [], [], []
    for number, model in enumerate(models):
        values = {
            "mean": model.mean,
            "scale": model.scale,
            "low": np.array(-model.clip, np.float32),
            "high": np.array(model.clip, np.float32),
            "weights": model.weights[:, None] / np.float32(len(models)),
            "bias": np.array([model.bias / len(models)], np.float32),
        }
        names = {key: f"{key}{number}" for key in values}
        constants += [numpy_helper.from_array(np.asarray(v, np.float32), names[k]) for k, v in values.items()]
        steps = (
            ("Sub", ["features", names["mean"]], f"centred{number}"),
            ("Div", [f"centred{number}", names["scale"]], f"scaled{number}"),
            ("Clip", [f"scaled{number}", names["low"], names["high"]], f"clipped{number}"),
            ("MatMul", [f"clipped{number}", names["weights"]], f"product{number}"),
            ("Add", [f"product{number}", names["bias"]], f"term{number}"),
        )
        nodes += [helper.make_node(kind, inputs, [output]) for kind, inputs, output in steps]
        terms.append(f"term{number}")
    nodes.append(helper.make_node("Sum", terms, ["logit"]))
    length = len(models[0].mean)
    graph = helper.make_graph(
        nodes,
        "texture",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["faces", length])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["faces", 1])],
        constants,
    )
    model_proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model_proto)
    path.write_bytes(model_proto.SerializeToString())
