"""SVG for inlining: no fixed colours or sizes, no ids that two drawings share, an alternative text."""

from __future__ import annotations

import re

import pytest

from whichface.reports.figure import FAKE, canvas, drawing, inline
from whichface.reports.plots import all_drawings


@pytest.fixture(scope="module")
def drawings(evaluation_content):
    return all_drawings(evaluation_content)


def test_every_figure_is_there(drawings):
    assert set(drawings) == {
        "roc", "histogram", "reliability", "tippett", "cross_entropy", "risk_coverage", "drift", "baselines",
        "robustness",
    }  # fmt: skip


def test_figures_can_stand_on_one_page(drawings):
    ids = [name for d in drawings.values() for name in set(re.findall(r' id="([^"]+)"', d.svg))]
    assert len(ids) == len(set(ids))
    for d in drawings.values():
        used = set(re.findall(r"url\(#([^)]+)\)", d.svg)) | set(re.findall(r'href="#([^"]+)"', d.svg))
        assert used <= set(re.findall(r' id="([^"]+)"', d.svg))


def test_figures_bring_nothing_along(drawings):
    for d in drawings.values():
        assert d.svg.startswith("<svg viewBox=") and d.svg.endswith("</svg>")
        assert "http" not in d.svg and "<style" not in d.svg and "<metadata" not in d.svg
        assert (not re.search(r"#0[1-6]0[1-6]0[1-6]", d.svg) and "var(--fake)" in d.svg) or "var(--third)" in d.svg
        assert re.search(r'role="img" aria-label="[^"]{20,}"', d.svg) and "<title>" in d.svg
        assert d.title and d.caption.endswith(".")


def test_the_same_values_give_the_same_drawing(drawings, evaluation_content):
    assert all_drawings(evaluation_content)["roc"].svg == drawings["roc"].svg


def test_missing_values_leave_gaps(evaluation_content):
    grid = [{**line, "auc": None} for line in evaluation_content["grid"]]
    bare = {**evaluation_content, "grid": grid}
    bare["curves"] = {**evaluation_content["curves"], "roc_thumbnail": None}
    assert "thumbnail" not in all_drawings(bare)["roc"].svg
    assert "robustness" not in all_drawings({**bare, "grid": grid[:1]})


def test_labels_are_escaped():
    with canvas() as (figure, axes):
        axes.plot([0, 1], [0, 1], color=FAKE, label="<script>&")
        axes.legend()
        made = drawing(figure, "x", "t", 'a "quoted" <b>', "c.")
    assert "<script>" not in made.svg and "&lt;script&gt;&amp;" in made.svg
    assert "a &quot;quoted&quot; &lt;b&gt;" in made.svg


def test_text_keeps_its_digits():
    made = inline('<?xml?><svg width="9" viewBox="0 0 1 1"><text x="1.234567">0.769</text></svg>', "alt")
    assert '<text x="1.23">0.769</text>' in made and "width" not in made
