"""How our networks are written: larger weights in 16 bits, and nothing in the file of the machine that exported it.

Needs `onnx` (extra `train`); only exporters import this module.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LEAST = 256
"""Weights with fewer numbers stay in 32 bits."""


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the larger float weights in 16 bits, each cast to 32 again: the sums stay in 32."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LEAST:
            continue
        values, name = numpy_helper.to_array(tensor), tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def onnx_bytes(model: onnx.ModelProto) -> bytes:
    """The checked model without the names of files and lines that the exporter leaves in it."""
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
