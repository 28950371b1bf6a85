"""A synthesis network in the form that this package draws with: one w a layer, and its noise from outside.

As published, every layer takes one and the same style, and the noise is a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from whichface.generator.errors import NetworkFileError

from .convert import Interface, convert
from .ir import Graph, Node


@dataclass(frozen=True, slots=True)
class Style:
    """A layer's own linear map of w."""

    node: str
    """Id of its multiplication."""
    depth: int
    side: int
    """Side of the maps that it modulates."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise that is added to maps."""

    node: str
    """Id of its addition."""
    place: int
    """Which input of it."""
    depth: int
    strength: float
    """Standard deviation of the constant."""
    map: NDArray[np.float32]
    """(side, side): the constant in units of it."""


@dataclass(frozen=True, slots=True)
class Synthesis:
    """The converted network, and what a caller must know of it."""

    model: bytes
    """Inputs ws (N, layers, w_dim) and noise0, noise1, … (N, 1, side, side); output (N, 3, H, W) in about [-1, 1]."""
    w_dim: int
    resolution: int
    styles: tuple[Style, ...]
    noises: tuple[Noise, ...]


def depths(graph: Graph) -> dict[str, int]:
    """The longest way from a parameter or constant to each node."""
    found: dict[str, int] = {}
    for key, node in graph.nodes.items():
        found[key] = 1 + max((found[source] for source, _ in node.inputs), default=-1)
    return found


def styles(graph: Graph) -> tuple[Style, ...]:
    """Every layer's map of the parameter, in the order in which the picture passes them. Raises NetworkFileError."""
    parameter, depth = graph.only("Parameter").id, depths(graph)
    users: dict[str, list[Node]] = {}
    for node in graph.nodes.values():
        for source, _ in node.inputs:
            users.setdefault(source, []).append(node)
    found = []
    for node in users.get(parameter, []):
        if node.kind == "MatMul":
            met = _met(node, users)
            found.append(Style(node.id, depth[met.id], met.outputs[0][2]))
    return tuple(sorted(found, key=lambda style: style.depth))


def _met(node: Node, users: Mapping[str, list[Node]]) -> Node:
    """Where a style meets the picture: the first node on its way whose result has height and width."""
    while True:
        following = users.get(node.id, [])
        if len(following) != 1:
            raise NetworkFileError(f"The style of {node} goes {len(following)} ways; one was expected.")
        node = following[0]
        if node.outputs and len(node.outputs[0]) == 4 and node.outputs[0][2] > 1:
            return node


def noises(graph: Graph) -> tuple[Noise, ...]:
    """Every constant map that is added to the picture on its way, in order of depth."""
    depth, found = depths(graph), []
    for node in graph.of_kind("Add"):
        height, width = node.outputs[0][-2:] if len(node.outputs[0]) == 4 else (1, 1)
        for place, (source, _) in enumerate(node.inputs):
            numbers = graph.constants.get(source)
            if numbers is not None and 1 < height == width and numbers.shape == (1, 1, height, width):
                strength = float(numbers.std())
                map_ = np.asarray(numbers[0, 0] / (strength or 1), np.float32)
                found.append(Noise(node.id, place, depth[node.id], strength, map_))
    return tuple(sorted(found, key=lambda noise: noise.depth))


def _interface(graph: Graph, layers: tuple[Style, ...], maps: tuple[Noise, ...], w_dim: int) -> Interface:
    """Each style from its own w; whatever else asks for the parameter, such as its shape, from the first."""
    parameter = graph.only("Parameter").id
    replaced = {(style.node, 0): f"w{number}" for number, style in enumerate(layers)}
    replaced |= {(noise.node, noise.place): f"added{number}" for number, noise in enumerate(maps)}
    before, constants = [], []
    for number in range(len(layers)):
        constants.append(numpy_helper.from_array(np.array(number, np.int64), f"layer{number}"))
        before.append(helper.make_node("Gather", ["ws", f"layer{number}"], [f"w{number}"], axis=1))
    inputs: dict[str, list[int | str]] = {"ws": ["N", len(layers), w_dim]}
    for number, noise in enumerate(maps):
        side = len(noise.map)
        inputs[f"noise{number}"] = ["N", 1, side, side]
        constants.append(numpy_helper.from_array(np.float32(noise.strength), f"strength{number}"))
        before.append(helper.make_node("Mul", [f"noise{number}", f"strength{number}"], [f"added{number}"]))
    return Interface(inputs, {parameter: "w0"}, replaced, before, constants)


def read_synthesis(graph: Graph, *, half: bool) -> Synthesis:
    """The network with an input for each layer's w and each noise. Raises NetworkFileError."""
    asked = graph.only("Parameter").outputs[0]
    drawn = graph.shape(graph.only("Result").inputs[0])
    if len(asked) != 2 or len(drawn) != 4 or drawn[1] != 3 or drawn[2] != drawn[3]:
        raise NetworkFileError(f"{graph.name} makes {drawn} from {asked}; a square picture of a style was expected.")
    layers, maps = styles(graph), noises(graph)
    if not layers or not maps:
        raise NetworkFileError(f"{graph.name} has {len(layers)} styles and {len(maps)} noise maps: no such generator.")
    if any(graph.nodes[style.node].inputs[0][0] != graph.only("Parameter").id for style in layers):
        raise NetworkFileError(f"{graph.name} multiplies a style from the wrong side.")
    model = convert(graph, _interface(graph, layers, maps, asked[1]), half=half)
    return Synthesis(model, asked[1], drawn[2], layers, maps)
