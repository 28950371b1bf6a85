"""The figures of the StyleGAN paper, for any network: mixed styles, noise, truncation, layers (arXiv 1812.04948)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.records import Pixels

from .images import tile, to_pixels
from .sample import Array, Network, noise_maps, styles

Picture = NDArray[np.uint8]


def _shown(network: Network, ws: Array, mode: str, seeds: Sequence[int], stream: int = 0) -> Picture:
    return to_pixels(network.synthesis(ws, noise_maps(network, mode, seeds, stream)))


def _blank(network: Network) -> Picture:
    side = network.shape.resolution
    return np.full((side, side, 3), 255, np.uint8)


def ranges(network: Network) -> dict[str, range]:
    """Layers of coarse (4 to 8 pixels), middle (16 to 32) and fine styles (from 64), figure 3."""
    layers, sides = network.shape.layers, network.shape.sides
    first, second = (bisect_right(sides, 8), bisect_right(sides, 32)) if sides else (4, 8)
    parts = {"coarse": range(0, first), "middle": range(first, second), "fine": range(second, layers)}
    cut = {name: range(r.start, min(r.stop, layers)) for name, r in parts.items()}
    return {name: part for name, part in cut.items() if part}


def style_mixing(
    network: Network,
    rows: Sequence[int],
    columns: Sequence[int],
    layers: Sequence[int],
    *,
    psi: float = 0.7,
    noise: str = "const",
    chosen: int | None = None,
) -> Pixels:
    """Every row's face with the `layers` of every column's; the sources at the edges. Raises ValueError.

    As published: the rows' w everywhere but in the layers, which come from the columns.
    """
    if not layers or min(layers) < 0 or max(layers) >= network.shape.layers:
        raise ValueError(f"layers are expected to lie from 0 to {network.shape.layers - 1}")
    own, other = (styles(network, seeds, psi, chosen) for seeds in (rows, columns))
    sheet = [_blank(network), *_shown(network, other, noise, columns)]
    for seed, w in zip(rows, own, strict=True):
        mixed = np.repeat(w[None], len(columns), 0)
        mixed[:, list(layers)] = other[:, list(layers)]
        sheet += [*_shown(network, w[None], noise, [seed]), *_shown(network, mixed, noise, [seed] * len(columns))]
    return tile(np.stack(sheet), len(columns) + 1)


def style_ranges(
    network: Network, rows: Sequence[int], columns: Sequence[int], *, psi: float = 0.7, chosen: int | None = None
) -> Pixels:
    """Figure 3: the columns' coarse, middle and fine styles on the rows' faces, one below the other."""
    parts = [
        style_mixing(network, rows, columns, list(layers), psi=psi, chosen=chosen)
        for layers in ranges(network).values()
    ]
    return np.concatenate(parts)


def stochastic(
    network: Network, seeds: Sequence[int], *, draws: int = 32, psi: float = 0.7, chosen: int | None = None
) -> Pixels:
    """Figure 4: face, four draws of its noise, and the standard deviation over `draws` (white: the largest)."""
    sheet: list[Picture] = []
    for seed in seeds:
        ws = styles(network, [seed], psi, chosen)
        shown = [_shown(network, ws, "random", [seed], stream)[0] for stream in range(draws)]
        grey = np.stack(shown).astype(np.float32).mean(-1)
        spread = grey.std(0)
        spread = np.rint(spread / max(float(spread.max()), 1e-6) * 255).astype(np.uint8)
        sheet += [_shown(network, ws, "const", [seed])[0], *shown[:4], np.repeat(spread[..., None], 3, 2)]
    return tile(np.stack(sheet), 6)


def noise_layers(
    network: Network, seeds: Sequence[int], *, psi: float = 0.7, chosen: int | None = None
) -> Pixels:
    """Figure 5: noise in all layers, in none, in the fine ones (from 64 pixels), in the coarse ones."""
    sheet: list[Picture] = []
    edge = min(64, network.shape.resolution // 2)
    for seed in seeds:
        ws = styles(network, [seed], psi, chosen)
        maps = noise_maps(network, "random", [seed])
        fine = [m * (side >= edge) for m, side in zip(maps, network.shape.noise, strict=True)]
        coarse = [m * (side < edge) for m, side in zip(maps, network.shape.noise, strict=True)]
        none = [np.zeros_like(m) for m in maps]
        sheet += [to_pixels(network.synthesis(ws, given))[0] for given in (maps, none, fine, coarse)]
    return tile(np.stack(sheet), 4)


def held(
    network: Network, seeds: Sequence[int], *, columns: int = 6, psi: float = 0.7, chosen: int | None = None
) -> Pixels:
    """Upper rows: one face each, its noise varying. Lower rows: one noise each, the faces varying."""
    sheet: list[Picture] = []
    for seed in seeds:
        ws = styles(network, [seed], psi, chosen)
        sheet += [_shown(network, ws, "random", [seed], stream)[0] for stream in range(columns)]
    for seed in seeds:
        faces = [seed + 1000 * number for number in range(columns)]
        sheet += [_shown(network, styles(network, [face], psi, chosen), "random", [seed])[0] for face in faces]
    return tile(np.stack(sheet), columns)


def truncation(
    network: Network,
    seeds: Sequence[int],
    levels: Sequence[float] = (1.0, 0.7, 0.5, 0.0, -0.5, -1.0),
    *,
    chosen: int | None = None,
) -> Pixels:
    """Figure 8: each face at falling psi; at 0 it is the mean face, below it the opposite."""
    sheet = [
        _shown(network, styles(network, [seed], psi, chosen), "const", [seed])[0]
        for seed in seeds
        for psi in levels
    ]
    return tile(np.stack(sheet), len(levels))
