"""Drawing pictures with a trained network, from safetensors by torch or from ONNX without it; numpy in, numpy out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.errors import MissingExtraError, WeightsError
from whichface.forensics.weights_io import load_session

from .errors import NetworkFileError
from .images import to_pixels
from .latents import latents

WEIGHTS = Path(__file__).parent / "weights"
"""Where shipped networks lie, one folder each."""
NOISE = ("const", "random", "none")
AT_ONCE = 2**20
"""Pixels that ONNX Runtime draws together: eight pictures of 1,024 px took 2 GB, and longer than one by one."""
Array = NDArray[np.float32]
Chosen = int | Sequence[int] | None
"""One class for all pictures, or one for each."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a caller must know of a network."""

    name: str
    resolution: int
    z_dim: int
    layers: int
    """Vectors w that the synthesis takes."""
    noise: tuple[int, ...]
    """Side of each noise map."""
    classes: int = 0
    kimg: float | None = None
    """Thousands of pictures that it was trained with."""
    sides: tuple[int, ...] = ()
    """Side of the maps that each w modulates, where it is not two vectors a size."""


class Network(Protocol):
    """A trained generator."""

    shape: Shape
    w_avg: Array
    """(w_dim,)"""
    stored_noise: list[Array]
    """The constant noise, (side, side) each."""

    def mapping(self, z: Array, label: Array | None) -> Array:
        """z (N, z_dim) to w (N, w_dim)."""
        ...

    def synthesis(self, ws: Array, noise: Sequence[Array]) -> Array:
        """w (N, layers, w_dim) and noise maps (N or 1, 1, side, side) to pictures (N, 3, H, W)."""
        ...


class OnnxNetwork:
    """A folder with card.json, mapping.onnx, synthesis.onnx and constants.npz, each checked against its SHA-256."""

    def __init__(self, folder: Path) -> None:
        try:
            card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
            files, shape = card["files"], card["network"]
            lists = {key: tuple(shape.get(key, ())) for key in ("noise", "sides")}
            self.shape = Shape(**shape | lists | {"name": card["name"]})
            parts = {name: files[name] for name in ("mapping.onnx", "synthesis.onnx")}
            constants = files["constants.npz"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WeightsError(f"{folder} holds no generator: {error}.") from error
        self._mapping, self._synthesis = (load_session(folder, f, d) for f, d in parts.items())
        self.w_avg, self.stored_noise = _constants(folder, constants, len(self.shape.noise))

    def mapping(self, z: Array, label: Array | None) -> Array:
        inputs = {"z": z} if label is None else {"z": z, "label": label}
        return np.asarray(self._mapping.run(None, inputs)[0])

    def synthesis(self, ws: Array, noise: Sequence[Array]) -> Array:
        full = [np.broadcast_to(map_, (len(ws), *map_.shape[1:])) for map_ in noise]
        size = max(1, AT_ONCE // self.shape.resolution**2)
        drawn = []
        for part in (slice(start, start + size) for start in range(0, len(ws), size)):
            inputs = {"ws": ws[part]} | {f"noise{i}": np.ascontiguousarray(m[part]) for i, m in enumerate(full)}
            drawn.append(np.asarray(self._synthesis.run(None, inputs)[0]))
        return drawn[0] if len(drawn) == 1 else np.concatenate(drawn)


def _constants(folder: Path, digest: str, count: int) -> tuple[Array, list[Array]]:
    import io

    from whichface.forensics.weights_io import verified_bytes

    data = verified_bytes(folder, "constants.npz", digest)
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        maps = [stored[f"noise{i}"].astype(np.float32) for i in range(count)]
        return stored["w_avg"].astype(np.float32), maps


class TorchNetwork:
    """A snapshot in safetensors, run by torch."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        import torch

        from .checkpoint import load_network

        self.torch = torch
        generator, about = load_network(path)
        self.generator = generator.to(device)
        self.device = device
        config = generator.config
        sides = tuple(generator.synthesis.noise_shapes())
        self.shape = Shape(
            name=f"{about.get('name', path.stem)}@{about.get('kimg', 0):g}kimg",
            resolution=config.resolution,
            z_dim=config.z_dim,
            layers=config.layers,
            noise=sides,
            classes=config.classes,
            kimg=about.get("kimg"),
        )
        self.w_avg = generator.w_avg.cpu().numpy()
        stored = [b for name, b in generator.named_buffers() if name.endswith("stored")]
        self.stored_noise = [map_.cpu().numpy() for map_ in stored]

    def _tensor(self, values: Array) -> object:
        return self.torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)

    def mapping(self, z: Array, label: Array | None) -> Array:
        with self.torch.no_grad():
            given = None if label is None else self._tensor(label)
            return np.asarray(self.generator.mapping(self._tensor(z), given).cpu().numpy())

    def synthesis(self, ws: Array, noise: Sequence[Array]) -> Array:
        with self.torch.no_grad():
            maps = [self._tensor(map_) for map_ in noise]
            images = self.generator.synthesis(self._tensor(ws), "none", maps=maps or None)
            return np.asarray(images.cpu().numpy())


def shipped() -> list[str]:
    """Names of the networks in the package."""
    return sorted(path.parent.name for path in WEIGHTS.glob("*/card.json"))


def open_network(path: Path | str | None = None, device: str = "cpu") -> Network:
    """A network from a .safetensors file, a folder, a shipped name, or the shipped one. Raises ForensicsError."""
    place = _place(path)
    if place.is_dir():
        return OnnxNetwork(place)
    try:
        return TorchNetwork(place, device)
    except ImportError as error:
        message = 'A network in safetensors needs torch: pip install "whichface[train]".'
        raise MissingExtraError(message) from error


def _place(path: Path | str | None) -> Path:
    """The folder or the file of a network. Raises NetworkFileError when there is none."""
    names = shipped()
    if path is None:
        if not names:
            raise NetworkFileError("No generator is shipped with this version; name one with --network.")
        return WEIGHTS / names[-1]
    path = Path(path)
    if not path.is_dir() and str(path) in names:
        return WEIGHTS / str(path)
    if not path.exists():
        raise NetworkFileError(f"{path} does not exist, and no shipped network has this name.")
    return path


def digest(path: Path | str | None = None) -> str:
    """SHA-256 of a network's file, or of the card that has those of its files. Raises NetworkFileError."""
    place = _place(path)
    try:
        with (place / "card.json" if place.is_dir() else place).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise NetworkFileError(f"{place} cannot be read: {error.strerror}.") from error


def noise_maps(network: Network, mode: str, seeds: Sequence[int], stream: int = 0) -> list[Array]:
    """Noise for every layer: stored, zero, or drawn for each seed (and `stream`) alone. Raises ValueError."""
    if mode not in NOISE:
        raise ValueError(f"Argument `mode` is expected to be one of {NOISE} but got {mode!r}")
    sides = network.shape.noise
    if mode == "const":
        return [map_[None, None] for map_ in network.stored_noise]
    if mode == "none":
        return [np.zeros((1, 1, side, side), np.float32) for side in sides]
    streams = [np.random.default_rng((seed, stream, 7)) for seed in seeds]
    return [
        np.stack([rng.standard_normal((1, side, side), np.float32) for rng in streams])
        for side in sides
    ]


def one_hot(network: Network, chosen: Chosen, count: int) -> Array | None:
    """Labels for `count` pictures. Raises ValueError for a class that the network lacks."""
    classes = network.shape.classes
    if not classes:
        if chosen is not None:
            raise ValueError(f"{network.shape.name} has no classes")
        return None
    numbers = [chosen] * count if isinstance(chosen, int) else list(chosen or ())
    if len(numbers) != count or not all(0 <= number < classes for number in numbers):
        raise ValueError(f"{network.shape.name} needs a class from 0 to {classes - 1}")
    return np.eye(classes, dtype=np.float32)[numbers]


def truncated(network: Network, w: Array, psi: float, cutoff: int | None = None) -> Array:
    """w (N, w_dim) for every layer, (N, layers, w_dim), the first `cutoff` drawn to the mean by psi."""
    ws = np.repeat(w[:, None], network.shape.layers, 1)
    last = network.shape.layers if cutoff is None else cutoff
    ws[:, :last] = network.w_avg + psi * (ws[:, :last] - network.w_avg)
    return ws


def styles(
    network: Network,
    seeds: Sequence[int],
    psi: float = 1.0,
    chosen: Chosen = None,
    cutoff: int | None = None,
) -> Array:
    """w (N, layers, w_dim) of seeds."""
    z = latents(seeds, network.shape.z_dim)
    w = network.mapping(z, one_hot(network, chosen, len(z)))
    return truncated(network, w, psi, cutoff)


def batches(
    network: Network,
    seeds: Sequence[int],
    *,
    psi: float = 1.0,
    noise: str = "const",
    chosen: Chosen = None,
    size: int = 8,
) -> Iterator[tuple[list[int], NDArray[np.uint8]]]:
    """Seeds and their pictures (n, H, W, 3), a few at a time; a picture depends on its own seed only."""
    for start in range(0, len(seeds), size):
        part = list(seeds[start : start + size])
        classes = chosen[start : start + size] if isinstance(chosen, Sequence) else chosen
        ws = styles(network, part, psi, classes)
        yield part, to_pixels(network.synthesis(ws, noise_maps(network, noise, part)))


def draw(
    network: Network,
    seeds: Sequence[int],
    *,
    psi: float = 1.0,
    noise: str = "const",
    chosen: Chosen = None,
) -> NDArray[np.uint8]:
    """(N, H, W, 3) pictures of seeds."""
    parts = batches(network, seeds, psi=psi, noise=noise, chosen=chosen)
    return np.concatenate([pictures for _, pictures in parts])
