"""How far the shipped network is from the torch networks that it was exported from, on real faces.

    python benchmarks/parity.py --pack .work/pack.npz --network .work/net01 .work/net2
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from whichface.detectors.classifier import NETWORK_SCALES, load_model
from whichface.detectors.training.network_export import load_networks, score_rows
from whichface.detectors.training.pack import Pack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--network", type=Path, nargs="+", required=True)
    parser.add_argument("--count", type=int, default=20, help="faces a scale")
    args = parser.parse_args()
    pack, model, networks = Pack(args.pack), load_model(), load_networks(args.network)
    rng = np.random.default_rng(0)
    for scale in NETWORK_SCALES:
        rows = rng.choice(np.flatnonzero(pack.scale == scale), args.count, replace=False)
        expected = np.mean([score_rows(network, pack, rows) for network in networks], axis=0)
        found = np.array([model.network(pack.face(int(row))).logit for row in rows])
        print(f"{scale} px, {args.count} faces: largest difference of a logit {np.abs(found - expected).max():.1e}")


if __name__ == "__main__":
    main()
