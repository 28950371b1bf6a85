"""The shared view of a face: crops, regions and maps lie where the picture has them."""

from __future__ import annotations

import numpy as np
import pytest

from whichface.forensics.padding import Padding
from whichface.forensics.records import Region, Regions
from whichface.forensics.view import LONGEST_MAP, FaceView


def view_of(make_photo, make_face, size=(600, 400), centre=(320.0, 180.0), side=260.0) -> FaceView:
    return FaceView(make_photo(*size), make_face(centre, side))


def test_points_and_boxes_go_there_and_back(make_photo, make_face) -> None:
    view = view_of(make_photo, make_face)
    back = view.to_picture(view.points(512), 512)
    assert np.abs(back - view.face.landmarks).max() < 1e-3
    low, high = view.points(256).min(0), view.points(256).max(0)
    box = view.box((*low, *high), 256)
    assert np.allclose(box, view.face.box, atol=1.0)


def test_a_box_outside_the_picture_is_held_inside(make_photo, make_face) -> None:
    view = view_of(make_photo, make_face, centre=(20.0, 20.0))
    assert view.box((0, 0, 255, 255), 256)[:2] == (0.0, 0.0)
    assert not view.inside(256).all()


@pytest.mark.parametrize("size", [(600, 400), (3000, 2000)])
def test_heat_lands_where_it_was_seen(make_photo, make_face, size) -> None:
    view = view_of(make_photo, make_face, size, (size[0] * 0.6, size[1] * 0.5), size[1] * 0.5)
    values = np.zeros((256, 256), np.float32)
    values[60:70, 190:200] = 1.0
    heat = view.heat(values)
    assert max(heat.shape) <= LONGEST_MAP and heat.dtype == np.float32
    ys, xs = np.nonzero(heat > 0.5)
    factor = size[0] / heat.shape[1]
    expected = view.to_picture(np.array([[194.5, 64.5]]), 256)[0]
    assert np.abs(np.array([xs.mean(), ys.mean()]) * factor - expected).max() < 2.5 * factor


def test_a_mask_of_the_picture_lands_in_the_crop(make_photo, make_face) -> None:
    view = view_of(make_photo, make_face)
    mask = np.zeros((100, 150), bool)  # a quarter of the picture's resolution
    mask[:, :75] = True
    crop = view.to_crop(mask, 256)
    x = view.to_picture(np.array([[float(np.nonzero(crop[128])[0].max()), 128.0]]), 256)[0, 0]
    assert abs(x - 300) < 3


def test_padding_is_not_valid(make_photo, make_face) -> None:
    view = view_of(make_photo, make_face)
    mask = np.zeros((40, 60), bool)
    mask[:, :30] = True
    view.__dict__["padding"] = Padding(mask, 1.0)
    assert view.inside(256).all()
    assert 0.2 < view.valid(256).mean() < 0.8


@pytest.mark.parametrize(("side", "size"), [(150.0, 256), (400.0, 512), (380.0, 256), (1500.0, 1024)])
def test_the_working_size_follows_the_face(make_photo, make_face, side, size) -> None:
    view = view_of(make_photo, make_face, side=side)
    assert view.size == size


def test_regions_scale_without_new_labels(make_photo, make_face) -> None:
    view = view_of(make_photo, make_face)
    labels = np.zeros((512, 512), np.uint8)
    labels[:200] = Region.HAIR
    hair = (labels == Region.HAIR).astype(np.float32)
    view.__dict__["regions"] = Regions(labels, {Region.HAIR: 0.9}, hair, hair)
    assert set(np.unique(view.labels(256))) == {Region.BACKGROUND, Region.HAIR}
    assert view.hair(1024).shape == (1024, 1024)
    assert view.regions.mask(Region.HAIR, Region.HAT).sum() == 200 * 512


def test_colours_are_lab(make_photo, make_face) -> None:
    lab = view_of(make_photo, make_face).lab(256)
    assert lab.dtype == np.float32 and np.abs(lab[..., 1:]).max() < 0.5 and 0 <= lab[..., 0].min() <= 100
