"""`detect --html` and `whichface report`: pages beside their JSON, nothing of others overwritten, clear refusals."""

from __future__ import annotations

import json
import shlex
import shutil

import jsonschema
import pytest
from PIL import Image
from typer.testing import CliRunner

from whichface.app import case_reports, cli
from whichface.app.case_reports import model_facts
from whichface.app.exit_codes import ExitCode
from whichface.reports import pdf
from whichface.reports.case import owner, schema
from whichface.reports.robustness import Attempt, Robustness

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def no_conditions(monkeypatch):
    """Firmness without a model: the file as it is, and under one change."""

    def firmness(examiner, examination, name, grid):
        names = ("as stored", *(["JPEG 50"] if grid == "quick" else ["JPEG 50", "blur 1"]))
        attempts = tuple(Attempt(n, "kind", n, examination.faces[0]) for n in names)
        return Robustness(name, examination.photo.sha256, attempts)

    monkeypatch.setattr(case_reports, "firmness", firmness)
    monkeypatch.setattr(case_reports.CaseWriter, "lean", None)


def invoke(*arguments, input=None):
    return RUNNER.invoke(cli.app, list(map(str, arguments)), input=input)


def read(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, schema())
    return content


def test_detect_writes_a_page_with_json_beside_it(examiner, pictures):
    done = invoke("detect", "generated.png", "--html", "case.html", "--prior", "0.01")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("generated.png: GENERATED")
    content = read(pictures / "case.json")
    assert owner(pictures / "case.html") == content["examination"]["sha256"]
    assert content["command"] == "detect --prior 0.01 generated.png --html case.html"
    assert len(content["firmness"]["conditions"]) == 2
    assert content["made"] > "2026" and content["model"]["name"] == "fake-1"


def test_the_command_of_a_page_makes_it_again(examiner, pictures):
    shutil.copy("real.png", "a b'c real.png")
    assert invoke("report", "a b'c real.png", "-o", "my cases", "--grid", "full").exit_code == 0
    (page,) = (pictures / "my cases").glob("*.json")
    command = read(page)["command"]
    page.unlink()
    page.with_suffix(".html").unlink()
    assert invoke(*shlex.split(command)[1:]).exit_code == 0
    assert read(page)["command"] == command


def test_a_page_is_written_again_for_the_same_picture_only(examiner, pictures):
    assert invoke("detect", "real.png", "--html", "case.html").exit_code == 0
    before = (pictures / "case.html").read_bytes()
    assert invoke("detect", "real.png", "--html", "case.html", "--prior", "0.2").exit_code == 0
    assert (pictures / "case.html").read_bytes() != before
    Image.new("RGB", (64, 64), "red").save("generated.png")
    done = invoke("detect", "generated.png", "--html", "case.html")
    assert done.exit_code == ExitCode.USAGE and "is not the report of this picture" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["case.html", "case.json"])
def test_other_files_are_left_alone(name, examiner, pictures):
    (pictures / name).write_text("mine", encoding="utf-8")
    assert invoke("detect", "real.png", "--html", "case.html").exit_code == ExitCode.USAGE
    assert (pictures / name).read_text(encoding="utf-8") == "mine"


def test_standard_input_does_not_overwrite_another_page(examiner, pictures):
    (pictures / "case.html").write_text("mine", encoding="utf-8")
    done = invoke("detect", "-", "--html", "case.html", input=(pictures / "real.png").read_bytes())
    assert done.exit_code == ExitCode.INTERNAL and "is not the report of this picture" in done.stderr
    assert (pictures / "case.html").read_text(encoding="utf-8") == "mine"


def test_several_pictures_have_a_page_each(examiner, pictures):
    (pictures / "more").mkdir()
    Image.new("RGB", (64, 64), "blue").save("more/real.png")
    for _ in range(2):  # a second run writes the same files
        done = invoke("report", "real.png", "more/real.png", "landscape.png", "-o", "cases")
        assert done.exit_code == 0, done.output
    names = [f"{name}-case{end}" for name in ("landscape", "real", "real-2") for end in (".html", ".json")]
    assert sorted(path.name for path in (pictures / "cases").iterdir()) == sorted(names)
    assert done.stdout.splitlines()[1:] == [
        "more/real.png: REAL: cases/real-2-case.html", "landscape.png: NO FACE: cases/landscape-case.html",
    ]  # fmt: skip
    paths = [read(pictures / f"cases/{name}-case.json")["examination"]["path"] for name in ("real", "real-2")]
    assert paths == ["real.png", "more/real.png"]


def test_the_same_picture_twice_has_two_pages(examiner, pictures):
    assert invoke("report", "real.png", "real.png", "-o", "cases").exit_code == 0
    assert len(list((pictures / "cases").glob("*.html"))) == 2


def test_names_are_made_safe(examiner, pictures):
    shutil.copy("real.png", "\x1b[31mreal\u202e.png")
    done = invoke("report", "\x1b[31mreal\u202e.png", "-o", "cases")
    assert done.stdout == "�[31mreal�.png: NO FACE: cases/_[31mreal_-case.html\n"
    html = (pictures / "cases/_[31mreal_-case.html").read_text(encoding="utf-8")
    assert "\x1b" not in html and "\u202e" not in html


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["detect", "real.png", "--pdf"], "needs --html FILE"),
        (["detect", "real.png", "--html", "case.pdf"], "must end in .html or be a folder"),
        (["detect", "real.png", "--html", "missing/case.html"], "does not exist"),
        (["detect", "real.png", "bad.png", "--html", "case.html"], "must be a folder"),
        (["detect", "real.png", "--html", "real.png"], "must end in .html"),
        (["report", "real.png", "-o", "missing/cases"], "cannot be made"),
        (["report", "real.png", "-o", "bad.png"], "must be a folder"),
        (["report", "real.png"], "Missing option"),
        (["report", "real.png", "-o", "cases", "--grid", "huge"], "huge"),
    ],
)
def test_refusals(arguments, said, examiner, pictures):
    done = invoke(*arguments)
    assert done.exit_code == ExitCode.USAGE and said in done.stderr and done.stdout == ""


def test_names_in_refusals_steer_no_terminal(examiner, pictures):
    done = invoke("detect", "real.png", "bad.png", "--html", "\x1b[31m\u202ecase.html")
    assert done.exit_code == ExitCode.USAGE and "\x1b" not in done.stderr and "\u202e" not in done.stderr


def test_failures_are_told_and_the_others_go_on(examiner, pictures):
    done = invoke("report", "broken.jpg", "real.png", "-o", "cases")
    assert done.exit_code == ExitCode.SOME_FAILED
    assert done.stderr.startswith("whichface: broken.jpg: is text") and "real-case.html" in done.stdout
    assert invoke("report", "broken.jpg", "-o", "cases").exit_code == ExitCode.ALL_FAILED


def test_grid_none_tries_nothing(examiner, pictures):
    assert invoke("report", "real.png", "-o", "case.html", "--grid", "none").exit_code == 0
    assert read(pictures / "case.json")["firmness"] is None


def test_without_a_browser_there_is_one_clear_sentence(examiner, pictures, monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    monkeypatch.setattr(pdf, "PLACES", {})
    done = invoke("detect", "real.png", "--html", "case.html", "--pdf")
    assert done.exit_code == ExitCode.USAGE and "needs Chromium, Chrome or Edge" in done.stderr
    assert not (pictures / "case.html").exists()


def test_a_browser_that_fails_is_one_clear_sentence(examiner, pictures, monkeypatch):
    false = shutil.which("false")
    monkeypatch.setattr(pdf, "find_browser", lambda: false)
    done = invoke("detect", "real.png", "--html", "case.html", "--pdf")
    assert done.exit_code == ExitCode.INTERNAL and done.stderr.count("\n") == 1
    assert "case.pdf was not made: the browser false failed" in done.stderr


def test_only_root_goes_without_the_sandbox(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf.os, "geteuid", lambda: 1000, raising=False)
    assert "--no-sandbox" not in pdf.browser_flags(tmp_path)
    monkeypatch.setattr(pdf.os, "geteuid", lambda: 0, raising=False)
    assert "--no-sandbox" in pdf.browser_flags(tmp_path)


def test_printing_makes_a_pdf(examiner, pictures):
    try:
        pdf.find_browser()
    except pdf.PdfError:
        pytest.skip("no Chromium: no PDF is printed")
    done = invoke("detect", "real.png", "--html", "case.html", "--pdf")
    assert done.exit_code == 0, done.stderr
    assert (pictures / "case.pdf").read_bytes().startswith(b"%PDF-")


def test_every_analyzer_runs_for_a_page(pictures, examiner, monkeypatch):
    from whichface.app.commands import detect

    monkeypatch.undo()
    made = []
    monkeypatch.setattr("whichface.detectors.Examiner", lambda options: made.append(options))
    detect.build_examiner(detect.DetectSettings((), html=pictures / "case.html"))
    detect.build_examiner(detect.DetectSettings(()))
    assert [options.explain for options in made] == [True, False]


def test_a_card_may_say_little():
    bare = model_facts({"model": "m", "files": {}}, {})
    assert bare.name == "m" and bare.strata == () and bare.claim == ""
    strata = {"strata": {"160": {"ceiling": 1, "floor": -1, "threshold": 0.9, "threshold_real": -0.8, "reals": 7}}}
    figures = {"figures": {"160": {"matched": {"pooled": {"auc": 0.8}}}}}
    (stratum,) = model_facts({"model": "m", "files": {}, **figures}, strata).strata
    assert (stratum.scale, stratum.reals, stratum.fakes, stratum.auc) == (160, 7, None, 0.8)


