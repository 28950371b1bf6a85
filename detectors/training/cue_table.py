"""What every analyzer says of every picture of a corpus, as stored and processed: the table that all figures rest on.

`python -m whichface.detectors.training.cue_table --data DIR -o cues.csv`; interrupted, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np

from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.analyzers.cue import Cue
from whichface.forensics.face import face_record
from whichface.forensics.geometry import crop_frame
from whichface.forensics.landmarks import face_frame, refine
from whichface.forensics.parallel import spread
from whichface.forensics.photo import open_photo
from whichface.forensics.recompress import jpeg_bytes, resize
from whichface.forensics.records import Abstention, Face, Photo, Region
from whichface.forensics.view import FaceView

from ..cues import stratum_of
from ..dataset import Sample, for_tuning, in_scope, read_corpus

STORED = "stored"
QUALITIES = {"jpeg90": 90, "jpeg75": 75, "jpeg50": 50}
SHRUNK = {"512px": 512, "256px": 256}
"""The face shrunk to so many pixels, then JPEG 85; only for clearly larger ones."""
VARIANTS = (STORED, *QUALITIES, *SHRUNK)
COLUMNS = ("file", "variant", "cue", "stratum", "statistic", "quality", "reason", "measures", "side", "facts")


CONFOUNDING = (Region.GLASSES, Region.HAT, Region.EARRING, Region.MOUTH, Region.HAIR)


@dataclass(frozen=True, slots=True)
class Row:
    """One analyzer's word on one picture in one variant."""

    file: str
    """The picture, relative to the corpus."""
    variant: str
    """One of `VARIANTS`."""
    cue: str
    """Name of the analyzer."""
    stratum: str
    """Stratum of size and compression (detectors.cues.stratum_of)."""
    statistic: float | None
    """None for an abstention."""
    quality: float | None
    """How far the prerequisites were met; None for an abstention."""
    reason: str
    """Why it abstained, else empty."""
    measures: str
    """Parts of the statistic, as JSON."""
    side: float
    """Native side of the face's square in pixels."""
    facts: str
    """What may confound an analyzer, as JSON: padding, glasses, hat, pose … (`confounders`)."""


def processed(sample: Sample, variant: str) -> Photo | None:
    """The picture in a variant; None where the variant does not apply."""
    photo = open_photo(sample.path)
    if variant == STORED:
        return photo
    if variant in QUALITIES:
        return open_photo(BytesIO(jpeg_bytes(photo.pixels, QUALITIES[variant])))
    if sample.landmarks is None:
        return None
    side, wanted = crop_frame(sample.landmarks).side, SHRUNK[variant]
    if side < 1.2 * wanted:
        return None
    return open_photo(BytesIO(jpeg_bytes(resize(photo.pixels, wanted / side), 85)))


def known_face(photo: Photo, sample: Sample, stored_width: int) -> Face:
    """The face as our own landmark network reads it, started from the corpus's landmarks."""
    if sample.landmarks is None:
        raise ValueError(f"{sample.path} has no landmarks")
    factor = photo.width / stored_width
    points = (sample.landmarks + 0.5) * factor - 0.5
    return face_record(photo, refine(photo.pixels, face_frame(points), passes=2))


def view_of(sample: Sample, variant: str = STORED) -> FaceView | None:
    """The view of a sample's face in a variant; None where the variant does not apply."""
    photo = processed(sample, variant)
    if photo is None:
        return None
    stored = open_photo(sample.path).width if variant in SHRUNK else photo.width
    return FaceView(photo, known_face(photo, sample, stored))


def rows_of(sample: Sample, file: str, variants: Sequence[str], cues: Sequence[Cue]) -> Iterator[Row]:
    """Every analyzer's word on one picture."""
    for variant in variants:
        view = view_of(sample, variant)
        if view is None:
            continue
        stratum, facts = stratum_of(view), _json(confounders(view))
        for cue in cues:
            found = cue.look(view)
            common = (file, variant, cue.name, stratum)
            if isinstance(found, Abstention):
                yield Row(*common, None, None, found.reason, "{}", view.side, facts)
            else:
                parts = _json(found.measures)
                yield Row(*common, found.statistic, found.quality, "", parts, view.side, facts)


def confounders(view: FaceView) -> dict[str, float]:
    """What makes analyzers fire on photographs: shares of the square, angles in degrees, spread of the background."""
    labels = view.regions.labels
    shares = {part.name.lower(): float(np.mean(labels == part)) for part in CONFOUNDING}
    ground = view.lab(512)[(labels == Region.BACKGROUND) & view.inside(512)]
    spread = float(ground.std(0).mean()) if len(ground) > 100 else 0.0
    pose = view.face.pose
    return shares | {
        "padding": view.padding.share,
        "yaw": pose.yaw,
        "background_spread": spread,
        "sharpness": view.face.quality.sharpness,
    }


def _json(values: Mapping[str, float]) -> str:
    return json.dumps({name: round(float(value), 5) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Task:
    """One picture for a worker."""

    sample: Sample
    file: str
    variants: tuple[str, ...]
    cues: tuple[str, ...]


def _job(task: Task) -> list[Row]:
    cv2.setNumThreads(1)
    cues = [cue for cue in ANALYZERS if not task.cues or cue.name in task.cues]
    return list(rows_of(task.sample, task.file, task.variants, cues))


def build(tasks: Sequence[Task], output: Path, workers: int = 2) -> None:
    """Append the rows of the pictures that `output` lacks."""
    done = _done(output)
    todo = [task for task in tasks if task.file not in done]
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = not output.exists()
    with output.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if fresh:
            writer.writerow(COLUMNS)
        for number, rows in enumerate(spread(_job, todo, workers, chunk=4), 1):
            writer.writerows([[getattr(row, name) for name in COLUMNS] for row in rows])
            stream.flush()
            if number % 100 == 0:
                print(f"{number} of {len(todo)} pictures", flush=True)


def _done(output: Path) -> set[str]:
    """Pictures whose rows are written; the last one may be cut short and is left to be told apart by the reader."""
    if not output.exists():
        return set()
    with output.open(newline="") as stream:
        return {row["file"] for row in csv.DictReader(stream)}


def tasks_for(
    folder: Path, sets: Sequence[str], variants: Sequence[str], cues: Sequence[str], most: int | None, seed: int = 0
) -> list[Task]:
    """One task a picture with a face, in the manifest's order; at most `most` of each set and label, drawn by seed.

    Pictures on which analyzers were designed are left out; `sets` are names or beginnings of names.
    """
    samples = [s for s in in_scope(read_corpus(folder)) if not for_tuning(s)]
    samples = [s for s in samples if not sets or s.set.startswith(tuple(sets))]
    if most is not None:
        samples = thinned(samples, most, seed)
    return [Task(s, str(s.path.relative_to(folder)), tuple(variants), tuple(cues)) for s in samples]


def thinned(samples: Sequence[Sample], most: int, seed: int) -> list[Sample]:
    """At most `most` pictures of each set, label and split, drawn by seed, in their old order."""
    order = np.random.default_rng(seed).permutation(len(samples))
    counts: dict[tuple[str, bool, str], int] = {}
    kept = []
    for i in order:
        key = (samples[i].set, samples[i].fake, samples[i].split)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= most:
            kept.append(int(i))
    return [samples[i] for i in sorted(kept)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=[])
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--cues", nargs="*", default=[])
    parser.add_argument("--most", type=int, help="pictures a set, label and split")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    build(tasks_for(args.data, args.sets, args.variants, args.cues, args.most), args.output, args.workers)


if __name__ == "__main__":
    main()
