"""`detect` with an examiner that needs no model: outputs, failures and every exit code."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys

import jsonschema
import pytest
from PIL import Image
from typer.testing import CliRunner

from whichface.app import cli
from whichface.app.commands import detect
from whichface.app.exit_codes import ExitCode
from whichface.forensics.errors import PhotoFormatError, WeightsError
from whichface.reports.json import schema

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def no_forced_colour(monkeypatch):
    """What the developer's own terminal asks for is no business of these tests."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def invoke(*arguments, input=None):
    return RUNNER.invoke(cli.app, ["detect", *map(str, arguments)], input=input)


def test_plain_report(examiner, pictures):
    done = invoke("generated.png")
    assert done.exit_code == ExitCode.DONE, done.output
    assert done.stdout.startswith("generated.png: GENERATED, LR about 120 for")
    assert done.stderr == ""


def test_both_doors_lead_to_the_same_room(examiner, pictures):
    there = RUNNER.invoke(cli.detect_app, ["real.png"])
    assert there.stdout == invoke("real.png").stdout and there.exit_code == 0


def test_json_lines_follow_the_schema(examiner, pictures):
    done = invoke("--json", ".")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        jsonschema.validate(line, schema())
    assert [line["path"] for line in lines] == [
        f"./{name}"
        for name in (
            [
                "bad.png",
                "broken.jpg",
                "generated.png",
                "inconclusive.png",
                "landscape.png",
                "real.png",
            ]
        )
    ]
    assert [bool(line["error"]) for line in lines] == [False, True, False, False, False, False]
    assert "./landscape.png: warning: No face was found" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["real.png"], ExitCode.DONE),
        (["landscape.png"], ExitCode.DONE),
        (["generated.png"], ExitCode.DONE),
        (["generated.png", "--fail-on", "generated"], ExitCode.FAIL_ON),
        (["real.png", "--fail-on", "generated"], ExitCode.DONE),
        (["inconclusive.png", "--fail-on", "generated"], ExitCode.DONE),
        (["inconclusive.png", "--fail-on", "inconclusive"], ExitCode.FAIL_ON),
        (["landscape.png", "--fail-on", "inconclusive"], ExitCode.FAIL_ON),
        (["real.png", "--fail-on", "generated", "--fail-on", "inconclusive"], ExitCode.DONE),
        (["generated.png", "broken.jpg", "--fail-on", "generated"], ExitCode.FAIL_ON),
        (["real.png", "broken.jpg"], ExitCode.SOME_FAILED),
        (["real.png", "missing.png"], ExitCode.SOME_FAILED),
        (["broken.jpg", "missing.png"], ExitCode.ALL_FAILED),
        ([], ExitCode.USAGE),
        (["real.png", "--prior", "0"], ExitCode.USAGE),
        (["real.png", "--prior", "1"], ExitCode.USAGE),
        (["real.png", "--prior", "nan"], ExitCode.USAGE),
        (["real.png", "--threshold", "inf"], ExitCode.USAGE),
        (["real.png", "--threshold", "high"], ExitCode.USAGE),
        (["real.png", "--max-faces", "0"], ExitCode.USAGE),
        (["real.png", "--fail-on", "real"], ExitCode.USAGE),
        (["real.png", "--nonsense"], ExitCode.USAGE),
        (["real.png", "-o", "missing/report.txt"], ExitCode.USAGE),
        (["real.png", "-o", "."], ExitCode.USAGE),
        (["real.png", "-o", "real.png"], ExitCode.USAGE),
        (["real.png", "--overlay", "real.png"], ExitCode.USAGE),
        (["real.png", "--overlay", "marked.jpg"], ExitCode.USAGE),
        (["real.png", "--overlay", "missing/marked.png"], ExitCode.USAGE),
        (["real.png", "generated.png", "--overlay", "marked.png"], ExitCode.USAGE),
        (["real.png", "generated.png", "--overlay", "missing/marks"], ExitCode.USAGE),
    ],
)
def test_exit_codes(arguments, code, examiner, pictures):
    done = invoke(*arguments)
    assert done.exit_code == code, done.output
    if code is ExitCode.USAGE and arguments:
        assert "Error: Invalid value" in done.stderr or "No such option" in done.stderr
        assert done.stdout == ""


def test_a_failure_is_one_line_and_the_others_go_on(examiner, pictures):
    done = invoke("broken.jpg", "real.png")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("whichface: broken.jpg: is text, not a picture")
    assert "real.png: REAL" in done.stdout


def test_an_examiner_that_raises_a_photo_error_is_a_failed_picture(examiner, pictures):
    examiner.failure = PhotoFormatError("bad.png is damaged.")
    done = invoke("bad.png", "real.png")
    assert done.exit_code == ExitCode.SOME_FAILED
    assert done.stderr == "whichface: bad.png: is damaged.\n"


@pytest.mark.parametrize("debug", [False, True])
def test_an_internal_error_is_one_sentence_and_the_others_go_on(debug, examiner, pictures):
    examiner.failure = TypeError("no such thing")
    done = invoke("bad.png", "real.png", *["--debug"] * debug)
    assert done.exit_code == ExitCode.INTERNAL
    assert "whichface: bad.png: internal error: TypeError: no such thing" in done.stderr
    assert ("Traceback" in done.stderr) is debug
    assert "real.png: REAL" in done.stdout


def test_a_damaged_installation_is_one_sentence(pictures, monkeypatch):
    def broken(settings):
        raise WeightsError("The weights do not match their card.")

    monkeypatch.setattr(detect, "build_examiner", broken)
    done = invoke("real.png")
    assert done.exit_code == ExitCode.INTERNAL
    assert done.stderr == "whichface: The weights do not match their card.\n"


def test_an_unknown_model_is_a_usage_error(pictures, monkeypatch):
    done = invoke("real.png", "--model", "no-such-model")
    assert done.exit_code == ExitCode.USAGE
    assert "--model" in done.stderr and "no-such-model" in done.stderr


def test_interrupted(examiner, pictures):
    examiner.failure = KeyboardInterrupt()
    done = invoke("real.png", "bad.png", "generated.png")
    assert done.exit_code == ExitCode.INTERRUPTED
    assert done.stderr.startswith("whichface: interrupted") and done.stderr.count("\n") == 1
    assert "real.png: REAL" in done.stdout and "generated.png" not in done.stdout


def test_standard_input(examiner):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "PNG")
    done = invoke("-", input=buffer.getvalue())
    assert done.exit_code == 0 and done.stdout.startswith("-: REAL")
    assert json.loads(invoke("-", "--json", input=buffer.getvalue()).stdout)["path"] == "-"
    assert invoke("-", input=b"").exit_code == ExitCode.ALL_FAILED


def test_output_goes_to_a_file_and_warnings_to_stderr(examiner, pictures):
    done = invoke("landscape.png", "-o", "report.txt")
    assert done.stdout == "" and "warning: No face was found" in done.stderr
    assert (pictures / "report.txt").read_text(encoding="utf-8").startswith("landscape.png: NO")
    assert invoke("landscape.png", "-o", "report.txt", "--quiet").stderr == ""
    assert invoke("real.png", "-o", "-").stdout.startswith("real.png: REAL")


def test_one_overlay(examiner, pictures):
    assert invoke("generated.png", "--overlay", "marked.png").exit_code == 0
    with Image.open(pictures / "marked.png") as image:
        assert image.format == "PNG"


def test_overlays_of_several_pictures_have_different_names(examiner, pictures):
    (pictures / "more").mkdir()
    shutil.copy("real.png", "more/real.png")
    done = invoke("real.png", "more/real.png", "generated.png", "--overlay", "marks")
    assert done.exit_code == 0, done.output
    found = sorted(path.name for path in (pictures / "marks").iterdir())
    assert found == ["generated-overlay.png", "real-2-overlay.png", "real-overlay.png"]


def test_overlays_never_overwrite_a_picture(examiner, pictures):
    shutil.copy("real.png", "bad-overlay.png")
    before = (pictures / "bad-overlay.png").read_bytes()
    assert invoke("bad.png", "bad-overlay.png", "--overlay", ".").exit_code == 0
    assert (pictures / "bad-overlay.png").read_bytes() == before
    assert (pictures / "bad-2-overlay.png").exists()


def test_a_forced_panel_goes_to_the_terminal_only(examiner, pictures, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "╭─" in invoke("real.png").stdout
    invoke("real.png", "-o", "report.txt")
    assert (pictures / "report.txt").read_text(encoding="utf-8").startswith("real.png: REAL")


def test_hostile_names_are_made_safe_everywhere(examiner, pictures):
    hostile = "[red]\x1b[31mreal\x07.png"
    shutil.copy("real.png", hostile)
    done = invoke(hostile, f"missing-{hostile}")
    assert "\x1b" not in done.output and "\x07" not in done.output
    assert done.stdout.startswith("[red]�[31mreal�.png: ") and "missing-[red]�[31m" in done.stderr


def test_folders(examiner, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    done = invoke("empty")
    assert done.exit_code == ExitCode.ALL_FAILED
    assert done.stderr == "whichface: empty: no pictures found in this folder.\n"


def test_explain_shows_every_finding(examiner, pictures, monkeypatch):
    seen = []
    monkeypatch.setattr(detect, "build_examiner", lambda s: seen.append(s) or examiner)
    invoke(
        "real.png",
        "--explain",
        "--prior",
        "0.01",
        "--threshold",
        "-1",
        "--max-faces",
        "2",
        "--model",
        "m",
    )
    (settings,) = seen
    assert (settings.explain, settings.prior, settings.threshold) == (True, 0.01, -1.0)
    assert (settings.max_faces, settings.model) == (2, "m")


@pytest.mark.parametrize(
    ("output", "others"),
    [
        ("case.json", ["--html", "case.html"]),
        ("case.html", ["--html", "case.html"]),
        ("cases/real-case.json", ["--html", "cases"]),
        ("marked.png", ["--overlay", "marked.png"]),
    ],
)
def test_the_report_is_no_file_that_another_option_writes(output, others, examiner, pictures):
    (pictures / "cases").mkdir()
    done = invoke("--json", "real.png", "-o", output, *others)
    assert done.exit_code == ExitCode.USAGE and "writes, too" in done.stderr and not (pictures / output).exists()


def test_an_unknown_model_leaves_an_earlier_report(pictures):
    (pictures / "old.txt").write_text("earlier", encoding="utf-8")
    assert invoke("real.png", "--model", "typo", "-o", "old.txt").exit_code == ExitCode.USAGE
    assert (pictures / "old.txt").read_text(encoding="utf-8") == "earlier"


STUB = """
import sys
from whichface.app import cli
from whichface.app.commands import detect
from whichface.forensics.records import Examination
class Fake:
    def examine(self, photo):
        return Examination(photo, (), warnings=("No face was found.",) * 200)
detect.build_examiner = lambda settings: Fake()
cli.detect()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell and /dev/full")
@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        ("{run} real.png real.png | head -n 1 >/dev/null; exit ${{PIPESTATUS[0]}}", 0, ""),
        ("{run} --json real.png >/dev/full", 70, "No space left on device."),
        ("{run} --quiet real.png real.png | cat >/dev/null; exit ${{PIPESTATUS[0]}}", 0, ""),
    ],
)
def test_pipes_and_full_disks(shell, code, said, pictures):
    (pictures / "stub.py").write_text(STUB, encoding="utf-8")
    command = shell.format(run=f"{sys.executable} stub.py --quiet")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == bool(said) and said in done.stderr
