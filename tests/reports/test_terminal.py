"""Golden reports at a width of 80; write them anew with WRITE_GOLDEN=1."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from whichface.forensics.records import Evidence, Finding, Label, ProvenanceFact
from whichface.reports.plain import plain
from whichface.reports.terminal import ExaminationReport, gauge_bar, reach

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = {
    "generated": (Label.GENERATED,),
    "real": (Label.REAL,),
    "inconclusive": (Label.INCONCLUSIVE,),
    "no-face": (),
    "two-faces": (Label.REAL, Label.GENERATED),
}
HOSTILE = "[red]x[/red]\x1b[31m\x1b]0;title\x07\n[/bold]\u202e\u2066.jpg"


def show(renderable, *, terminal=True, width=80, **options):
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=terminal,
        color_system=options.pop("colour", None),
        **options,
    )
    console.print(renderable, soft_wrap=not terminal)
    return console.file.getvalue()


def compare(name, text):
    path = GOLDEN / name
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_panel(case, make_examination):
    compare(f"terminal-{case}.txt", show(ExaminationReport(make_examination(*CASES[case]))))


@pytest.mark.parametrize("case", CASES)
def test_plain(case, make_examination):
    examination = make_examination(*CASES[case])
    text = plain(examination)
    compare(f"plain-{case}.txt", text)
    assert show(ExaminationReport(examination), terminal=False) == text


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [20, 40, 60, 120, 200])
def test_no_line_passes_the_terminal(case, width, make_examination):
    lines = show(ExaminationReport(make_examination(*CASES[case])), width=width).splitlines()
    assert max(len(line) for line in lines) <= min(width, 100)


def test_one_face_fits_on_one_screen(make_examination):
    assert show(ExaminationReport(make_examination(Label.GENERATED))).count("\n") <= 40


def test_every_face_starts_a_line_with_the_path_and_label(make_examination):
    lines = plain(make_examination(Label.REAL, Label.GENERATED)).splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert [head.split(",")[0] for head in heads] == [
        "portraits/anna.jpg: REAL",
        "portraits/anna.jpg: GENERATED",
    ]
    assert all(", LR about " in head for head in heads)


@pytest.mark.parametrize("terminal", [True, False])
def test_hostile_names_and_metadata_have_no_effect(terminal, make_examination, make_photo):
    examination = make_examination(
        Label.GENERATED,
        photo=make_photo(path=HOSTILE.replace("/", "")),
        provenance=(ProvenanceFact("camera", f"EXIF says {HOSTILE}"),),
        warnings=(HOSTILE,),
    )
    text = show(ExaminationReport(examination), terminal=terminal, width=100)
    assert not set("\x1b\x07\u202e\u2066") & set(text)
    assert text.count("[red]x[/red]") == 2 and "[red]x[red]" in text


def test_colour_adds_only_styles(make_examination):
    report = ExaminationReport(make_examination(Label.GENERATED))
    coloured = show(report, colour="256", legacy_windows=False)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == show(report)


def test_never_a_percentage_of_fakeness(make_examination):
    for labels in CASES.values():
        text = plain(make_examination(*labels))
        assert not re.search(r"\d\s*%", text.replace("95 % interval", ""))


def test_further_findings_are_counted(make_examination):
    examination = make_examination(Label.GENERATED)
    assert "(1 more: --explain or --json)" in plain(examination, findings=1)
    assert " more: " not in plain(examination, findings=None)


def test_gauge_marks(make_verdict):
    verdict = make_verdict(llr=1.0, llr_interval=(0.5, 1.5), llr_ceiling=2.0)
    assert reach(verdict) == 2
    assert gauge_bar(verdict, 41) == "┼─────────┼─────────┼────━━━━━●━━━━━────╎"


@pytest.mark.parametrize("llr", [float("nan"), float("inf"), -50.0])
def test_gauge_survives_odd_numbers(llr, make_verdict):
    assert "●" in gauge_bar(make_verdict(llr=llr, llr_interval=(llr, llr)), 41)


def test_what_is_illustrative_says_so(make_examination, make_face_examination):
    evidence = Evidence("hair", 0.3, None, (Finding("Strands float beside the head."),))
    face = make_face_examination(evidence=(evidence,))
    text = plain(replace(make_examination(), faces=(face,)))
    assert "cue: hair: Strands float beside the head." in text
    assert "cue: hair: Illustrative only: its reliability was not measured" in text


def test_what_the_file_says_is_told_beside_the_verdict(make_examination):
    fact = ProvenanceFact("own-generator", "The file names our own generator.", Label.GENERATED)
    text = plain(make_examination(Label.REAL, provenance=(fact,)))
    assert (
        "  file metadata, not part of the verdict: The file names our own generator. "
        "(If true, it suggests: generated.)"
    ) in text
