"""Networks between those that a run began with and those that it ended with (Wortsman et al. 2022, arXiv 2109.01903).

`python -m whichface.detectors.training.interpolate --data DIR --pack P --start network.onnx --end RUN -o OUT`

What is learned from new pictures is often at the expense of the old ones; weights in between keep both. Statistics of
normalisations cannot be averaged, so they are taken anew on training crops (Izmailov et al. 2018, arXiv 1803.05407).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .classifier import Crops, TrainConfig
from .face_networks import Material, material_of
from .network import FaceNetwork, NetworkConfig
from .network_export import BESIDE
from .network_import import STATE, state_of
from .timed_run import save_whole

BATCHES = 60
"""Batches that the statistics are taken from."""
SEED = 5


def between(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights that went `share` of the way. Raises ValueError when the two are of different networks."""
    if start.keys() != end.keys() or any(start[name].shape != end[name].shape for name in start):
        raise ValueError("the two runs are of different networks")
    return {
        name: start[name].lerp(end[name], share) if start[name].is_floating_point() else end[name] for name in start
    }


def renormalise(network: FaceNetwork, crops: Crops, fake: np.ndarray, batches: int = BATCHES) -> None:
    """Take the means and variances of all batch normalisations anew, from `batches` random batches."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over batches
            module.train()
    rng = np.random.default_rng(SEED)
    with torch.no_grad():
        for _ in range(batches):
            network(crops.batch(rng, fake)[0])
    network.eval()


def run(
    material: Material, start: Path, end: Path, share: float, out: Path, power: float, matched: float = 0.0
) -> None:
    """Write the network between `start` and the run `end` of one fold as a run folder.

    `start` is a run of the same fold, or the exported networks (network.onnx) that `end` began with.
    Raises ValueError for another fold or another network, WeightsError for a file that cannot be read back.
    """
    config = json.loads((end / "config.json").read_text(encoding="utf-8"))
    shape = NetworkConfig(**config["network"])
    last = torch.load(end / STATE, weights_only=True, map_location="cpu")
    number = int(last["numbers"][0])
    begun, ended = (state_of(path, number, shape, material.pack) for path in (start, end))
    network = FaceNetwork(shape).eval()
    network.load_state_dict(between(begun, ended, share))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    known = TrainConfig.__dataclass_fields__.keys() - {"network"}
    settings = TrainConfig(**{name: value for name, value in config.items() if name in known})
    data = material.data(number, power=power, matched=matched)
    renormalise(network, Crops(data.pack, data.weights[0], settings, data.veiled), data.fake)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(config | {"share": share}, indent=1), encoding="utf-8")
    if (end / BESIDE).is_file():
        (out / BESIDE).write_text((end / BESIDE).read_text(encoding="utf-8"), encoding="utf-8")
    fold = {"average": network.state_dict(), "steps": last["folds"][0]["steps"]}
    save_whole({"numbers": [number], "folds": [fold]}, out / STATE)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="as for face_networks")
    parser.add_argument("--more-pack", type=Path, nargs="*", default=[], help="their packs, in this order")
    parser.add_argument("--start", type=Path, required=True, help="what --end began with: run folder or network.onnx")
    parser.add_argument("--end", type=Path, required=True, help="run folder of a fold")
    parser.add_argument("--share", type=float, default=0.4, help="of the way from --start to --end")
    parser.add_argument("--power", type=float, default=0.6, help="as for face_networks")
    parser.add_argument("--matched", type=float, default=0.0, help="as for face_networks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    material = material_of(args.data, args.pack, args.more, args.more_pack)
    run(material, args.start, args.end, args.share, args.output, args.power, args.matched)


if __name__ == "__main__":
    main()
