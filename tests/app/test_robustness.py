"""`whichface robustness` as people run it."""

from __future__ import annotations

import io
import json
import sys

import jsonschema
import pytest
import typer
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from whichface.app import cli
from whichface.app.commands import cues, robustness
from whichface.reports.robustness import schema

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures")
    Image.fromarray(data.astronaut()).crop((96, 0, 352, 256)).save(path / "face.jpg", quality=92)
    Image.new("RGB", (200, 100), "grey").save(path / "grey.png")
    (path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    return path


def run(*arguments):
    return RUNNER.invoke(cli.app, ["robustness", *map(str, arguments)])


def test_the_full_grid_in_a_table(folder):
    done = run(folder / "face.jpg")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert sum(line.startswith(("JPEG", "WebP", "blur", "noise", "crop")) for line in lines) == 19
    assert any(" holds in " in line for line in lines)


def test_json_lines_and_failures(folder, tmp_path):
    out = tmp_path / "out.jsonl"
    done = run("--grid", "quick", "--json", "-o", out, folder, "missing.jpg")
    assert done.exit_code == 3
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, schema())
    found = {line["path"].rsplit("/", 1)[-1]: line for line in lines}
    assert found["face.jpg"]["tried"] == 7 and len(found["face.jpg"]["conditions"]) == 10
    assert found["grey.png"]["label"] is None and "no verdict to hold" in found["grey.png"]["summary"]
    assert found["broken.jpg"]["error"] and found["missing.jpg"]["error"] == "does not exist."
    assert "missing.jpg: does not exist." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("broken.jpg",), 4), (("--grid", "none", "face.jpg"), 2), (("--model", "none", "face.jpg"), 2), ((), 2)],
)
def test_exit_codes(folder, monkeypatch, arguments, code):
    monkeypatch.chdir(folder)
    assert run(*arguments).exit_code == code


class Gone(io.StringIO):
    """A stream whose reader has left."""

    def write(self, text):
        raise BrokenPipeError


@pytest.mark.parametrize("command", [lambda: cues.command(None), lambda: robustness.command(["a.png"])])
def test_a_reader_that_has_left_is_no_failure(command, monkeypatch):
    monkeypatch.setattr(robustness, "build_examiner", lambda settings: None)
    monkeypatch.setattr(robustness, "try_picture", lambda settings, examiner, picture: "a table")
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(typer.Exit) as left:
        command()
    assert left.value.exit_code == 0
