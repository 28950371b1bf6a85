"""The examination as plain lines for pipes and files: no box, no escape sequence, easy to grep."""

from __future__ import annotations

from collections.abc import Iterator

from whichface.forensics.records import Examination, FaceExamination

from .cues import PROVENANCE, counted_cues, cues_of, plain_cues
from .wording import (
    CHECKS,
    ceiling_sentence,
    clean,
    expert_name,
    gravest,
    interval_sentence,
    place,
    probability_sentence,
    ratio_phrase,
    strength,
    unjudged,
    verdict_sentence,
)

FINDINGS = 5


def picture_name(examination: Examination, name: str | None = None) -> str:
    """The name to show: `name`, else the path, made safe to print."""
    return clean(name if name is not None else str(examination.photo.path or "-"))


def findings_of(face: FaceExamination, limit: int | None = FINDINGS) -> tuple[str, ...]:
    """Reasons and the findings of the experts, where they count, weightiest first, at most `limit` findings."""
    others = {id(evidence) for evidence in cues_of(face)}
    counted = () if unjudged(face.verdict) else face.evidence
    experts = [e for e in counted if id(e) not in others and e.analyzer != PROVENANCE]
    found = [finding.text for evidence in experts for finding in evidence.findings]
    shown = found if limit is None else found[:limit]
    lines = [clean(text) for text in (*face.verdict.reasons, *counted_cues(face), *shown)]
    if len(found) > len(shown):
        lines.append(f"({len(found) - len(shown)} more: --explain or --json)")
    return tuple(dict.fromkeys(lines))


def facts_of(examination: Examination) -> tuple[str, ...]:
    """What the file says of itself, and what it would suggest if that is true."""
    return tuple(
        clean(fact.text)
        + (f" (If true, it suggests: {fact.suggests.value}.)" if fact.suggests else "")
        for fact in examination.provenance
    )


def limits_of(face: FaceExamination) -> tuple[str, ...]:
    """What weakens the examination of this face and is not among the reasons already."""
    said = set(face.verdict.reasons)
    return tuple(clean(text) for text in face.face.quality.limits if text not in said)


def abstentions_of(face: FaceExamination) -> tuple[str, ...]:
    """What was not looked for, the names with the same reason on one line."""
    names: dict[str, list[str]] = {}
    for item in face.abstentions:
        names.setdefault(clean(item.reason), []).append(expert_name(item.analyzer))
    return tuple(f"{', '.join(found)}: {reason}" for reason, found in names.items())


def plain(
    examination: Examination, *, name: str | None = None, findings: int | None = FINDINGS
) -> str:
    """The whole report as text; every face starts a line with `path: LABEL, LR …`."""
    return "\n".join(_lines(examination, picture_name(examination, name), findings)) + "\n"


def _lines(examination: Examination, name: str, findings: int | None) -> Iterator[str]:
    count = len(examination.faces)
    if not count:
        yield f"{name}: NO FACE, no verdict"
    for number, face in enumerate(examination.faces, 1):
        where = f", face {number} of {count} at {place(face.face.box)}" if count > 1 else ""
        yield f"{name}: {_headline(face)}{where}"
        yield from _face(face, findings)
    label = gravest(tuple(f.verdict.label for f in examination.faces))
    yield from (f"  next: {clean(text)}" for text in CHECKS[label])
    yield from (f"  warning: {clean(text)}" for text in examination.warnings)
    yield from (
        f"  file metadata, not part of the verdict: {text}" for text in facts_of(examination)
    )


def _headline(face: FaceExamination) -> str:
    verdict = face.verdict
    low, high = verdict.llr_interval
    return (
        f"{verdict.label.value.upper()}, LR {ratio_phrase(verdict.llr)}, {strength(verdict.llr)}, "
        f"log10 {verdict.llr:+.2f} [{low:+.2f}, {high:+.2f}]"
    )


def _face(face: FaceExamination, findings: int | None) -> Iterator[str]:
    verdict = face.verdict
    yield f"  verdict: {verdict_sentence(verdict)}"
    yield from (f"  why: {text}" for text in findings_of(face, findings))
    yield from (f"  {text}" for text in plain_cues(face, findings))
    if not unjudged(verdict):
        yield f"  how sure: {interval_sentence(verdict)}"
        yield f"  how sure: {ceiling_sentence(verdict)}"
    yield f"  how sure: {probability_sentence(verdict)}"
    yield from (f"  weakened by: {text}" for text in limits_of(face))
    yield from (f"  not looked for: {text}" for text in abstentions_of(face))
