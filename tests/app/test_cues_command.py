"""`whichface cues` and `detect --cue`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from whichface.app import cli
from whichface.forensics.analyzers import ANALYZERS

RUNNER = CliRunner()


def test_every_analyzer_is_listed() -> None:
    done = RUNNER.invoke(cli.app, ["cues"])
    assert done.exit_code == 0
    assert all(f"{cue.name}  {cue.title}" in done.stdout for cue in ANALYZERS)


def test_json_has_one_object_a_cue() -> None:
    done = RUNNER.invoke(cli.app, ["cues", "--json"])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["name"] for row in rows] == [cue.name for cue in ANALYZERS]
    assert all(row["standing"] and row["innocent"] for row in rows)


def test_one_cue_tells_more() -> None:
    done = RUNNER.invoke(cli.app, ["cues", "provenance"])
    assert "Needs: " in done.stdout and "splotches  " not in done.stdout


@pytest.mark.parametrize("arguments", [(cli.app, ["cues", "nix"]), (cli.detect_app, ["--cue", "nix", "x.jpg"])])
def test_an_unknown_name_is_a_usage_error(arguments) -> None:
    done = RUNNER.invoke(*arguments)
    assert done.exit_code == 2
    assert "no cue “nix”; known are" in done.output.replace("\n", " ")
