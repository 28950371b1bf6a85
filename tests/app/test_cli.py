"""The doors themselves: help, version, documentation, start-up, streams."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from whichface.app import cli
from whichface.app.console import Progress, prepare_streams
from whichface.app.exit_codes import ExitCode

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()


def test_every_option_is_in_the_documentation():
    text = RUNNER.invoke(cli.detect_app, ["--help"]).stdout
    documented = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))
    assert {"--json", "--overlay", "--threshold", "--prior", "--fail-on", "-o"} <= options
    assert not {option for option in options if f"`{option}" not in documented}


@pytest.mark.parametrize(("verb", "count"), [("evaluate", 12), ("robustness", 8)])
def test_the_options_of_other_verbs_are_in_their_section(verb, count):
    text = RUNNER.invoke(cli.app, [verb, "--help"]).stdout
    documented = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    section = documented.split(f"## `whichface {verb}`")[1].split("\n## ")[0]
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text)) - {"--help"}
    assert len(options) == count
    assert not {option for option in options if f"`{option}" not in section}
    rows = " ".join(row.split("|")[1] for row in section.splitlines() if row.startswith("| `-"))
    assert not {option for option in re.findall(r"--[a-z-]+", rows) if option not in text}


def test_every_documented_option_exists():
    text = RUNNER.invoke(cli.detect_app, ["--help"]).stdout
    documented = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    rows = documented.split("## Options")[1].split("\n## ")[0].splitlines()
    table = [row.split("|")[1] for row in rows if row.startswith("| `-")]
    assert len(table) == 16
    for option in re.findall(r"--[a-z-]+", " ".join(table)):
        assert option in text


def test_every_exit_code_is_in_the_documentation():
    documented = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert not [code for code in ExitCode if f"| {code.value} |" not in documented]


@pytest.mark.parametrize("app", [cli.app, cli.detect_app])
def test_version(app):
    done = RUNNER.invoke(app, ["--version"])
    assert done.exit_code == 0 and re.fullmatch(r"whichface \d+\.\d+\.\d+\S*\n", done.stdout)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from whichface.app import cli\n"
        "try: cli.detect_app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "Usage:" in done.stdout
    heavy = {"numpy", "cv2", "onnxruntime", "PIL", "scipy", "sklearn", "torch", "rich", "pandas"}
    assert not heavy & set(done.stderr.split())


def test_characters_that_a_terminal_lacks_have_stand_ins(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    prepare_streams()
    assert "▲ “a” • ÿ漢…".encode("latin-1", "whichface") == b'! "a" * \xff?.'
    print("into nowhere")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_progress_is_drawn_on_a_terminal_and_wiped():
    stream = Terminal()
    progress = Progress(2, stream=stream)
    progress.show(1, "a\x1b[31m.png")
    progress.clear()
    assert stream.getvalue() == "[1/2] a�[31m.png\r" + " " * 16 + "\r"


@pytest.mark.parametrize(
    ("total", "quiet", "stream"),
    [(1, False, Terminal()), (2, True, Terminal()), (2, False, io.StringIO())],
)
def test_progress_is_silent_otherwise(total, quiet, stream):
    progress = Progress(total, quiet=quiet, stream=stream)
    progress.show(1, "a.png")
    progress.clear()
    assert stream.getvalue() == ""
