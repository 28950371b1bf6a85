"""Scores as CSV: complete, and usable as a peer's file."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, replace

from whichface.detectors.evaluation.peers import read_peer
from whichface.reports.scores import write_scores


def test_scores_are_written(make_rows):
    rows = make_rows(2, 2)
    rows[0] = replace(rows[0], status="unreadable", message="cut off", score=float("nan"), llr=float("nan"))
    stream = io.StringIO()
    assert write_scores([asdict(r) for r in rows], stream) == 4
    lines = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [line["file"] for line in lines] == [r.file for r in (*rows[1:], rows[0])]
    assert lines[-1]["score"] == "" and lines[-1]["message"] == "cut off"
    assert float(lines[0]["score"]) == rows[1].score and lines[2]["label"] == "fake"


def test_they_are_a_peers_file(make_rows, tmp_path):
    rows = make_rows(3, 3)
    broken = replace(rows[0], file="broken.jpg", status="unreadable", score=float("nan"), llr=float("nan"))
    with (tmp_path / "scores.csv").open("w", newline="") as stream:
        write_scores([asdict(r) for r in (*rows, broken)], stream)
    assert read_peer(tmp_path / "scores.csv").scores == {r.file: r.score for r in rows}
