"""The mean of networks' weights at two ends of one training: `python -m whichface.detectors.training.soup`.

A network that went on from another with a learning rate that rose and fell again lies in the same valley; between the
two it ranks better than either (Izmailov et al. 2018, arXiv 1803.05407; Wortsman et al. 2022, arXiv 2203.05482), and
costs no more to run. Every fold is averaged with its own start, so that what a fold left out stays unseen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from .network import NetworkConfig
from .network_import import stored_states
from .pack import Pack
from .timed_run import save_whole


def mean_of(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Midway between two sets of weights and statistics; counters are those of the second."""
    pairs = {name: (first[name], second[name]) for name in second}
    return {name: torch.lerp(a, b, 0.5) if b.is_floating_point() else b for name, (a, b) in pairs.items()}


def write(begun: Path, runs: Sequence[Path], pack: Pack | None, out: Path) -> None:
    """A run folder with all folds of `runs`, each midway to the network of `begun` that it went on from."""
    config = json.loads((runs[0] / "config.json").read_text(encoding="utf-8"))
    starts = stored_states(begun, NetworkConfig(**config["network"]), pack)
    numbers, folds = [], []
    for run in runs:
        state = torch.load(run / "state.pt", weights_only=True, map_location="cpu")
        for number, fold in zip(state["numbers"], state["folds"], strict=True):
            numbers.append(int(number))
            folds.append({"average": mean_of(starts[int(number)], fold["average"]), "steps": fold["steps"]})
    out.mkdir(parents=True, exist_ok=True)
    config |= {"averaged_with": "/".join(begun.parts[-2:])}
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    save_whole({"numbers": numbers, "folds": folds}, out / "state.pt")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Average networks with those that they went on from.")
    parser.add_argument("--begun", type=Path, required=True, help="what the runs were given as --init")
    parser.add_argument("--pack", type=Path, required=True, help="made by training.pack")
    parser.add_argument("--network", type=Path, nargs="+", required=True, help="run folders")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    write(args.begun, args.network, Pack(args.pack), args.output)


if __name__ == "__main__":
    main()
