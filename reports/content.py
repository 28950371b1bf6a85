"""What a report says of one face and of one picture, in order, before any layout."""

from __future__ import annotations

from collections.abc import Iterator

from whichface.forensics.records import Evidence, Examination, FaceExamination, ProvenanceFact

from . import wording
from .wording import shown

MOST_FINDINGS = 6


def why(found: FaceExamination) -> tuple[str, ...]:
    """Reasons, then the strongest findings, then how many were left out."""
    reasons = [shown(text) for text in found.verdict.reasons]
    findings = list(_findings(found))
    left_out = len(findings) - MOST_FINDINGS
    more = [f"… and {left_out} more (--json has them all)."] if left_out > 0 else []
    return (*reasons, *findings[:MOST_FINDINGS], *more)


def _findings(found: FaceExamination) -> Iterator[str]:
    experts = {score.expert for score in found.scores}
    for evidence in found.evidence:
        for finding in evidence.findings:
            yield shown(finding.text) + _standing(evidence, experts)


def _standing(evidence: Evidence, experts: set[str]) -> str:
    """Say so when a finding does not count towards the ratio."""
    counts = evidence.llr is not None or evidence.analyzer in experts
    return "" if counts else " (Illustrative: not counted.)"


def how_sure(found: FaceExamination) -> tuple[str, ...]:
    """Ratio with interval, the verbal scale, the ceiling, the probability under the prior."""
    verdict = found.verdict
    return (
        f"Likelihood ratio {wording.ratio(verdict.llr)}, 95 % interval "
        f"{wording.interval(verdict)}. {wording.ceiling(verdict)}",
        f"On the ENFSI scale: {wording.support(verdict.llr)}.",
        wording.prior(verdict),
    )


def limits(found: FaceExamination) -> tuple[str, ...]:
    """What weakens the examination of this face, unless it is among the reasons already."""
    said = set(found.verdict.reasons)
    return tuple(shown(text) for text in found.face.quality.limits if text not in said)


def skipped(found: FaceExamination) -> tuple[str, ...]:
    """What could not be looked for, one line a reason."""
    reasons: dict[str, list[str]] = {}
    for abstention in found.abstentions:
        reasons.setdefault(shown(abstention.reason), []).append(shown(abstention.analyzer))
    return tuple(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())


def metadata(examination: Examination) -> tuple[str, ...]:
    """What the file says of its origin."""
    return tuple(_fact(fact) for fact in examination.provenance)


def _fact(fact: ProvenanceFact) -> str:
    hint = f" (If true, this suggests: {fact.suggests}.)" if fact.suggests else ""
    return shown(fact.text) + hint


def facts(examination: Examination) -> str:
    """Size, format and the start of the hash, for the head of a report."""
    photo = examination.photo
    size = f"{photo.width} × {photo.height} pixels"
    return f"{size} · {shown(photo.source.format)} · SHA-256 {photo.sha256[:16]}…"
