"""The parsing network: a small U-Net of plain convolutions, led by outlines of the face mesh."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from whichface.forensics.records import Region
from whichface.forensics.regions import OUTLINES

STAGES = ((32, 2), (56, 2), (96, 3), (160, 3))
"""Channels and blocks of each stage; the first block of a stage halves the map."""
DECODER = (96, 56, 40, 32)
"""Channels on the way back up."""
CLASSES = len(Region)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Block(nn.Module):
    """3x3, then 1x1, with a shortcut where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.skip = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            _conv(inputs, outputs, 3, stride), nn.ReLU(inplace=True), _conv(outputs, outputs, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        return x + self.body(x) if self.skip else torch.relu(self.body(x))


class Rise(nn.Module):
    """Double the map, join the shortcut of that size, and mix."""

    def __init__(self, inputs: int, shortcut: int, outputs: int) -> None:
        super().__init__()
        # A 1x1 of the joined maps, taken apart: the deep part costs a quarter before it is enlarged.
        self.deep = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.near = nn.Conv2d(shortcut, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.mix = Block(outputs, outputs)

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        """(B, inputs, H, W) and (B, shortcut, 2H, 2W) to (B, outputs, 2H, 2W)."""
        joined = doubled(self.deep(x)) + self.near(shortcut)
        return self.mix(torch.relu(self.norm(joined)))


def doubled(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2H, 2W), bilinear, in the type of `x` even under autocast."""
    if not torch.is_autocast_enabled("cpu"):
        return nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    with torch.autocast("cpu", enabled=False):
        return nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def places(like: Tensor) -> Tensor:
    """(B, 2, H, W) x and y from -1 to 1 over the crop, in the type of `like` (B, C, H, W)."""
    height, width = like.shape[2:]
    y = torch.linspace(-1, 1, height, dtype=like.dtype)[:, None].expand(height, width)
    x = torch.linspace(-1, 1, width, dtype=like.dtype)[None].expand(height, width)
    return torch.stack([x, y]).expand(like.shape[0], 2, height, width)


class RegionNet(nn.Module):
    """(B, 3, S, S) RGB 0..255 and (B, 8, S/2, S/2) outlines to logits (B, 19, S/2, S/2); S a multiple of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 16, 3, 2), nn.ReLU(inplace=True))
        channels = 16 + len(OUTLINES) + 2
        widths, self.down = [channels], nn.ModuleList()
        for outputs, blocks in STAGES:
            first = Block(channels, outputs, 2)
            self.down.append(nn.Sequential(first, *(Block(outputs, outputs) for _ in range(blocks - 1))))
            channels = outputs
            widths.append(channels)
        self.whole = nn.Linear(channels, channels)
        self.up = nn.ModuleList()
        for shortcut, outputs in zip(widths[-2::-1], DECODER, strict=True):
            self.up.append(Rise(channels, shortcut, outputs))
            channels = outputs
        self.head = nn.Conv2d(channels, CLASSES, 1)

    def forward(self, crop: Tensor, outlines: Tensor) -> Tensor:
        """Logits."""
        x = self.stem(crop / 127.5 - 1.0)
        maps = [torch.cat([x, outlines.to(x.dtype), places(x)], 1)]
        for stage in self.down:
            maps.append(stage(maps[-1]))
        x = maps[-1]
        # The mean over the map tells every place what kind of picture this is.
        x = x + torch.relu(self.whole(x.mean((2, 3))))[:, :, None, None]
        for rise, shortcut in zip(self.up, maps[-2::-1], strict=True):
            x = rise(x, shortcut)
        return self.head(x)
