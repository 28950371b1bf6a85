"""MobileStyleGAN's published weights (Belousov 2021, arXiv 2104.04767) as a folder that this package draws with.

A small generator of 1,024-pixel faces, distilled from a StyleGAN2 that was trained on FFHQ: depthwise convolutions,
and wavelets in place of pixels. Its weights come in the PyPI package random_face, as OpenVINO's networks.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.weights_io import load_session
from whichface.generator.errors import NetworkFileError
from whichface.generator.latents import latents
from whichface.generator.sample import OnnxNetwork, noise_maps

from .convert import Interface, convert
from .ir import Graph, read_graph
from .sources import Source, read_source
from .synthesis import Synthesis, read_synthesis

MEAN_OF = 10_000
"""Seeds whose mean w truncation draws to: the first ones."""
PUBLISHED = {
    "MappingNetwork.xml": "73e2096cad6e696e4af47df2477e048ab4c42c0e0dec83c7c66604822689e55b",
    "MappingNetwork.bin": "212dd716bdb556e18db603ea97300d4fa3c872b878c726b2402fea80820e7305",
    "SynthesisNetwork.xml": "7918fce515243954d3e06628cb39a23902d6b1d5d02932cc0c2faee7a2aeeedd",
    "SynthesisNetwork.bin": "c7da15fa22d508c82e1c30dd6b4cdf67fe3ccdddaf85b310ee764dbf0c289645",
}
"""SHA-256 of the four files in random_face 2021.7.21.1."""
ABOUT = {
    "what": "MobileStyleGAN, faces of 1024 px: distilled by its author from a StyleGAN2 that was trained on FFHQ",
    "paper": "Belousov 2021, arXiv 2104.04767",
    "package": "random_face 2021.7.21.1 (PyPI)",
    "licence": "Apache-2.0 (licence file of the package); distilled from a StyleGAN2 trained on FFHQ, whose terms are"
    " CC BY-NC-SA 4.0: take it for research and other non-commercial use",
}
UNKNOWN = {
    "what": "a generator of MobileStyleGAN's form; not the published files",
    "licence": "unknown: ask whoever made the files",
}


def import_mobile(path: Path, folder: Path) -> dict[str, Any]:
    """Write mapping.onnx, synthesis.onnx, constants.npz and card.json into a new `folder`; returns the card.

    The mapping keeps its 32 bits: in 16 it moves the picture more than all of the synthesis does.
    Raises NetworkFileError for a source that is no such generator or an output that exists, OSError.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NetworkFileError(f"{folder} exists already; choose another name.")
    folder, source = folder.resolve(), read_source(path, list(PUBLISHED))
    mapping, synthesis = (
        read_graph(f"{name}.xml", source.files[f"{name}.xml"], source.files[f"{name}.bin"])
        for name in ("MappingNetwork", "SynthesisNetwork")
    )
    made = read_synthesis(synthesis, half=True)
    z_dim = _z_dim(mapping, made)
    model = convert(mapping, Interface({"z": ["N", z_dim]}, {mapping.only("Parameter").id: "z"}), half=False)
    beside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        card = _write(beside, source, {"mapping.onnx": model, "synthesis.onnx": made.model}, made, z_dim)
        _try(beside)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return card


def _z_dim(mapping: Graph, made: Synthesis) -> int:
    """Length of z. Raises NetworkFileError when the two networks do not fit."""
    asked = mapping.only("Parameter").outputs[0]
    given = mapping.shape(mapping.only("Result").inputs[0])
    if len(asked) != 2 or given[1:] != (made.w_dim,):
        raise NetworkFileError(f"{mapping.name} makes {given} from {asked}, but a style has {made.w_dim} numbers.")
    return asked[1]


def _write(
    folder: Path, source: Source, models: Mapping[str, bytes], made: Synthesis, z_dim: int
) -> dict[str, Any]:
    """All files of the folder; the card names every one with its SHA-256."""
    for name, data in models.items():
        (folder / name).write_bytes(data)
    maps: dict[str, Any] = {f"noise{i}": noise.map.astype(np.float16) for i, noise in enumerate(made.noises)}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in models.items()}
    w_avg = _mean_w(folder, digests["mapping.onnx"], z_dim)
    np.savez_compressed(folder / "constants.npz", w_avg=w_avg, **maps)
    digests["constants.npz"] = hashlib.sha256((folder / "constants.npz").read_bytes()).hexdigest()
    network = {
        "resolution": made.resolution, "z_dim": z_dim, "layers": len(made.styles),
        "noise": [len(noise.map) for noise in made.noises], "sides": [style.side for style in made.styles],
    }  # fmt: skip
    published = source.digests() == PUBLISHED
    card = {
        "name": f"mobilestylegan-{made.resolution}",
        "network": network,
        "files": digests,
        **(ABOUT if published else UNKNOWN),
        "published": published,
        "source": {"name": source.name, "sha256": source.sha256, "files": source.digests()},
        "w_avg": f"mean over seeds 0 to {MEAN_OF - 1}",
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (folder / "card.json").write_text(text, encoding="utf-8")
    return card


def _mean_w(folder: Path, digest: str, z_dim: int) -> NDArray[np.float32]:
    """(w_dim,) mean of the mapping. Raises NetworkFileError when it does not run."""
    with _running("mapping"):
        w = load_session(folder, "mapping.onnx", digest).run(None, {"z": latents(range(MEAN_OF), z_dim)})[0]
        return np.asarray(w, np.float64).mean(0).astype(np.float32)


def _try(folder: Path) -> None:
    """Draw the mean face twice: what is damaged would show only when somebody draws. Raises NetworkFileError."""
    with _running("synthesis"):
        network = OnnxNetwork(folder)
        side, layers = network.shape.resolution, network.shape.layers
        ws = np.broadcast_to(network.w_avg, (2, layers, len(network.w_avg)))
        drawn = network.synthesis(np.ascontiguousarray(ws), noise_maps(network, "const", [0]))
    if drawn.shape != (2, 3, side, side) or not np.isfinite(drawn).all():
        raise NetworkFileError(f"The synthesis network draws no pictures of {side}x{side}: its files are damaged.")


@contextmanager
def _running(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # ONNX Runtime's own exception classes are not public
        raise NetworkFileError(f"The {name} network does not run: {error}") from error
