"""Leave one generator out, leave one source out: experts, stack and calibration refitted without it, then shown it.

    python benchmarks/left_out.py --data ../shared/data/faces --pack .work/pack.npz --features .work/features.npy \
        -o benchmarks/left_out.md

The experts are linear: weighted least squares on ±1 with a ridge, one a scale, since sums over pictures can be taken
off exactly and in seconds. The network is not refitted and has no say here. Groups leave with their source. Only what
belongs to no label is shared: a fixed scaling of the features.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from least_squares import CLIP, solved
from numpy.typing import NDArray
from tables import auc_text, head, publish

from whichface.detectors.canonical import SCALES
from whichface.detectors.dataset import FACE_ONLY, Sample, in_scope, read_corpus
from whichface.detectors.metrics import wilson
from whichface.detectors.training.build_model import Part, stratum
from whichface.detectors.training.folds import FOLDS, source_weights, training_folds
from whichface.detectors.training.fusion import FusionConfig, apply
from whichface.detectors.training.pack import Pack
from whichface.detectors.training.scores import arrays

ARGUMENTS = "--data ../shared/data/faces --pack .work/pack.npz --features .work/features.npy -o benchmarks/left_out.md"
INTRODUCTION = """\
Linear experts at 160, 256 and 512 px, one stack a largest scale and its thresholds, all refitted without what is left
out (ridge 0.3, by hand). The network has no say. "Re-encoded" are two random chains of codecs and sizes a picture.
AUC with 95 % intervals, bootstrap by group; rates with Wilson's interval. A generator leaves with all its fakes and
with the photographs of the sets that pair them; groups leave with their source. "Wild photographs" are validation
pictures of wild sources **whose other pictures are trained on**, so that this column is the easier one."""
VARIANTS = 3
WILD = ("wild-press", "wild-phone", "wild-speakers", "wild-unsplash", "wild-celeba", "wild-beauty", "wild-stock-300")
Key = tuple[str, bool, int]
"""Set, label, fold."""
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the rows of some pictures, a picture's rows sharing its weight of 1."""

    count: float
    first: NDArray[np.float32]
    second: NDArray[np.float32]

    def less(self, other: Sums) -> Sums:
        """Without the pictures of `other`."""
        return Sums(self.count - other.count, self.first - other.first, self.second - other.second)


class Scale:
    """The rows of one canonical scale, scaled once, and their sums by set, label and fold."""

    def __init__(self, scale: int, pack: Pack, features: NDArray[np.float16], keys: Sequence[Key]) -> None:
        self.rows = np.flatnonzero((pack.scale == scale) & (pack.variant < VARIANTS))
        self.sample, self.variant = pack.sample[self.rows], pack.variant[self.rows]
        raw = np.asarray(features[self.rows])
        self.mean = raw.mean(0, dtype=np.float64).astype(np.float32)
        self.scale = raw.std(0, dtype=np.float64).astype(np.float32) + 1e-3
        self.table = np.empty(raw.shape, np.float16)
        for start in range(0, len(raw), 4096):
            part = (raw[start : start + 4096].astype(np.float32) - self.mean) / self.scale
            self.table[start : start + 4096] = np.clip(part, -CLIP, CLIP)
        self.share = 1.0 / np.bincount(self.sample)[self.sample]
        row_keys = [keys[i] for i in self.sample]
        self.cells = {}
        for key in {k for k in row_keys if k[2] >= 0}:
            self.cells[key] = self.sums(np.array([k == key for k in row_keys]))
        print(f"{scale} px: {len(self.rows)} rows, {len(self.cells)} cells", flush=True)

    def sums(self, chosen: NDArray[np.bool_]) -> Sums:
        """Over the chosen rows."""
        values, share = self.table[chosen].astype(np.float32), self.share[chosen].astype(np.float32)
        weighted = values * share[:, None]
        return Sums(float(share.sum()), weighted.sum(0), weighted.T @ values)

    def fit(self, weights: dict[tuple[str, bool], float], cells: dict[Key, Sums]) -> tuple[Array, float]:
        """(features,) slopes and a bias, by least squares on ±1."""
        parts = [(weights[key[:2]], 1.0 if key[1] else -1.0, cell) for key, cell in cells.items()]
        total = sum(a * c.count for a, _, c in parts)
        mean = sum(a * c.first.astype(np.float64) for a, _, c in parts) / total
        target = sum(a * y * c.count for a, y, c in parts) / total
        slope = sum(a * y * c.first.astype(np.float64) for a, y, c in parts) / total - target * mean
        second = np.zeros_like(parts[0][2].second)
        for a, _, c in parts:
            second += np.float32(a / total) * c.second
        second -= np.outer(mean, mean).astype(np.float32)
        found = solved(second, slope)
        return found.astype(np.float64), float(target - mean @ found)

    def scores(self, model: tuple[Array, float], chosen: NDArray[np.bool_]) -> Array:
        """(chosen rows,) of a model."""
        numbers, slopes = np.flatnonzero(chosen), model[0].astype(np.float32)
        found = [self.table[n].astype(np.float32) @ slopes for n in np.array_split(numbers, len(numbers) // 4096 + 1)]
        return np.concatenate(found).astype(np.float64) + model[1]


@dataclass(frozen=True, slots=True)
class Split:
    """Which pictures train and which are shown, for one thing left out."""

    train: NDArray[np.bool_]
    shown: NDArray[np.bool_]


def split_of(samples: Sequence[Sample], out: Callable[[Sample], bool], may: NDArray[np.bool_]) -> Split:
    """What is left out takes its groups with it; shown are it and the validation photographs of other sources."""
    left = np.array([out(s) for s in samples])
    groups = {s.group for s, gone in zip(samples, left, strict=True) if gone}
    wild = np.array([s.split == "val" and not s.fake and s.set in WILD for s in samples])
    return Split(may & np.array([s.group not in groups for s in samples]), left | (wild & ~may))


@dataclass(frozen=True, slots=True)
class Shown:
    """What was said of the pictures shown: a row a picture and variant."""

    sample: NDArray[np.int64]
    variant: NDArray[np.int64]
    llr: Array
    generated: NDArray[np.bool_]


def examine(
    scales: dict[int, Scale], samples: Sequence[Sample], folds: NDArray[np.int64], split: Split
) -> Shown:
    """Refit everything without what is left out, and score what is shown."""
    train = split.train
    weights = source_weights(samples, train)
    by_set = {(s.set, s.fake): w for s, w in zip(samples, weights, strict=True) if w > 0}
    values: dict[int, dict[tuple[int, int], float]] = {}
    for name, scale in scales.items():
        used = train[scale.sample]
        cells = _cells(scale, samples, folds, train, by_set)
        found = np.full(len(scale.sample), np.nan)
        for k in range(FOLDS):
            held = used & (folds[scale.sample] == k)
            found[held] = scale.scores(scale.fit(by_set, {c: v for c, v in cells.items() if c[2] != k}), held)
        shown = split.shown[scale.sample] & ~used
        found[shown] = scale.scores(scale.fit(by_set, cells), shown)
        pairs = zip(scale.sample.tolist(), scale.variant.tolist(), strict=True)
        values[name] = {p: v for p, v in zip(pairs, found.tolist(), strict=True) if np.isfinite(v)}
    return _fused(values, samples, folds, split)


def _cells(
    scale: Scale, samples: Sequence[Sample], folds: NDArray[np.int64], train: NDArray[np.bool_],
    by_set: dict[tuple[str, bool], float],
) -> dict[Key, Sums]:  # fmt: skip
    """The sums of what trains: whole cells, less the pictures that leave with a group."""
    rows = [(samples[i].set, samples[i].fake, int(folds[i])) for i in scale.sample]
    gone = Counter(key for key, i in zip(rows, scale.sample, strict=True) if not train[i] and key[:2] in by_set)
    cells = {key: cell for key, cell in scale.cells.items() if key[:2] in by_set}
    for key in gone.keys() & cells.keys():
        chosen = np.array([k == key for k in rows]) & ~train[scale.sample]
        cells[key] = cells[key].less(scale.sums(chosen))
    return {key: cell for key, cell in cells.items() if cell.count > 0.5}


def _fused(
    values: dict[int, dict[tuple[int, int], float]], samples: Sequence[Sample], folds: NDArray[np.int64], split: Split
) -> Shown:
    """Stacks by largest scale from the out-of-fold scores, applied to what is shown."""
    fake, sets, groups = arrays(samples)
    largest = {key: scale for scale in values for key in values[scale]}
    rows: list[tuple[int, int, float, bool]] = []
    for scale in values:
        names = [s for s in values if s <= scale]
        keys = [key for key in values[scale] if all(key in values[s] for s in names)]
        table = np.array([[values[s][key] for s in names] for key in keys])
        sample = np.array([key[0] for key in keys])
        kept = split.train[sample]
        present = np.zeros(len(samples), bool)
        present[sample[kept]] = True
        weight = source_weights(samples, present) / np.maximum(np.bincount(sample[kept], minlength=len(samples)), 1)
        index = sample[kept]
        variant = np.array([key[1] for key in keys])[kept]
        part = Part(index, variant, table[kept], fake[index], sets[index], groups[index], folds[index], weight[index])
        entry, _ = stratum(part, tuple(f"linear-{s}" for s in names), FusionConfig(rounds=1))
        stack = np.array([entry["bias"], *entry["weights"]])
        for key, llr in zip(keys, apply(stack, table).tolist(), strict=True):
            if split.shown[key[0]] and not split.train[key[0]] and largest[key] == scale:
                rows.append((*key, llr, min(llr, entry["ceiling"]) >= entry["threshold"]))
    columns = list(zip(*rows, strict=True))
    return Shown(np.array(columns[0]), np.array(columns[1]), np.array(columns[2]), np.array(columns[3]))


def lines_of(name: str, samples: Sequence[Sample], shown: Shown, out: Callable[[Sample], bool]) -> list[str]:
    """One table row a kind of processing."""
    fake, _, groups = arrays(samples)
    left = np.array([out(s) for s in samples])[shown.sample]
    truth = fake[shown.sample]
    found = []
    for label, chosen in (("as stored", shown.variant == 0), ("re-encoded", shown.variant > 0)):
        own, wild = chosen & left, chosen & ~left
        counts = f"{int((own & ~truth).sum())}, {int((own & truth).sum())}"
        cells = [name, label, counts]
        for rows in (own, (own & truth) | wild):
            both = len(set(truth[rows])) == 2
            names = groups[shown.sample[rows]].tolist()
            cells.append(auc_text(truth[rows], shown.llr[rows], names) if both else "–")
        for rows in (own & truth, own & ~truth, wild):
            hits = int(shown.generated[rows].sum())
            ends = wilson(hits, int(rows.sum())) if rows.any() else (0.0, 0.0)
            cells.append(f"{hits / rows.sum():.1%} [{ends[0]:.1%}, {ends[1]:.1%}]" if rows.any() else "–")
        found.append(f"| {' | '.join(cells)} |")
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    samples = in_scope(read_corpus(args.data))
    samples = [replace(s, landmarks=None) for s in samples]
    folds = training_folds(samples)
    keys = [(s.set, s.fake, int(f)) for s, f in zip(samples, folds, strict=True)]
    pack, features = Pack(args.pack), np.load(args.features, mmap_mode="r")
    scales = {scale: Scale(scale, pack, features, keys) for scale in SCALES}
    command = f"Command: `python benchmarks/left_out.py {ARGUMENTS}`, {date.today()}."
    text = ["# Left-out generators and sources", "", command, "", INTRODUCTION]
    columns = ("left out", "pictures", "reals, fakes shown", "AUC within", "AUC of its fakes v wild photographs",
               "its fakes called generated", "its reals called generated", "wild reals called generated")  # fmt: skip
    for title, things in (("Generators", generators(samples)), ("Sources", sources(samples))):
        text += ["", f"## {title}", "", *head(*columns)]
        for name, out in things.items():
            found = examine(scales, samples, folds, split_of(samples, out, folds >= 0))
            text += lines_of(name, samples, found, out)
            print("\n".join(text[-2:]), flush=True)
    publish("\n".join(text) + "\n", args.output)


def generators(samples: Sequence[Sample]) -> dict[str, Callable[[Sample], bool]]:
    """Its fakes in every set, and the photographs of the sets that pair them."""
    found: dict[str, Callable[[Sample], bool]] = {}
    for name in sorted({s.generator for s in samples if s.fake}):
        sets = {s.set for s in samples if s.fake and s.generator == name}
        found[name] = lambda s, sets=sets: s.set in sets  # type: ignore[misc]
    return found


def sources(samples: Sequence[Sample]) -> dict[str, Callable[[Sample], bool]]:
    """Every set that is trained on, by itself."""
    names = sorted({s.set for s in samples if s.split == "train"} - set(FACE_ONLY))
    return {name: lambda s, name=name: s.set == name for name in names}  # type: ignore[misc]


if __name__ == "__main__":
    main()
