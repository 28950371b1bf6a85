"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from whichface.forensics.files import whole


def test_a_whole_file_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    with whole(path) as beside:
        beside.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_what_was_there_stays_after_an_error(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(type(error)), whole(path) as beside:
        beside.write_text("aft")
        raise error
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
