"""Write a trained model: stacks and bounds from out-of-fold scores, figures on the validation grid, card, SHA-256s."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..calibration import Stratum
from ..calibration import strata as read_strata
from ..classifier import FORMAT, Model
from ..dataset import Sample
from ..leakage import Baseline
from ..metrics import cllr, wilson
from .build_model import by_set, expert_figures, experts_of, figures, part_of, ranking, stratum
from .corpora import Gathered
from .fusion import FusionConfig
from .grid_scores import GridScores, grid_scores, scores_of, sha256_of, told_apart
from .observer import Observer
from .pack import Pack
from .robust_grid import GRID
from .scores import ScoreTable

FEWEST_CALIBRATED = 20
"""Groups of a class below which no picture is called anything: a threshold would be a guess."""
CALIBRATION = FusionConfig(most_wrong=0.05)
LICENCE = "The terms of the pictures that it was trained on apply to it; look them up before you pass it on."
UNFINISHED = ".whichface-part"
"""Folder in the output while files are on their way there."""
CLAIM = "pictures like the fakes of its corpus against pictures like its reals; nothing else was measured"


@dataclass(frozen=True, slots=True)
class Making:
    """Everything that a model is made of."""

    made: Path
    """Folder with the experts' files."""
    output: Path
    """The model folder."""
    train: Sequence[Sample]
    """Pictures of the train split."""
    held: Sequence[Sample]
    """Validation pictures of the grid."""
    gathered: Gathered
    """The corpora."""
    folds: NDArray[np.int64]
    """(train pictures,) fold that leaves the picture out."""
    scales: tuple[int, ...]
    """Canonical scales, rising."""
    experts: tuple[str, ...]
    """texture, network, or both."""
    scores: ScoreTable
    """Out-of-fold scores."""
    grid: Pack
    """Validation pictures under every condition."""
    grid_features: NDArray[np.float16] | None
    """Their texture features."""
    baselines: tuple[Baseline, ...]
    """What the files give away."""
    about: Mapping[str, Any]
    """Command, device and settings."""
    chosen_on_val: bool
    """True when the validation part chose the network's length."""

    def comparisons(self) -> dict[str, tuple[str, ...]]:
        """Sets that hold both classes, and everything together."""
        sides: dict[str, set[bool]] = {}
        for sample in self.train:
            sides.setdefault(sample.set, set()).add(sample.fake)
        matched = {name: (name,) for name, found in sides.items() if len(found) == 2}
        return matched | {"all pictures": tuple(sorted(sides))}


def write_model(making: Making, observer: Observer) -> dict[str, Any]:
    """Fit, measure and write; the card. Raises OSError."""
    made = making.made
    asked = {name for scale in making.scales for name in experts_of(scale, making.experts)}
    said = grid_scores(making.grid, making.grid_features, made, asked, observer)
    calibration, measured, notes = calibrate(making, said.alone())
    _write_json(made / "calibration.json", calibration)
    names = ["calibration.json", *expert_files(making)]
    files = {name: sha256_of(made / name) for name in names}
    card = _card(making, files, measured, notes)
    _write_json(made / "card.json", card)
    card["validation"] = validation(making, read_strata(Model(made).calibration), said)
    card = _finite(card)
    _publish(making, card, names)
    return card


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(_finite(dict(content)), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def expert_files(making: Making) -> list[str]:
    """ONNX files of the model."""
    names = [f"texture-{scale}.onnx" for scale in making.scales if "texture" in making.experts]
    return names + (["network.onnx"] if "network" in making.experts else [])


def calibrate(
    making: Making, alone: Sequence[ScoreTable] = ()
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """calibration.json, out-of-fold figures by stratum, and sentences on what the counts cannot carry.

    `alone` is what each network says of the validation grid: their labels are not asked for (`fusion.for_means`).
    """
    comparisons = making.comparisons()
    strata, measured, notes = {}, {}, []
    for scale in making.scales:
        experts = experts_of(scale, making.experts)
        part = part_of(making.scores, making.train, experts, making.folds)
        entry, llr = stratum(part, experts, CALIBRATION, told_apart(alone, experts))
        entry, note = _honest(entry, scale)
        notes.append(note)
        strata[str(scale)] = entry
        matched = figures(part, llr, comparisons)
        measured[str(scale)] = {"comparisons": matched, "by_set": by_set(part, llr, entry)}
    sets = comparisons["all pictures"]
    reliability = expert_figures(making.scores, making.train, making.folds, sets)
    return {"strata": strata, "experts": reliability, "config": asdict(CALIBRATION)}, measured, notes


def _honest(entry: dict[str, Any], scale: int) -> tuple[dict[str, Any], str]:
    """The stratum, with thresholds out of reach where its counts carry none; and a sentence on what they carry."""
    reals, fakes = entry["reals"], entry["fakes"]
    ratio = 10 ** entry["ceiling"]
    where = f"Faces from {scale} px: {reals} groups of photographs and {fakes} of fakes calibrate;"
    if min(reals, fakes) < FEWEST_CALIBRATED:
        entry = entry | {
            "threshold": round(entry["ceiling"] + 0.01, 3),
            "threshold_real": round(entry["floor"] - 0.01, 3),
            "false_alarm": 0.0,
        }
        few = f"fewer than {FEWEST_CALIBRATED} are too few for a threshold, so nothing is called generated or real"
        return entry, f"{where} {few}; ratios reach {ratio:.2g}."
    if entry["threshold"] > entry["ceiling"]:
        return entry, f"{where} no threshold keeps false alarms below 5 %, so nothing is called generated."
    alarm = f"false alarms {entry['false_alarm']:.1%} at the threshold; below {3 / reals:.1%} cannot be told from none"
    return entry, f"{where} ratios reach {ratio:.2g}; {alarm}."


def validation(making: Making, strata: Mapping[int, Stratum], said: GridScores) -> dict[str, Any]:
    """What the model as shipped says of held-out pictures, condition by condition.

    Ranking is that of ratios before their bounds, the cost that of those within. Rates are of the thresholds alone:
    `detect` also withholds verdicts on poor faces and on those that a re-encoding changes.
    """
    sample, variant, llr, bounded, label = grid_ratios(making, strata, said)
    fake = np.array([s.fake for s in making.held])
    groups = np.array([s.group for s in making.held])
    found: dict[str, Any] = {}
    for number, condition in enumerate(GRID):
        rows = variant == number
        truth = fake[sample[rows]]
        if len(set(truth.tolist())) < 2:
            continue
        entry = ranking(truth, llr[rows], groups[sample[rows]].tolist())
        entry["cllr"] = round(cllr(truth, bounded[rows]), 4)
        entry["false_alarms"] = _rate(label[rows][~truth] == 1)
        entry["detections"] = _rate(label[rows][truth] == 1)
        found[condition.name] = entry
    return found


def _finite(value: Any) -> Any:
    """None for what few pictures leave undefined: JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _finite(v) for name, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _rate(hits: NDArray[np.bool_]) -> list[float]:
    """Share with Wilson's interval."""
    low, high = wilson(int(hits.sum()), len(hits))
    return [round(float(v), 4) for v in (hits.mean(), low, high)]


def grid_ratios(
    making: Making, strata: Mapping[int, Stratum], said: GridScores
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """(picture, condition, unbounded and bounded log10 ratio, 1 generated / 0 neither / -1 real) of the grid."""
    grid, means = making.grid, said.means()
    rows_of: dict[tuple[int, int], list[int]] = {}
    for row in range(len(grid)):
        if int(grid.scale[row]) in strata:
            rows_of.setdefault((int(grid.sample[row]), int(grid.variant[row])), []).append(row)
    ratios, shown, labels = [], [], []
    for rows in rows_of.values():
        stratum_ = strata[max(int(grid.scale[row]) for row in rows)]
        llr = stratum_.unbounded(scores_of(means, rows, stratum_.experts))
        bounded = stratum_.bounded(llr)
        ratios.append(llr)
        shown.append(bounded)
        labels.append(int(bounded >= stratum_.threshold) - int(bounded <= stratum_.threshold_real))
    keys = np.array(list(rows_of), np.int64).reshape(-1, 2)
    return keys[:, 0], keys[:, 1], np.array(ratios), np.array(shown), np.array(labels, np.int64)


def _card(
    making: Making, files: Mapping[str, str], measured: Mapping[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    """The model card, without the figures on the validation grid."""
    gathered = making.gathered
    chosen = "val chose the network's length" if making.chosen_on_val else "nothing was chosen on val"
    return {
        "model": making.output.resolve().name,
        "format": FORMAT,
        "files": dict(files),
        "claim": CLAIM,
        "reading": _reading(making),
        "data": _summary(making),
        "sets": _counts(gathered.samples),
        "left_out": {reason: count for reason, count in gathered.left_out.items() if count},
        "unreadable": [Path(name).name for name, _ in gathered.unreadable],
        "split": ("drawn by group; " if gathered.assigned else "as the manifests have it; ") + chosen,
        "folds": f"{int(making.folds.max()) + 1} by group; sets of one class leave as a whole where there are enough",
        "baselines": {b.name: [round(v, 4) for v in (b.auc, b.low, b.high)] for b in making.baselines},
        "notes": list(notes),
        "figures": dict(measured),
        "figures_note": "out of fold, cross-fitted; rows are pictures as stored and after random re-encodings",
        "network": making.about["settings"]["network"],
        "settings": making.about["settings"],
        "device": making.about["device"],
        "command": making.about["command"],
        "versions": {name: version(name) for name in ("whichface", "numpy", "scikit-learn", "torch", "timm")},
        "date": datetime.now(UTC).date().isoformat(),
        "licence": LICENCE,
    }


def _summary(making: Making) -> str:
    parts = []
    for split in ("train", "val", "test"):
        chosen = [making.gathered.samples[i] for i in making.gathered.split(split)]
        if chosen:
            fakes = sum(s.fake for s in chosen)
            parts.append(f"{split} {len(chosen) - fakes} real, {fakes} fake")
    return "; ".join(parts)


def _reading(making: Making) -> str:
    """How the words of a report are to be read, since they are those of the shipped model."""
    names = sorted({s.generator or s.set for s in making.train if s.fake})
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (
        f"This model was trained on other pictures than the one that ships: where the report says StyleGAN-family "
        f"generator, read: what made its fakes ({', '.join(names[:5])}{more})."
    )


def _counts(samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Pictures by set and by label and split."""
    found: dict[str, dict[str, int]] = {}
    counts = Counter((s.set, f"{'fake' if s.fake else 'real'}, {s.split}") for s in samples)
    for (name, kind), count in sorted(counts.items()):
        found.setdefault(name, {})[kind] = count
    return found


def _publish(making: Making, card: dict[str, Any], names: Sequence[str]) -> None:
    """Copy into the output; the card goes last, so that a folder with a card is whole.

    All is copied aside first: a full disk leaves what was there. That folder also tells a later run that it may go on.
    """
    aside = making.output / UNFINISHED
    aside.mkdir(parents=True, exist_ok=True)
    _write_pictures(making, making.made / "pictures.csv")
    extra = ["pictures.csv"] + (["networks.safetensors"] if "network" in making.experts else [])
    for name in [*names, *extra]:
        shutil.copyfile(making.made / name, aside / name)
    card["training_files"] = {name: sha256_of(aside / name) for name in extra}
    _write_json(aside / "card.json", card)
    (making.output / "card.json").unlink(missing_ok=True)
    for name in [*names, *extra, "card.json"]:
        (aside / name).replace(making.output / name)
    shutil.rmtree(aside)


def _write_pictures(making: Making, path: Path) -> None:
    """Which pictures it knows, by the SHA-256 of their files."""
    folds = iter(making.folds.tolist())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sha256", "label", "set", "split", "fold"])
        for digest, sample in zip(making.gathered.sha256, making.gathered.samples, strict=True):
            fold = next(folds) if sample.split == "train" else ""
            writer.writerow([digest, "fake" if sample.fake else "real", sample.set, sample.split, fold])
