"""Reading networks in OpenVINO's intermediate representation, version 10: a graph in XML, numbers beside it.

Format: https://docs.openvino.ai (operation sets); read with the standard library and numpy alone.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whichface.generator.errors import NetworkFileError

TYPES: Mapping[str, np.dtype[Any]] = {"f32": np.dtype("<f4"), "i32": np.dtype("<i4"), "i64": np.dtype("<i8")}
"""Kinds of numbers that a constant may hold."""
Array = NDArray[np.generic]
Value = tuple[str, int]
"""A node's id, and which of its outputs."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation."""

    id: str
    name: str
    kind: str
    version: str
    data: Mapping[str, str]
    """The attributes, as written."""
    inputs: tuple[Value, ...]
    outputs: tuple[tuple[int, ...], ...]
    """Shape of each output."""

    def __str__(self) -> str:
        return f"{self.kind} “{self.name}”"


@dataclass(frozen=True, slots=True)
class Graph:
    """A network: what is needed for its results, every node after those that it takes from."""

    name: str
    nodes: Mapping[str, Node]
    constants: Mapping[str, Array]
    """Numbers of every node of the kind Const."""

    def of_kind(self, kind: str) -> list[Node]:
        """All nodes of a kind, in order."""
        return [node for node in self.nodes.values() if node.kind == kind]

    def only(self, kind: str) -> Node:
        """The one node of a kind. Raises NetworkFileError when there is another number of them."""
        found = self.of_kind(kind)
        if len(found) != 1:
            raise NetworkFileError(f"{self.name} has {len(found)} nodes {kind} where one was expected.")
        return found[0]

    def shape(self, value: Value) -> tuple[int, ...]:
        """Shape of a value."""
        return self.nodes[value[0]].outputs[value[1]]


class _Builder(ET.TreeBuilder):
    """Refuses a document type, and with it every entity that could be declared."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise NetworkFileError("The XML declares a document type, which no network needs.")


def read_graph(name: str, xml: bytes, numbers: bytes) -> Graph:
    """The network called `name` in messages. Raises NetworkFileError for any other version, or damage."""
    try:
        root = ET.fromstring(xml, ET.XMLParser(target=_Builder()))
        version = root.get("version")
        if root.tag != "net" or version != "10":
            raise NetworkFileError(f"{name} is no network of IR version 10 (found: {version}).")
        nodes = _ordered(name, _nodes(root))
        constants = {n.id: _constant(n, numbers) for n in nodes.values() if n.kind == "Const"}
    except ET.ParseError as error:
        raise NetworkFileError(f"{name} is no XML: {error}.") from error
    except (KeyError, ValueError, IndexError) as error:
        raise NetworkFileError(f"{name} is damaged: {type(error).__name__} {error}.") from error
    return Graph(name, nodes, constants)


def _nodes(root: ET.Element) -> dict[str, Node]:
    """All nodes by id; ports are replaced by places. Raises KeyError, ValueError."""
    layers = {layer.attrib["id"]: layer for layer in root.iterfind("layers/layer")}
    edges = {
        (edge.attrib["to-layer"], edge.attrib["to-port"]): (edge.attrib["from-layer"], edge.attrib["from-port"])
        for edge in root.iterfind("edges/edge")
    }
    places = {
        (key, port.attrib["id"]): place
        for key, layer in layers.items()
        for place, port in enumerate(layer.iterfind("output/port"))
    }
    return {key: _node(key, layer, edges, places) for key, layer in layers.items()}


def _node(
    key: str,
    layer: ET.Element,
    edges: Mapping[tuple[str, str], tuple[str, str]],
    places: Mapping[tuple[str, str], int],
) -> Node:
    sources = [edges[key, port.attrib["id"]] for port in layer.iterfind("input/port")]
    data = layer.find("data")
    return Node(
        key,
        layer.get("name", key),
        layer.attrib["type"],
        layer.attrib["version"],
        {} if data is None else dict(data.attrib),
        tuple((source[0], places[source]) for source in sources),
        tuple(
            tuple(int(dim.text or "") for dim in port.iterfind("dim")) for port in layer.iterfind("output/port")
        ),
    )


def _ordered(name: str, nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Nodes that results need, each after its inputs. Raises NetworkFileError for a circle."""
    done: dict[str, Node] = {}
    open_: dict[str, Iterator[Value]] = {}
    for result in (node for node in nodes.values() if node.kind == "Result"):
        open_[result.id] = iter(result.inputs)
        while open_:
            key, left = next(reversed(open_.items()))
            source = next((value[0] for value in left if value[0] not in done), None)
            if source is None:
                done[key] = nodes[key]
                del open_[key]
            elif source in open_:
                raise NetworkFileError(f"{name} has a circle through {nodes[source]}.")
            else:
                open_[source] = iter(nodes[source].inputs)
    return done


def integers(text: str) -> tuple[int, ...]:
    """As "1, 512" to (1, 512). Raises ValueError."""
    return tuple(int(part) for part in text.split(",") if part.strip())


def _constant(node: Node, numbers: bytes) -> Array:
    """A constant's numbers. Raises NetworkFileError, KeyError, ValueError."""
    kind, shape = node.data["element_type"], integers(node.data["shape"])
    offset, size = int(node.data["offset"]), int(node.data["size"])
    if kind not in TYPES:
        raise NetworkFileError(f"{node} holds numbers of the kind {kind}; supported are {', '.join(TYPES)}.")
    if min(shape, default=1) < 1 or math.prod(shape) * TYPES[kind].itemsize != size:
        raise NetworkFileError(f"{node} has {size} bytes, which is not what its shape {shape} needs.")
    if offset < 0 or offset + size > len(numbers):
        raise NetworkFileError(f"{node} ends beyond the file of numbers, which has {len(numbers)} bytes.")
    return np.frombuffer(numbers, TYPES[kind], math.prod(shape), offset).reshape(shape)
