"""What a step costs at one size compared with another, so that the time left is honest while a network grows."""

from __future__ import annotations

from .networks.config import NetworkConfig
from .schedule import ScheduleConfig, at


def relative_cost(network: NetworkConfig, side: int) -> float:
    """Multiplications of one pass up to `side` pixels, in a unit of its own."""
    sides = [2**k for k in range(2, side.bit_length())]
    convolutions = (network.maps(s) ** 2 + network.maps(s) * network.maps(s // 2) / 4 for s in sides)
    return sum(c * s * s for c, s in zip(convolutions, sides, strict=True))


def remaining_cost(
    network: NetworkConfig, schedule: ScheduleConfig, images: int, total: int, pieces: int = 200
) -> float:
    """Cost of the pictures from `images` to `total`, by the size at which each is shown."""
    if images >= total:
        return 0.0
    width = (total - images) / pieces
    places = [images + (i + 0.5) * width for i in range(pieces)]
    return width * sum(relative_cost(network, at(int(p), schedule).side) for p in places)


def seconds_left(
    network: NetworkConfig, schedule: ScheduleConfig, images: int, total: int, per_image: float
) -> float:
    """Time left when a picture takes `per_image` seconds now."""
    now = relative_cost(network, at(images, schedule).side)
    return per_image * remaining_cost(network, schedule, images, total) / now
