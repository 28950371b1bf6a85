"""Make a model folder from scored experts: stacks, bounds, thresholds, figures, card.

`python -m whichface.detectors.training.build_model --data DIR --scores OUT -o detectors/weights/face-5`
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canonical import SCALES, SMALL
from ..classifier import NETWORK_SCALES
from ..dataset import (
    FACE_ONLY,
    MATCHED_AND_POOLED,
    MATCHED_SETS,
    OUT_OF_SCOPE,
    Sample,
    in_scope,
    read_corpus,
)
from ..metrics import auc, bootstrap, cllr, true_rate_at
from .folds import FOLDS, WHOLE_SOURCES, source_weights, training_folds
from .fusion import (
    FusionConfig,
    cross_fitted,
    fit_stack,
    for_means,
    limits,
    resampled_stacks,
    within_bounds,
)
from .scores import Array, ScoreTable, arrays, between

LICENCE = "see LICENSE-WEIGHTS: research and non-commercial use"


def experts_of(scale: int, kinds: Sequence[str] = ("texture", "network")) -> tuple[str, ...]:
    """Experts that speak when `scale` is the largest that applies, of a model that has these `kinds`.

    Textures of smaller scales only cost beside networks (benchmarks/additions.md); without one they help.
    """
    if scale == SMALL:
        return (f"network-{SMALL}",)
    networks = [f"network-{s}" for s in NETWORK_SCALES if s <= scale] if "network" in kinds else []
    least = scale if networks else SCALES[0]
    textures = [f"texture-{s}" for s in SCALES if least <= s <= scale] if "texture" in kinds else []
    return (*textures, *networks)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a stratum: pictures that some fold left out and whose face has the scale's pixels."""

    sample: NDArray[np.int64]
    """(rows,) number of the picture."""
    variant: NDArray[np.int64]
    """(rows,) number of its processing; 0 is as stored."""
    values: Array
    """(rows, experts) out-of-fold scores."""
    fake: NDArray[np.bool_]
    sets: NDArray[np.str_]
    groups: NDArray[np.str_]
    folds: NDArray[np.int64]
    weights: Array
    """(rows,) source-balanced."""


def part_of(
    table: ScoreTable, samples: Sequence[Sample], experts: Sequence[str], folds: NDArray[np.int64] | None = None
) -> Part:
    """Rows of the table where all `experts` spoke; `folds` are those of the shipped model unless they are given."""
    fake, sets, groups = arrays(samples)
    folds = training_folds(samples) if folds is None else folds
    values = table.columns(experts)
    used = np.isfinite(values).all(1) & (folds[table.sample] >= 0)
    index = table.sample[used]
    present = np.zeros(len(samples), bool)
    present[index] = True
    weights = source_weights(samples, present)[index] / np.bincount(index, minlength=len(samples))[index]
    return Part(
        index,
        table.variant[used],
        values[used],
        fake[index],
        sets[index],
        groups[index],
        folds[index],
        weights,
    )


def stratum(
    part: Part, experts: tuple[str, ...], config: FusionConfig, alone: Sequence[ScoreTable] = ()
) -> tuple[dict[str, Any], Array]:
    """One entry of calibration.json's "strata", and the cross-fitted log10 ratios of its rows.

    With `alone`, what each network says of pictures that none has seen, the stack is the one for the networks' mean.
    """
    stack = fit_stack(part.values, part.fake, part.weights, config.ridge)
    rounds = resampled_stacks(part.values, part.fake, part.weights, part.groups.tolist(), config)
    if alone:
        noise = between(alone, experts)
        fitted = [for_means(s, part.values, part.fake, part.weights, noise, len(alone)) for s in (stack, *rounds)]
        stack, rounds = fitted[0], np.array(fitted[1:])
    llr = cross_fitted(part.values, part.fake, part.weights, part.folds, config.ridge)
    ceiling, floor = limits(llr, part.fake, part.groups.tolist())
    bounds = round(ceiling, 3), round(floor, 3)
    generated, real, alarm = within_bounds(llr, part.fake, bounds, config, part.sets)
    entry = {
        "experts": list(experts),
        "bias": float(stack[0]),
        "weights": stack[1:].tolist(),
        "replicates": np.round(rounds, 5).tolist(),
        "ceiling": bounds[0],
        "floor": bounds[1],
        "threshold": generated,
        "threshold_real": real,
        "false_alarm": alarm,
        "reals": len(set(part.groups[~part.fake])),
        "fakes": len(set(part.groups[part.fake])),
    }
    return entry, llr


def figures(
    part: Part, llr: Array, comparisons: Mapping[str, Sequence[str]] = MATCHED_AND_POOLED
) -> dict[str, Any]:
    """Out-of-fold figures of one stratum: matched sets by themselves and pooled."""
    found: dict[str, Any] = {}
    for name, sets in comparisons.items():
        rows = np.isin(part.sets, sets)
        if len(set(part.fake[rows])) == 2:
            found[name] = ranking(part.fake[rows], llr[rows], part.groups[rows].tolist())
    return found


def ranking(fake: NDArray[np.bool_], llr: Array, groups: list[str]) -> dict[str, Any]:
    """How log10 ratios rank and what they cost, with the interval of the AUC by group."""
    low, high = bootstrap(lambda i: auc(fake[i], llr[i]), groups, rounds=300)
    return {
        "reals": int((~fake).sum()),
        "fakes": int(fake.sum()),
        "auc": round(auc(fake, llr), 4),
        "auc_interval": [round(low, 4), round(high, 4)],
        "true_rate_at_1_percent": round(true_rate_at(fake, llr, 0.01), 4),
        "cllr": round(cllr(fake, llr), 4),
    }


def by_set(part: Part, llr: Array, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Share of each set's rows beyond each threshold, and the median ratio."""
    out: dict[str, Any] = {}
    for name in np.unique(part.sets):
        for fake in (False, True):
            rows = (part.sets == name) & (part.fake == fake)
            if rows.any():
                out[f"{name}, {'fakes' if fake else 'reals'}"] = {
                    "rows": int(rows.sum()),
                    "median_llr": round(float(np.median(llr[rows])), 2),
                    "generated": round(float(np.mean(llr[rows] >= entry["threshold"])), 4),
                    "real": round(float(np.mean(llr[rows] <= entry["threshold_real"])), 4),
                }
    return out


def expert_figures(
    table: ScoreTable,
    samples: Sequence[Sample],
    folds: NDArray[np.int64] | None = None,
    sets: Sequence[str] = MATCHED_SETS,
) -> dict[str, Any]:
    """Each expert by itself on the matched sets, out of fold."""
    out: dict[str, Any] = {}
    for name in table.experts:
        part = part_of(table, samples, (name,), folds)
        rows = np.isin(part.sets, sets)
        found = ranking(part.fake[rows], part.values[rows, 0], part.groups[rows].tolist())
        out[name] = {key: found[key] for key in ("auc", "auc_interval", "reals", "fakes")}
    return out


def build(samples: Sequence[Sample], scores: Path, out: Path, command: str) -> None:
    """Write the model folder."""
    config = FusionConfig()
    strata: dict[str, Any] = {}
    measured: dict[str, Any] = {}
    by_expert: dict[str, Any] = {}
    parts = {scores / str(SMALL): (SMALL,), scores: SCALES}
    for folder, scales in parts.items():
        if not folder.is_dir():  # small faces are an option of `score`
            continue
        table = ScoreTable.load(folder / "scores.npz")
        alone = [ScoreTable.load(path) for path in sorted(folder.glob("unseen-*.npz"))]
        by_expert |= expert_figures(table, samples)
        for scale in scales:
            experts = experts_of(scale)
            part = part_of(table, samples, experts)
            entry, llr = stratum(part, experts, config, alone)
            strata[str(scale)] = entry
            measured[str(scale)] = {"matched": figures(part, llr), "by_set": by_set(part, llr, entry)}
    out.mkdir(parents=True, exist_ok=True)
    calibration = {"strata": strata, "experts": by_expert, "config": asdict(config)}
    (out / "calibration.json").write_text(json.dumps(calibration, indent=1) + "\n", encoding="utf-8")
    names = [f"texture-{scale}.onnx" for scale in SCALES] + ["network.onnx"]
    for name in names:
        shutil.copyfile(scores / name, out / name)
    digests = {n: hashlib.sha256((out / n).read_bytes()).hexdigest() for n in ["calibration.json", *names]}
    written = card(out.name, digests, measured, command)
    if (scores / "network.json").is_file():
        written["network"] = json.loads((scores / "network.json").read_text(encoding="utf-8"))
    (out / "card.json").write_text(json.dumps(written, indent=1) + "\n")


def card(model: str, digests: Mapping[str, str], measured: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The model card."""
    return {
        "model": model,
        "files": dict(digests),
        "claim": "StyleGAN-family generators (Progressive GAN, StyleGAN 1 to 3) against camera photographs",
        "data": "data/faces of this project (manifest.csv); train split, and what network.seen_by_all "
        f"counts; of {', '.join(FACE_ONLY)} networks learn the face alone; never trained on: {', '.join(OUT_OF_SCOPE)}",
        "folds": f"{FOLDS}; each leaves out whole sources ({'; '.join(', '.join(sorted(w)) for w in WHOLE_SOURCES)}) "
        "and a third of the groups of every other set",
        "figures": dict(measured),
        "figures_note": "out of fold, cross-fitted; rows are pictures as stored and after random re-encodings",
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "licence": LICENCE,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    command = "docs/training.md, the commands in order"
    build(in_scope(read_corpus(args.data)), args.scores, args.output, command)


if __name__ == "__main__":
    main()
