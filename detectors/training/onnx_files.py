"""Networks as they ship: ONNX with the weights stored in 16 bits, and a card beside each."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import onnx

from whichface.forensics.onnx_writing import halve, onnx_bytes
from whichface.forensics.weights_io import WEIGHTS

LICENCE = "see LICENSE-WEIGHTS: research and non-commercial use"


def write_halved(model: onnx.ModelProto, path: Path) -> None:
    """Write the model with its larger weights in 16 bits."""
    path.write_bytes(onnx_bytes(halve(model)))


@cache
def one_thread(path: Path) -> Any:
    """A session of an exported network on one thread: what ships, and more than twice as fast here as torch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


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
