"""The analyzers' findings in words: what was seen, where, how far it can be trusted, what else it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from whichface.forensics.records import Evidence, FaceExamination, Finding, Reliability

from .wording import clean, place, ratio_phrase, side, times

PROVENANCE = "provenance"
"""Reported in its own section, beside the verdict."""
PER_CUE = 2
"""Most findings of one analyzer on a short report."""
INNOCENT = 3
"""Most innocent explanations on a short report."""


@dataclass(frozen=True, slots=True)
class CueLine:
    """One finding, ready to print."""

    cue: str
    """Name of the analyzer."""
    text: str
    """The finding, with its place."""
    standing: str
    """How far it can be trusted, one sentence."""
    innocent: str
    """What else may look like this; empty when nothing is known."""


def cues_of(face: FaceExamination) -> tuple[Evidence, ...]:
    """The analyzers' evidence of one face, strongest first, without the experts' and the provenance."""
    experts = {score.expert for score in face.scores}
    return tuple(e for e in face.evidence if e.analyzer not in experts and e.analyzer != PROVENANCE)


def counted_cues(face: FaceExamination) -> tuple[str, ...]:
    """What each cue that counts adds to the verdict, where it is more than a rounding."""
    return tuple(
        f"The cue “{e.analyzer}” speaks for {side(e.share)} (a factor of {times(e.share)} in the ratio)."
        for e in cues_of(face)
        if e.share is not None and counts(e)
    )


def counts(evidence: Evidence) -> bool:
    """True when the evidence adds more than a rounding to the verdict."""
    return evidence.share is not None and abs(evidence.share) >= 0.05


def cue_lines(face: FaceExamination, limit: int | None) -> tuple[CueLine, ...]:
    """Findings strongest first, at most `limit` and two a cue; all of them for None."""
    lines = []
    for evidence in cues_of(face):
        shown = evidence.findings if limit is None else evidence.findings[:PER_CUE]
        lines += [_line(evidence, finding, limit) for finding in shown]
    return tuple(lines if limit is None else lines[:limit])


def silent_cues(face: FaceExamination) -> tuple[str, ...]:
    """Names of the analyzers that looked and had nothing to show."""
    return tuple(clean(e.analyzer) for e in cues_of(face) if not e.findings)


def _line(evidence: Evidence, finding: Finding, limit: int | None) -> CueLine:
    where = f" ({place(finding.box)})" if finding.box is not None else ""
    innocent = evidence.innocent if limit is None else evidence.innocent[:INNOCENT]
    return CueLine(
        cue=clean(evidence.analyzer),
        text=clean(finding.text) + where,
        standing=standing(evidence),
        innocent=clean("; ".join(innocent)),
    )


def standing(evidence: Evidence) -> str:
    """One sentence on how far the analyzer's evidence can be trusted."""
    measured = evidence.reliability
    if evidence.llr is not None:
        known = f" It {reliability_phrase(measured)}." if measured else ""
        counts = " It counts in the verdict." if evidence.share is not None else ""
        return f"By itself: {ratio_phrase(evidence.llr)}.{counts}{known}"
    if measured is not None:
        return f"Illustrative only: where it was measured, it {reliability_phrase(measured)}."
    return "Illustrative only: its reliability was not measured for a face like this."


def reliability_phrase(measured: Reliability) -> str:
    """An AUC for people: "ranks a generated face above a photograph 71 times in 100 (65 to 77; 50 is chance)"."""
    low, high = (round(100 * v) for v in measured.interval)
    times = round(100 * measured.auc)
    return f"ranks a generated face above a photograph {times} times in 100 ({low} to {high}; 50 is chance)"


def plain_cues(face: FaceExamination, limit: int | None) -> Iterator[str]:
    """The section as plain lines."""
    for line in cue_lines(face, limit):
        yield f"cue: {line.cue}: {line.text}"
        yield f"cue: {line.cue}: {line.standing}"
        if line.innocent:
            yield f"cue: {line.cue}: innocent explanations: {line.innocent}"
    if silent := silent_cues(face):
        yield f"cue: nothing to show: {', '.join(silent)}"
