"""`detect` without a model: an examiner that labels pictures by their names, and a folder of such pictures."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image

from whichface.app.commands import detect
from whichface.forensics.records import Label


class FakeExaminer:
    """Labels a picture by its name: real.png, generated.png, inconclusive.png, anything else has no face."""

    def __init__(self, make_examination):
        self.make = make_examination
        self.failure = None
        self.model = SimpleNamespace(card={"model": "fake-1", "files": {}}, calibration={})
        self.strata = {}

    def examine(self, photo):
        name = photo.path.stem if photo.path else "real"
        if self.failure is not None and name == "bad":
            raise self.failure
        labels = [Label(word) for word in name.split("-") if word in set(Label)]
        return replace(self.make(*labels), photo=photo)


@pytest.fixture
def examiner(make_examination, monkeypatch):
    fake = FakeExaminer(make_examination)
    monkeypatch.setattr(detect, "build_examiner", lambda settings: fake)
    return fake


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder, the current one, with a picture of every kind."""
    monkeypatch.chdir(tmp_path)
    for name in ("real", "generated", "inconclusive", "landscape", "bad"):
        Image.new("RGB", (64, 64), "grey").save(tmp_path / f"{name}.png")
    (tmp_path / "broken.jpg").write_text("no picture")
    return tmp_path
