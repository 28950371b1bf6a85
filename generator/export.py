"""From a snapshot to ONNX, so that pictures are drawn without torch: mapping, synthesis with w and noise as inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whichface.forensics.onnx_writing import halve, onnx_bytes

from .checkpoint import load_network
from .networks import Generator


class _Synthesis(nn.Module):
    """The synthesis network with its noise as arguments."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.synthesis = generator.synthesis

    def forward(self, ws: Tensor, *noise: Tensor) -> Tensor:
        return self.synthesis(ws, "none", maps=noise or None)


def _exported(module: nn.Module, inputs: tuple[Tensor, ...], names: list[str], half: bool) -> bytes:
    """ONNX bytes with a free first axis of every input; unoptimised, or the exporter drops additions of 1e-8."""
    axes = tuple({0: torch.export.Dim.DYNAMIC} for _ in inputs)
    shapes = (axes[0], tuple(axes[1:])) if isinstance(module, _Synthesis) else axes
    program = torch.onnx.export(
        module.eval(), inputs, input_names=names, output_names=["out"], dynamo=True, verbose=False,
        dynamic_shapes=shapes, optimize=False,
    )  # fmt: skip
    if program is None:
        raise RuntimeError("the export gave no program")
    return onnx_bytes(halve(program.model_proto) if half else program.model_proto)


def export(snapshot: Path, folder: Path, about: Mapping[str, Any], *, half: bool = True) -> None:
    """Write mapping.onnx, synthesis.onnx, constants.npz and card.json into `folder`. Raises NetworkFileError, OSError.

    `about` goes into the card: data, figures, licence and what else there is to say.
    """
    generator, stored = load_network(snapshot)
    config = generator.config
    folder.mkdir(parents=True, exist_ok=True)
    ws = torch.zeros(2, config.layers, config.w_dim)
    sides = generator.synthesis.noise_shapes()
    noise = tuple(torch.zeros(2, 1, side, side) for side in sides)
    names = ["ws", *(f"noise{i}" for i in range(len(sides)))]
    z: tuple[Tensor, ...] = (torch.randn(2, config.z_dim),)
    if config.classes:
        z = (*z, torch.zeros(2, config.classes))
    parts = {
        "mapping.onnx": _exported(generator.mapping, z, ["z", "label"][: len(z)], half),
        "synthesis.onnx": _exported(_Synthesis(generator), (ws, *noise), names, half),
    }
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    maps = [b.numpy() for name, b in generator.named_buffers() if name.endswith("stored")]
    constants = {f"noise{i}": map_.astype(np.float16) for i, map_ in enumerate(maps)}
    np.savez_compressed(folder / "constants.npz", w_avg=generator.w_avg.numpy(), **constants)
    files = [*parts, "constants.npz"]
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    network = {
        "resolution": config.resolution, "z_dim": config.z_dim, "layers": config.layers,
        "noise": list(sides), "classes": config.classes, "kimg": stored.get("kimg"),
    }  # fmt: skip
    card = {"name": folder.name, "network": network, "config": config.to_dict(), "files": digests, **about}
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (folder / "card.json").write_text(text, encoding="utf-8")
