"""Operations of OpenVINO's operation sets as ONNX nodes: those that the imported networks need, each checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from whichface.generator.errors import NetworkFileError

from .ir import Array, Graph, Node, Value, integers


@dataclass(slots=True)
class Writer:
    """ONNX nodes as they come, and the constants that they name."""

    graph: Graph
    names: Mapping[str, str]
    """Names of the parameters, by id."""
    replaced: Mapping[tuple[str, int], str]
    """What a node (its id) takes as its n-th input instead of what the graph says."""
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    stored: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def given(self, node: Node, place: int) -> str:
        """Name of a node's input; a constant is stored when it is first asked for."""
        if (node.id, place) in self.replaced:
            return self.replaced[node.id, place]
        key, output = node.inputs[place]
        if key in self.graph.constants:
            return self.store(f"c{key}", self.graph.constants[key])
        return self.names.get(key, f"n{key}_{output}")

    def constant(self, node: Node, place: int) -> Array:
        """Numbers of an input. Raises NetworkFileError unless it is a constant."""
        key = node.inputs[place][0]
        if key not in self.graph.constants:
            raise NetworkFileError(f"{node} computes its input {place}, where a constant was expected.")
        return self.graph.constants[key]

    def store(self, name: str, numbers: Array) -> str:
        """Keep a constant under its name."""
        if name not in self.stored:
            self.stored[name] = numpy_helper.from_array(np.array(numbers, order="C"), name)
        return name

    def whole(self, node: Node, place: int) -> str:
        """A constant input of whole numbers, as ONNX wants it: 64 bits, one axis."""
        return self.store(f"i{node.id}_{place}", self.constant(node, place).reshape(-1).astype(np.int64))

    def add(self, kind: str, inputs: list[str], node: Node, **attributes: Any) -> None:
        """One ONNX node with all outputs of `node`."""
        outputs = [f"n{node.id}_{place}" for place in range(len(node.outputs))]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=node.name, **attributes))

    def shape(self, value: Value) -> tuple[int, ...]:
        """Shape of a value, with the batch that the file was written for."""
        return self.graph.shape(value)


Make = Callable[[Node, Writer], None]


@dataclass(frozen=True, slots=True)
class Operator:
    """What is supported of one operation."""

    version: str
    inputs: int
    attributes: Mapping[str, tuple[str, ...]]
    """Every attribute that may be there, with its values; no values: any."""
    make: Make


def _same(kind: str) -> Make:
    """An ONNX node of this kind with the same inputs."""

    def make(node: Node, writer: Writer) -> None:
        writer.add(kind, [writer.given(node, place) for place in range(len(node.inputs))], node)

    return make


def _matmul(node: Node, writer: Writer) -> None:
    if any(len(writer.shape(value)) != 2 for value in node.inputs):
        raise NetworkFileError(f"{node} multiplies something else than two matrices.")
    turned = {f"trans{side.upper()}": int(node.data[f"transpose_{side}"] == "true") for side in "ab"}
    writer.add("Gemm", [writer.given(node, 0), writer.given(node, 1)], node, **turned)


def _concat(node: Node, writer: Writer) -> None:
    inputs = [writer.given(node, place) for place in range(len(node.inputs))]
    writer.add("Concat", inputs, node, axis=int(node.data["axis"]))


def _gather(node: Node, writer: Writer) -> None:
    axis = int(writer.constant(node, 2).reshape(-1)[0])
    writer.add("Gather", [writer.given(node, 0), writer.given(node, 1)], node, axis=axis)


def _with_axes(kind: str) -> Make:
    """Axes come second, as constants, in both formats."""

    def make(node: Node, writer: Writer) -> None:
        writer.add(kind, [writer.given(node, 0), writer.whole(node, 1)], node)

    return make


def _mean(node: Node, writer: Writer) -> None:
    writer.add("ReduceMean", [writer.given(node, 0), writer.whole(node, 1)], node, keepdims=1)


def _reshape(node: Node, writer: Writer) -> None:
    zero = int(node.data["special_zero"] == "false")
    writer.add("Reshape", [writer.given(node, 0), writer.given(node, 1)], node, allowzero=zero)


def _tile(node: Node, writer: Writer) -> None:
    if writer.shape(node.inputs[1]) != (len(writer.shape(node.inputs[0])),):
        raise NetworkFileError(f"{node} repeats along other axes than those of its input.")
    _same("Tile")(node, writer)


def _split(node: Node, writer: Writer) -> None:
    """A length of -1 takes the rest; the file's own shapes say how long that is."""
    axis = int(writer.constant(node, 1).reshape(-1)[0])
    lengths = np.array([shape[axis] for shape in node.outputs], np.int64)
    asked = writer.constant(node, 2).reshape(-1)
    if len(asked) != len(lengths) or (asked != lengths)[asked != -1].any():
        raise NetworkFileError(f"{node} has parts of {asked.tolist()}, but its outputs have {lengths.tolist()}.")
    writer.add("Split", [writer.given(node, 0), writer.store(f"i{node.id}", lengths)], node, axis=axis)


def _leaky(node: Node, writer: Writer) -> None:
    slope = writer.constant(node, 1)
    if slope.size != 1:
        raise NetworkFileError(f"{node} has {slope.size} slopes; one for all is supported.")
    writer.add("LeakyRelu", [writer.given(node, 0)], node, alpha=float(slope.reshape(-1)[0]))


def _window(node: Node) -> dict[str, Any]:
    """Strides, dilations and paddings of a convolution."""
    keys = ("strides", "dilations")
    pads = [*integers(node.data["pads_begin"]), *integers(node.data["pads_end"])]
    return {key: list(integers(node.data[key])) for key in keys} | {"pads": pads}


def _convolution(node: Node, writer: Writer) -> None:
    writer.add("Conv", [writer.given(node, 0), writer.given(node, 1)], node, **_window(node))


def _grouped(node: Node, writer: Writer) -> None:
    """(groups, out, in, …) here, (groups * out, in, …) in ONNX."""
    kernel = writer.constant(node, 1)
    joined = kernel.reshape(-1, *kernel.shape[2:])
    inputs = [writer.given(node, 0), writer.store(f"k{node.id}", joined)]
    writer.add("Conv", inputs, node, group=kernel.shape[0], **_window(node))


def _transposed(node: Node, writer: Writer) -> None:
    """(groups, in, out, …) here, (groups * in, out, …) in ONNX."""
    kernel = writer.constant(node, 1)
    joined = kernel.reshape(-1, *kernel.shape[2:])
    more = list(integers(node.data.get("output_padding", ""))) or [0] * (kernel.ndim - 3)
    inputs = [writer.given(node, 0), writer.store(f"k{node.id}", joined)]
    writer.add(
        "ConvTranspose", inputs, node, group=kernel.shape[0], output_padding=more, **_window(node)
    )


_NUMPY = {"auto_broadcast": ("numpy",)}
_WINDOW: Mapping[str, tuple[str, ...]] = {
    "strides": (), "dilations": (), "pads_begin": (), "pads_end": (), "auto_pad": ("explicit",),
}  # fmt: skip
OPERATORS: Mapping[str, Operator] = {
    "Add": Operator("opset1", 2, _NUMPY, _same("Add")),
    "Multiply": Operator("opset1", 2, _NUMPY, _same("Mul")),
    "Power": Operator("opset1", 2, _NUMPY, _same("Pow")),
    "MatMul": Operator(
        "opset1", 2, {"transpose_a": ("true", "false"), "transpose_b": ("true", "false")}, _matmul
    ),
    "ReduceMean": Operator("opset1", 2, {"keep_dims": ("true",)}, _mean),
    "ShapeOf": Operator("opset3", 1, {"output_type": ("i64",)}, _same("Shape")),
    "Gather": Operator("opset7", 3, {"batch_dims": ("0",)}, _gather),
    "Unsqueeze": Operator("opset1", 2, {}, _with_axes("Unsqueeze")),
    "Squeeze": Operator("opset1", 2, {}, _with_axes("Squeeze")),
    "Concat": Operator("opset1", 0, {"axis": ()}, _concat),
    "Reshape": Operator("opset1", 2, {"special_zero": ("true", "false")}, _reshape),
    "Broadcast": Operator("opset3", 2, {"mode": ("numpy", "bidirectional")}, _same("Expand")),
    "Tile": Operator("opset1", 2, {}, _tile),
    "VariadicSplit": Operator("opset1", 3, {}, _split),
    "PReLU": Operator("opset1", 2, {}, _leaky),
    "Convolution": Operator("opset1", 2, _WINDOW, _convolution),
    "GroupConvolution": Operator("opset1", 2, _WINDOW, _grouped),
    "GroupConvolutionBackpropData": Operator("opset1", 2, {**_WINDOW, "output_padding": ()}, _transposed),
}
"""Every operation that can be converted; `inputs` of 0: any number."""


def check(node: Node) -> Operator:
    """What converts a node. Raises NetworkFileError for an operation, version or attribute that nothing here knows."""
    operator = OPERATORS.get(node.kind)
    if operator is None:
        raise NetworkFileError(f"{node} is an operation that cannot be converted.")
    if node.version != operator.version:
        raise NetworkFileError(f"{node} is of {node.version}; {operator.version} can be converted.")
    if operator.inputs and len(node.inputs) != operator.inputs:
        raise NetworkFileError(f"{node} has {len(node.inputs)} inputs; {operator.inputs} are supported.")
    for key, value in node.data.items():
        if key not in operator.attributes:
            raise NetworkFileError(f"{node} has the attribute {key}, which cannot be converted.")
        if operator.attributes[key] and value not in operator.attributes[key]:
            raise NetworkFileError(f"{node} has {key} = {value}, which cannot be converted.")
    return operator
