"""Stored networks to go on from, also out of the ONNX file in which they ship.

The exporter folds each batch normalisation into the convolution before it. The folded values are kept as the
convolution's weights, and the normalisation takes the statistics that its inputs have on pictures given: in evaluation
the network gives the file's scores, and in training it normalises with a batch's own statistics as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from whichface.forensics.errors import WeightsError

from ..classifier import NETWORK_SCALES
from .network import FaceNetwork, NetworkConfig
from .pack import Pack, Packs

STATE = "state.pt"
"""In a run folder: everything that a resumed run needs."""
PICTURES = 64
"""Faces on which statistics are taken."""

Values = Mapping[str, NDArray[np.float32]]


def read_networks(path: Path, config: NetworkConfig, pixels: Tensor) -> list[FaceNetwork]:
    """The networks of an exported file, in the order of their folds.

    `pixels` are canonical faces (N, 3, H, W), RGB in [0, 255], on which the statistics of the normalisations are taken.
    Raises WeightsError where the file holds no networks of this shape.
    """
    values = _values(path)
    count = len({name.split(".")[1] for name in values if name.startswith("networks.")})
    if not count:
        raise WeightsError(f"{path.name} holds no face networks.")
    networks = [FaceNetwork(config).eval() for _ in range(count)]
    for number, network in enumerate(networks):
        try:
            _fill(network, values, f"networks.{number}.")
        except (KeyError, RuntimeError) as error:
            raise WeightsError(f"The networks of {path.name} have another shape than asked for.") from error
        _take_statistics(network, pixels)
    return networks


def _values(path: Path) -> Values:
    """Every float initializer by its name before the weights were halved."""
    initializers = onnx.load(path).graph.initializer
    return {i.name.removesuffix("_half"): numpy_helper.to_array(i).astype(np.float32) for i in initializers}


def _pairs(network: FaceNetwork) -> Iterator[tuple[str, nn.Conv2d, nn.BatchNorm2d | None, str]]:
    """Each convolution by name with the normalisation that follows it, if any, and that one's name."""
    modules = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    for (name, module), (next_name, after) in zip(modules, [*modules[1:], ("", nn.Identity())], strict=True):
        if isinstance(module, nn.Conv2d):
            follows = isinstance(after, nn.BatchNorm2d)
            yield name, module, after if isinstance(after, nn.BatchNorm2d) else None, next_name if follows else ""


@torch.no_grad()
def _fill(network: FaceNetwork, values: Values, prefix: str) -> None:
    """Weights as stored; a folded normalisation becomes the addition of the bias that is left of it."""
    for name, conv, norm, norm_name in _pairs(network):
        conv.weight.copy_(torch.from_numpy(values[f"{prefix}{name}.weight"]))
        if conv.bias is not None:
            conv.bias.copy_(torch.from_numpy(values[f"{prefix}{name}.bias"]))
        if norm is None:
            continue
        assert norm.running_mean is not None and norm.running_var is not None
        kept = f"{prefix}{norm_name}."
        if f"{kept}weight" in values:
            for what in ("weight", "bias", "running_mean", "running_var"):
                getattr(norm, what).copy_(torch.from_numpy(values[kept + what]))
            continue
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0)
        norm.weight.fill_((1.0 + norm.eps) ** 0.5)
        norm.bias.copy_(torch.from_numpy(values[f"{prefix}{name}.weight_bias"]))


@torch.no_grad()
def _take_statistics(network: FaceNetwork, pixels: Tensor) -> None:
    """Running statistics from `pixels`, with scale and shift set so that what the network computes stays."""
    found: dict[nn.BatchNorm2d, tuple[Tensor, Tensor]] = {}

    def look(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        variance, mean = torch.var_mean(inputs[0].double(), (0, 2, 3))
        found[norm] = (mean.float(), variance.float())

    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    network(pixels)
    for hook in hooks:
        hook.remove()
    for norm, (mean, variance) in found.items():
        assert norm.running_mean is not None and norm.running_var is not None
        gain = norm.weight / (norm.running_var + norm.eps).sqrt()
        norm.bias.add_(gain * (mean - norm.running_mean))
        norm.weight.copy_(gain * (variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


def stored_states(path: Path, config: NetworkConfig, pack: Pack | Packs | None = None) -> list[dict[str, Tensor]]:
    """The weights of stored networks, in the order of their folds, from networks.safetensors or network.onnx.

    An exported file needs faces of the `pack`; without one the weights are right only in evaluation.
    Raises WeightsError where it holds no networks, or those of an exported file have another shape.
    """
    if path.suffix == ".onnx":
        pixels = torch.full((1, 3, 128, 128), 127.5) if pack is None else some_faces(pack)
        return [network.state_dict() for network in read_networks(path, config, pixels)]
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path.name} cannot be read as stored networks.") from error
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in stored.items():
        number, _, rest = name.partition(".")
        states.setdefault(int(number), {})[rest] = value
    return [states[number] for number in sorted(states)]


def state_of(
    path: Path, number: int, config: NetworkConfig, pack: Pack | Packs | None = None
) -> dict[str, Tensor]:
    """The averaged weights of one fold: of its run folder, or out of a file that `stored_states` reads.

    Raises ValueError for the folder of another fold or of several, WeightsError for a file without such networks.
    """
    if not path.is_dir():
        states = stored_states(path, config, pack)
        return states[number % len(states)]
    run = torch.load(path / STATE, weights_only=True, map_location="cpu")
    if list(run["numbers"]) != [number]:
        raise ValueError(f"{path.name} holds the folds {list(run['numbers'])}, not {number} alone")
    found: dict[str, Tensor] = run["folds"][0]["average"]
    return found


def write_networks(networks: Sequence[nn.Module], path: Path) -> None:
    """The folds' networks as one .safetensors file, for `stored_states`."""
    from safetensors.torch import save_file

    states = [network.state_dict() for network in networks]
    tensors = {f"{k}.{name}": value.contiguous() for k, state in enumerate(states) for name, value in state.items()}
    save_file(tensors, path)


def some_faces(pack: Pack | Packs, count: int = PICTURES) -> Tensor:
    """(N, 3, side, side) float RGB in [0, 255]: about `count` faces at the largest of the network's scales there is."""
    side = max(s for s in NETWORK_SCALES if (pack.scale == s).any())
    rows = np.flatnonzero(pack.scale == side)
    rows = rows[:: max(1, len(rows) // count)]
    return torch.from_numpy(np.stack([pack.pixels(int(row)) for row in rows])).permute(0, 3, 1, 2).float()
