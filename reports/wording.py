"""The words of a verdict: likelihood ratios as people read them, the verbal scale, what to do next.

Verbal scale: ENFSI, Guideline for evaluative reporting in forensic science (2015), section 2.4.
Every number is rounded towards 1, so that neither the figure nor its word overstates the evidence.
"""

from __future__ import annotations

import math
import unicodedata

from whichface.forensics.records import Box, Examination, Label, Verdict

GENERATOR = "a StyleGAN-family generator"
CAMERA = "a camera photograph"

_SCALE = (
    (2, "no"),
    (10, "weak"),
    (100, "moderate"),
    (1_000, "moderately strong"),
    (10_000, "strong"),
)
_AT_CEILING = 0.005
_MILLION = 1e6

_EARLIER_COPIES = "Reverse image search (Google Lens, TinEye, Yandex): earlier copies, other names?"
_OTHER_PICTURE = "Ask for another picture of the person, or a video call: can they be seen twice?"
_ORIGINAL = "Find the original file, the largest and least processed, and examine that."
_CUES = "See the cues for yourself: whichface cues FILE, or detect --overlay face.png."

NEXT_STEPS: dict[Label, tuple[str, ...]] = {
    Label.GENERATED: (_EARLIER_COPIES, _OTHER_PICTURE, _ORIGINAL, _CUES),
    Label.INCONCLUSIVE: (_ORIGINAL, _EARLIER_COPIES, _OTHER_PICTURE, _CUES),
    Label.REAL: (
        "This is no proof: other generators, face swaps and retouching are not examined.",
        "Reverse image search: a genuine photograph can be stolen or out of context.",
        "Ask for the original file from the camera, or another picture of that moment.",
    ),
}
NEXT_STEPS_NO_FACE = (
    "Give a picture with an upright, uncovered face of at least about 150 pixels.",
    "Crop a small face, with its surroundings, from the largest copy to be found.",
    _EARLIER_COPIES,
)


def shown(text: str, limit: int = 4_000) -> str:
    """`text` on one line, safe to print: control, format and bidi characters become escapes."""
    safe = "".join(_escaped(character) for character in text[:limit])
    return f"{safe}…" if len(text) > limit else safe


def _escaped(character: str) -> str:
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return character.encode("unicode_escape").decode("ascii") if hidden else character


def _magnitude(llr: float) -> float:
    """The ratio of at least 1 on either side, cut to two significant figures towards 1."""
    value = 10.0 ** min(abs(llr), 12.0)
    unit = 10.0 ** (math.floor(math.log10(value) + 1e-9) - 1)
    return round(math.floor(value / unit * (1 + 1e-9)) * unit, 1)


def times(llr: float) -> str:
    """How many times more probable, on whichever side: 1.3, 4, 32, 320, 3,200."""
    value = _magnitude(llr)
    if value >= _MILLION:
        return "1,000,000"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def ratio(llr: float) -> str:
    """The likelihood ratio: 320 for a generator, 1/320 for a camera, 1 for neither."""
    text = times(llr)
    return text if llr >= 0 or text == "1" else f"1/{text}"


def strength(llr: float) -> str:
    """The word of the ENFSI scale for the strength of a log10 likelihood ratio, on either side."""
    value = _magnitude(llr)
    return next((word for limit, word in _SCALE if value < limit), "very strong")


def support(llr: float) -> str:
    """Strength and side: "moderate support for a camera photograph"."""
    word = strength(llr)
    if word == "no":
        return "no support for either side"
    return f"{word} support for {GENERATOR if llr > 0 else CAMERA}"


def headline(verdict: Verdict) -> str:
    """The few words beside the label."""
    if verdict.label is Label.REAL:
        return f"no support for {GENERATOR}"
    if verdict.label is Label.INCONCLUSIVE:
        return "no verdict can be given"
    return support(verdict.llr)


def sentence(verdict: Verdict) -> str:
    """The verdict in one sentence, true to its direction."""
    if verdict.label is Label.INCONCLUSIVE:
        return _inconclusive(verdict.llr)
    if verdict.label is Label.REAL and verdict.llr <= 0:
        return (
            f"No support for {GENERATOR} (about {times(verdict.llr)} times more probable for "
            f"{CAMERA}); other generators are not excluded."
        )
    return f"The findings are {_more_probable(verdict.llr)}."


def _more_probable(llr: float) -> str:
    generated = f"if the picture came from {GENERATOR}"
    camera = f"if it is {CAMERA}"
    if llr >= 0:
        return f"about {times(llr)} times more probable {generated} than {camera}"
    return f"about {times(llr)} times more probable {camera} than {generated}"


def _inconclusive(llr: float) -> str:
    if strength(llr) == "no":
        return (
            f"The findings are about as probable if the picture came from {GENERATOR} "
            f"as if it is {CAMERA}."
        )
    return f"The findings do not carry a verdict, although they are {_more_probable(llr)}."


def ceiling(verdict: Verdict) -> str:
    """What the calibration data can support at most."""
    most = f"this model cannot support more than about {times(verdict.llr_ceiling)}"
    if abs(verdict.llr) >= verdict.llr_ceiling - _AT_CEILING and verdict.llr:
        return f"That is the ceiling: {most}."
    return f"{most[0].upper()}{most[1:]}."


def withheld(verdict: Verdict) -> bool:
    """True when the ratio alone would carry a verdict and the reasons hold it back."""
    firm = abs(verdict.llr) >= abs(verdict.threshold) > 0
    return verdict.label is Label.INCONCLUSIVE and firm


def interval(verdict: Verdict) -> str:
    """The 95 % interval of the likelihood ratio: "41 to 990", "1/5 to 3"."""
    low, high = verdict.llr_interval
    return f"{ratio(low)} to {ratio(high)}"


def prior(verdict: Verdict) -> str:
    """The probability, with the prior that it rests on; none where the verdict is withheld."""
    if withheld(verdict):
        return "The verdict is withheld for the reasons above, so no probability is given."
    return (
        f"With an assumed prior of {percent(verdict.prior)} (see --prior), the probability of "
        f"{GENERATOR} is {percent(verdict.probability)}."
    )


def percent(share: float) -> str:
    """A probability as people read it, never rounded to 0 or to 100 %."""
    if share < 0.0001:
        return "less than 0.01 %"
    if share > 0.999:
        return "more than 99.9 %"
    digits = 2 if share < 0.001 else 1 if share < 0.1 or share > 0.9 else 0
    text = f"{share * 100:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if digits else text} %"


def place(box: Box) -> str:
    """Where a face is, in whole pixels."""
    left, top, right, bottom = (round(value) for value in box)
    size = f"{right - left} × {bottom - top} pixels"
    return f"{size}, from ({left}, {top}) to ({right}, {bottom})"


def overall(examination: Examination) -> Label | None:
    """The weightiest label among the faces; None without a face."""
    labels = {found.verdict.label for found in examination.faces}
    order = (Label.GENERATED, Label.INCONCLUSIVE, Label.REAL)
    return next((label for label in order if label in labels), None)


def next_steps(examination: Examination) -> tuple[str, ...]:
    """What to check next, most telling first."""
    label = overall(examination)
    return NEXT_STEPS_NO_FACE if label is None else NEXT_STEPS[label]


def name_of(examination: Examination) -> str:
    """The picture's path as given, safe to print."""
    path = examination.photo.path
    return "picture" if path is None else shown(str(path))
