"""Networks as they ship: ONNX with the weights stored in 16 bits, and a card beside each."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from whichface.forensics.weights_io import WEIGHTS

LICENCE = "see LICENSE-WEIGHTS: research and non-commercial use"


def halve(model: onnx.ModelProto, smallest: int = 256) -> onnx.ModelProto:
    """Store the larger float weights in 16 bits, each cast to 32 again: the sums stay in 32."""
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


def write_halved(model: onnx.ModelProto, path: Path) -> None:
    """Write the model in 16 bits, without the names of files and lines that the exporter leaves in it."""
    halve(model)
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def publish(network: Path, target: Path, name: str, about: Mapping[str, object], figures: object) -> None:
    """Copy an exported network to `target`/name.onnx and write its card, name.json, beside it."""
    data = network.read_bytes()
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.onnx").write_bytes(data)
    card = {"file": f"{name}.onnx", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    content = card | dict(about) | {"licence": LICENCE, "figures": figures}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (target / f"{name}.json").write_text(text, encoding="utf-8")


def publish_command(about: str, work: Callable[[Path, Path, dict[str, object]], None]) -> None:
    """Command line of an export module: network, figures and target to `work`."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--figures", type=Path, required=True, help="JSON of figures for the card")
    parser.add_argument("-o", "--output", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    work(args.network, args.output, json.loads(args.figures.read_text(encoding="utf-8")))
