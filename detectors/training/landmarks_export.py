"""From the trained landmark network to ONNX: batch norms folded, weights stored in 16 bits."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from . import onnx_files
from .landmarks_net import LandmarkNet
from .onnx_files import write_halved


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
    write_halved(program.model_proto, path)


ABOUT = {
    "input": "crop (1, 3, 128, 128) float32 RGB 0..255",
    "outputs": "points (1, 478, 2) in pixels of the crop; scores (1, 2): presence and cover",
    "numbering": "face mesh with irises, 478 points",
    "data": "data/faces of this project: manifest.csv and landmarks478.npz, "
    "points made by machine (a teacher, not ground truth), real and generated faces",
    "split": "trained on split=train; figures on split=val",
    "negatives": "crops beside faces, parts of faces, turned faces, false alarms of the face "
    "finder, scrambled faces, noise",
    "limits": "the covered share was learned from synthetic covers only",
}


def publish(network: Path, target: Path, figures: dict[str, object]) -> None:
    """Copy an exported network to `target` and write its card beside it."""
    onnx_files.publish(network, target, "landmarks", ABOUT, figures)


if __name__ == "__main__":
    onnx_files.publish_command(__doc__ or "", publish)
