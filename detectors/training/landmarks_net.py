"""The landmark network: a small inverted-residual CNN that starts from a PCA shape model."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

STAGES = ((24, 2, 2), (40, 2, 3), (80, 3, 4), (112, 3, 2))
"""Channels, expansion and blocks of each stage; the first block of a stage halves the map."""


def _conv(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Block(nn.Module):
    """Inverted residual: widen, 3x3 depthwise, narrow."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.skip = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            _conv(inputs, wide, 1),
            nn.ReLU(inplace=True),
            _conv(wide, wide, 3, stride, wide),
            nn.ReLU(inplace=True),
            _conv(wide, outputs, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        return x + self.body(x) if self.skip else self.body(x)


class LandmarkNet(nn.Module):
    """(B, 3, 128, 128) RGB 0..255 to points (B, 478, 2) in pixels and logits (B, 2).

    The logits are presence and the covered share of the face.
    """

    def __init__(self, points: int = 478, size: int = 128, code: int = 160) -> None:
        super().__init__()
        self.points, self.size = points, size
        layers: list[nn.Module] = [_conv(3, 16, 3, 2), nn.ReLU(inplace=True)]
        channels = 16
        for outputs, expansion, blocks in STAGES:
            for index in range(blocks):
                layers.append(Block(channels, outputs, expansion, 2 if index == 0 else 1))
                channels = outputs
        self.backbone = nn.Sequential(*layers)
        cells = (size // 32) ** 2
        self.embed = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * cells, code),
            nn.BatchNorm1d(code),
            nn.ReLU(inplace=True),
        )
        self.shape = nn.Linear(code, 2 * points)
        self.scores = nn.Linear(code, 2)

    def start_from(self, shapes: NDArray[np.float32]) -> None:
        """Set the last layer to the mean and components of shapes (N, 478, 2) in pixels."""
        flat = shapes.reshape(len(shapes), -1) / self.size - 0.5
        mean = flat.mean(0)
        _, values, rows = np.linalg.svd(flat - mean, full_matrices=False)
        half = self.shape.in_features // 2
        basis = rows[:half] * (values[:half, None] / np.sqrt(len(flat)))
        with torch.no_grad():
            self.shape.bias.copy_(torch.from_numpy(mean))
            self.shape.weight.copy_(torch.from_numpy(np.concatenate([basis, -basis]).T))

    def forward(self, crop: Tensor) -> tuple[Tensor, Tensor]:
        """Points in pixels of the crop, and the two logits."""
        code = self.embed(self.backbone(crop / 127.5 - 1.0))
        points = (self.shape(code).view(-1, self.points, 2) + 0.5) * self.size
        return points, self.scores(code)
