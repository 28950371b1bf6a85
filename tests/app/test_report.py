"""`detect --html` and `whichface report`: pages beside their JSON, nothing of others overwritten, clear refusals."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import jsonschema
import pytest
from PIL import Image
from scan_helpers import result
from typer.testing import CliRunner

from whichface.app import case_files, case_reports, cli
from whichface.app.case_reports import model_facts
from whichface.app.commands import detect, scan
from whichface.app.exit_codes import ExitCode
from whichface.detectors.scanning.records import Result, Stamp, Status, Task
from whichface.detectors.scanning.work import failure
from whichface.detectors.store import Store
from whichface.forensics.photo import open_photo
from whichface.forensics.records import Label
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


def one_picture(path, model, made_by):
    """A store with one picture, examined by a model."""
    with Store(Path(path)) as made:
        made.write(made.generation(model, made_by, {}), [result("/a.jpg", 1.5)])


@pytest.fixture
def store(examiner, pictures):
    """A store that holds three pictures, one of them twice, and a failure."""
    shutil.copy("real.png", "copy real.png")
    paths = ("generated.png", "real.png", "landscape.png", "copy real.png")
    for number, name in enumerate(paths[:3]):
        Image.new("RGB", (64, 64), (number, 9, 9)).save(name)
    shutil.copy("real.png", "copy real.png")
    with Store(Path("scan.db")) as made:
        generation = made.generation("fake-1", {}, {"prior": 0.2, "threshold": None, "max_faces": None})
        for path in map(Path, paths):
            found = examiner.examine(open_photo(path))
            status = Status.EXAMINED if found.faces else Status.NO_FACE
            record = scan.encoder().of(found, str(path.absolute()))
            made.write(generation, [Result(Task(str(path.absolute()), Stamp(0, 0)), status, record)])
        made.write(generation, [failure(Task("/gone.jpg", Stamp(0, 0)), "does not exist.", scan.encoder())])
    return Path("scan.db")


def test_reports_from_a_scan_have_the_names_that_its_index_links_to(store, monkeypatch):
    done = invoke("report", "--from-scan", store, "-o", "cases")
    assert done.exit_code == 0 and done.stderr == "", done.output
    lines = done.stdout.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["GENERATED", "REAL", "NO FACE"]  # by evidence, each file once
    for line in lines:
        page = Path(line.rpartition(": ")[2])
        assert page.name == f"{owner(page)[:16]}.html"
    index = invoke("results", store, "--html", "index.html")
    assert index.exit_code == 0 and Path("index.html").read_text(encoding="utf-8").count('href="cases/') == 4


def test_a_report_from_a_scan_can_be_made_again(store):
    done = invoke("report", "--from-scan", store, "--where", "label = 'real'", "--grid", "none", "-o", "cases")
    assert done.exit_code == 0, done.output
    (path,) = Path("cases").glob("*.json")
    command = read(path)["command"]
    path.unlink()
    path.with_suffix(".html").unlink()
    assert invoke(*shlex.split(command)[1:]).exit_code == 0 and read(path)["command"] == command


def test_the_scans_options_hold(store, monkeypatch, examiner):
    seen = []
    monkeypatch.setattr(detect, "build_examiner", lambda settings: seen.append(settings) or examiner)
    assert invoke("report", "--from-scan", store, "--limit", "1", "-o", "cases").exit_code == 0
    assert [(settings.prior, settings.model) for settings in seen] == [(0.2, "fake-1")]
    assert len(list(Path("cases").glob("*.html"))) == 1


def test_a_picture_that_has_changed_since_its_scan_is_refused(store):
    for name in ("real.png", "copy real.png"):
        Image.new("RGB", (64, 64), "red").save(name)
    Path("generated.png").unlink()
    done = invoke("report", "--from-scan", store, "--where", "face = 1", "-o", "cases")
    assert done.exit_code == ExitCode.ALL_FAILED and not list(Path("cases").iterdir())
    assert "generated.png: does not exist" in done.stderr and "is no longer the picture that was scanned" in done.stderr


def test_another_ratio_than_the_scans_is_told(store, examiner, make_examination, make_verdict):
    known = examiner.make
    examiner.make = lambda *labels: known(*(Label.REAL for _ in labels))
    done = invoke("report", "--from-scan", store, "--where", "label = 'generated'", "-o", "cases")
    assert done.exit_code == 0 and "generated.png: the ratio is not the scan's" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from-scan", "scan.db", "--where", "nope > 1"], "no such column"),
        (["--from-scan", "scan.db", "--where", "1; DROP TABLE faces"], "--where"),
        (["--from-scan", "real.png"], "no store of whichface"),
        (["--from-scan", "missing.db"], "does not exist"),
        (["--from-scan", "scan.db", "real.png"], "give pictures, or the store"),
        (["--from-scan", "scan.db", "--prior", "0.1"], "are those of the scan"),
        (["--from-scan", "other.db", "--model", "fake-1"], "made with the model fake-2, and this fake-1 is another"),
        (["--from-scan", "files.db", "--model", "fake-1"], "made with the model fake-1, and this fake-1 is another"),
        (["real.png", "--where", "llr > 1"], "need --from-scan"),
        ([], "give pictures, or the store"),
    ],
)
def test_refusals_about_scans(arguments, said, store):
    one_picture("other.db", "fake-2", {})
    one_picture("files.db", "fake-1", {"files": {"network.onnx": "ab"}})
    done = invoke("report", *arguments, "-o", "cases")
    assert done.exit_code == ExitCode.USAGE and said in " ".join(done.stderr.split()) and done.stdout == ""


def test_nothing_that_fits_is_no_failure(store):
    done = invoke("report", "--from-scan", store, "--where", "llr > 99", "-o", "cases")
    assert done.exit_code == 0 and "no picture of the store fits" in done.stderr


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


def test_the_scans_model_may_have_moved(store, monkeypatch, examiner):
    seen = []
    monkeypatch.setattr(detect, "build_examiner", lambda settings: seen.append(settings) or examiner)
    done = invoke("report", "--from-scan", store, "--limit", "1", "--model", "moved", "-o", "cases")
    assert done.exit_code == 0 and [settings.model for settings in seen] == ["moved"]
    (path,) = Path("cases").glob("*.json")
    assert read(path)["command"].startswith("whichface report --model moved --from-scan scan.db")


def test_long_names_have_pages_and_overlays(examiner, pictures):
    name = f"real{'é' * 120}.png"  # 248 bytes
    shutil.copy("real.png", name)
    done = invoke("detect", name, "real.png", "--html", "cases", "--overlay", "marks")
    assert done.exit_code == 0, done.output
    assert len(list(Path("cases").glob("realé*-case.html"))) == len(list(Path("marks").glob("realé*.png"))) == 1


@pytest.mark.parametrize("arguments", [["report", "-o", "cases"], ["detect", "--html", "case.html"]])
def test_a_place_that_the_system_bars_is_told(arguments, examiner, pictures, monkeypatch):
    def barred(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(case_files.Path, "exists", barred)
    done = invoke(*arguments, "real.png")
    assert done.exit_code in {ExitCode.INTERNAL, ExitCode.USAGE} and "cannot be used: Permission" in done.stderr
