"""A fitted texture expert as ONNX: features (N, F) float32 to logit (N, 1). The projection is stored as float16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .kernel import Texture

STEPS = (
    ("Sub", ("features", "mean"), "centred"),
    ("Div", ("centred", "scale"), "scaled"),
    ("Clip", ("scaled", "low", "high"), "standard"),
    ("MatMul", ("standard", "linear_weights"), "linear_product"),
    ("Add", ("linear_product", "linear_bias"), "linear"),
    ("Cast", ("projection",), "projection_wide"),
    ("MatMul", ("standard", "projection_wide"), "projected"),
    ("Sub", ("projected", "shift"), "points"),
    ("Mul", ("points", "points"), "points_squared"),
    ("ReduceSum", ("points_squared", "axis"), "lengths"),
    ("MatMul", ("points", "landmarks"), "products"),
    ("Add", ("lengths", "landmark_lengths"), "sums"),
    ("Sub", ("sums", "products"), "squares"),
    ("Mul", ("squares", "minus_gamma"), "exponents"),
    ("Exp", ("exponents",), "kernel"),
    ("MatMul", ("kernel", "kernel_weights"), "kernel_product"),
    ("Add", ("kernel_product", "kernel_bias"), "kernel_score"),
    ("Mean", ("linear", "kernel_score"), "logit"),
)


def constants(model: Texture) -> dict[str, Any]:
    """The graph's constants by name."""
    linear, kernel = model.linear, model.kernel
    single = {
        "mean": linear.mean,
        "scale": linear.scale,
        "low": -linear.clip,
        "high": linear.clip,
        "linear_weights": linear.weights[:, None],
        "linear_bias": [linear.bias],
        "shift": kernel.shift,
        "landmarks": 2 * kernel.landmarks.T,
        "landmark_lengths": (kernel.landmarks**2).sum(1),
        "minus_gamma": [-kernel.gamma],
        "kernel_weights": kernel.weights[:, None],
        "kernel_bias": [kernel.bias],
    }
    found = {name: np.asarray(value, np.float32) for name, value in single.items()}
    return found | {"projection": kernel.projection.astype(np.float16), "axis": np.array([1], np.int64)}


def export(model: Texture, path: Path) -> None:
    """Write the graph."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node(kind, list(inputs), [output], **({"to": TensorProto.FLOAT} if kind == "Cast" else {}))
        for kind, inputs, output in STEPS
    ]
    length = len(model.linear.mean)
    graph = helper.make_graph(
        nodes,
        "texture",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["faces", length])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["faces", 1])],
        [numpy_helper.from_array(np.ascontiguousarray(v), name) for name, v in constants(model).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(proto)
    path.write_bytes(proto.SerializeToString())
