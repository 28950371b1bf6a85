"""Both StyleGANs' networks: `Generator(config)` and `build_discriminator(config)`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from . import discriminator1, discriminator2, stylegan1, stylegan2
from .common import NOISE_MODES, Mapping, truncate
from .config import RECIPES, NetworkConfig, Recipe

__all__ = [
    "NOISE_MODES", "RECIPES", "Generator", "NetworkConfig", "Recipe", "build_discriminator",
    "discriminator1", "discriminator2", "stylegan1", "stylegan2",
]  # fmt: skip


class Generator(nn.Module):
    """Mapping and synthesis, with the running mean of w."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config.z_dim, config.w_dim, config.mapping_layers, config.classes)
        build = stylegan1.Synthesis if config.version == 1 else stylegan2.Synthesis
        self.synthesis = build(config)
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def styles(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        psi: float = 1.0,
        cutoff: int | None = None,
    ) -> Tensor:
        """z (N, z_dim) to w for every layer, (N, layers, w_dim), truncated."""
        ws = self.mapping(z, label)[:, None].expand(-1, self.config.layers, -1)
        return truncate(ws, self.w_avg, psi, cutoff)

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        psi: float = 1.0,
        cutoff: int | None = None,
        noise: str = "random",
        lod: float = 0.0,
        maps: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """z (N, z_dim) to pictures (N, 3, H, W)."""
        ws = self.styles(z, label, psi=psi, cutoff=cutoff)
        return self.synthesis(ws, noise, lod=lod, maps=maps)


def build_discriminator(config: NetworkConfig) -> nn.Module:
    """The discriminator of the generator's version."""
    module = discriminator1 if config.version == 1 else discriminator2
    return module.Discriminator(config)
