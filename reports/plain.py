"""The report of one picture for a pipe: plain lines, the first of each face `PATH: LABEL, LR …`."""

from __future__ import annotations

from collections.abc import Iterator

from whichface.forensics.records import Examination, FaceExamination

from . import content, wording
from .wording import shown


def plain_text(examination: Examination) -> str:
    """The whole report, one statement a line, ending in a newline; no colour and no boxes."""
    return "".join(f"{line}\n" for line in _lines(examination))


def _lines(examination: Examination) -> Iterator[str]:
    name = wording.name_of(examination)
    if not examination.faces:
        yield f"{name}: NO FACE, no verdict"
    for number, found in enumerate(examination.faces, 1):
        yield f"{name}: {_summary(found)}{_which(number, examination)}"
        yield from _about(found)
    yield f"  check next: {' '.join(wording.next_steps(examination))}"
    yield from _indented("warning", tuple(shown(text) for text in examination.warnings))
    yield from _indented("file metadata (not part of the verdict)", content.metadata(examination))


def _summary(found: FaceExamination) -> str:
    verdict = found.verdict
    return (
        f"{verdict.label.upper()}, LR {wording.ratio(verdict.llr)} "
        f"(95 % interval {wording.interval(verdict)}, "
        f"ceiling {wording.times(verdict.llr_ceiling)}), {wording.headline(verdict)}"
    )


def _which(number: int, examination: Examination) -> str:
    if len(examination.faces) == 1:
        return ""
    box = wording.place(examination.faces[number - 1].face.box)
    return f", face {number} of {len(examination.faces)}, {box}"


def _about(found: FaceExamination) -> Iterator[str]:
    yield from _indented("verdict", (wording.sentence(found.verdict),))
    yield from _indented("why", content.why(found))
    yield f"  how sure: {' '.join(content.how_sure(found))}"
    yield from _indented("limit", content.limits(found))
    yield from _indented("skipped", content.skipped(found))


def _indented(heading: str, texts: tuple[str, ...]) -> Iterator[str]:
    for text in texts:
        yield f"  {heading}: {text}"
