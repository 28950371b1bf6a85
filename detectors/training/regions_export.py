"""From the trained parsing network to ONNX, with its card."""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from whichface.forensics.regions import CARD, INPUT, OUTLINES, OUTPUT
from whichface.forensics.weights_io import WEIGHTS

from .landmarks_export import halve
from .regions_net import RegionNet


class _Shares(nn.Module):
    """The network with probabilities for logits."""

    def __init__(self, net: RegionNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, crop: Tensor, outlines: Tensor) -> Tensor:
        """(1, 19, 128, 128), summing to one over the classes."""
        return torch.softmax(self.net(crop, outlines), 1)


def export(net: RegionNet, path: Path) -> None:
    """Write `path`: inputs "crop" (1, 3, 256, 256) and "outlines" (1, 8, 128, 128), output "shares"."""
    program = torch.onnx.export(
        _Shares(copy.deepcopy(net)).eval(),
        (torch.zeros(1, 3, INPUT, INPUT), torch.zeros(1, len(OUTLINES), OUTPUT, OUTPUT)),
        input_names=["crop", "outlines"],
        output_names=["shares"],
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
    (target / "regions.onnx").write_bytes(data)
    card = {
        "file": "regions.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "input": "crop (1, 3, 256, 256) float32 RGB 0..255, the FFHQ square; outlines (1, 8, 128, 128) "
        "float32 0..1, polygons of the face mesh (forensics/regions.py)",
        "outputs": "shares (1, 19, 128, 128): probability of each value of records.Region",
        "data": "data/parsing of this project: celebamask_1000, fasseg_frontal02, fasseg_multipose01, "
        "figaro1k, lfw_parts_hair_2000; masks by hand, partial ones as sets of classes",
        "split": "trained on split=train; figures on split=val, which also chose the best of the run",
        "limits": "fully labelled pictures are aligned celebrities only: few hats (53), necklaces (43) "
        "and glasses (58, and drawn ones); beards count as skin; hands count as background",
        "licence": "see LICENSE-WEIGHTS: research and non-commercial use",
        "figures": figures,
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (target / CARD).write_text(text, encoding="utf-8")


def main() -> None:
    """Command line: publish a trained network with the last line of its log, or other figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--figures", type=Path, required=True, help="JSON of figures for the card")
    parser.add_argument("-o", "--output", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    publish(args.network, args.output, json.loads(args.figures.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
