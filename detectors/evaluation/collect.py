"""Examine every picture under every condition: in this process or a pool, resumable, reporting to an observer."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from whichface.forensics.errors import MissingExtraError, PhotoError
from whichface.forensics.parallel import end_with_parent
from whichface.forensics.photo import open_photo
from whichface.forensics.records import FaceExamination, Photo

from ..cues import TABLE
from ..dataset import Sample
from ..examine import ExamineOptions, Examiner
from ..leakage import BASELINES
from ..robustness import BY_NAME, STORED, Condition, Grid, evaluated, trial
from .corpus import Corpus
from .rows import COLUMNS, EXAMINED, NO_FACE, SKIPPED, UNREADABLE, Cache, Row

Observer = Callable[[int, int, str], None]
"""Called with (pictures done, pictures in all, name) after every picture."""


@dataclass(frozen=True, slots=True)
class CollectConfig:
    """How pictures are examined."""

    model: str | None = None
    """Model id or folder; None: the default."""
    grid: Grid = Grid.QUICK
    """Conditions beside the file as it is."""
    explain: bool = False
    """Run every analyzer on the pictures as stored."""
    workers: int = 2
    """Processes; 1 works in this one."""


@dataclass(frozen=True, slots=True)
class Task:
    """One picture and what is still to be done with it."""

    sample: Sample
    """The picture."""
    name: str
    """Its path below the corpus."""
    left: tuple[str, ...]
    """Names of conditions."""


class Worker:
    """Examiners that stay loaded between pictures."""

    def __init__(self, config: CollectConfig) -> None:
        cv2.setNumThreads(1)
        plain = ExamineOptions(max_faces=1, model=config.model)
        self.plain = Examiner(plain)
        full = ExamineOptions(max_faces=1, model=config.model, explain=True)
        self.stored = Examiner(full, self.plain.model) if config.explain else self.plain

    def rows(self, task: Task) -> list[Row]:
        """One row a condition; one alone for a picture that cannot be read."""
        start = time.process_time()
        try:
            photo = open_photo(task.sample.path)
        except (PhotoError, MissingExtraError) as error:
            # Without its digest the row counts for this run only: the extra may be installed before the next.
            sha256 = "" if isinstance(error, MissingExtraError) else digest(task.sample.path)
            return [Row(**_who(task, STORED), sha256=sha256, status=UNREADABLE, message=str(error))]
        reading = time.process_time() - start
        return [self.row(task, photo, BY_NAME[name], reading) for name in task.left]

    def row(self, task: Task, photo: Photo, condition: Condition, reading: float = 0.0) -> Row:
        """The picture under one condition.

        The time of the picture as stored includes `reading`, the CPU seconds that opening it took; that of the others
        includes the change.
        """
        start = time.process_time()
        examiner = self.stored if condition.name == STORED else self.plain
        found = trial(examiner, photo, condition)
        seconds = time.process_time() - start + (reading if condition.name == STORED else 0.0)
        base = _who(task, condition.name) | {"sha256": photo.sha256, "format": photo.source.format}
        base |= {"width": photo.width, "height": photo.height, "seconds": round(seconds, 4)}
        if condition.name == STORED:
            base["traits"] = traits(photo)
        if found.face is None:
            status = NO_FACE if found.note == "no face was found" else SKIPPED
            return Row(**base, status=status, message=found.note)
        return Row(**base, status=EXAMINED, **_said(found.face, examiner))


def _who(task: Task, condition: str) -> dict[str, Any]:
    sample = task.sample
    who = {"file": task.name, "condition": condition, "fake": sample.fake, "set": sample.set}
    return who | {"generator": sample.generator, "group": sample.group}


def _said(item: FaceExamination, examiner: Examiner) -> dict[str, Any]:
    verdict, face = item.verdict, item.face
    score = examiner.unbounded(item.scores, item.evidence) if item.scores else 0.0
    values = {"llr": verdict.llr, "score": score, "threshold": verdict.threshold, "ceiling": verdict.llr_ceiling}
    values |= {"side": face.quality.side, "resolution": face.quality.sharpness}
    values |= {"closeness": face.alignment.closeness, "yaw": face.pose.yaw, "pitch": face.pose.pitch}
    rounded = {name: round(float(value), 5) for name, value in values.items()}
    return rounded | {"label": verdict.label.value, "cues": _cues(item, examiner)}


def _cues(item: FaceExamination, examiner: Examiner) -> dict[str, Any]:
    """What the analyzers said; the experts are no analyzers."""
    names = {cue.name for cue in examiner.cues}
    said: dict[str, Any] = {a.analyzer: None for a in item.abstentions if a.analyzer in names}
    return said | {e.analyzer: [e.statistic, e.llr] for e in item.evidence if e.analyzer in names}


def traits(photo: Photo) -> dict[str, Any]:
    """What the baselines look at: a thumbnail as whole numbers 0 to 255, the others as they are."""
    values = {name: measure(photo) for name, measure in BASELINES.items()}
    found = {name: np.round(v, 4).tolist() for name, v in values.items() if name != "thumbnail"}
    return found | {"thumbnail": bytes(np.rint(values["thumbnail"] * 255).astype(np.uint8)).hex()}


def digest(path: Path) -> str:
    """SHA-256 of a file; empty for one that cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def cache_path(folder: Path, examiner: Examiner, explain: bool) -> Path:
    """Where rows are kept: the name holds what made them, so that another model begins anew."""
    versions = examiner.versions()
    made = {name: value for name, value in versions.items() if name.startswith(("sha256:", "whichface"))}
    made |= {"cues": ",".join(sorted(cue.name for cue in examiner.cues)), "table": digest(TABLE)}
    made |= {"explain": str(explain), "columns": ",".join(COLUMNS)}
    key = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:10]
    return folder / f"examinations-{key}.csv"


def collect(corpus: Corpus, config: CollectConfig, cache: Cache, observe: Observer) -> list[Row]:
    """All rows of the corpus under the grid, in its order; what `cache` holds already is not done again.

    A picture whose bytes have changed since is examined anew. Raises WeightsError.
    """
    wanted = [condition.name for condition in evaluated(config.grid)]
    known = _known(corpus, cache)
    tasks = [
        Task(s, corpus.name(s), left)
        for s in corpus.samples
        if (left := _left(known, corpus.name(s), wanted))
    ]
    cache.write(known.values())
    done = len(corpus.samples) - len(tasks)
    observe(done, len(corpus.samples), "")
    for number, rows in enumerate(_examined(tasks, config), done + 1):
        cache.append(rows)
        known |= {(row.file, row.condition): row for row in rows}
        observe(number, len(corpus.samples), rows[0].file)
    order = [(corpus.name(s), name) for s in corpus.samples for name in wanted]
    return [known[key] for key in order if key in known]


def _left(known: dict[tuple[str, str], Row], name: str, wanted: Sequence[str]) -> tuple[str, ...]:
    stored = known.get((name, STORED))
    if stored is not None and stored.status == UNREADABLE:
        return ()
    return tuple(condition for condition in wanted if (name, condition) not in known)


def _known(corpus: Corpus, cache: Cache) -> dict[tuple[str, str], Row]:
    """Rows of the cache whose picture and manifest entry are still the same."""
    rows = cache.read()
    samples = {corpus.name(s): s for s in corpus.samples}
    now = {name: digest(samples[name].path) for name in {row.file for row in rows} & samples.keys()}
    known = {}
    for row in rows:
        sample = samples.get(row.file)
        same = sample is not None and now[row.file] == row.sha256
        if sample is None or (same and (row.fake, row.set, row.group) == (sample.fake, sample.set, sample.group)):
            known[row.file, row.condition] = row
    return known


_WORKER: list[Worker] = []


def _start(config: CollectConfig) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends the pool
    end_with_parent()
    _WORKER.append(Worker(config))


def _work(task: Task) -> list[Row]:
    return _WORKER[0].rows(task)


def _examined(tasks: Sequence[Task], config: CollectConfig) -> Iterator[list[Row]]:
    """Rows of every task, in order, as they come."""
    if not tasks:
        return
    if config.workers <= 1 or len(tasks) == 1:
        worker = Worker(config)
        yield from map(worker.rows, tasks)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(config.workers, mp_context=context, initializer=_start, initargs=(config,)) as pool:
        yield from pool.map(_work, tasks, chunksize=1)
