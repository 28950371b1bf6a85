"""Trained face networks: load the folds, score pack rows, export all folds as one ONNX graph."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..canonical import network_input
from .network import Ensemble, FaceNetwork, NetworkConfig
from .onnx_files import write_halved
from .pack import Pack

BATCH = 32
BESIDE = "seen-by-all.json"
"""In a run folder: how many pictures of which sets lay beside those that are divided into folds."""


def load_networks(runs: Sequence[Path]) -> list[FaceNetwork]:
    """The averaged networks of run folders, in the order of their folds. Raises ValueError when one is missing."""
    found: dict[int, FaceNetwork] = {}
    for run in runs:
        config = json.loads((run / "config.json").read_text())
        state = torch.load(run / "state.pt", weights_only=True, map_location="cpu")
        for number, stored in zip(state["numbers"], state["folds"], strict=True):
            network = FaceNetwork(NetworkConfig(**config["network"]))
            network.load_state_dict(stored["average"])
            found[int(number)] = network.eval()
    if sorted(found) != list(range(len(found))):
        raise ValueError(f"the runs hold folds {sorted(found)}, not all from 0 on")
    return [found[number] for number in sorted(found)]


def described(runs: Sequence[Path]) -> dict[str, object]:
    """What a card says of the networks: architecture, settings, what they started from, steps of each fold."""
    configs = [json.loads((run / "config.json").read_text()) for run in runs]
    states = [torch.load(run / "state.pt", weights_only=True, map_location="cpu") for run in runs]
    steps = {str(n): f["steps"] for s in states for n, f in zip(s["numbers"], s["folds"], strict=True)}
    given = configs[0].get("init") or Path(configs[0].get("pretrained", "")).name
    settings = {key: value for key, value in configs[0].items() if key not in ("init", "pretrained")}
    minutes = [c["minutes"] for c in configs]
    found = {**settings, "started_from": given or "random weights", "steps": steps, "minutes": minutes}
    if (runs[0] / BESIDE).is_file():
        found["seen_by_all"] = json.loads((runs[0] / BESIDE).read_text(encoding="utf-8"))
    return found


def score_rows(network: FaceNetwork, pack: Pack, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """(rows,) logits of whole canonical faces; the rows share one scale."""
    scores: list[float] = []
    device = next(network.parameters()).device
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            images = np.stack([network_input(pack.pixels(int(row))) for row in rows[start : start + BATCH]])
            batch = torch.from_numpy(images).permute(0, 3, 1, 2).float()
            batch = batch.to(device).contiguous(memory_format=torch.channels_last)
            scores.extend(network(batch).mean((1, 2, 3)).tolist())
    return np.array(scores, np.float64)


def export_networks(networks: Sequence[FaceNetwork], path: Path, mirror: bool = True) -> None:
    """Write pixels (faces, 3, H, W) float32 RGB 0..255 to logits (faces, folds) and map (faces, h, w).

    `mirror` is the ensemble's: each face also mirrored, at twice the time.
    """
    ensemble = Ensemble(list(networks), mirror).eval()
    for parameter in ensemble.parameters():
        parameter.requires_grad_(False)
    faces = torch.export.Dim("faces", min=1, max=1024)
    height, width = torch.export.Dim("height", min=96, max=1024), torch.export.Dim("width", min=96, max=1024)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch's own exporter
        program = _program(ensemble, {0: faces, 2: height, 3: width})
    write_halved(program.model_proto, path)


def _program(ensemble: Ensemble, shapes: dict[int, object]) -> torch.onnx.ONNXProgram:
    program = torch.onnx.export(
        ensemble,
        (torch.rand(2, 3, 256, 224) * 255,),
        input_names=["pixels"],
        output_names=["logits", "map"],
        dynamic_shapes=(shapes,),
        dynamo=True,
        optimize=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    return program
