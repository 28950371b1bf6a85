"""The work folder of a training: its settings survive a power cut, and a folder of somebody else is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from whichface.detectors.training.corpora import Gathered
from whichface.detectors.training.observer import InputError
from whichface.detectors.training.train_session import (
    SETTINGS,
    CorpusTrainConfig,
    check_settings,
    check_work,
    clear,
    is_begun,
)

NOTHING = Gathered((), ())


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with settings."""
    folder = tmp_path / "model.work"
    folder.mkdir()
    (folder / "analysis.jsonl").touch()
    check_settings(_config(folder), NOTHING)
    return folder


def _config(work: Path) -> CorpusTrainConfig:
    return CorpusTrainConfig((), work.parent / "model", work, experts=("texture",))


def test_settings_are_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        check_settings(_config(tmp_path), NOTHING)
    assert not (tmp_path / SETTINGS).exists()
    monkeypatch.undo()
    check_work(tmp_path)
    check_settings(_config(tmp_path), NOTHING)
    check_settings(_config(tmp_path), NOTHING)
    assert is_begun(tmp_path) and [path.name for path in tmp_path.iterdir()] == [SETTINGS]


@pytest.mark.parametrize("torn", ["", '{\n "pictures": "ab', "[]"])
def test_settings_that_are_torn_name_fresh(work: Path, torn: str) -> None:
    (work / SETTINGS).write_text(torn)
    with pytest.raises(InputError, match=r"settings\.json is damaged, .* begin anew with --fresh"):
        check_settings(_config(work), NOTHING)
    clear(work)
    check_settings(_config(work), NOTHING)


def test_all_but_findings_is_cleared(work: Path) -> None:
    for name in ("pack.npz", "pack.npz.part", "grid.npz", "scores.npz", "features-pack.npy", "features-pack.done"):
        (work / name).touch()
    for name in ("made", "network/best", "pack-0a.parts", "tensorboard"):
        (work / name).mkdir(parents=True)
    clear(work)
    assert {path.name for path in work.iterdir()} == {"analysis.jsonl", "tensorboard"}
    check_work(work)


@pytest.mark.parametrize("settings", [None, '{"editor.tabSize": 4}', "{"])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, settings: str | None) -> None:
    kept = [tmp_path / "network" / "diagram.txt", tmp_path / "features-wanted.md"]
    kept[0].parent.mkdir()
    for path in kept:
        path.touch()
    if settings:
        (tmp_path / SETTINGS).write_text(settings)
    for refusing in (check_work, clear):
        with pytest.raises(InputError, match="holds other files and no work of a training"):
            refusing(tmp_path)
    assert all(path.exists() for path in kept) and not is_begun(tmp_path)


def test_folders_that_may_be_used(tmp_path: Path, work: Path) -> None:
    found = tmp_path / "found"  # a run that ended while it looked for faces
    found.mkdir()
    (found / "analysis.jsonl").touch()
    for folder in (tmp_path / "new", found, work):
        check_work(folder)
    assert is_begun(work) and not is_begun(found) and not is_begun(tmp_path / "new")
    with pytest.raises(InputError, match="is a file"):
        check_work(found / "analysis.jsonl")
