"""The droplets of the StyleGAN2 paper (arXiv 1912.04958, figure 1): spikes in the feature maps of version 1.

    python benchmarks/droplets.py NETWORK…

Prints for every block how far the strongest place of a map stands out, in the map's own standard deviations: the
median over pictures of the largest of all maps. Instance norm lets a generator hide the strength of a signal behind
one spike; demodulation does not, so version 2 should show none at 64 x 64 and above.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from whichface.generator.checkpoint import load_network
from whichface.generator.latents import latents
from whichface.generator.networks import Generator


def spike(x: Tensor) -> Tensor:
    """(N,) the largest deviation of one place from its map's mean, in standard deviations."""
    x = x.float()
    deviation = (x - x.mean((2, 3), keepdim=True)).abs().amax((2, 3))
    return (deviation / x.std((2, 3)).clamp_min(1e-8)).amax(1)


def spikes(generator: Generator, count: int) -> dict[int, float]:
    """Side of each block to the median spike of what enters its first normalisation."""
    found: dict[int, float] = {}

    def note(side: int) -> object:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
            tensor = inputs[0] if generator.config.version == 1 else output
            if isinstance(tensor, Tensor):
                found[side] = float(spike(tensor).median())

        return hook

    for block in generator.synthesis.blocks:
        module = block.ends[-1] if generator.config.version == 1 else block.layers[-1]
        module.register_forward_hook(note(block.side))
    z = torch.from_numpy(latents(range(count), generator.config.z_dim))
    with torch.no_grad():
        generator(z, noise="const")
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=64)
    args = parser.parse_args()
    print("| network | version | side: spike in standard deviations |")
    print("|---|---|---|")
    for path in args.networks:
        generator, about = load_network(path)
        sides = ", ".join(f"{side}: {v:.1f}" for side, v in spikes(generator, args.count).items())
        print(f"| {about.get('name', path.stem)} | {generator.config.version} | {sides} |")


if __name__ == "__main__":
    main()
