"""Other detectors' scores: read, matched by path or name, compared."""

from __future__ import annotations

import pytest

from whichface.detectors.evaluation.corpus import CorpusError
from whichface.detectors.evaluation.peers import Peer, check_overlap, compare, matched, read_peer
from whichface.detectors.evaluation.rows import frame


def test_scores_are_read(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("\ufefffile,score,note\na\\1.jpg,0.5,x\nb/2.jpg,-1e3,y\nc/3.jpg,,\nd\n", encoding="utf-8")
    assert read_peer(path) == Peer("other", {"a/1.jpg": 0.5, "b/2.jpg": -1000.0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,score\na,1\n", r"lacks the columns \['file'\]"),
        ("file,score\na,high\n", "line 2: 'high' is no score"),
        ("file,score\na,1\nb,nan\n", "line 3: a score must be finite"),
        ("score,file\n1,a\n\n0.5\n", r"other\.csv, line 4: a score without its file"),
    ],
)
def test_an_unusable_file_is_refused(tmp_path, text, message):
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(CorpusError, match=message):
        read_peer(path)


def test_a_file_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "other.csv"
    path.write_bytes("file,score\né.jpg,1\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"other\.csv is not a text in UTF-8"):
        read_peer(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_peer(tmp_path / "none.csv")


def test_pictures_are_found_by_path_or_by_a_unique_name():
    peer = Peer("p", {"x/1.jpg": 1.0, "/data/2.jpg": 2.0, "/data/3.jpg": 3.0, "/more/3.jpg": 4.0, "5.jpg": 5.0})
    files = ["x/1.jpg", "x/2.jpg", "x/3.jpg", "y/4.jpg", "y/5.jpg", "z/5.jpg"]
    found = matched(peer, files)
    assert found == Peer("p", {"x/1.jpg": 1.0, "x/2.jpg": 2.0})
    check_overlap(found, files)
    with pytest.raises(CorpusError, match="none of the pictures; its files should be like q/9"):
        check_overlap(found, ["q/9.jpg"])


def test_a_name_of_two_pictures_is_of_neither_even_where_one_is_compared(make_rows):
    """`001.jpg` may mean the picture of the headline set or that of another one."""
    rows = make_rows(20, 20)
    elsewhere = [f"elsewhere/{row.file.rsplit('/', 1)[1]}" for row in rows[:5]]
    peer = Peer("p", {row.file.rsplit("/", 1)[1]: row.score for row in rows})
    found = compare(matched(peer, [*(row.file for row in rows), *elsewhere]), frame(rows))
    assert found["without_score"] == 5


def test_a_better_and_an_equal_peer(make_rows):
    rows = make_rows(200, 200)
    better = compare(Peer("better", {r.file: r.score + 0.5 * r.fake for r in rows}), frame(rows))
    assert better["delong"]["value"] < 0 and better["delong"]["p"] < 0.001 and better["without_score"] == 0
    assert better["by_group"]["high"] < 0 and better["theirs"]["value"] > better["ours"]["value"]
    equal = compare(Peer("equal", {r.file: r.score for r in rows[:-3]}), frame(rows))
    assert equal["delong"]["p"] == 1 and equal["without_score"] == 3


def test_a_peer_of_one_class_is_not_compared(make_rows):
    rows = make_rows(20, 20)
    assert compare(Peer("p", {r.file: 0.0 for r in rows if r.fake}), frame(rows)) is None
