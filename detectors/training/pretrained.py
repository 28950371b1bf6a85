"""Weights that a network starts from: a local file of ImageNet (or other) weights of the same architecture.

Names differ from one publisher to the next while the order of the layers does not, so weights are matched by order and
shape where the names do not fit. Only tensors are read; a file that needs unpickled code is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from whichface.forensics.errors import WeightsError


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors, .pth or .pt file, in their order. Raises WeightsError when it cannot be read."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise many kinds
        raise WeightsError(f"The weights {path.name} cannot be read: {error}.") from error
    if isinstance(stored, Mapping):
        stored = stored.get("state_dict", stored.get("model", stored))
    if not isinstance(stored, Mapping):
        raise WeightsError(f"The weights {path.name} hold no table of tensors.")
    return {str(name): value for name, value in stored.items() if isinstance(value, Tensor)}


def matched(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of `given` that fit `own`, by name, else by order and shape up to the first that does not fit.

    BatchNorm's counters are left out. The first convolution may differ in its input channels.
    """
    names = [n for n in own if not n.endswith("num_batches_tracked")]
    if sum(n in given for n in names) > len(names) // 2:
        return {n: given[n] for n in names if n in given and _fits(own[n], given[n])}
    values = [v for n, v in given.items() if not n.endswith("num_batches_tracked")]
    found: dict[str, Tensor] = {}
    for name, value in zip(names, values, strict=False):
        if not _fits(own[name], value):
            break
        found[name] = value
    return found


def _fits(own: Tensor, given: Tensor) -> bool:
    """The same shape, but for a first convolution on twice the channels."""
    widened = own.ndim == given.ndim == 4 and given.shape[1] == 3 and own.shape[1] == 6
    shape = (given.shape[0], 6, *given.shape[2:]) if widened else given.shape
    return own.shape == shape


def start_from(backbone: nn.Module, path: Path, residual: float = 0.25) -> int:
    """Load what fits into `backbone`; returns the number of tensors.

    A first convolution with twice the input channels gets the given weights for the picture and `residual` times
    them for its high-pass half. Raises WeightsError when less than half of the network would be filled.
    """
    own = backbone.state_dict()
    found = matched(own, read_weights(path))
    wanted = sum(not n.endswith("num_batches_tracked") for n in own)
    if len(found) < max(1, wanted // 2):
        raise WeightsError(f"The weights {path.name} are of another architecture: {len(found)} of {wanted} fit.")
    for name, value in found.items():
        if value.shape != own[name].shape:
            value = torch.cat([value, residual * value], 1)[:, : own[name].shape[1]]
        own[name] = value.to(own[name].dtype)
    backbone.load_state_dict(own)
    return len(found)
