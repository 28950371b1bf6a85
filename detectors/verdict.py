"""The policy: when a likelihood ratio is enough for a word, and when it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from whichface.forensics.records import FaceQuality, Label, Score, Verdict

from .calibration import NONE, Ratios, Stratum, probability

PATTERN = (
    "There is a pattern in step with the pixel grid, as the enlarging layers of any generator leave it, and yet too "
    "little that speaks for StyleGAN: it may come from another kind of generator, such as a diffusion model, or from "
    "enlarging software."
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the caller asks for."""

    threshold: float | None = None
    """log10 likelihood ratio from which the label is generated; None: the shipped one."""
    prior: float = 0.5
    """Prior probability of "generated"."""


def label_of(llr: float, threshold: float, threshold_real: float) -> Label:
    """generated at or above `threshold`, real at or below `threshold_real`, else inconclusive."""
    if llr >= threshold:
        return Label.GENERATED
    return Label.REAL if llr <= threshold_real else Label.INCONCLUSIVE


def decide(
    policy: Policy,
    stratum: Stratum,
    scores: Sequence[Score],
    quality: FaceQuality,
    again: float | None = None,
    cues: Ratios = NONE,
    *,
    pattern: bool = False,
) -> Verdict:
    """The verdict of one face; `again` is the log10 likelihood ratio after a mild re-encoding.

    `cues` are the log10 likelihood ratios of the analyzers that count in this stratum. With a `pattern` in the pixels
    the face is never called real, and a verdict short of generated says what else may have left it.
    """
    if not quality.usable:  # the experts were not measured on such faces
        return undecided(policy, stratum, quality.limits or ("The face is not good enough for a verdict.",))
    llr = stratum.llr(scores, cues)
    threshold = stratum.threshold if policy.threshold is None else policy.threshold
    real = min(stratum.threshold_real, threshold)
    label = label_of(llr, threshold, real)
    doubts = _doubts(label, again, threshold, real, pattern)
    if doubts:
        label = Label.INCONCLUSIVE
    hint = (PATTERN,) if pattern and label is Label.INCONCLUSIVE else ()
    return Verdict(
        label=label,
        llr=llr,
        llr_interval=stratum.interval(scores, cues),
        llr_ceiling=stratum.ceiling if llr >= 0 else -stratum.floor,
        probability=probability(llr, policy.prior),
        prior=policy.prior,
        threshold=threshold,
        reasons=(*(doubts or (_reason(label, llr, threshold, real),)), *hint),
    )


def undecided(policy: Policy, stratum: Stratum, reasons: tuple[str, ...]) -> Verdict:
    """A verdict that says nothing, with the reason: likelihood ratio 1."""
    threshold = stratum.threshold if policy.threshold is None else policy.threshold
    return Verdict(
        label=Label.INCONCLUSIVE,
        llr=0.0,
        llr_interval=(stratum.floor, stratum.ceiling),
        llr_ceiling=stratum.ceiling,
        probability=policy.prior,
        prior=policy.prior,
        threshold=threshold,
        reasons=reasons,
    )


def _doubts(label: Label, again: float | None, threshold: float, real: float, pattern: bool) -> tuple[str, ...]:
    """Grounds on which a verdict is withheld."""
    if pattern and label is Label.REAL:
        return ("The experts on the face speak for a photograph, but the pixels do not, so no verdict is given.",)
    if label is Label.INCONCLUSIVE or again is None:
        return ()
    # Half the way back to zero is granted: re-encoding weakens every score a little.
    if label_of(again, threshold / 2 if threshold > 0 else threshold, real / 2) is label:
        return ()
    return ("The verdict does not survive a mild re-encoding of the picture, so it is withheld.",)


def _reason(label: Label, llr: float, threshold: float, real: float) -> str:
    if label is Label.GENERATED:
        return f"The evidence passes the threshold for “generated”, {_asked(threshold)}."
    if label is Label.REAL:
        return f"The evidence passes the threshold for “real”, {_asked(real)}."
    return f"The evidence lies between the thresholds, {_asked(real)} and {_asked(threshold)}."


def _asked(llr: float) -> str:
    """A threshold as a ratio with its direction, rounded to two figures."""
    ratio = 10.0 ** min(abs(llr), 9.0)
    shown = f"{ratio:.1f}" if ratio < 9.95 else f"{round(ratio, 1 - int(math.log10(ratio))):,.0f}"
    return f"a ratio of {shown} for a {'generator' if llr > 0 else 'photograph'}" if shown != "1.0" else "a ratio of 1"
