"""From a graph of OpenVINO's to an ONNX model: the same operations in the same order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import onnx
from onnx import TensorProto, helper

from whichface.forensics.onnx_writing import halve, onnx_bytes
from whichface.generator.errors import NetworkFileError

from .ir import Graph
from .operators import Writer, check

OPSET, IR_VERSION = 18, 9
"""Old enough for every supported ONNX Runtime."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What the model takes, where that differs from the graph."""

    inputs: Mapping[str, Sequence[int | str]]
    """Shape of each input by name; a letter is an axis of any length."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Inputs that stand for a parameter, by the parameter's id."""
    replaced: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """What a node (its id) takes as its n-th input instead."""
    before: Sequence[onnx.NodeProto] = ()
    """Nodes that make these values from the inputs."""
    constants: Sequence[onnx.TensorProto] = ()
    """What those nodes need."""


def convert(graph: Graph, interface: Interface, *, half: bool) -> bytes:
    """The graph's only result as the ONNX output "out". Raises NetworkFileError.

    With `half` the larger weights are stored in 16 bits; the sums stay in 32.
    """
    writer = Writer(graph, interface.names, interface.replaced)
    for node in graph.nodes.values():
        if node.kind in {"Const", "Parameter", "Result"}:
            continue
        operator = check(node)
        try:
            operator.make(node, writer)
        except (KeyError, ValueError, IndexError) as error:
            raise NetworkFileError(f"{node} cannot be converted: {type(error).__name__} {error}.") from error
    result = graph.only("Result")
    shape = ["N", *graph.shape(result.inputs[0])[1:]]
    last = helper.make_node("Identity", [writer.given(result, 0)], ["out"])
    model = helper.make_model(
        helper.make_graph(
            [*interface.before, *writer.nodes, last],
            graph.name,
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in interface.inputs.items()
            ],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)],
            [*interface.constants, *writer.stored.values()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="whichface",
    )
    try:
        return onnx_bytes(halve(model) if half else model)
    except onnx.checker.ValidationError as error:
        raise NetworkFileError(f"{graph.name} does not make a valid ONNX model: {error}.") from error
