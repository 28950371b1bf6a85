"""What every registered analyzer promises, on pictures that no analyzer was made for."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.analyzers.cue import Cue
from whichface.forensics.photo import open_photo, photo_from_array
from whichface.forensics.records import Abstention, Evidence, Photo
from whichface.forensics.view import FaceView

FOLDER = Path(__file__).parents[3] / "forensics/analyzers"


def saved(pixels: np.ndarray, format: str, mode: str = "RGB") -> Photo:
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, format)
    return open_photo(stream.getvalue())


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def transparent() -> Photo:
    return photo_from_array(np.dstack([noise(300, 300), np.zeros((300, 300), np.uint8)]))


PICTURES = {
    "grey": lambda: photo_from_array(noise(300, 300)[..., 0]),
    "one pixel": lambda: photo_from_array(np.full((1, 1, 3), 90, np.uint8)),
    "transparent": transparent,
    "black": lambda: photo_from_array(np.zeros((256, 256, 3), np.uint8)),
    "white": lambda: photo_from_array(np.full((640, 640, 3), 255, np.uint8)),
    "huge": lambda: photo_from_array(np.tile(noise(400, 500), (10, 10, 1))),
    "not a JPEG": lambda: saved(noise(256, 320), "PNG"),
    "two colours": lambda: saved(noise(256, 256), "GIF"),
    "no face": lambda: saved(noise(400, 300), "JPEG"),
    "narrow": lambda: photo_from_array(noise(2000, 12)),
}
SIDES = {"one pixel": 200.0, "huge": 3500.0, "white": 600.0, "narrow": 300.0}


@pytest.fixture(params=PICTURES)
def view(request: pytest.FixtureRequest, make_face) -> FaceView:
    """A picture with landmarks laid over it where no face need be."""
    photo = PICTURES[request.param]()
    side = SIDES.get(request.param, 240.0)
    centre = ((photo.width - 1) / 2, (photo.height - 1) / 2)
    return FaceView(photo, make_face(centre, side))


def test_every_file_is_registered() -> None:
    files = {p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith("_")} - {"cue"}
    assert files == {cue.name for cue in ANALYZERS}


def test_names_are_unique_and_words_are_there() -> None:
    assert len({cue.name for cue in ANALYZERS}) == len(ANALYZERS)
    for cue in ANALYZERS:
        assert cue.title and cue.meaning.endswith(".") and cue.needs.endswith(".") and cue.innocent and cue.source


@pytest.mark.parametrize("cue", ANALYZERS, ids=lambda cue: cue.name)
def test_any_picture_gets_evidence_or_an_abstention(cue: Cue, view: FaceView) -> None:
    before = view.photo.pixels.copy()
    found = cue.look(view)
    assert (view.photo.pixels == before).all()
    assert isinstance(found, Evidence | Abstention) and found.analyzer == cue.name
    if isinstance(found, Abstention):
        assert found.reason.endswith(".")
        return
    assert np.isfinite(found.statistic) and 0 <= found.quality <= 1 and found.llr is None
    assert all(np.isfinite(value) for value in found.measures.values())
    for finding in found.findings:
        assert finding.text.endswith(".")
        if finding.box is not None:
            left, top, right, bottom = finding.box
            assert 0 <= left <= right <= view.photo.width and 0 <= top <= bottom <= view.photo.height
    if found.heatmap is not None:
        assert found.heatmap.dtype == np.float32 and 0 <= found.heatmap.min() <= found.heatmap.max() <= 1
        ratio = found.heatmap.shape[1] / found.heatmap.shape[0]
        assert abs(np.log(ratio * view.photo.height / view.photo.width)) < 0.3 or min(found.heatmap.shape) <= 8


@pytest.mark.parametrize("cue", ANALYZERS, ids=lambda cue: cue.name)
def test_the_same_twice(cue: Cue, make_photo, make_face) -> None:
    one, two = (cue.look(FaceView(make_photo(512, 512), make_face((256.0, 256.0), 400.0))) for _ in range(2))
    assert type(one) is type(two)
    if isinstance(one, Evidence) and isinstance(two, Evidence):
        assert one.statistic == two.statistic and one.findings == two.findings
