"""What a network is: its shape as a frozen record, and the published configurations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Shape of a generator and its discriminator."""

    version: int = 2
    """1: AdaIN and growing; 2: demodulation, skips and residuals."""
    resolution: int = 256
    """Side of the pictures, a power of two from 8 to 1024."""
    z_dim: int = 512
    """Length of the latent vector."""
    w_dim: int = 512
    """Length of the intermediate latent vector."""
    mapping_layers: int = 8
    """Dense layers from z to w; 0 leaves the normalised z."""
    fmap_base: int = 16384
    """Feature maps at side s are 2 fmap_base / s, as in the published code …"""
    fmap_max: int = 512
    """… and at most so many."""
    classes: int = 0
    """Number of classes; 0: no labels."""
    channels: int = 3
    """Colour channels."""
    styles: bool = True
    """Version 1: AdaIN; otherwise pixel norm after every convolution."""
    constant: bool = True
    """Version 1: begin with a learned constant; otherwise with a dense layer."""
    noise: bool = True
    """Per-pixel noise inputs."""
    smooth: bool = True
    """Version 1: blur after and before resampling."""

    def __post_init__(self) -> None:
        """Raises ValueError for a shape that cannot be built."""
        size = self.resolution
        if size < 8 or size > 1024 or size & (size - 1):
            raise ValueError(
                f"Argument `resolution` is expected to be a power of two from 8 to 1024 but got {size}"
            )
        if self.version not in {1, 2}:
            raise ValueError(f"Argument `version` is expected to be 1 or 2 but got {self.version}")
        if min(self.z_dim, self.w_dim, self.fmap_max, self.fmap_base) < 1 or self.mapping_layers < 0:
            raise ValueError("The sizes of a network are expected to be positive")
        if not self.mapping_layers and (self.z_dim != self.w_dim or self.classes):
            raise ValueError("Without a mapping network z and w have one length, and no classes")

    @property
    def log2(self) -> int:
        """The resolution's exponent."""
        return self.resolution.bit_length() - 1

    @property
    def layers(self) -> int:
        """Vectors w that the synthesis network takes."""
        return 2 * self.log2 - 2

    def maps(self, side: int) -> int:
        """Feature maps at a side of `side` pixels."""
        return max(1, min(2 * self.fmap_base // side, self.fmap_max))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A published configuration: the network's switches and what belongs to its training."""

    network: dict[str, Any]
    """Fields of NetworkConfig that differ from the defaults."""
    loss: str = "logistic"
    """logistic (non-saturating, R1) or wgan-gp."""
    gamma: float = 10.0
    """Weight of R1."""
    growing: bool = False
    """Progressive growing from 8 x 8."""
    mixing: float = 0.9
    """Probability of style mixing."""
    path_length: float = 0.0
    """Weight of path length regularisation."""
    lazy: bool = False
    """Regularise D every 16th and G every 4th step only."""
    rate: float | None = None
    """Learning rate; None: by resolution, as published for version 1."""


_ONE: dict[str, Any] = {"version": 1, "fmap_base": 8192}
_TRADITIONAL = _ONE | {
    "mapping_layers": 0, "styles": False, "constant": False, "noise": False,
}  # fmt: skip
RECIPES: dict[str, Recipe] = {
    # 1812.04948, table 1: the FFHQ column (WGAN-GP for A, logistic with R1 from B on).
    "stylegan1-a": Recipe(
        _TRADITIONAL | {"smooth": False}, loss="wgan-gp", growing=True, mixing=0.0
    ),
    "stylegan1-b": Recipe(_TRADITIONAL, growing=True, mixing=0.0),
    "stylegan1-c": Recipe(_ONE | {"constant": False, "noise": False}, growing=True, mixing=0.0),
    "stylegan1-d": Recipe(_ONE | {"noise": False}, growing=True, mixing=0.0),
    "stylegan1-e": Recipe(_ONE, growing=True, mixing=0.0),
    "stylegan1-f": Recipe(_ONE, growing=True),
    # 1912.04958, table 1.
    "stylegan2-e": Recipe(
        {"fmap_base": 8192}, gamma=100.0, path_length=2.0, lazy=True, rate=0.002
    ),
    "stylegan2-f": Recipe({}, path_length=2.0, lazy=True, rate=0.002),
}
"""Name to recipe."""
