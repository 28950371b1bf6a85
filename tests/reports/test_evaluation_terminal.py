"""The summary on a screen: what decides is on it, at a width that people have."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from whichface.reports.estimates import estimate, figure, percent, share, short_share, signed
from whichface.reports.evaluation_terminal import EvaluationSummary


def shown(content, width=130):
    stream = io.StringIO()
    Console(file=stream, width=width, highlight=False).print(EvaluationSummary(content, ["out/evaluation.html"]))
    return stream.getvalue()


def test_the_summary_has_the_figures(evaluation_content):
    text = shown(evaluation_content)
    head = evaluation_content["comparisons"][-1]
    found = evaluation_content["outcomes"]["reals"]["generated"]
    assert estimate(head["auc"]) in text and share(found) in text
    for word in ("matched sets together", "JPEG 50", "Cllr", "AUC lost to 256 px", "at most 0.08", "missed",
                 "size alone", "Beside other", "written: out/evaluation.html"):  # fmt: skip
        assert word in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 130


def test_a_run_without_the_small_jpeg_has_no_target(evaluation_content):
    text = shown({**evaluation_content, "target": None, "wild": {"sets": [], "lines": []}})
    assert "AUC lost" not in text and "wild" not in text


def test_it_fits_a_narrow_screen(evaluation_content):
    text = shown(evaluation_content, 80)
    assert max(len(line) for line in text.splitlines()) <= 80


def test_names_do_not_steer_the_terminal(evaluation_content):
    assert "\x1b" not in shown({**evaluation_content, "corpus": "a\x1b[2J[bold]b"})


VALUE = {"value": 0.9081, "low": 0.838, "high": 0.9549, "hits": 46, "of": 242}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (estimate, "0.908 [0.838, 0.955]"),
        (signed, "+0.908 [+0.838, +0.955]"),
        (share, "46 of 242 = 91\u00a0% [84\u00a0%, 95\u00a0%]"),
        (short_share, "91\u00a0% of 242"),
    ],
)
def test_figures_in_words(function, expected):
    assert function(VALUE) == expected
    assert function(None) == "–"


def test_missing_ends_and_values():
    assert estimate({"value": 0.5, "low": None, "high": None}) == "0.500" and figure(None) == "–"
    assert signed({"value": None}) == "–"
    assert [percent(v) for v in (0.0, 1e-17, 0.0004, 0.0042, 0.0996, 1.0, None)] == [
        "0\u00a0%", "0\u00a0%", "below 0.1\u00a0%", "0.4\u00a0%", "10\u00a0%", "100\u00a0%", "–",
    ]  # fmt: skip
