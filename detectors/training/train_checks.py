"""What is looked for before anything is trained: leaks, short-cuts, and networks that know too much."""

from __future__ import annotations

import csv
from pathlib import Path

from ..leakage import Baseline, baselines
from .corpora import Gathered
from .observer import InputError, Observer
from .robust_grid import balanced_choice
from .train_session import Session

BASELINE_PICTURES = 300
"""Most pictures a class that the baselines look at."""


def check_overlap(session: Session, model: Path) -> None:
    """Raises InputError when networks to begin with have seen validation pictures; a word where folds have.

    Fold k begins with the model's fold k, so one division of the same pictures hides from each what it hid before.
    """
    if not (model / "pictures.csv").is_file():
        session.observer.warned(
            f"{model} does not list the pictures that it was trained on (its card names the sets): "
            "where some of them are here too, all figures are too good by that"
        )
        return
    with (model / "pictures.csv").open(newline="", encoding="utf-8") as file:
        seen = {row["sha256"]: int(row["fold"]) for row in csv.DictReader(file) if row["split"] == "train"}
    digests = dict(zip((s.path for s in session.gathered.samples), session.gathered.sha256, strict=True))
    held = sum(digests[session.gathered.samples[i].path] in seen for i in session.gathered.split("val"))
    if held:
        raise InputError(
            f"{model} was trained on {held} of the pictures that are validation here; give a manifest with its split"
        )
    count = 1 + max(seen.values(), default=0)
    leaking = [
        s for s, fold in zip(session.train, session.folds.tolist(), strict=True)
        if seen.get(digests[s.path], fold % count) != fold % count
    ]  # fmt: skip
    if leaking:
        session.observer.warned(
            f"the networks to begin with were trained on {len(leaking)} pictures that their folds leave out now: "
            "the calibration of the network is too good by that"
        )


def tell(gathered: Gathered, observer: Observer) -> None:
    for split in ("train", "val", "test"):
        chosen = [gathered.samples[i] for i in gathered.split(split)]
        if chosen:
            fakes = sum(s.fake for s in chosen)
            groups = len({s.group for s in chosen})
            drawn = " (drawn here, whole groups)" if split == "val" and gathered.assigned else ""
            observer.told(f"{split}: {len(chosen) - fakes} real, {fakes} fake pictures in {groups} groups{drawn}")
    for reason, count in gathered.left_out.items():
        if count:
            observer.told(f"left out: {count} ({reason})")
    if gathered.joined:
        observer.told(f"{gathered.joined} pairs of near-duplicates stay on one side")


def short_cuts(session: Session) -> list[Baseline]:
    """What the files give away without their faces; a loud word where the container does."""
    numbers = range(len(session.gathered.samples))
    some = balanced_choice(session.gathered.samples, numbers, BASELINE_PICTURES, session.config.reading.seed)
    try:
        found = baselines([session.gathered.samples[i] for i in some], seen=session.seen("looking for leaks"))
    except ValueError:
        return []
    for one in found:
        if one.name == "container" and one.above_chance:
            session.observer.warned(
                f"the file format alone tells real from fake: AUC {one.auc:.2f} [{one.low:.2f}, {one.high:.2f}],"
                " where 0.5 is chance. All faces are coded anew, but older codecs leave traces: bring both"
                " classes to one codec and size (whichface corpus does), or do not believe the figures."
            )
        if one.name == "sharpness" and one.low > 0.6:
            session.observer.warned(
                f"sharpness alone tells real from fake: AUC {one.auc:.2f} [{one.low:.2f}, {one.high:.2f}]; "
                "the model may learn no more than that."
            )
    return found
