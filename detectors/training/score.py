"""Fit the texture experts, take the trained networks, and score every picture out of fold.

`python -m whichface.detectors.training.score --data DIR --pack pack.npz --features features.npy --network RUN -o OUT`
writes OUT/scores.npz, OUT/texture-<scale>.onnx and OUT/network.onnx.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.parallel import spread

from ..canonical import SCALES, SMALL, network_input
from ..classifier import NETWORK_SCALES
from ..dataset import FACE_ONLY, Sample, in_scope, read_corpus
from .folds import FOLDS, source_weights, training_folds
from .kernel import KernelConfig, Texture
from .kernel import fit as fit_kernel
from .linear import LinearConfig, fit
from .onnx_files import one_thread
from .pack import Pack
from .scores import Array, ScoreTable, arrays, out_of_fold, table
from .texture_export import export

Scores = tuple[NDArray[np.int64], Array]
CHUNK = 256
"""Rows that one process scores at once."""
VARIANTS = 3
"""Variants that are scored: as stored, one that keeps its scale, one that may be shrunk."""


@dataclass(frozen=True, slots=True)
class Material:
    """What experts are trained on and scored with."""

    samples: Sequence[Sample]
    pack: Pack
    folds: NDArray[np.int64]
    """(samples,) number of the fold that leaves the picture out; -1: no fold sees it."""
    count: int = FOLDS
    """Number of folds."""

    def rows(self, scale: int, variants: int = 1000) -> NDArray[np.int64]:
        """Rows of the pack at a scale."""
        return np.flatnonzero((self.pack.scale == scale) & (self.pack.variant < variants))

    def row_weights(self, rows: NDArray[np.int64], fold: int) -> Array:
        """(rows,) training weights in a fold: zero for what it leaves out; a picture's variants share its weight."""
        samples = self.pack.sample[rows]
        weights = source_weights(self.samples, (self.folds >= 0) & (self.folds != fold))
        return weights[samples] / np.bincount(samples, minlength=len(self.samples))[samples]


def fit_texture(
    material: Material, features: NDArray[np.float16], rows: NDArray[np.int64], fold: int
) -> Texture:
    """Both halves, fitted on the rows that a fold may see (fold -1: all that may be trained on)."""
    weights = material.row_weights(rows, fold)
    used = weights > 0
    fake = arrays(material.samples)[0][material.pack.sample[rows[used]]]
    table, weights = np.asarray(features[rows[used]]), weights[used]
    linear = fit(table, fake, weights, LinearConfig())
    return Texture(linear, fit_kernel(linear.standardised(table), fake, weights, KernelConfig()))


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


def texture(
    material: Material, features: NDArray[np.float16], scale: int, out: Path, told: Callable[[str], None] = say
) -> Scores:
    """Fit a scale's models, write the one of all rows, return the scores of rows by models that left them out."""
    rows, scored = material.rows(scale), material.rows(scale, VARIANTS)
    fold_of = material.folds[material.pack.sample[scored]]
    values = np.zeros(len(scored))
    for fold in (-1, *range(material.count)):
        model = fit_texture(material, features, rows, fold)
        values[fold_of == fold] = model.scores(features[scored[fold_of == fold]])
        if fold < 0:
            export(model, out / f"texture-{scale}.onnx")
        told(f"texture-{scale}: " + ("all folds" if fold < 0 else f"without fold {fold + 1} of {material.count}"))
    return scored, values


@cache
def _pack(path: Path) -> Pack:
    return Pack(path)


def _score(task: tuple[Path, Path, NDArray[np.int64]]) -> Array:
    """Logits of some rows, all of one scale, by one network."""
    network, path, rows = task
    session, pack, found = one_thread(network), _pack(path), np.zeros(len(rows))
    for number, row in enumerate(rows):
        pixels = network_input(pack.pixels(int(row))).transpose(2, 0, 1)[None].astype(np.float32)
        found[number] = session.run(["logits"], {"pixels": pixels})[0][0, 0]
    return found


def networks(
    material: Material,
    runs: Sequence[Path],
    out: Path,
    scales: Sequence[int] = NETWORK_SCALES,
    told: Callable[[str], None] = say,
    workers: int = 1,
) -> dict[str, Scores]:
    """Score with the trained networks.

    What each says of pictures that none was trained on is kept apart (`out`/unseen-<number>.npz).
    """
    from .network_export import export_networks, load_networks

    # Exported again: cut from the joined file two run 1.6 times as long; joined from these it would be a tenth slower.
    files = [out / f"fold-{number}.onnx" for number in range(material.count)]
    for network, file in zip(load_networks(runs), files, strict=True):
        export_networks([network], file)

    def scored(number: int, rows: NDArray[np.int64]) -> Array:
        parts = np.array_split(rows, max(1, len(rows) // CHUNK))
        tasks = [(files[number], material.pack.path, part) for part in parts]
        return np.concatenate(list(spread(_score, tasks, workers)))

    unknown = material.folds < 0
    unknown[[i for i, s in enumerate(material.samples) if s.set in FACE_ONLY]] = False  # networks may have seen them
    found: dict[str, Scores] = {}
    alone: list[dict[str, Scores]] = [{} for _ in range(material.count)]
    for scale in scales:
        name, rows = f"network-{scale}", material.rows(scale, VARIANTS)
        fold_of = material.folds[material.pack.sample[rows]]

        def one(number: int, wanted: NDArray[np.int64], name: str = name) -> Array:
            values = scored(number, wanted)
            unseen = unknown[material.pack.sample[wanted]]
            alone[number][name] = (wanted[unseen], values[unseen])
            return values

        found[name] = (rows, out_of_fold(rows, fold_of, material.count, one))
        told(f"{name}: {len(rows)} rows")
    for number, scores in enumerate(alone if unknown.any() else ()):
        table(material.pack, scores, VARIANTS).save(out / f"unseen-{number}.npz")
    one_thread.cache_clear()
    _pack.cache_clear()
    for file in files:
        file.unlink()
    return found


def write_network(runs: Sequence[Path], out: Path) -> None:
    """All folds as network.onnx, and what a card says of them."""
    from .network_export import described, export_networks, load_networks

    export_networks(load_networks(runs), out / "network.onnx")
    (out / "network.json").write_text(json.dumps(described(runs), indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Command line; textures that are in the output folder already are not fitted again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--network", type=Path, nargs="+", required=True, help="run folders, folds in order")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--small", type=Path, help=f"a pack of faces at {SMALL} px, for a stratum of small faces")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    samples = in_scope(read_corpus(args.data))
    material = Material(samples, Pack(args.pack), training_folds(samples))
    if not (args.output / "texture.npz").exists():
        features = np.load(args.features, mmap_mode="r")
        scores = {f"texture-{s}": texture(material, features, s, args.output) for s in SCALES}
        table(material.pack, scores, VARIANTS).save(args.output / "texture.npz")
    write_network(args.network, args.output)
    found = networks(material, args.network, args.output, workers=args.workers)
    textures = ScoreTable.load(args.output / "texture.npz")
    textures.beside(table(material.pack, found, VARIANTS)).save(args.output / "scores.npz")
    if args.small:
        small, out = replace(material, pack=Pack(args.small)), args.output / str(SMALL)
        out.mkdir(exist_ok=True)
        found = networks(small, args.network, out, (SMALL,), workers=args.workers)
        table(small.pack, found, VARIANTS).save(out / "scores.npz")


if __name__ == "__main__":
    main()
