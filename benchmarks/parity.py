"""How far the shipped network is from the torch networks that it was exported from, on real faces.

    python benchmarks/parity.py --pack .work/pack.npz --network .work/net01 .work/net2
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from whichface.detectors.classifier import NETWORK_SCALES, load_model
from whichface.detectors.training.network import Ensemble
from whichface.detectors.training.network_export import load_networks
from whichface.detectors.training.pack import Pack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--network", type=Path, nargs="+", required=True)
    parser.add_argument("--count", type=int, default=20, help="faces a scale")
    args = parser.parse_args()
    pack, model, networks = Pack(args.pack), load_model(), Ensemble(load_networks(args.network)).eval()
    rng = np.random.default_rng(0)
    for scale in NETWORK_SCALES:
        rows = rng.choice(np.flatnonzero(pack.scale == scale), args.count, replace=False)
        faces = np.stack([pack.pixels(int(row)) for row in rows]).transpose(0, 3, 1, 2).astype(np.float32)
        with torch.inference_mode():
            expected = networks(torch.from_numpy(faces))[0].mean(1).numpy()
        found = np.array([model.network(pack.face(int(row))).logit for row in rows])
        print(f"{scale} px, {args.count} faces: largest difference of a logit {np.abs(found - expected).max():.1e}")


if __name__ == "__main__":
    main()
