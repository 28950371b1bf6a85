"""Other detectors' scores: read, matched by path or name, compared."""

from __future__ import annotations

import numpy as np
import pytest

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
    ],
)
def test_an_unusable_file_is_refused(tmp_path, text, message):
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_peer(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_peer(tmp_path / "none.csv")


def test_pictures_are_found_by_path_or_by_a_unique_name():
    peer = Peer("p", {"x/1.jpg": 1.0, "/data/2.jpg": 2.0, "/data/3.jpg": 3.0, "/more/3.jpg": 4.0, "5.jpg": 5.0})
    files = ["x/1.jpg", "x/2.jpg", "x/3.jpg", "y/4.jpg", "y/5.jpg", "z/5.jpg"]
    np.testing.assert_array_equal(matched(peer, files), [1.0, 2.0, np.nan, np.nan, np.nan, np.nan])
    check_overlap(peer, files)
    with pytest.raises(ValueError, match="none of the pictures; its files should be like q/9"):
        check_overlap(peer, ["q/9.jpg"])


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
