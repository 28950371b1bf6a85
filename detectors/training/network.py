"""The face network: a timm backbone on the canonical face, one copy a fold, averaged when shipped.

Trained on random crops, so that it cannot learn a composition; at test time it sees the whole face and pools the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .backbones import create_backbone


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Shape of the network."""

    backbone: str = "mobilenetv4_conv_small_050"
    """Any timm architecture that `backbones.create_backbone` can make give a map."""
    dropout: float = 0.3
    """Dropout before the linear head."""
    stem_stride: int = 2
    """Stride of the first convolution; 1 keeps fine traces (Gragnaniello et al. 2021, arXiv 2104.02617)."""
    stages: int = 0
    """Stages of `blocks` that are kept; 0 keeps all. Traces are local: the last stages see composition."""
    hidden: int = 0
    """Channels of a 1x1 layer between the backbone and the head; 0 leaves it out."""


class FaceNetwork(nn.Module):
    """RGB in [0, 255], (N, 3, H, W) to a map of logits (N, 1, h, w); its mean is the score."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.backbone = create_backbone(config.backbone)
        if config.stem_stride != 2:
            self.backbone.conv_stem.stride = (config.stem_stride, config.stem_stride)
        if config.stages:
            self.backbone.blocks = self.backbone.blocks[: config.stages]
        for name in ("conv_head", "norm_head", "bn2"):  # the map is taken before the pooled head
            if hasattr(self.backbone, name):
                setattr(self.backbone, name, nn.Identity())
        with torch.no_grad():
            width = self.backbone.forward_features(torch.zeros(1, 6, 64, 64)).shape[1]
        self.neck = nn.Identity()
        if config.hidden:
            layer = nn.Conv2d(width, config.hidden, 1, bias=False)
            self.neck = nn.Sequential(layer, nn.BatchNorm2d(config.hidden), nn.ReLU())
        self.dropout = nn.Dropout2d(config.dropout)
        self.head = nn.Conv2d(config.hidden or width, 1, 1)
        kernel = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
        self.register_buffer("blur", kernel.expand(3, 1, 3, 3).clone())

    def maps(self, pixels: Tensor) -> Tensor:
        """What the head sees: (N, channels, h, w)."""
        padded = nn.functional.pad(pixels, (1, 1, 1, 1), mode="replicate")
        residual = pixels - nn.functional.conv2d(padded, self.blur, groups=3)
        inputs = torch.cat([(pixels - 127.5) / 64.0, residual / 6.0], 1)  # (N, 6, H, W)
        return self.neck(self.backbone.forward_features(inputs))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.dropout(self.maps(pixels)))


class Ensemble(nn.Module):
    """The folds' networks as one: (N, 3, H, W) to (N, folds) logits and an (N, h, w) mean map.

    With `mirror` every face is seen as it is and mirrored, and the mean of both counts: less noise, and a mirrored
    picture gets the same verdict.
    """

    def __init__(self, networks: list[FaceNetwork], mirror: bool = True) -> None:
        super().__init__()
        self.networks, self.mirror = nn.ModuleList(networks), mirror

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        faces = torch.cat([pixels, pixels.flip(3)]) if self.mirror else pixels
        maps = torch.cat([network(faces) for network in self.networks], 1)  # (N or 2 N, folds, h, w)
        if self.mirror:
            count = pixels.shape[0]  # slices, since torch's exporter fixes the number of faces at a chunk
            maps = (maps[:count] + maps[count:].flip(3)) / 2
        return maps.mean((2, 3)), maps.mean(1)
