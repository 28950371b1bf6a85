"""From the trained parsing network to ONNX, with its card."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from whichface.forensics.regions import INPUT, OUTLINES, OUTPUT

from . import onnx_files
from .onnx_files import write_halved
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
    write_halved(program.model_proto, path)


ABOUT = {
    "input": "crop (1, 3, 256, 256) float32 RGB 0..255, the FFHQ square; outlines (1, 8, 128, 128) "
    "float32 0..1, polygons of the face mesh (forensics/regions.py)",
    "outputs": "shares (1, 19, 128, 128): probability of each value of records.Region",
    "data": "data/parsing of this project: celebamask_1000, fasseg_frontal02, fasseg_multipose01, "
    "figaro1k, lfw_parts_hair_2000; masks by hand, partial ones as sets of classes",
    "split": "trained on split=train; figures on split=val, which also chose the best of the run",
    "limits": "fully labelled pictures are aligned celebrities only: few hats (53), necklaces (43) "
    "and glasses (58, and drawn ones); beards count as skin; hands count as background",
}


def publish(network: Path, target: Path, figures: dict[str, object]) -> None:
    """Copy an exported network to `target` and write its card beside it."""
    onnx_files.publish(network, target, "regions", ABOUT, figures)


if __name__ == "__main__":
    onnx_files.publish_command(__doc__ or "", publish)
