"""Any timm architecture as a backbone that turns a picture of any size into a map (N, C, h, w)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .observer import InputError
from .timm_import import import_timm

CHANNELS = 6
TRIED: tuple[dict[str, Any], ...] = (
    {},
    {"dynamic_img_size": True, "dynamic_img_pad": True},
    {"strict_img_size": False},
)
"""What makes architectures take pictures of any size, in the order in which it is tried."""
SIZES = (64, 160)


class MapBackbone(nn.Module):
    """An architecture whose features are tokens, or a map with the channels last, as one with a map (N, C, h, w)."""

    def __init__(self, inner: nn.Module, stride: int) -> None:
        super().__init__()
        self.inner, self.stride = inner, stride

    def forward_features(self, pixels: Tensor) -> Tensor:
        """(N, 6, H, W) to (N, C, h, w)."""
        found = self.inner.forward_features(pixels)
        if found.ndim == 4:
            return found.permute(0, 3, 1, 2)
        tokens = found[:, getattr(self.inner, "num_prefix_tokens", 0) :]
        rows = -(-pixels.shape[2] // self.stride)
        return tokens.transpose(1, 2).unflatten(2, (rows, -1))


def create_backbone(name: str) -> nn.Module:
    """The architecture `name` for six channels, without its classifier.

    Raises InputError when timm has none of that name, or it gives no map for pictures of other sizes.
    """
    timm = import_timm()
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:3]
        hint = f"; similar: {', '.join(near)}" if near else ""
        raise InputError(f"timm has no architecture “{name}”{hint}")
    reasons = []
    for options in TRIED:
        try:
            model = timm.create_model(name, in_chans=CHANNELS, num_classes=0, **options)
            return as_map(model)
        except (TypeError, ValueError, RuntimeError, AssertionError, AttributeError) as error:
            reasons.append(str(error).splitlines()[0] if str(error) else type(error).__name__)
    raise InputError(f"the architecture {name} gives no map of features for faces of 160 and 256 px ({reasons[-1]})")


def as_map(model: nn.Module) -> nn.Module:
    """The model itself where its features are a map, else wrapped. Raises InputError where there is no map in them."""
    model.eval()
    with torch.no_grad():
        small, large = (model.forward_features(torch.zeros(1, CHANNELS, side, side)) for side in SIZES)
    model.train()
    if small.ndim == 4 and small.shape[1] == large.shape[1]:
        return model
    if small.ndim == 4 and small.shape[3] == large.shape[3]:
        return MapBackbone(model, SIZES[0] // small.shape[1])
    if small.ndim != 3:
        raise ValueError("its features have neither rows and columns nor tokens")
    cells = small.shape[1] - getattr(model, "num_prefix_tokens", 0)
    stride = SIZES[0] // round(cells**0.5)
    wrapped = MapBackbone(model, stride)
    with torch.no_grad():
        wrapped.forward_features(torch.zeros(1, CHANNELS, 96, 160))
    return wrapped
