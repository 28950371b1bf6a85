"""Ratios, words and sentences."""

from __future__ import annotations

import math

import pytest

from whichface.forensics.records import Label
from whichface.reports import wording


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.0, "no support"),
        (1.9, "no support"),
        (2.0, "weak support"),
        (9.9, "weak support"),
        (9.96, "moderate support"),  # shown as 10
        (10, "moderate support"),
        (99, "moderate support"),
        (100, "moderately strong support"),
        (990, "moderately strong support"),
        (1_000, "strong support"),
        (10_000, "very strong support"),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_verbal_scale_is_enfsi_in_both_directions(ratio, words, sign):
    assert wording.strength(sign * math.log10(ratio)) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1, "1"),
        (1.04, "1"),
        (2.84, "2.8"),
        (9.96, "10"),
        (33.4, "33"),
        (124, "120"),
        (1_234, "1,200"),
        (99_900, "100,000"),
        (3_449_000, "3.4 million"),
        (5e12, "more than a billion"),
        (math.nan, "an unknown number of"),
    ],
)
def test_numbers_are_rounded_for_people(value, words):
    assert wording.number_words(value) == words


def test_sentence_for_a_generator():
    assert wording.findings_sentence(math.log10(120)) == (
        "The findings are about 120 times more probable if the picture came from a StyleGAN-family "
        "generator than if it is a camera photograph."
    )


def test_sentence_turns_round_for_a_negative_ratio():
    sentence = wording.findings_sentence(-2)
    assert (
        "100 times more probable if the picture is a camera photograph than if it came" in sentence
    )


def test_real_never_means_authentic(make_verdict):
    assert wording.verdict_sentence(make_verdict(Label.REAL, -1.52)) == (
        "No support for a StyleGAN-family generator (about 33 times more probable for a camera photograph); "
        "other generators are not excluded."
    )


@pytest.mark.parametrize("llr", [0.0, -0.1, 0.25])
def test_ratios_below_two_support_neither_side(llr):
    assert "equally probable" in wording.findings_sentence(llr)
    assert wording.support(llr) == "no support for either side"


def test_inconclusive_says_that_it_is_not_settled(make_verdict):
    assert "does not settle" in wording.verdict_sentence(make_verdict(Label.INCONCLUSIVE))


def test_the_ceiling_is_said_and_reaching_it_too(make_verdict):
    assert wording.ceiling_sentence(make_verdict()) == (
        "Its ceiling, the most that the model's data can carry with a face of this size, is about 320 "
        "for a StyleGAN-family generator."
    )
    assert "at that ceiling" in wording.ceiling_sentence(make_verdict(llr=-2.5))


def test_an_interval_across_one_names_both_sides(make_verdict):
    sentence = wording.interval_sentence(make_verdict(llr_interval=(-1, 1)))
    assert (
        sentence
        == "95 % interval of the calibration: from 10 for a camera photograph to 10 for a StyleGAN-family generator."
    )


def test_an_interval_on_one_side_names_it(make_verdict):
    sentence = wording.interval_sentence(make_verdict(llr_interval=(-2, -1)))
    assert sentence == "95 % interval of the calibration: 10 to 100 for a camera photograph."


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.5, "50 in 100"),
        (0.01, "1 in 100"),
        (0.001, "1 in 1,000"),
        (1e-9, "fewer than 1 in a million"),
        (0.99, "99 in 100"),
        (0.9951, "995 in 1,000"),
        (0.999999, "more than 999 in 1,000"),
        (1.0, "more than 999 in 1,000"),
        (math.nan, "an unknown share"),
    ],
)
def test_probabilities_are_frequencies_and_never_certain(probability, words):
    assert wording.frequency(probability) == words


@pytest.mark.parametrize(
    "character",
    [
        "\x1b", "\x07", "\x00", "\x7f", "\x9b", "\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\U000e0041",
        "\ud800", "\ue000",
    ],
)  # fmt: skip
def test_what_steers_a_terminal_or_turns_text_round_is_replaced(character):
    assert wording.clean(f"a{character}b") == "a�b"


def test_towers_of_accents_are_cut_and_languages_are_not():
    assert wording.clean("a" + "\u0335" * 500 + "b") == "a" + "\u0335" * 4 + "b"
    for text in ("Việt Nam", "Vie\u0323\u0302t", "שָׁלוֹם", "مرحبا", "नमस्ते", "東京", "🙂"):
        assert wording.clean(text) == text


def test_hostile_text_is_made_safe():
    assert wording.clean("a\x1b[31mb\nc\u202ed\x07") == "a�[31mb c�d�"


def test_gravest_label():
    assert wording.gravest((Label.REAL, Label.GENERATED)) is Label.GENERATED
    assert wording.gravest((Label.REAL, Label.INCONCLUSIVE)) is Label.INCONCLUSIVE
    assert wording.gravest(()) is None


def test_a_withheld_verdict_gives_no_probability(make_verdict):
    verdict = make_verdict(Label.INCONCLUSIVE, 2.4)
    assert wording.verdict_sentence(verdict).endswith("But the verdict is withheld.")
    assert "in 100" not in wording.probability_sentence(verdict)


def test_a_face_that_was_not_measured_is_not_called_equally_probable(make_verdict):
    assert "could not be judged" in wording.verdict_sentence(make_verdict(Label.INCONCLUSIVE, 0.0))


def test_experts_have_plain_names():
    assert wording.expert_name("texture-256") == "fine texture at 256 px"
    assert wording.expert_name("network-160") == "the neural network at 160 px"
    assert wording.expert_name("hair") == "hair" and wording.expert_name("network-\x1b[31m") == "network-�[31m"
