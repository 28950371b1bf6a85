"""The shipped detector, end to end, on validation pictures: no expert was trained on them (docs/training.md: Folds).

    python benchmarks/detector.py --data ../shared/data/faces -o benchmarks/detector.md

Every picture is examined as a user would (`Examiner.examine` on the file's bytes): as stored, re-encoded at JPEG 75
and 50, and with its longer side at 512, 256 and 100 px (JPEG 90, 256 px at 50 too). Prints markdown: ranking, rates at
the shipped thresholds, the thumbnail, container, sharpness and face-size baselines beside them, wild photographs, and
sets outside the claim. `--from` makes the tables anew from the rows of an earlier run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tables import auc_text, gain_text, head, publish

from whichface.detectors import ExamineOptions, Examiner
from whichface.detectors.classifier import model_card
from whichface.detectors.dataset import (
    MATCHED,
    MATCHED_AND_POOLED,
    MATCHED_SETS,
    OUT_OF_SCOPE,
    Sample,
    read_corpus,
)
from whichface.detectors.evaluation.figures import edge_name
from whichface.detectors.evaluation.loss import paired
from whichface.detectors.evaluation.rows import EXAMINED, NO_FACE
from whichface.detectors.evaluation.tables import SIZES
from whichface.detectors.evaluation.wild import SIDES, of_size
from whichface.detectors.leakage import BASELINES, held_out
from whichface.detectors.metrics import cllr, true_rate_at, wilson
from whichface.detectors.robustness import SMALL_JPEG, STORED
from whichface.forensics.photo import open_photo

CONDITIONS = (STORED, "JPEG 75", "JPEG 50", "512 px", "256 px", SMALL_JPEG, "100 px")
WILD_CONDITIONS = (STORED, "JPEG 50", "256 px")


def under(condition: str, path: Path) -> bytes | None:
    """The picture's bytes under a condition; None where it is smaller than the size asked for."""
    data = path.read_bytes()
    if condition == STORED:
        return data
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    quality = 90
    for part in condition.split(", "):
        if part.startswith("JPEG"):
            quality = int(part.split()[1])
            continue
        factor = int(part.split()[0]) / max(image.shape[:2])
        if factor > 1:
            return None
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


_EXAMINER: list[Examiner] = []


def examine(task: tuple[Sample, str, str | None]) -> dict[str, object] | None:
    """One row: the verdict of the largest face."""
    sample, condition, model = task
    data = under(condition, sample.path)
    if data is None:
        return None
    if not _EXAMINER:
        cv2.setNumThreads(1)
        _EXAMINER.append(Examiner(ExamineOptions(max_faces=1, model=model)))
    photo = open_photo(data)
    faces = _EXAMINER[0].examine(photo).faces
    row: dict[str, object] = {"file": str(sample.path), "condition": condition, "set": sample.set}
    row |= {"fake": sample.fake, "group": sample.group}
    if not faces:
        return row | {"label": NO_FACE, "llr": np.nan, "score": np.nan, "side": np.nan}
    verdict, scores = faces[0].verdict, faces[0].scores
    row |= {"label": verdict.label.value, "llr": verdict.llr, "side": faces[0].face.quality.side}
    return row | {"score": _EXAMINER[0].unbounded(scores, faces[0].evidence) if scores else 0.0}


def collect(tasks: Sequence[tuple[Sample, str, str | None]], cache: Path, workers: int) -> pd.DataFrame:
    """All rows, kept in `cache`, so that an interrupted run goes on."""
    done = pd.read_csv(cache) if cache.exists() else pd.DataFrame(columns=["file", "condition"])
    known = set(zip(done["file"], done["condition"], strict=True))
    left = [t for t in tasks if (str(t[0].path), t[1]) not in known]
    parts = [done]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for start in range(0, len(left), 400):
            rows = pool.map(examine, left[start : start + 400], chunksize=8)
            parts.append(pd.DataFrame([r for r in rows if r is not None]))
            pd.concat(parts).to_csv(cache, index=False)
    return pd.read_csv(cache)


def as_evaluated(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the columns status and scope, which the modules of detectors/evaluation read."""
    status = table["label"].where(table["label"] == NO_FACE, EXAMINED)
    return table.assign(status=status, scope=~table["set"].isin(OUT_OF_SCOPE))


def baseline_scores(data: Path, samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Decision values of each baseline by file: fitted on the train parts of the matched sets, one model a set."""
    out: dict[str, dict[str, float]] = {name: {} for name in BASELINES}
    for names in MATCHED.values():
        chosen = [s for s in samples if s.set in names]
        photos = [open_photo(s.path) for s in chosen]
        fake = np.array([s.fake for s in chosen])
        held = np.array([s.split == "val" for s in chosen])
        files = [str(s.path) for s in chosen if s.split == "val"]
        for name, measure in BASELINES.items():
            values = np.stack([measure(photo) for photo in photos])
            out[name] |= dict(zip(files, held_out(values, fake, held).tolist(), strict=True))
    return out


def columns(rows: pd.DataFrame, *names: str) -> tuple[NDArray[np.float64], ...]:
    """The columns as arrays."""
    return tuple(rows[name].to_numpy(float) for name in names)


def share(rows: pd.DataFrame, label: str) -> str:
    """Share of rows with a label, with Wilson's interval."""
    if not len(rows):
        return "–"
    hits = int((rows["label"] == label).sum())
    low, high = wilson(hits, len(rows))
    return f"{hits}/{len(rows)} = {hits / len(rows):.1%} [{low:.1%}, {high:.1%}]"


LABEL_HEAD = ("pictures", "generated", "real", "inconclusive", NO_FACE)


def matched_rows(table: pd.DataFrame) -> list[str]:
    """One line a condition and matched set, and all of them pooled."""
    lines = head("condition", "set", "reals, fakes", "AUC", "thumbnail", "gain over it", "TPR at 1 % FPR", "Cllr")
    more = head("reals called generated", "fakes called generated", "fakes called real", "inconclusive, reals / fakes")
    lines = [first + second[1:] for first, second in zip(lines, more, strict=True)]
    for condition in CONDITIONS:
        here = table[table["condition"] == condition]
        for name, sets in MATCHED_AND_POOLED.items():
            rows = here[here["set"].isin(sets)].dropna(subset=["score"])
            if rows["fake"].nunique() == 2:
                lines.append(f"| {condition} | {name} | {_matched_line(rows)} |")
    return lines


def _matched_line(rows: pd.DataFrame) -> str:
    fake = rows["fake"].to_numpy(bool)
    reals, fakes = rows[~fake], rows[fake]
    groups = rows["group"].astype(str).tolist()
    score, thumbnail, llr = columns(rows, "score", "thumbnail", "llr")
    waiting = [f"{(part['label'] == 'inconclusive').mean():.0%}" for part in (reals, fakes)]
    cells = [f"{len(reals)}, {len(fakes)}", auc_text(fake, score, groups), auc_text(fake, thumbnail, groups)]
    cells += [gain_text(fake, score, thumbnail, groups)]
    cells += [f"{true_rate_at(fake, score, 0.01):.2f}", f"{cllr(fake, llr):.2f}"]
    cells += [share(reals, "generated"), share(fakes, "generated"), share(fakes, "real")]
    return " | ".join([*cells, " / ".join(waiting)])


def baseline_rows(table: pd.DataFrame) -> list[str]:
    """The baselines that must be at chance, as stored."""
    lines = head("set", "container", "sharpness", "face size")
    here = table[table["condition"] == STORED].dropna(subset=["score"])
    for name, sets in MATCHED.items():
        rows = here[here["set"].isin(sets)]
        fake, groups = rows["fake"].to_numpy(bool), rows["group"].astype(str).tolist()
        measures = columns(rows, "container", "sharpness", "side")
        lines.append(f"| {name} | {' | '.join(auc_text(fake, m, groups) for m in measures)} |")
    return lines


def other_rows(table: pd.DataFrame, chosen: Callable[[pd.DataFrame], pd.Series]) -> list[str]:
    """Rates of each label by set and condition."""
    lines = head("set", "condition", *LABEL_HEAD)
    rows = table[chosen(table)]
    for (name, condition), part in rows.groupby(["set", "condition"], sort=False):
        lines.append(f"| {name} | {condition} | {_label_cells(part)} |")
    for condition, part in rows.groupby("condition", sort=False):
        lines.append(f"| all of these | {condition} | {_label_cells(part)} |")
    return lines


def _label_cells(part: pd.DataFrame) -> str:
    cells = [share(part, "generated")]
    cells += [f"{(part['label'] == label).mean():.1%}" for label in LABEL_HEAD[2:]]
    return " | ".join([str(len(part)), *cells])


def size_rows(table: pd.DataFrame) -> list[str]:
    """Wild photographs by size of the face."""
    rows = table[table["set"].str.startswith("wild") & table["side"].notna()]
    lines = head("face side, px", *LABEL_HEAD)
    for low, high in pairwise(SIZES):
        part = rows[(rows["side"] >= low) & (rows["side"] < high)]
        if len(part):
            lines.append(f"| {edge_name(low, high, SIZES)} | {_label_cells(part)} |")
    return lines


def against_wild_rows(table: pd.DataFrame) -> list[str]:
    """Fakes against wild photographs whose face has the same size, a picture once: as first it has that size."""
    lines = head("face side, px", "photographs", "fakes", "AUC", "AUC with sg3-160", "face size alone", "not judged")
    examined = table[table["scope"] & (table["status"] == EXAMINED)]
    kept = examined[examined["fake"].astype(bool) | examined["set"].str.startswith("wild")]
    for low, high in pairwise(SIDES):
        rows = of_size(kept, low, high, CONDITIONS)
        plain = rows[rows["set"] != "sg3-160"]
        cells = [edge_name(low, high, SIDES), *(str(int((plain["fake"] == side).sum())) for side in (False, True))]
        for part, name in ((plain, "score"), (rows, "score"), (plain, "side")):
            groups = part["group"].astype(str).tolist()
            cells.append(auc_text(part["fake"].to_numpy(bool), part[name].to_numpy(float), groups))
        cells.append(f"{(plain['score'] == 0).mean():.0%}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def loss_rows(table: pd.DataFrame) -> list[str]:
    """What ranking loses from the file as it is to the small, strongly compressed one, on the same pictures."""
    lines = head("set", STORED, SMALL_JPEG, "change")
    known = paired(table)
    known = known[known["status"] == EXAMINED]
    for name, sets in MATCHED_AND_POOLED.items():
        part = known[known["set"].isin(sets)]
        fake, groups = part["fake"].to_numpy(bool), part["group"].astype(str).tolist()
        before, after = columns(part, "before", "score")
        cells = [auc_text(fake, before, groups), auc_text(fake, after, groups), gain_text(fake, after, before, groups)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def report(table: pd.DataFrame, command: str, day: date) -> str:
    """The whole page; `day` is when the pictures were examined."""
    wild, out = table["set"].str.startswith("wild"), table["set"].str.startswith("diffusion")
    sections = {
        "Matched sets, validation parts": matched_rows(table),
        "Baselines that should be at chance (AUC, as stored)": baseline_rows(table),
        "From as stored to 256 px and JPEG 50": loss_rows(table),
        "Fakes against wild photographs in one range of face sizes, all conditions": against_wild_rows(table),
        "Wild photographs, validation parts": other_rows(table, lambda t: wild),
        "Wild photographs by size of the face, all conditions": size_rows(table),
        "Other generated faces, validation parts": [
            "`sgx-512`: an unnamed StyleGAN whose source is in training at 256 px. `sg3-160`: blurred around the face "
            "by its authors; networks learned the faces of its training part.",
            "",
            *other_rows(table, lambda t: t["fake"] & ~t["set"].isin(MATCHED_SETS) & ~out),
        ],
        "Outside the claim: diffusion portraits": other_rows(table, lambda t: out),
    }
    lines = [f"Command: `{command}`, {day}."]
    for title, body in sections.items():
        lines += ["", f"## {title}", "", *body]
    return "\n".join(lines) + "\n"


def tasks_of(samples: Sequence[Sample], model: str | None) -> list[tuple[Sample, str, str | None]]:
    """What is examined: validation pictures and what is never trained on, each under its conditions."""
    held = [s for s in samples if s.split == "val" or s.set == "diffusion-sd21"]
    tasks = [(s, c, model) for s in held if s.set in MATCHED_SETS for c in CONDITIONS]
    return tasks + [(s, c, model) for s in held if s.set not in MATCHED_SETS for c in WILD_CONDITIONS]


def cache_of(model: str | None) -> Path:
    """Where a model's rows lie: another network or calibration under the same name has its own."""
    card = model_card(model)
    what = "-".join(card["files"][name][:8] for name in ("network.onnx", "calibration.json"))
    return Path(f".work/detector-{card['model']}-{what}.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--cache", type=Path, help="CSV of the rows (default: one a model in .work)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model")
    parser.add_argument("--from", dest="rows", type=Path, metavar="CSV", help="examine nothing: rows of another run")
    args = parser.parse_args()
    samples = read_corpus(args.data)
    cache = args.cache or cache_of(args.model)
    rows = pd.read_csv(args.rows) if args.rows else collect(tasks_of(samples, args.model), cache, args.workers)
    table = as_evaluated(rows)
    for name, scores in baseline_scores(args.data, samples).items():
        table[name] = table["file"].map(scores)
    command = "python benchmarks/detector.py --data ../shared/data/faces -o benchmarks/detector.md"
    day = date.fromtimestamp((args.rows or cache).stat().st_mtime)
    publish(report(table, command, day), args.output)


if __name__ == "__main__":
    main()
