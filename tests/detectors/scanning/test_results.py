"""Asking a store: order, questions that do harm, records, frames."""

from __future__ import annotations

import pytest
from scan_helpers import result

from whichface.detectors.scanning.schema import COLUMNS
from whichface.detectors.store import Store, open_results


@pytest.fixture
def results(tmp_path):
    with Store(tmp_path / "results.db") as store:
        generation = store.generation("face-1", {}, {})
        pictures = [
            result("/none.jpg", sha256="01" * 32), result("/broken.jpg", error="is cut off."),
            result("/two.jpg", -1.5, 1.2, sha256="02" * 32), result("/one.jpg", 1.8, sha256="03" * 32),
        ]  # fmt: skip
        store.write(generation, pictures)
    with open_results(tmp_path / "results.db") as opened:
        yield opened


def test_one_row_a_face_or_one_for_a_picture_without(results):
    rows = list(results.rows())
    seen = [(row["path"], row["face"], row["llr"], row["status"]) for row in rows]
    assert seen == [
        ("/one.jpg", 1, 1.8, "examined"), ("/two.jpg", 2, 1.2, "examined"), ("/two.jpg", 1, -1.5, "examined"),
        ("/none.jpg", None, None, "no face"), ("/broken.jpg", None, None, "failed"),
    ]  # fmt: skip
    assert tuple(rows[0]) == COLUMNS and rows[1]["faces"] == 2 and rows[4]["error"] == "is cut off."
    assert [row["path"] for row in results.rows(limit=1)] == ["/one.jpg"] and results.count() == 5


def test_questions(results):
    assert [row["face"] for row in results.rows("llr > 1 AND label = 'generated'")] == [1, 2]
    assert results.count("path LIKE '/two%'") == 2
    assert [r["path"] for r in results.records("status != 'failed'")] == ["/none.jpg", "/one.jpg", "/two.jpg"]
    assert results.count("llr > 1 -- a comment") == 2


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nonsense = 1", "no such column: nonsense"),
        ("llr >", "syntax error"),
        ("llr = ?", "number of bindings"),
        ("1) ; DELETE FROM faces; --", "one statement"),
        ("path IN (SELECT name FROM sqlite_master)", "only reading"),
        ("load_extension('x') = 1", "only reading"),
        ("1 = (SELECT writefile('x', 'y'))", "no such function"),
        ("1) UNION SELECT * FROM pragma_database_list --", "."),
    ],
)
def test_questions_that_cannot_be_asked(results, where, said):
    with pytest.raises(ValueError, match=said):
        results.check(where)
    assert results.count() == 5


def test_records_by_path_and_by_sha256(results):
    one = results.record("/one.jpg")
    assert one["path"] == "/one.jpg" and one["versions"] == {"model": "face-1"}
    assert results.record("03" * 32) == one == results.record(("03" * 32).upper())
    assert results.record("/nowhere.jpg") is None
    assert results.thumbnail("/one.jpg") == b"jpeg" and results.thumbnail("/broken.jpg") is None


def test_a_frame(results):
    frame = results.to_frame("llr IS NOT NULL")
    assert list(frame.columns) == list(COLUMNS) and frame["llr"].tolist() == [1.8, 1.2, -1.5]


def test_the_summary_counts(results):
    counts = results.summary()
    assert counts["statuses"] == {"examined": 2, "no face": 1, "failed": 1}
    assert counts["labels"] == {"generated": 2, "real": 1} and counts["reasons"] == [("is cut off.", 1)]


def test_nothing_can_be_written(results):
    with pytest.raises(Exception, match=r"readonly|query_only|write"):
        results.connection.execute("DELETE FROM faces")
