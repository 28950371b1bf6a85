"""Examining any number of pictures into a store: what is there already is passed over, the rest goes to workers.

    with Store(Path("results.db")) as store:
        scan(["photos"], store, ScanConfig(), Encoder(to_dict, failure_to_dict))
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from whichface.forensics.errors import MissingExtraError, SourceError

from .classifier import model_card
from .cues import load_cues
from .scanning.pool import Pool
from .scanning.records import Encoder, Limits, Observer, Progress, Result, ScanConfig, Status, Task
from .scanning.sources import STDIN, Filter, is_pipe, tasks
from .scanning.work import ExaminerFactory, failure
from .store import Known, Store

SETTLED_SECONDS = 1.0
"""While watching, a file that was changed less long ago may still be written and waits for the next round."""
POLL_SECONDS = 2.0
"""Between two rounds of watching."""


class Engine(AbstractContextManager["Engine"], Protocol):
    """Where pictures are examined."""

    def run(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """One result a task, in any order; draws tasks only as it can work on them."""


@dataclass
class Scan:
    """One run over sources, or many while watching; interrupted at any moment, the same run goes on later."""

    sources: Sequence[str]
    store: Store
    config: ScanConfig
    encoder: Encoder
    chosen: Filter = field(default_factory=Filter)
    observe: Observer = lambda progress: None
    trouble: Callable[[str], None] = lambda message: None
    """Called with one sentence on a source that cannot be used; the others go on."""
    progress: Progress = field(default_factory=lambda: Progress(None))
    _kept: list[Result] = field(default_factory=list)
    _at_work: set[str] = field(default_factory=set)
    _start: float = field(default_factory=time.monotonic)
    _committed: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.generation = self.store.generation(*identity(self.config), source=model_source(self.config))

    def run(self, engine: Engine, watch: bool = False) -> Progress:
        """Examine what is new or changed. Raises StoreError, WeightsError; what was done is stored before."""
        self.progress = replace(self.progress, total=self.count())
        while True:
            before = self.progress.fresh
            self.round(engine, settled=watch and before > 0)
            if self.store.ungrouped(self.generation):
                self.store.group(self.generation, self.config.duplicate_bits)
            if not watch:
                return self.progress
            time.sleep(POLL_SECONDS)
            self.progress = replace(self.progress, total=None)

    def round(self, engine: Engine, settled: bool = False) -> None:
        """One pass over all sources."""
        self.progress = replace(self.progress, seen=0, unchanged=0, failed=0)
        try:
            for result in engine.run(self._new(settled)):
                self._take(result)
        finally:
            self._commit()

    def count(self) -> int | None:
        """Pictures in all; None where they cannot be listed twice."""
        if any(source == STDIN or "://" in source or is_pipe(source) for source in self.sources):
            return None
        return sum(1 for _ in self._tasks(lambda message: None))

    def _tasks(self, trouble: Callable[[str], None]) -> Iterator[Task]:
        for source in self.sources:
            try:
                yield from tasks(source, self.chosen)
            except (SourceError, MissingExtraError) as error:
                trouble(str(error))

    def _new(self, settled: bool) -> Iterator[Task]:
        """What is not in the store yet, or has changed since."""
        newest = time.time_ns() - int(SETTLED_SECONDS * 1e9) if settled else None
        for task in self._tasks(self.trouble):
            if task.key in self._at_work or (newest is not None and task.stamp.modified > newest):
                continue
            self.progress = replace(self.progress, seen=self.progress.seen + 1)
            known = self.store.known(self.generation, task.key)
            if task.refused:
                self._refuse(task, known)
            elif known is None or not self._unchanged(task, known):
                self._at_work.add(task.key)
                yield task
        self._tell()

    def _refuse(self, task: Task, known: Known | None) -> None:
        """A file that cannot even be opened has failed; what the store has of it already stays."""
        if known is None:
            self._take(failure(task, task.refused, self.encoder))
        else:
            self.progress = replace(self.progress, failed=self.progress.failed + 1)

    def _unchanged(self, task: Task, known: Known) -> bool:
        """Whether the store has this file as it is; notes it."""
        if known.status is Status.FAILED and self.config.retry:
            return False
        if known.stamp != task.stamp:
            same = known.stamp.size == task.stamp.size and known.sha256 is not None
            if not same or known.sha256 != digest(task.path):
                return False
            self.store.touch(self.generation, task.key, task.stamp)
        failed = self.progress.failed + (known.status is Status.FAILED)
        self.progress = replace(self.progress, unchanged=self.progress.unchanged + 1, failed=failed)
        return True

    def _take(self, result: Result) -> None:
        """Count a result and store it with the next transaction."""
        self._kept.append(result)
        self.progress = counted(self.progress, result)
        overdue = time.monotonic() - self._committed > self.config.commit_seconds
        if overdue or len(self._kept) >= self.config.commit:
            self._commit()
        self._tell()

    def _commit(self) -> None:
        kept, self._kept = self._kept, []
        if kept:
            self.store.write(self.generation, kept)
        self._at_work.difference_update(result.task.key for result in kept)
        self._committed = time.monotonic()

    def _tell(self) -> None:
        self.progress = replace(self.progress, seconds=time.monotonic() - self._start)
        self.observe(self.progress)


def counted(progress: Progress, result: Result) -> Progress:
    """The progress with one more result."""
    if result.status is Status.FAILED:
        return replace(progress, failed=progress.failed + 1, failed_now=progress.failed_now + 1)
    if result.status is Status.NO_FACE:
        return replace(progress, no_face=progress.no_face + 1)
    labels = {face["verdict"]["label"] for face in result.record["faces"]}
    gravest = next(label for label in ("generated", "inconclusive", "real") if label in labels)
    more = {"examined": progress.examined + 1, gravest: getattr(progress, gravest) + 1}
    return replace(progress, **more)


def scan(
    sources: Sequence[str],
    store: Store,
    config: ScanConfig,
    encoder: Encoder,
    *,
    chosen: Filter | None = None,
    observe: Observer = lambda progress: None,
) -> Progress:
    """Examine folders, lists, ZIPs on this machine. Raises StoreError, WeightsError; SourceError for no pictures."""
    said: list[str] = []
    run = Scan(sources, store, config, encoder, chosen or Filter(), observe, said.append)
    with local_engine(config, encoder) as engine:
        progress = run.run(engine)
    if said and not progress.seen:
        raise SourceError(said[0])
    return progress


def local_engine(config: ScanConfig, encoder: Encoder) -> Pool:
    """Processes on this machine."""
    factory = ExaminerFactory(config.options, encoder)
    return Pool(factory, encoder, workers=config.workers, limits=config.limits, batch=config.batch)


def identity(config: ScanConfig) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What makes results of one kind: the model's id, SHA-256s and version, options. Raises WeightsError."""
    card = model_card(config.options.model)
    made_by = {"files": dict(card["files"]), "cues": load_cues().sha256, "whichface": version("whichface")}
    return str(card["model"]), made_by, config.saved()


def model_source(config: ScanConfig) -> str | None:
    """Where the model of a scan is found again: the absolute path of a folder, or an id; None: the default's id."""
    name = config.options.model
    return str(Path(name).resolve()) if name and (Path(name) / "card.json").is_file() else name


def digest(path: str) -> str:
    """SHA-256 of a plain file; empty for anything else."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


__all__ = ["Encoder", "Filter", "Limits", "Progress", "ScanConfig", "Store", "scan"]
