"""Written networks: large weights in 16 bits, the same sums, nothing of the machine that exported them."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")


def _model():
    """y = x A + b with a large A and a small b, and what exporters leave behind."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    large = rng.normal(size=(32, 16)).astype(np.float32)
    small = rng.normal(size=16).astype(np.float32)
    nodes = [helper.make_node("MatMul", ["x", "A"], ["xa"]), helper.make_node("Add", ["xa", "b"], ["y"])]
    nodes[0].doc_string = "line 7 of secret.py"
    nodes[0].metadata_props.add(key="namespace", value="secret.py")
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 32])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 16])]
    weights = [numpy_helper.from_array(large, "A"), numpy_helper.from_array(small, "b")]
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    model.metadata_props.add(key="written by", value="secret.py")
    return model, large, small


def test_sums_stay_and_traces_go() -> None:
    import onnxruntime

    from whichface.forensics.onnx_writing import halve, onnx_bytes

    model, large, small = _model()
    whole = onnx_bytes(_model()[0])
    data = onnx_bytes(halve(model))
    assert b"secret.py" not in data and b"secret.py" not in whole
    assert len(data) < len(whole)
    kinds = {i.name: i.data_type for i in onnx.load_from_string(data).graph.initializer}
    assert kinds == {"A_half": onnx.TensorProto.FLOAT16, "b": onnx.TensorProto.FLOAT}
    x = np.random.default_rng(1).normal(size=(3, 32)).astype(np.float32)
    (found,) = onnxruntime.InferenceSession(data).run(None, {"x": x})
    assert found == pytest.approx(x @ large.astype(np.float16).astype(np.float32) + small, abs=1e-5)
