"""The policy: labels at the thresholds, doubts, the caller's threshold and prior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whichface.detectors.calibration import LN10, Stratum
from whichface.detectors.verdict import Policy, decide, label_of, undecided
from whichface.forensics.records import FaceQuality, Label, Score

QUALITY = FaceQuality(200.0, 47.0, 0.8, 0.3, 0.97, 0.02)
GENERATED, INCONCLUSIVE, REAL = Label.GENERATED, Label.INCONCLUSIVE, Label.REAL


@pytest.fixture
def stratum() -> Stratum:
    """One expert whose logit over ln 10 is the ratio."""
    return Stratum(
        experts=("a",), cues=(),
        bias=0.0,
        weights=np.array([1.0]),
        replicates=np.array([[-0.1, 1.0], [0.0, 1.0], [0.1, 1.0]]),
        ceiling=2.0,
        floor=-1.5,
        threshold=0.6,
        threshold_real=-0.8,
        false_alarm=0.01,
    )


def _score(llr: float) -> list[Score]:
    return [Score("a", llr * LN10)]


@pytest.mark.parametrize(
    ("llr", "label"),
    [
        (0.6, GENERATED),
        (0.59, INCONCLUSIVE),
        (0.0, INCONCLUSIVE),
        (-0.79, INCONCLUSIVE),
        (-0.8, REAL),
        (-9.0, REAL),
    ],
)
def test_labels_at_the_thresholds(llr: float, label: Label) -> None:
    assert label_of(llr, 0.6, -0.8) is label


@pytest.mark.parametrize(
    ("llr", "label", "word"),
    [
        (1.0, GENERATED, "for “generated”, a ratio of 4.0 for a generator"),
        (0.1, INCONCLUSIVE, "between the thresholds, a ratio of 6.3 for a photograph and a ratio of 4.0"),
        (-1.0, REAL, "for “real”, a ratio of 6.3 for a photograph"),
    ],
)
def test_a_verdict_says_why(stratum: Stratum, llr: float, label: Label, word: str) -> None:
    verdict = decide(Policy(), stratum, _score(llr), QUALITY)
    assert verdict.label is label and verdict.llr == pytest.approx(llr)
    assert verdict.threshold == 0.6 and verdict.prior == 0.5
    assert verdict.probability == pytest.approx(10**llr / (1 + 10**llr))
    assert len(verdict.reasons) == 1 and word in verdict.reasons[0]
    assert verdict.llr_interval[0] < verdict.llr < verdict.llr_interval[1]


@pytest.mark.parametrize(("llr", "bounded", "ceiling"), [(9.0, 2.0, 2.0), (-9.0, -1.5, 1.5)])
def test_the_ceiling_is_the_bound_on_its_side(
    stratum: Stratum, llr: float, bounded: float, ceiling: float
) -> None:
    verdict = decide(Policy(), stratum, _score(llr), QUALITY)
    assert verdict.llr == bounded and verdict.llr_ceiling == ceiling


@pytest.mark.parametrize(
    ("threshold", "llr", "label"),
    [
        (1.5, 1.0, INCONCLUSIVE),
        (1.5, 1.6, GENERATED),
        (0.0, 0.1, GENERATED),
        (3.0, 9.0, INCONCLUSIVE),
        (-1.0, -0.9, GENERATED),
        (-1.0, -1.2, REAL),
        (1.5, -0.9, REAL),
    ],
)
def test_the_caller_sets_the_threshold(
    stratum: Stratum, threshold: float, llr: float, label: Label
) -> None:
    verdict = decide(Policy(threshold=threshold), stratum, _score(llr), QUALITY)
    assert verdict.label is label and verdict.threshold == threshold


def test_the_prior_moves_the_probability_only(stratum: Stratum) -> None:
    even, rare = (decide(Policy(prior=p), stratum, _score(1.0), QUALITY) for p in (0.5, 0.01))
    assert rare.probability == pytest.approx(10 / (10 + 99))
    assert replace(rare, probability=even.probability, prior=even.prior) == even


@pytest.mark.parametrize(
    ("llr", "again", "label"),
    [
        (1.0, 1.0, GENERATED),
        (1.0, 0.3, GENERATED),
        (1.0, 0.29, INCONCLUSIVE),
        (1.0, -1.0, INCONCLUSIVE),
        (-1.0, -0.4, REAL),
        (-1.0, -0.39, INCONCLUSIVE),
        (-1.0, 1.0, INCONCLUSIVE),
        (0.1, 2.0, INCONCLUSIVE),
    ],
)
def test_a_verdict_must_survive_re_encoding(
    stratum: Stratum, llr: float, again: float, label: Label
) -> None:
    verdict = decide(Policy(), stratum, _score(llr), QUALITY, again)
    assert verdict.label is label and verdict.llr == pytest.approx(llr)
    withheld = label is INCONCLUSIVE and llr != 0.1
    assert withheld == ("re-encoding" in verdict.reasons[0])


@pytest.mark.parametrize(
    ("again", "label"), [(-0.5, GENERATED), (-0.95, GENERATED), (-1.1, INCONCLUSIVE)]
)
def test_a_negative_threshold_is_not_halved(stratum: Stratum, again: float, label: Label) -> None:
    verdict = decide(Policy(threshold=-1.0), stratum, _score(0.5), QUALITY, again)
    assert verdict.label is label


@pytest.mark.parametrize(("llr", "label", "why"), [
    (1.0, GENERATED, "passes the threshold"),
    (0.0, INCONCLUSIVE, "between the thresholds"),
    (-1.0, INCONCLUSIVE, "but the pixels do not"),
])  # fmt: skip
def test_a_pattern_in_the_pixels_is_never_called_real(stratum: Stratum, llr: float, label: Label, why: str) -> None:
    verdict = decide(Policy(), stratum, _score(llr), QUALITY, pattern=True)
    assert verdict.label is label and why in verdict.reasons[0]
    assert ("diffusion model" in verdict.reasons[-1]) == (label is INCONCLUSIVE)
    assert verdict.llr == pytest.approx(llr)


@pytest.mark.parametrize("llr", [2.0, 0.0, -1.4])
def test_an_unusable_face_gets_no_verdict(stratum: Stratum, llr: float) -> None:
    limits = ("The face is blurred.", "The face is covered.")
    poor = replace(QUALITY, usable=False, limits=limits)
    verdict = decide(Policy(), stratum, _score(llr), poor)
    assert verdict.label is INCONCLUSIVE and verdict.reasons == limits
    assert verdict.llr == 0.0, "experts that were not measured on such faces say nothing"


def test_an_unusable_face_has_a_reason_without_limits(stratum: Stratum) -> None:
    verdict = decide(Policy(), stratum, _score(2.0), replace(QUALITY, usable=False))
    assert verdict.label is INCONCLUSIVE and "not good enough" in verdict.reasons[0]


def test_limits_alone_withhold_nothing(stratum: Stratum) -> None:
    limited = replace(QUALITY, limits=("A little blurred.",))
    verdict = decide(Policy(), stratum, _score(1.0), limited)
    assert verdict.label is GENERATED and "blurred" not in verdict.reasons[0]


@pytest.mark.parametrize(("asked", "threshold"), [(None, 0.6), (1.2, 1.2)])
def test_undecided_says_nothing(stratum: Stratum, asked: float | None, threshold: float) -> None:
    verdict = undecided(Policy(asked, 0.2), stratum, ("Too small.",))
    assert verdict.label is INCONCLUSIVE and verdict.reasons == ("Too small.",)
    assert verdict.llr == 0.0 and verdict.llr_interval == (-1.5, 2.0)
    assert verdict.probability == verdict.prior == 0.2 and verdict.threshold == threshold
