"""Examining several pictures at once: each stops where it asks the model, and all questions are answered together.

A flow is a generator that yields `Question`s and is sent `Opinion`s, so that one picture and many go the same way.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from whichface.forensics.geometry import CropFrame
from whichface.forensics.records import Pixels

if TYPE_CHECKING:
    from .classifier import Model, Opinion

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the model about one face."""

    pixels: Pixels
    """The picture."""
    frame: CropFrame
    """The face's square in it."""
    largest: int = 10_000
    """Largest canonical scale to look at."""


Steps = Generator["Question", "Opinion | None", T]
"""A flow with the result T."""


def alone(steps: Steps[T], model: Model) -> T:
    """The result of one flow; raises what it raises."""
    try:
        question = next(steps)
        while True:
            question = steps.send(model.opinion(question.pixels, question.frame, question.largest))
    except StopIteration as done:
        result: T = done.value
        return result


def together(flows: Sequence[Steps[T]], model: Model) -> list[T | Exception]:
    """The results of several flows in their order; a flow that raises gives its exception.

    Raises what the model raises on a whole batch.
    """
    results: list[T | Exception] = [RuntimeError("not examined")] * len(flows)
    waiting = _advance(flows, [(number, None) for number in range(len(flows))], results)
    while waiting:
        asked = [(question.pixels, question.frame, question.largest) for _, question in waiting]
        answers = model.opinions(asked)
        numbers = [number for number, _ in waiting]
        waiting = _advance(flows, list(zip(numbers, answers, strict=True)), results)
    return results


def _advance(
    flows: Sequence[Steps[T]], answers: Sequence[tuple[int, Opinion | None]], results: list[T | Exception]
) -> list[tuple[int, Question]]:
    """Send every answer on its way; what the flows ask next. `None` starts a flow."""
    waiting = []
    for number, answer in answers:
        try:
            waiting.append((number, flows[number].send(answer)))
        except StopIteration as done:
            results[number] = done.value
        except Exception as error:
            results[number] = error
    return waiting
