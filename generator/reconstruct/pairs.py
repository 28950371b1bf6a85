"""Pairs of a photograph and its reconstruction as a corpus: one size, one codec, one sharpness on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import avg_pool2d

from whichface.forensics.bands import as_sharp_as
from whichface.forensics.recompress import jpeg_bytes
from whichface.forensics.records import Pixels

from ..corpus.build import write_manifest
from ..corpus.grouping import split_of
from ..corpus.records import CorpusConfig
from ..data import Source
from ..images import to_pixels
from .network import ReconstructConfig, Reconstructor

GENERATOR = "stylegan2-reconstruction"
Seen = Callable[[int, str], None]


def reconstructed(network: Reconstructor, pixels: Pixels, config: ReconstructConfig, number: int) -> Pixels:
    """A square photograph drawn anew from its small picture, every band as strong as the photograph's.

    What a network of this size adds or lacks in sharpness would be all that is learned from it, so the magnitudes of
    the bands are given back (`forensics.bands`); where in a band the detail lies is the network's own.
    """
    device = next(network.parameters()).device
    draw = torch.Generator(device).manual_seed(config.seed * 1_000_003 + number)
    real = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].to(device).float() / 127.5 - 1
    with torch.inference_mode():
        made = network(avg_pool2d(real, config.factor), draw)
    sharp = as_sharp_as(_apart(to_pixels(made.cpu().numpy())[0]), _apart(pixels))
    rgb = cv2.cvtColor(sharp, cv2.COLOR_YCrCb2RGB)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def _apart(pixels: Pixels) -> NDArray[np.float32]:
    """Luma and chroma, so that what differs between the colours does not average out in grey."""
    return cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2YCrCb).astype(np.float32, copy=False)


def write_pairs(
    network: Reconstructor, source: Source, out: Path, config: ReconstructConfig, quality: int, seen: Seen
) -> int:
    """real/ and fake/ of every picture as JPEG files, and manifest.csv; the number of pairs. Raises OSError, DataError.

    A pair is one group, so that no split divides it. Files that are there already are written anew.
    """
    shares, lines = CorpusConfig(seed=config.seed), []
    for number in range(len(source)):
        name = f"{number:06d}.jpg"
        seen(number + 1, name)
        pixels = source.load(number)
        pair = {"real": pixels, "fake": reconstructed(network, pixels, config, number)}
        group = f"{source.name}:{number}"
        for label, picture in pair.items():
            data = jpeg_bytes(picture, quality)
            path = out / label / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            lines.append(_line(label, name, group, source.name, split_of(group, shares), data, config))
    write_manifest(out / "manifest.csv", lines)
    return len(source)


def _line(
    label: str, name: str, group: str, origin: str, split: str, data: bytes, config: ReconstructConfig
) -> dict[str, object]:
    done = f"bottleneck {config.bottleneck} px, bands as strong as the photograph's" if label == "fake" else ""
    return {
        "file": f"{label}/{name}", "label": label, "generator": GENERATOR if label == "fake" else "",
        "origin": origin, "set": f"reconstructed-{origin}", "split": split, "group": group,
        "width": config.resolution, "height": config.resolution,
        "processing": done, "sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip
