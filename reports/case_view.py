"""What the template of a case report is filled with: sentences, positions on the scale, findings with their crops."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from whichface.forensics.records import Evidence, FaceExamination, Verdict

from .case import MARK, Case, statements
from .case_numbers import model_rows, numbers, parts, source_rows, stratum_row
from .case_pictures import Crop, Layer, crop_of, css_colour, layers, marks, picture, portrait
from .case_words import BASE_RATES, EXPERT_MEANING, LIMITS, METHOD, PRIVACY
from .cue_list import CueEntry
from .cues import counted_cues, counts, cues_of, standing
from .html import cleaned, jpeg_uri
from .overlay_cues import Mark
from .plain import abstentions_of, facts_of, limits_of, picture_name
from .terminal import reach
from .wording import (
    CEILINGS,
    CHECKS,
    SCALE,
    SYMBOLS,
    at_prior,
    clean,
    expert_name,
    frequency,
    gravest,
    headline,
    number_words,
    place,
    ratio_phrase,
    support,
    times,
    unjudged,
    withheld,
)

SECTIONS = (
    ("verdict", "Verdict"), ("next", "What to check next"), ("picture", "The picture"), ("findings", "Findings"),
    ("absent", "Not found, not looked for"), ("firmness", "How firm"), ("file", "The file"), ("limits", "Limits"),
    ("numbers", "Numbers"), ("method", "Method"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding."""

    text: str
    """What was seen, with its place."""
    tag: str
    """Its letter on the picture; empty when it is not marked there."""
    crop: Crop | None
    """The place; None where there is none."""


@dataclass(frozen=True, slots=True)
class CueView:
    """One analyzer that has something to tell."""

    name: str
    """For --cue."""
    title: str
    """What people call it."""
    colour: str
    """CSS colour of its outlines."""
    findings: tuple[FindingView, ...]
    """Strongest first."""
    more: int
    """Findings that are in the JSON only."""
    meaning: str
    """What to look at and why."""
    innocent: tuple[str, ...]
    """What else looks like it."""
    standing: str
    """How reliable it was measured to be."""


def view(case: Case) -> dict[str, Any]:
    """All that the template names."""
    examination = case.examination
    faces, photo = examination.faces, examination.photo
    drawn = marks(examination)
    return {
        "name": picture_name(examination, case.name),
        "mark": f"{MARK}{photo.sha256}",
        "photo": photo,
        "picture": picture(photo),
        "layers": _layers(layers(examination), case),
        "width_rem": round(44 * min(1.0, photo.width / photo.height), 1),
        "faces": [_face(case, face, drawn[number - 1], number) for number, face in enumerate(faces, 1)],
        "label": gravest(tuple(f.verdict.label for f in faces)),
        "checks": CHECKS[gravest(tuple(f.verdict.label for f in faces))],
        "warnings": cleaned(examination.warnings),
        "facts": facts_of(examination),
        "source": source_rows(examination.photo),
        "preview": None if photo.source.thumbnail is None else jpeg_uri(photo.source.thumbnail),
        "firmness": _firmness(case),
        "sections": SECTIONS,
        "scale": _scale(),
        "ceilings": CEILINGS,
        "limits": LIMITS,
        "privacy": PRIVACY,
        "method": METHOD,
        "expert_meaning": EXPERT_MEANING,
        "model": cleaned(model_rows(case.model)),
        "strata": [stratum_row(s) for s in case.model.strata],
        "versions": {
            n.replace("sha256:", "SHA-256 of "): v for n, v in cleaned(examination.versions).items()
        },
        "when": case.when.replace("T", " ").replace("Z", " UTC"),
        "command": clean(case.command),
        "symbols": SYMBOLS,
    }


def _layers(found: Sequence[Layer], case: Case) -> list[dict[str, Any]]:
    """The layers with the cues' titles."""
    titles = {cue.name: cue.title for cue in case.cues}
    return [{"layer": layer, "title": clean(titles.get(layer.title, layer.title))} for layer in found]


def _face(case: Case, face: FaceExamination, drawn: Sequence[Mark], number: int) -> dict[str, Any]:
    verdict = face.verdict
    several = len(case.examination.faces) > 1
    return {
        "number": number,
        "heading": f"Face {number} of {len(case.examination.faces)}, at {place(face.face.box)}" if several else "",
        "key": f"-{number}" if several else "",
        "portrait": portrait(case.examination.photo, face.face.box) if several else "",
        "record": face,
        "label": verdict.label,
        "headline": headline(verdict),
        "said": statements(face),
        "ratio": "not judged" if unjudged(verdict) else f"about {times(verdict.llr)}",
        "words": "" if unjudged(verdict) else support(verdict.llr),
        "ceiling": times(verdict.llr_ceiling),
        "prior": frequency(verdict.prior),
        "chance": _chance(verdict),
        "gauge": None if unjudged(verdict) else gauge(verdict),
        "reasons": [clean(text) for text in (*verdict.reasons, *counted_cues(face))],
        "weakened": limits_of(face),
        "base_rates": _base_rates(verdict),
        "judged": not unjudged(verdict),
        "experts": [] if unjudged(verdict) else list(_experts(case, face)),
        "cues": list(_cues(case, face, drawn, number if several else None)),
        "silent": [_title(case, clean(e.analyzer)) for e in cues_of(face) if not e.findings and not counts(e)],
        "absent": abstentions_of(face),
        "numbers": numbers(face),
        "scores": [{"name": clean(s.expert), "plain": expert_name(s.expert), "logit": s.logit} for s in face.scores],
        "measures": [(clean(e.analyzer), f"{e.statistic:.4g}", parts(e)) for e in cues_of(face)],
    }


def _title(case: Case, name: str) -> str:
    """The cue's title, and its short name where that differs."""
    title = next((cue.title for cue in case.cues if cue.name == name), name)
    return title if title.casefold() == name.casefold() else f"{title} ({name})"


def gauge(verdict: Verdict) -> dict[str, Any]:
    """Positions in percent on a scale from "camera photograph" to "generator", with a text for screen readers."""
    span = reach(verdict)

    def at(llr: float) -> float:
        llr = llr if math.isfinite(llr) else 0.0
        return round(100 * (max(-span, min(span, llr)) + span) / (2 * span), 2)

    low, high = (at(v) for v in sorted(verdict.llr_interval))
    step = 1 if span <= 3 else 2
    powers = [p for p in range(-span, span + 1) if (p + span) % step == 0 or p == 0]
    return {
        "ticks": [(at(p), number_words(10.0 ** abs(p)).replace(" million", "M")) for p in powers],
        "low": low,
        "width": max(round(high - low, 2), 0.4),
        "point": at(verdict.llr),
        "ceiling": at(math.copysign(verdict.llr_ceiling, verdict.llr)),
        "text": (
            f"Scale of likelihood ratios from {number_words(10.0**span)} for a camera photograph to "
            f"{number_words(10.0**span)} for a StyleGAN-family generator. The ratio is {ratio_phrase(verdict.llr)}."
        ),
    }


def _chance(verdict: Verdict) -> str:
    """What the prior becomes, in a few words."""
    if withheld(verdict) or unjudged(verdict):
        return "no probability is given"
    return f"with such findings: {frequency(verdict.probability)}"


def _base_rates(verdict: Verdict) -> list[tuple[str, str, str]]:
    """What the ratio comes to under several priors; empty where no probability is given."""
    if withheld(verdict) or unjudged(verdict):
        return []
    return [(frequency(prior), where, frequency(at_prior(verdict, prior))) for prior, where in BASE_RATES]


def _scale() -> list[tuple[str, str]]:
    """The verbal scale, weakest first."""
    least = [(ratio, words) for ratio, words in reversed(SCALE)]
    rows = [("below 2", "no support for either side")]
    for number, (ratio, words) in enumerate(least):
        following = least[number + 1][0] if number + 1 < len(least) else None
        end = f"above {ratio:,.0f}" if following is None else f"{ratio:,.0f} to {following:,.0f}"
        rows.append((end, words))
    return rows


def _experts(case: Case, face: FaceExamination) -> Iterator[dict[str, Any]]:
    """Each expert's findings, weightiest first."""
    names = {score.expert for score in face.scores}
    seen: set[object] = set()
    for evidence in face.evidence:
        if evidence.analyzer in names:
            placed = next((f for f in evidence.findings if f.box is not None and f.box not in seen), None)
            seen.add(placed.box if placed else None)
            yield {
                "name": expert_name(evidence.analyzer),
                "texts": [clean(f.text) for f in evidence.findings],
                "crop": crop_of(case.examination.photo, placed, face.face, "#ffffff") if placed else None,
            }


def _cues(case: Case, face: FaceExamination, drawn: Sequence[Mark], number: int | None) -> Iterator[CueView]:
    """The analyzers with findings or with a part in the verdict, strongest first."""
    tags = {id(mark.finding): mark for mark in drawn}
    words = {cue.name: cue for cue in case.cues}
    for evidence in cues_of(face):
        if not evidence.findings and not counts(evidence):
            continue
        marked = [f for f in evidence.findings if id(f) in tags or not (f.box or f.outline)]
        colour = next((css_colour(tags[id(f)].colour) for f in marked if id(f) in tags), "var(--muted)")
        found = []
        for finding in marked:
            mark = tags.get(id(finding))
            tag = "" if mark is None else f"{number or ''}{mark.tag}"
            crop = crop_of(case.examination.photo, finding, face.face, colour) if mark else None
            where = f" ({place(finding.box)})" if finding.box is not None else ""
            found.append(FindingView(clean(finding.text) + where, tag, crop))
        yield _cue(evidence, words.get(evidence.analyzer), colour, tuple(found), case)


def _cue(
    evidence: Evidence, words: CueEntry | None, colour: str, found: tuple[FindingView, ...], case: Case
) -> CueView:
    return CueView(
        name=clean(evidence.analyzer),
        title=_title(case, clean(evidence.analyzer)),
        colour=colour,
        findings=found,
        more=len(evidence.findings) - len(found),
        meaning=clean(words.meaning) if words else "",
        innocent=tuple(clean(text) for text in (evidence.innocent or (words.innocent if words else ()))),
        standing=standing(evidence),
    )


def _firmness(case: Case) -> dict[str, Any] | None:
    """The table of the changes of the picture."""
    if case.firmness is None:
        return None
    rows = []
    for attempt in case.firmness.attempts:
        label = None if attempt.face is None else attempt.face.verdict.label
        ratio = clean(attempt.note)
        if attempt.face is not None:
            verdict = attempt.face.verdict
            ratio = ratio_phrase(verdict.llr) + (", withheld" if withheld(verdict) else "")
            if unjudged(verdict):
                ratio = clean(verdict.reasons[0]) if verdict.reasons else "not judged"
        rows.append({"what": clean(attempt.what), "label": label, "ratio": ratio})
    return {"sentences": [clean(text) for text in case.firmness.sentences()], "rows": rows}
