"""The words of a verdict: likelihood ratios in plain sentences and on the ENFSI verbal scale.

Reference: ENFSI guideline for evaluative reporting in forensic science, 2015, section 4.0 and annex.
Likelihood ratios come in as log10 and leave as ratios rounded to two significant figures; a ratio is
never turned into "X % fake".
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping

from whichface.forensics.records import Box, Label, Verdict

GENERATOR = "a StyleGAN-family generator"
CAMERA = "a camera photograph"

SCALE: tuple[tuple[float, str], ...] = (
    (10_000.0, "very strong support"),
    (1_000.0, "strong support"),
    (100.0, "moderately strong support"),
    (10.0, "moderate support"),
    (2.0, "weak support"),
)
"""ENFSI 2015: least ratio and its words, strongest first; below 2 the findings support neither side."""

ACCENTS = 4
"""Most marks on one letter: more are no language's, and climb over the lines above."""

SYMBOLS: Mapping[Label, str] = {Label.GENERATED: "▲", Label.INCONCLUSIVE: "?", Label.REAL: "○"}

EXPERTS: Mapping[str, str] = {"texture": "fine texture", "network": "the neural network"}
"""Plain names of the experts; their number is the size in pixels to which the face is brought."""

CUES = (
    "Look at the picture yourself (whichface cues says for what): a public cue that is plain to see may persuade, "
    "but most of them are no better than chance when they are measured."
)
ASK = "Ask for another picture, taken elsewhere, or for a short video call."
CHECKS: Mapping[Label | None, tuple[str, ...]] = {
    Label.GENERATED: (
        "Try two reverse image searches: a generated face has no past; a real one often turns up elsewhere.",
        ASK,
        "Ask for the original file and examine that: messengers and screenshots remove traces.",
        CUES,
    ),
    Label.INCONCLUSIVE: (
        "Find the original file, or the largest copy by reverse image search, and examine that one.",
        ASK,
        CUES,
    ),
    Label.REAL: (
        "Remember what was not tested: diffusion models and other generators, face swaps, retouching.",
        "Try two reverse image searches: a real photograph can be stolen; compare name, date and place "
        "with the oldest copy.",
        ASK,
    ),
    None: (
        "See that the picture shows a face, upright, looking roughly into the camera and not covered.",
        "Use a larger copy: a reverse image search often finds one.",
    ),
}
"""What to do next, by label; None is for a picture without a face."""


def clean(text: str) -> str:
    """The text on one line, each character that hides or steers a terminal replaced by �, no tower of accents."""
    shown, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= ACCENTS:
            shown.append(_shown(character))
    return "".join(shown)


def _shown(character: str) -> str:
    if character in "\t\n\r\v\f\u2028\u2029":
        return " "
    return "�" if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} else character


def ratio_of(llr: float) -> float:
    """The ratio of a log10 likelihood ratio, away from 1 in either direction: at least 1."""
    return 10.0 ** min(abs(llr), 300.0) if math.isfinite(llr) else math.nan


def significant(value: float, figures: int = 2) -> float:
    """A positive value rounded to so many significant figures."""
    if value <= 0 or not math.isfinite(value):
        return value
    return round(value, figures - 1 - math.floor(math.log10(value)))


def number_words(value: float) -> str:
    """A ratio for people: 1.4, 35, 1,200, 3.4 million."""
    rounded = significant(value)
    if not math.isfinite(rounded):
        return "an unknown number of"
    if rounded >= 1e9:
        return "more than a billion"
    if rounded >= 1e6:
        return f"{significant(rounded / 1e6):g} million"
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def times(llr: float) -> str:
    """How many times more probable, as a number for people; the direction is left to the caller."""
    return number_words(ratio_of(llr))


def strength(llr: float) -> str:
    """The ENFSI words for the ratio as it is shown, without its direction."""
    ratio = significant(ratio_of(llr))
    return next((words for least, words in SCALE if ratio >= least), "no support")


def side(llr: float) -> str:
    """Which proposition the sign supports."""
    return GENERATOR if llr >= 0 else CAMERA


def support(llr: float) -> str:
    """Words of the scale with the direction: "moderate support for a camera photograph"."""
    words = strength(llr)
    return "no support for either side" if words == "no support" else f"{words} for {side(llr)}"


def ratio_phrase(llr: float) -> str:
    """The ratio with its direction, short: "about 120 for a StyleGAN-family generator"."""
    if strength(llr) == "no support":
        return "about 1 (supports neither side)"
    return f"about {times(llr)} for {side(llr)}"


def findings_sentence(llr: float) -> str:
    """What the likelihood ratio means, as one sentence about the findings."""
    if not math.isfinite(llr):
        return "No likelihood ratio could be computed."
    if strength(llr) == "no support":
        return f"The findings are about equally probable for {GENERATOR} and for {CAMERA}."
    if llr > 0:
        first, second = f"came from {GENERATOR}", f"is {CAMERA}"
    else:
        first, second = f"is {CAMERA}", f"came from {GENERATOR}"
    return f"The findings are about {times(llr)} times more probable if the picture {first} than if it {second}."


def expert_name(name: str) -> str:
    """What people read for an expert such as "texture-256"; the cleaned name for anything else."""
    kind, _, scale = name.partition("-")
    return f"{EXPERTS[kind]} at {scale} px" if kind in EXPERTS and scale.isdecimal() else clean(name)


def headline(verdict: Verdict) -> str:
    """A few words beside the label."""
    return "no verdict either way" if verdict.label is Label.INCONCLUSIVE else support(verdict.llr)


def withheld(verdict: Verdict) -> bool:
    """True when the ratio alone would carry a verdict and the reasons hold it back."""
    firm = abs(verdict.llr) >= abs(verdict.threshold) > 0
    return verdict.label is Label.INCONCLUSIVE and firm


def verdict_sentence(verdict: Verdict) -> str:
    """What is said of one face under its label."""
    if verdict.label is Label.GENERATED:
        return findings_sentence(verdict.llr)
    if unjudged(verdict):
        return "The face could not be judged: the likelihood ratio stays at 1."
    if verdict.label is Label.INCONCLUSIVE:
        end = "But the verdict is withheld." if withheld(verdict) else "That does not settle it."
        return f"{findings_sentence(verdict.llr)} {end}"
    if verdict.llr < 0 and strength(verdict.llr) != "no support":
        more = f"about {times(verdict.llr)} times more probable for {CAMERA}"
    else:
        more = "about equally probable for both"
    return f"No support for {GENERATOR} ({more}); other generators are not excluded."


def unjudged(verdict: Verdict) -> bool:
    """True when nothing was computed for the face: its ratio stays at 1."""
    return verdict.label is Label.INCONCLUSIVE and verdict.llr == 0


def ceiling_sentence(verdict: Verdict) -> str:
    """How far the model's calibration data can carry a ratio on this side, for a face of this size."""
    at = " The ratio is at that ceiling." if abs(verdict.llr) >= verdict.llr_ceiling - 1e-9 > 0 else ""
    most = f"about {times(verdict.llr_ceiling)} for {side(verdict.llr)}"
    return f"Its ceiling, the most that the model's data can carry with a face of this size, is {most}.{at}"


CEILINGS = (
    "The ceiling is the largest ratio that the pictures behind the model show: what share of the generated faces lies "
    "beyond a threshold, against the largest share of photographs that may lie there too, and the reverse for the "
    "other side. So it differs by side and by size of the face: larger faces show more, but fewer were measured."
)
"""Why one face has another ceiling than the next."""


def interval_sentence(verdict: Verdict) -> str:
    """The 95 % interval of the ratio, each end with its direction where they differ."""
    low, high = sorted(verdict.llr_interval)
    if low < 0 < high:
        return f"95 % interval of the calibration: from {times(low)} for {CAMERA} to {times(high)} for {GENERATOR}."
    near, far = sorted((abs(low), abs(high)))
    return f"95 % interval of the calibration: {times(near)} to {times(far)} for {side(low + high)}."


def frequency(probability: float) -> str:
    """A probability in natural frequencies: "1 in 1,000", "35 in 100", "999 in 1,000"."""
    if not 0 <= probability <= 1:
        return "an unknown share"
    if 0.0095 <= probability < 0.995:
        return f"{round(probability * 100)} in 100"
    if probability < 0.5:
        return (
            "fewer than 1 in a million"
            if probability < 1e-6
            else f"1 in {number_words(1 / probability)}"
        )
    if probability > 0.9995:
        return "more than 999 in 1,000"
    return f"{math.floor(probability * 1000)} in 1,000"


def probability_sentence(verdict: Verdict) -> str:
    """The probability under the stated prior, in natural frequencies; none where the verdict is withheld."""
    if withheld(verdict):
        return "No probability is given, as the verdict is withheld."
    return (
        f"If {frequency(verdict.prior)} pictures like this were generated to begin with (the prior), "
        f"{frequency(verdict.probability)} with such findings would be."
    )


def place(box: Box) -> str:
    """Where a box lies, in whole pixels."""
    left, top, right, bottom = (round(v) for v in box)
    return f"x {left} to {right}, y {top} to {bottom}"


def gravest(labels: tuple[Label, ...]) -> Label | None:
    """The label that asks for most: generated before inconclusive before real; None without any."""
    return next((label for label in Label if label in labels), None)


def at_prior(verdict: Verdict, prior: float) -> float:
    """Probability of "generated" if `prior`, in (0, 1), had held to begin with."""
    odds = prior / (1 - prior) * 10.0 ** min(verdict.llr, 300.0)
    return odds / (1 + odds)
