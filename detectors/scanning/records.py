"""The nouns of a scan: what is to be examined, what came of it, how far it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from whichface.forensics.records import Examination

from ..examine import ExamineOptions

Record = Mapping[str, Any]
"""One picture as `detect --json` prints it."""


class Status(StrEnum):
    """What came of a picture."""

    EXAMINED = "examined"
    NO_FACE = "no face"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells an unchanged file without reading it."""

    size: int
    """Bytes."""
    modified: int
    """Time of the last change of the content, ns; the CRC-32 of a ZIP's member."""
    changed: int = 0
    """Time of the last change of the file's entry, ns; 0 where there is none."""

    def __post_init__(self) -> None:
        for name in ("size", "modified", "changed"):  # the store has 64 bits; a file may claim the year 2300
            object.__setattr__(self, name, min(max(getattr(self, name), -(2**63)), 2**63 - 1))


@dataclass(frozen=True, slots=True)
class Task:
    """One picture to examine."""

    path: str
    """Absolute path; `archive.zip!/member` in a ZIP; an address such as s3://bucket/key."""
    stamp: Stamp
    """Of the file as it was found."""
    refused: str = ""
    """Why it is not even opened; empty when it is."""

    @property
    def key(self) -> str:
        """The path as the store has it: bytes of a name that are no UTF-8 are spelled out."""
        return self.path.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one task; small enough for a pipe."""

    task: Task
    """The picture."""
    status: Status
    """Examined, no face, or failed."""
    record: Record
    """As `detect --json` has it."""
    hash: bytes | None = None
    """Perceptual hash of the picture, 32 bytes."""
    thumbnail: bytes | None = None
    """Small JPEG."""
    seconds: float = 0.0
    """Time that it took its worker."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """How an examination becomes a record; reports' functions, handed in by whoever starts the scan."""

    examined: Callable[..., dict[str, Any]]
    """(examination, path=…) to a record."""
    failed: Callable[[str, str], dict[str, Any]]
    """(path, reason) to a record."""

    def of(self, examination: Examination, path: str) -> dict[str, Any]:
        """The record of a picture that was examined."""
        return self.examined(examination, path=path)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may cost."""

    seconds: float = 60.0
    """Most time for one picture."""
    megabytes: int = 3000
    """Most memory beyond what the models take; 0: no limit. Kept on Linux only."""


@dataclass(frozen=True, slots=True)
class ScanConfig:
    """How a scan is done."""

    options: ExamineOptions = field(default_factory=ExamineOptions)
    """As for `detect`."""
    workers: int = 2
    """Processes that examine pictures."""
    limits: Limits = field(default_factory=Limits)
    """Of one picture."""
    batch: int = 8
    """Pictures that one worker takes at once."""
    commit: int = 64
    """Pictures a transaction of the store."""
    commit_seconds: float = 2.0
    """Longest time between two transactions while results come in."""
    retry: bool = False
    """Examine again what failed before."""
    duplicate_bits: int = 16
    """Bits of 256 in which perceptual hashes of one picture may differ; 98 % of re-encoded copies stay within."""

    def __post_init__(self) -> None:
        for name in ("workers", "batch", "commit"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}")
        if self.limits.seconds <= 0 or self.limits.megabytes < 0:
            raise ValueError("the limits of time and memory must be positive")

    def saved(self) -> dict[str, Any]:
        """What changes a result beside the model, as plain values."""
        return {name: value for name, value in asdict(self.options).items() if name != "model"}


def model_print(model: str, files: Mapping[str, str]) -> str:
    """What tells a model from another of the same name: a digest of its id and its files' SHA-256s."""
    return hashlib.sha256(json.dumps([model, dict(files)], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is."""

    total: int | None
    """Pictures in all; None while that is not known."""
    seen: int = 0
    """Pictures that were looked up in the store."""
    unchanged: int = 0
    """Of these, those that were examined before."""
    examined: int = 0
    """Pictures with a face that were examined now."""
    no_face: int = 0
    """Pictures without a face, now."""
    failed: int = 0
    """Pictures of this round that could not be examined: now, or unchanged since they failed."""
    generated: int = 0
    """Pictures with a face called generated, now."""
    inconclusive: int = 0
    """The same, inconclusive."""
    real: int = 0
    """The same, real."""
    failed_now: int = 0
    """Of the failures, those of this run."""
    seconds: float = 0.0
    """Since the start."""

    @property
    def fresh(self) -> int:
        """Pictures that this run has done."""
        return self.examined + self.no_face + self.failed_now

    @property
    def done(self) -> int:
        """Pictures that are done."""
        return self.fresh + self.unchanged

    @property
    def rate(self) -> float:
        """Pictures examined a second."""
        return self.fresh / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that are left at this rate; None while that is not known."""
        if self.total is None or not self.fresh:
            return None
        return max(self.total - self.done, 0) / self.rate


Observer = Callable[[Progress], None]
"""Called whenever results came in."""
