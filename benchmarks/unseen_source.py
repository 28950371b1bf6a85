"""False alarms on photographs of sources that the classifier has never seen, as real or otherwise.

    python benchmarks/unseen_source.py --data ../shared/data/parsing --model FACE3 -o benchmarks/unseen_source.md

FACE3 is the folder of `face-3` (this repository's history): its successors have learned from these sources.

The face-parsing data: figaro1k (photographs of hair in the wild, many from behind) and fasseg (faces before a plain
wall, turned up to 90 degrees). Every picture is examined as a user would, as stored and at most 256 px as JPEG 75.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import cv2
from tables import head, publish

from whichface.detectors import ExamineOptions, Examiner
from whichface.detectors.classifier import model_card
from whichface.detectors.metrics import wilson
from whichface.detectors.robustness import small_jpeg
from whichface.forensics.parallel import spread
from whichface.forensics.photo import open_photo

SOURCES = ("figaro1k", "fasseg_frontal02", "fasseg_multipose01")
MOST = 250
"""Pictures of a source, drawn by a seed."""
STORED, SMALL = "as stored", "256 px, JPEG 75"
CONDITIONS = {STORED: lambda photo: photo, SMALL: small_jpeg(256, 75)}
LABELS = ("generated", "inconclusive", "real")
INTRODUCTION = """\
Photographs that no expert, stack or threshold of the detector was trained on, of sources that were not either. The
parsing network did learn from the train part of these (hair and face regions, no label of real or generated), and
analyzers that use it count in the verdict of large faces; the second table has its validation part alone. The largest
face of a picture counts. Shares are of pictures in which a face was found, with Wilson's 95 % interval, which takes
pictures as independent: fasseg has few people and several pictures of each."""


@dataclass(frozen=True, slots=True)
class Task:
    """One picture under one condition."""

    path: Path
    """The file."""
    source: str
    """Of the manifest."""
    split: str
    """train or val of the parsing network."""
    condition: str
    """Of `CONDITIONS`."""
    model: str | None
    """Model id or folder."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of it."""

    task: Task
    """The picture."""
    label: str = ""
    """The verdict; empty without a face."""
    side: float = float("nan")
    """Side of the face square in pixels."""


@cache
def examiner(model: str | None) -> Examiner:
    """One a process."""
    cv2.setNumThreads(1)
    return Examiner(ExamineOptions(max_faces=1, model=model))


def examine(task: Task) -> Said:
    """The verdict of the largest face."""
    faces = examiner(task.model).examine(CONDITIONS[task.condition](open_photo(task.path))).faces
    return Said(task, faces[0].verdict.label.value, faces[0].face.quality.side) if faces else Said(task)


def tasks(data: Path, limit: int, model: str | None) -> Iterator[Task]:
    """At most `limit` pictures of every source, under every condition. Raises OSError without a manifest."""
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for source in SOURCES:
        here = [row for row in rows if row["source"] == source]
        for row in random.Random(0).sample(here, min(limit, len(here))):
            for condition in CONDITIONS:
                yield Task(data / row["image"], source, row["split"], condition, model)


def share(found: Sequence[Said], label: str) -> str:
    """Of those with a face."""
    faces = [item for item in found if item.label]
    if not faces:
        return "–"
    hits = sum(item.label == label for item in faces)
    low, high = wilson(hits, len(faces))
    return f"{hits}/{len(faces)} = {hits / len(faces):.1%} [{low:.1%}, {high:.1%}]"


def table(found: Sequence[Said]) -> list[str]:
    """One line a source and condition, and one for all of them."""
    lines = head("source", "condition", "pictures", "faces found", "median side, px", *LABELS)
    for source in (*SOURCES, "all of these"):
        for condition in CONDITIONS:
            part = [s for s in found if s.task.condition == condition and source in (s.task.source, "all of these")]
            if part:
                sides = sorted(s.side for s in part if s.label)
                cells = [source, condition, str(len(part)), str(len(sides))]
                cells += [f"{sides[len(sides) // 2]:.0f}" if sides else "–", *(share(part, label) for label in LABELS)]
                lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--limit", type=int, default=MOST, help=f"pictures of a source (default {MOST})")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model")
    args = parser.parse_args()
    known = model_card(args.model).get("network", {}).get("seen_by_all", {})
    if any(f"parsing-{source}" in known for source in SOURCES):
        raise SystemExit("This model has learned from these photographs; name an earlier one with --model.")
    found = list(spread(examine, list(tasks(args.data, args.limit, args.model)), args.workers, chunk=8))
    limit = "" if args.limit == MOST else f" --limit {args.limit}"
    options = f"--data ../shared/data/parsing{limit} --model FACE3"
    command = f"python benchmarks/unseen_source.py {options} -o benchmarks/unseen_source.md"
    lines = ["# Photographs of unseen sources", ""]
    lines += [f"Command: `{command}`, {date.today()}, {examiner(args.model).model.model_id}.", "", INTRODUCTION, ""]
    lines += ["## All pictures", "", *table(found), "", "## Those that the parsing network did not learn from", ""]
    lines += table([item for item in found if item.task.split == "val"])
    publish("\n".join(lines) + "\n", args.output)


if __name__ == "__main__":
    main()
