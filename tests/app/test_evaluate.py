"""`whichface evaluate` as people run it, on a handful of drawn-on portraits; and what it refuses."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from whichface.app import cli
from whichface.app.commands import evaluate as verb
from whichface.app.commands.evaluate import EvaluateSettings, GridName, Meter
from whichface.app.exit_codes import ExitCode
from whichface.detectors import evaluate
from whichface.reports.evaluation import schema

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()
FILES = {"evaluation.html", "evaluation.json", "scores.csv"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Six photographs of one face, three of them called fake; nothing can be learned from them."""
    folder = tmp_path_factory.mktemp("corpus")
    face = Image.fromarray(np.asarray(data.astronaut())[0:256, 96:352])
    for number in range(6):
        path = folder / ("fake/painted" if number % 2 else "real/shot") / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        face.rotate(number - 3, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90)).save(path, quality=90)
    return folder


def run(*arguments, cwd):
    code = "from whichface.app.cli import main; main()"
    command = [sys.executable, "-c", code, "evaluate", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def out(corpus, tmp_path_factory):
    """The folder and the process of one run."""
    folder = tmp_path_factory.mktemp("out")
    return folder, run(corpus, "--grid", "quick", "--workers", 1, "-o", folder / "report", cwd=folder)


def test_everything_is_written(out):
    folder, done = out
    assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr
    assert {p.name for p in (folder / "report").iterdir()} - FILES == {
        next((folder / "report").glob("examinations-*.csv")).name,
        "analysis.jsonl",
    }
    content = json.loads((folder / "report/evaluation.json").read_text())
    jsonschema.validate(content, schema())
    assert (content["pictures"]["reals"], content["pictures"]["fakes"]) == (3, 3)
    assert len(content["grid"]) == 12 - 2  # the pictures are too small for 512 and 256 px
    assert "matched" not in content["headline"]["name"] and "face-5 on" in done.stdout
    assert all(name in done.stdout for name in FILES)


def test_the_scores_name_every_picture(out, corpus):
    folder, _ = out
    lines = list(csv.DictReader((folder / "report/scores.csv").open()))
    assert {line["file"] for line in lines} == {p.relative_to(corpus).as_posix() for p in corpus.rglob("*.jpg")}
    assert all((line["label"] == "fake") == line["file"].startswith("fake/") for line in lines)


def test_a_second_run_goes_on_and_takes_a_peer(out, corpus):
    folder, _ = out
    peer = folder / "peer.csv"
    peer.write_text("file,score\n" + "".join(f"{n}.jpg,{n % 2}\n" for n in range(6)))
    report = folder / "report"
    done = run(corpus, "--peer", peer, "--grid", "none", "--no-gallery", "--json", "-o", report, cwd=folder)
    assert done.returncode == 0 and "6 of 6 pictures were examined before" in done.stderr
    content = json.loads(done.stdout)
    assert len(content["grid"]) == 1 and content["speed"]["pictures"] == 6
    html = (report / "evaluation.html").read_text()
    assert "--no-gallery" in html and "data:image" not in html


def test_unreadable_pictures_are_reported(corpus, tmp_path):
    broken = tmp_path / "corpus"
    for path in corpus.rglob("*.jpg"):
        target = broken / path.relative_to(corpus)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    first = next((broken / "real").rglob("*.jpg"))
    first.write_bytes(first.read_bytes()[:2000])
    done = run(broken, "--grid", "none", "--workers", 2, "--quiet", "-o", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 3 and f"{first.name}: " in done.stderr and "Traceback" not in done.stderr
    for path in (broken / "real").rglob("*.jpg"):
        path.write_bytes(path.read_bytes()[:1000])
    done = run(broken, "--grid", "none", "--workers", 1, "-o", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 4 and "Too few pictures" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "-o", "out"), "is not a folder"),
        (("corpus",), "Missing option"),
        (("corpus", "-o", "file"), "is a file"),
        (("corpus", "--split", "val", "-o", "out"), "there is no split val"),
        (("corpus", "--peer", "none.csv", "-o", "out"), "cannot be read"),
        (("corpus", "--grid", "huge", "-o", "out"), "huge"),
        (("corpus", "--model", "none", "-o", "out"), "There is no model"),
        (("corpus", "--workers", "0", "-o", "out"), "workers"),
    ],
)
def test_a_wrong_command_line_ends_with_usage(corpus, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "file").touch()
    (tmp_path / "corpus").symlink_to(corpus)
    monkeypatch.chdir(tmp_path)
    done = RUNNER.invoke(cli.app, ["evaluate", *arguments])
    assert done.exit_code == ExitCode.USAGE
    assert message in re.sub(r"\s+", " ", done.output)


def test_an_error_of_ours_is_no_mistake_of_usage(corpus, tmp_path, monkeypatch):
    def broken(*args):
        raise ValueError("shapes do not fit")

    monkeypatch.setattr(evaluate, "evaluate", broken)
    done = RUNNER.invoke(cli.app, ["evaluate", str(corpus), "--debug", "-o", str(tmp_path / "out")])
    assert done.exit_code == ExitCode.INTERNAL
    assert "Traceback" in done.output and "internal error: ValueError: shapes do not fit" in done.output


def test_ctrl_c_says_how_to_go_on(corpus, tmp_path, monkeypatch, capsys):
    def stop(settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "measure", stop)
    done = RUNNER.invoke(cli.app, ["evaluate", str(corpus), "-o", str(tmp_path)])
    assert done.exit_code == ExitCode.INTERRUPTED and "goes on where" in done.output


def test_the_command_on_the_page_does_the_same_again():
    settings = EvaluateSettings(
        Path("my faces"), Path("out"), "face-5", "all", (Path("a.csv"),), GridName.FULL, True, gallery=False
    )
    options = "--model face-5 --split all --peer a.csv --grid full --explain --no-gallery -o out"
    assert settings.command() == f"whichface evaluate 'my faces' {options}"


def test_the_time_that_is_left(monkeypatch):
    meter = Meter(quiet=True)
    meter.start = 100.0
    monkeypatch.setattr(verb.time, "monotonic", lambda: 160.0)
    assert meter.left(0, 5) == "" and meter.left(10, 10) == "60 s left, "
    assert meter.left(10, 100) == "about 10 min left, " and meter.left(4, 0) == ""
