"""From the trained landmark network to ONNX: batch norms folded, weights stored in 16 bits."""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from whichface.forensics.weights_io import WEIGHTS

from .landmarks_net import LandmarkNet


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


def publish(network: Path, target: Path, figures: dict[str, object]) -> None:
    """Copy an exported network to `target` and write its card beside it."""
    data = network.read_bytes()
    target.mkdir(parents=True, exist_ok=True)
    (target / "landmarks.onnx").write_bytes(data)
    card = {
        "file": "landmarks.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "input": "crop (1, 3, 128, 128) float32 RGB 0..255",
        "outputs": "points (1, 478, 2) in pixels of the crop; scores (1, 2): presence and cover",
        "numbering": "face mesh with irises, 478 points",
        "data": "data/faces of this project: manifest.csv and landmarks478.npz, "
        "points made by machine (a teacher, not ground truth), real and generated faces",
        "split": "trained on split=train; figures on split=val",
        "negatives": "crops beside faces, parts of faces, turned faces, false alarms of the face "
        "finder, scrambled faces, noise",
        "limits": "the covered share was learned from synthetic covers only",
        "licence": "see LICENSE-WEIGHTS: research and non-commercial use",
        "figures": figures,
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (target / "landmarks.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Command line: publish a trained network with its last validation figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--figures", type=Path, required=True, help="JSON of figures for the card")
    parser.add_argument("-o", "--output", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    publish(args.network, args.output, json.loads(args.figures.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
