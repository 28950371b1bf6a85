"""The overlay: maps land where the face is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from whichface.forensics.geometry import crop_frame
from whichface.forensics.records import Label, Score
from whichface.reports import overlay
from whichface.reports.overlay import OverlayError, draw_overlay, saliency_in_picture, save_overlay


def heat_at(make_face, spot, size=16):
    """Map of one hot cell, put back into a 256x256 picture; returns x, y of its centre of mass."""
    face = make_face()
    saliency = np.full((size, size), 0.5, np.float32)
    row, column = spot
    saliency[row, column] = 1.0
    placed = saliency_in_picture((Score("x", 1, saliency),), crop_frame(face.landmarks), (256, 256))
    ys, xs = np.mgrid[:256, :256]
    return np.array([(xs * placed).sum(), (ys * placed).sum()]) / placed.sum(), face


@pytest.mark.parametrize("spot", [(8, 8), (3, 12), (12, 3)])
def test_a_hot_cell_lands_at_its_place(make_face, spot):
    centre, face = heat_at(make_face, spot)
    corners = crop_frame(face.landmarks).corners()
    right, down = corners[1] - corners[0], corners[3] - corners[0]
    expected = corners[0] + right * (spot[1] + 0.5) / 16 + down * (spot[0] + 0.5) / 16
    assert np.abs(centre - expected).max() < 1.5


@pytest.mark.parametrize("value", [0.0, 0.3, 0.5])
def test_a_map_that_says_nothing_or_the_opposite_leaves_no_heat(make_face, value):
    scores = (Score("x", 1, np.full((7, 7), value, np.float32)), Score("y", 1))
    frame = crop_frame(make_face().landmarks)
    assert not saliency_in_picture(scores, frame, (256, 256)).any()


@pytest.mark.parametrize("labels", [(), (Label.GENERATED,), (Label.REAL, Label.INCONCLUSIVE)])
@pytest.mark.parametrize("size", [(256, 256), (3000, 40), (1, 1), (2400, 1800)])
def test_any_picture_can_be_drawn(labels, size, make_examination, make_photo):
    drawn = draw_overlay(make_examination(*labels, photo=make_photo(*size)))
    assert drawn.dtype == np.uint8 and drawn.ndim == 3 and drawn.shape[2] == 3
    assert 640 <= drawn.shape[1] <= 1600


def test_the_pictures_own_pixels_stay(make_examination):
    examination = make_examination(Label.GENERATED)
    before = examination.photo.pixels.copy()
    draw_overlay(examination)
    assert (examination.photo.pixels == before).all()


def test_saved_as_png(tmp_path, make_examination):
    path = tmp_path / "marked.png"
    save_overlay(path, make_examination(Label.GENERATED))
    with Image.open(path) as image:
        assert image.format == "PNG"


@pytest.mark.parametrize("where", ["missing/marked.png", "."])
def test_a_place_that_cannot_be_written_is_one_clear_error(where, tmp_path, make_examination):
    with pytest.raises(OverlayError, match="cannot be written"):
        save_overlay(tmp_path / where, make_examination())


def test_everything_drawn_is_in_the_legend(make_examination):
    (line, _), *more = overlay._entries(make_examination(Label.GENERATED).faces)
    assert line == "GENERATED: likelihood ratio about 120 for a StyleGAN-family generator"
    assert [text for text, _ in more] == [overlay.LANDMARKS, overlay.STRONGEST_REGION]
    two = overlay._entries(make_examination(Label.REAL, Label.GENERATED).faces)
    assert two[1][0].startswith("2 GENERATED: ")
    assert [text for text, _ in overlay._entries(())] == ["No face was found."]
