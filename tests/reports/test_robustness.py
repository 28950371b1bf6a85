"""One picture over the grid, in words, as a table and as JSON."""

from __future__ import annotations

import io

import jsonschema
import pytest
from rich.console import Console

from whichface.forensics.records import Label
from whichface.reports.json import to_line
from whichface.reports.robustness import Attempt, Robustness, failure, schema

G, U, R = Label.GENERATED, Label.INCONCLUSIVE, Label.REAL


@pytest.fixture
def result(make_face_examination, make_verdict):
    """A result with these labels (None: no face); a number is the log10 ratio of an inconclusive verdict."""

    def make(*labels, name="anna.jpg"):
        attempts = []
        for number, label in enumerate(labels):
            face = None
            if label is not None:
                verdict = make_verdict(U, label) if isinstance(label, float) else make_verdict(label)
                face = make_face_examination(verdict=verdict)
            note = "no face was found" if label is None else ""
            attempts.append(Attempt(f"c{number}", "family", "Words", face, note))
        return Robustness(name, "ab" * 32, tuple(attempts))

    return make


def shown(result):
    stream = io.StringIO()
    Console(file=stream, width=100, highlight=False).print(result)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ((G, G, G), "The verdict “generated” holds in 2 of 2 conditions."),
        ((G, G, U), "holds in 1 of 2 conditions. It becomes “inconclusive” under: c2. The ratio"),
        ((G, R, U, R), "It becomes “real” under: c1; c3. Do not rely on it."),
        ((U, G, R), "It becomes “generated” under: c1. It becomes “real” under: c2. The ratio runs"),
        ((R, R, None), "holds in 1 of 1 conditions. No face was found in 1 more."),
        ((None, G), "No face was found in the file as it is, so there is no verdict to hold."),
        ((G, None), "The verdict is “generated”; no change could be tried. No face was found in 1 more."),
        ((U, 0.0, 0.0), "The face was too small to be judged in all of them."),
    ],
)
def test_what_the_table_comes_to(result, labels, sentence):
    assert sentence in " ".join(result(*labels).sentences())


def test_the_range_is_that_of_faces_that_were_judged(result):
    text = " ".join(result(G, G, 0.0, R).sentences())
    assert "from about 33 for a camera photograph to about 120 for a StyleGAN-family generator" in text


def test_a_range_on_one_side_names_it_once(result):
    text = " ".join(result(0.45, 0.9, 0.5).sentences())
    assert "The ratio runs from about 3.2 to about 7.9, for a StyleGAN-family generator." in text


def test_the_table_has_a_line_a_condition(result):
    text = shown(result(G, U, None, 0.0, R))
    for line in ("c0  ", "▲ generated", "? inconclusive", "○ real", "no face was found", "+2.08", "-1.52"):
        assert line in text
    assert shown(result(G, name="a\x1b[31m.jpg")).startswith("a�[31m.jpg")


def test_json_follows_its_schema(result):
    for labels in ((G, U, None, R), (None,), (U, 0.0)):
        content = result(*labels).to_dict()
        jsonschema.validate(content, schema())
        assert to_line(content)
    content = result(G, G, R).to_dict()
    assert (content["label"], content["tried"], content["held"]) == ("generated", 2, 1)
    assert content["conditions"][2]["llr"] == -1.52
    jsonschema.validate(failure("a.jpg", "is cut off."), schema())
