"""From the trained landmark network to ONNX: batch norms folded, weights stored in 16 bits."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from .landmarks_net import LandmarkNet


def halve(model: onnx.ModelProto, smallest: int = 256) -> onnx.ModelProto:
    """Store the larger float weights in 16 bits, each followed by a cast to 32: the sums stay in 32."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < smallest:
            continue
        values, name = numpy_helper.to_array(tensor), tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def export(net: LandmarkNet, path: Path) -> None:
    """Write `path`: input "crop" (1, 3, 128, 128) float 0..255, outputs "points" and "scores"."""
    program = torch.onnx.export(
        copy.deepcopy(net).eval(),
        (torch.zeros(1, 3, net.size, net.size),),
        input_names=["crop"],
        output_names=["points", "scores"],
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("the export gave no program")
    model = halve(program.model_proto)
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
