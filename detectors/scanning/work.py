"""What a worker does: read, examine, hash and shrink pictures, a few at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from whichface.forensics.errors import (
    MissingExtraError,
    PhotoError,
    PhotoTooLargeError,
    SourceError,
)
from whichface.forensics.phash import difference_hash
from whichface.forensics.photo import open_photo
from whichface.forensics.records import Examination, Photo, Pixels

from ..batches import together
from ..examine import ExamineOptions, Examiner
from . import sources
from .records import Encoder, Result, Status, Task

THUMBNAIL = 160
"""Longer side of a thumbnail in pixels."""
HELD = 24_000_000
"""Pixels of opened pictures that are held at once: a larger picture is examined by itself."""

Work = Callable[[Sequence[Task]], list[Result]]
"""Examines tasks; one result each, in order."""


class OutOfMemory(Exception):
    """A picture asked for more memory than the worker may take."""


@dataclass(frozen=True, slots=True)
class ExaminerFactory:
    """Makes the work of a worker inside its process; can be sent there."""

    options: ExamineOptions
    """As for `detect`."""
    encoder: Encoder
    """How results become records."""

    def __call__(self) -> Work:
        """Load the model. Raises WeightsError."""
        cv2.setNumThreads(1)
        return PictureWork(Examiner(self.options), self.encoder).run


class PictureWork:
    """An examiner that stays loaded."""

    def __init__(self, examiner: Examiner, encoder: Encoder) -> None:
        self.examiner, self.encoder = examiner, encoder

    def run(self, tasks: Sequence[Task]) -> list[Result]:
        """Examine tasks; those that are opened together ask the model together. Raises OutOfMemory for one task."""
        results: list[Result] = []
        held: list[tuple[Task, Photo]] = []
        for task in tasks:
            photo = self.opened(task)
            if isinstance(photo, Result):
                results += [*self.examined(held), photo]
                held = []
                continue
            if held and sum(p.width * p.height for _, p in held) + photo.width * photo.height > HELD:
                results += self.examined(held)
                held = []
            held.append((task, photo))
        return results + self.examined(held)

    def opened(self, task: Task) -> Photo | Result:
        """The picture of one task, or the result of a failure."""
        start = time.monotonic()
        try:
            if task.refused:
                return self.failed(task, task.refused)
            return open_photo(sources.read(task.path))
        except (PhotoError, MissingExtraError, SourceError) as error:
            if isinstance(error, PhotoTooLargeError) and isinstance(error.__cause__, MemoryError):
                raise OutOfMemory from error
            return replace(self.failed(task, nameless(error, task)), seconds=time.monotonic() - start)
        except MemoryError as error:
            raise OutOfMemory from error
        except Exception as error:
            return self.failed(task, internal(error))

    def examined(self, held: Sequence[tuple[Task, Photo]]) -> list[Result]:
        """Results of pictures that are open, each with its share of the time."""
        start = time.monotonic()
        found = together([self.examiner.steps(photo) for _, photo in held], self.examiner.model)
        share = (time.monotonic() - start) / max(len(held), 1)
        return [self.result(task, photo, one, share) for (task, photo), one in zip(held, found, strict=True)]

    def result(self, task: Task, photo: Photo, found: Examination | Exception, seconds: float) -> Result:
        """What is stored of one examination. Raises OutOfMemory."""
        if isinstance(found, Exception):
            if isinstance(found, MemoryError) or "nsufficient memory" in str(found) or "bad alloc" in str(found):
                raise OutOfMemory from found
            return replace(self.failed(task, internal(found)), seconds=seconds)
        status = Status.EXAMINED if found.faces else Status.NO_FACE
        record = self.encoder.of(found, task.key)
        look = bytes.fromhex(difference_hash(photo.pixels))
        return Result(task, status, record, look, thumbnail(photo.pixels), round(seconds, 4))

    def failed(self, task: Task, reason: str) -> Result:
        """The result of a picture that could not be examined."""
        return failure(task, reason, self.encoder)


def failure(task: Task, reason: str, encoder: Encoder) -> Result:
    """The result of a picture that could not be examined."""
    return Result(task, Status.FAILED, encoder.failed(task.key, reason))


def nameless(error: Exception, task: Task) -> str:
    """The reason without the name at its start, as it stands beside the path."""
    name = Path(task.path).name
    return str(error).removeprefix(f"{name} ").removeprefix("The picture ")


def internal(error: Exception) -> str:
    """One sentence on a failure that should not happen."""
    return f"internal error: {type(error).__name__}: {error}."


def thumbnail(pixels: Pixels) -> bytes:
    """The picture as a small JPEG."""
    factor = min(1.0, THUMBNAIL / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 75])
    return data.tobytes()
