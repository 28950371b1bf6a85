"""A training run of the generator: distances over time, and whether its faces are memories.

    python benchmarks/generator.py --run .work/run64 --data .work/faces64.zip -o benchmarks/generator.md

The distances rest on the detector's own network ("own features") and are not to be compared with published FIDs.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whichface.app.own_features import OWN, own_features
from whichface.forensics.phash import BITS, bits_of, difference_hash
from whichface.generator.checkpoint import NETWORK
from whichface.generator.data import Source, open_source
from whichface.generator.evaluate import compare, pictures_of
from whichface.generator.features import OnnxFeatures
from whichface.generator.images import save_png, tile
from whichface.generator.metrics import nearest
from whichface.generator.sample import draw, open_network

Pictures = NDArray[np.uint8]
HEAD = (
    "Command: `python benchmarks/generator.py --run {}`, see docs/generator.md, {}."
    " Distances are between as many drawn as real pictures."
)
GRID = (8, 24)
"""Rows and columns of the grid of faces."""


def chosen(run: Path, most: int) -> list[Path]:
    """Snapshots of a run, evenly spread, the last one among them."""
    found = sorted(run.glob(f"{NETWORK}-*.safetensors"))
    if not found:
        raise SystemExit(f"{run} has no snapshots")
    places = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))
    return [found[i] for i in places]


def over_time(
    snapshots: list[Path], reals: Pictures, features: OnnxFeatures
) -> list[str]:
    """Rows of the table of distances."""
    rows = [
        f"| kimg | FD ({OWN}) | KD ({OWN}) | precision | recall | SWD, finest first |",
        "|---|---|---|---|---|---|",
    ]
    for path in snapshots:
        network = open_network(path)
        fakes = draw(network, range(len(reals)), psi=1.0, noise="random")
        d = compare(reals, fakes, features)
        sliced = " ".join(f"{v:.0f}" for v in d.sliced)
        rows.append(
            f"| {network.shape.kimg:g} | {d.frechet:.1f} | {d.kernel:.4f} | {d.precision:.3f} |"
            f" {d.recall:.3f} | {sliced} |"
        )
    return rows


def closest_bits(pictures: Pictures, others: Pictures) -> NDArray[np.float32]:
    """Fewest bits between each picture's hash and one of the others', mirrored ones too."""
    both = [difference_hash(p) for p in others]
    both += [difference_hash(np.ascontiguousarray(p[:, ::-1])) for p in others]
    return ((BITS - bits_of([difference_hash(p) for p in pictures]) @ bits_of(both).T) / 2).min(1)


def memories(
    snapshot: Path, source: Source, features: OnnxFeatures, count: int, sheet: Path
) -> list[str]:
    """Nearest training pictures of `count` faces, compared with those of training pictures among themselves."""
    every = np.stack([source.load(i) for i in range(len(source))])
    fakes = draw(open_network(snapshot), range(count), psi=0.7)
    known, drawn = features(every), features(fakes)
    index, distance = nearest(drawn, known)
    own = [nearest(known[i : i + 1], np.delete(known, i, 0))[1][0] for i in range(min(count, len(every)))]
    bits = closest_bits(fakes, every)
    among = [closest_bits(every[i : i + 1], np.delete(every, i, 0))[0] for i in range(min(60, len(every)))]
    order = np.argsort(distance)[:20]
    pairs = np.concatenate([fakes[order], every[index[order]]])
    save_png(sheet, tile(pairs, 20), generator="beside training pictures")
    return [
        f"{count} faces (psi 0.7) against all {len(every)} training pictures:",
        f"nearest distance ({OWN}) {np.median(distance):.2f} in the median and {distance.min():.2f} at least;"
        f" between training pictures {np.median(own):.2f} and {np.min(own):.2f};",
        f"perceptual hash {np.median(bits):.0f} of {BITS} bits and {bits.min():.0f} at least;"
        f" between training pictures {np.median(among):.0f} and {np.min(among):.0f}.",
    ]


def about(lines: list[str], args: argparse.Namespace) -> dict[str, object]:
    """What a card says of a network beside its shape; the last table row is the snapshot that is exported."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    options = json.loads((args.run / "training_options.json").read_text(encoding="utf-8"))
    return {
        "data": "aligned real faces of the train split of data/faces and of data/parsing (CelebA-HQ), mirrored",
        "figures": dict(zip(rows[0], rows[-1], strict=True)) | {"pictures": args.count, "of": OWN},
        "memories": " ".join(lines[-3:]),
        "options": options,
        "command": "docs/generator.md, The shipped network",
        "date": datetime.now(UTC).date().isoformat(),
        "licence": "see LICENSE-WEIGHTS: research and non-commercial use",
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--snapshots", type=int, default=8)
    parser.add_argument("--sheet", type=Path, default=Path(".work/nearest.png"))
    parser.add_argument("--grid", type=Path, help="also write a grid of faces (psi 0.7) of the last snapshot")
    parser.add_argument("--about", type=Path, help="also write what the card of an exported network says")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    source, features = open_source(args.data), own_features()
    reals = pictures_of(source, args.count)
    snapshots = chosen(args.run, args.snapshots)
    lines = ["# The generator", "", HEAD.format(args.run.name, datetime.now(UTC).date()), ""]
    lines += [*over_time(snapshots, reals, features), ""]
    lines += memories(snapshots[-1], source, features, min(200, args.count), args.sheet)
    args.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if args.grid:
        faces = draw(open_network(snapshots[-1]), range(GRID[0] * GRID[1]), psi=0.7)
        save_png(args.grid, tile(faces, GRID[1]), generator=open_network(snapshots[-1]).shape.name)
    if args.about:
        args.about.write_text(json.dumps(about(lines, args), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
