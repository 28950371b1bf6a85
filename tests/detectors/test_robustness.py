"""The conditions: what each does to a picture, and that the grid is walked in order."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from whichface.detectors.robustness import (
    BY_NAME,
    CONDITIONS,
    NO_FACE,
    SMALL_JPEG,
    STORED,
    Grid,
    avatar,
    black_and_white,
    conditions,
    contrast,
    evaluated,
    screenshot,
    trials,
)


@pytest.fixture
def photo(make_photo):
    rng = np.random.default_rng(0)
    pixels = np.kron(rng.integers(40, 220, (20, 30, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    return replace(make_photo(480, 320), pixels=pixels)


def test_the_grids_are_nested_and_begin_with_the_file():
    full, quick = conditions(Grid.FULL), conditions(Grid.QUICK)
    assert [c.name for c in conditions(Grid.NONE)] == [STORED]
    assert full == CONDITIONS and len(BY_NAME) == len(full) == 33 and len(quick) == 10
    assert quick[0].name == STORED and set(quick) < set(full)
    assert set(evaluated(Grid.QUICK)) - set(quick) == {BY_NAME["200 px"], BY_NAME["100 px"]}
    assert evaluated(Grid.FULL) == full and evaluated(Grid.NONE) == conditions(Grid.NONE)
    assert {c.family for c in full} >= {"size", "JPEG", "WebP", "blur", "noise", "crop", "double JPEG", "screenshot"}


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: c.name)
def test_every_condition_gives_a_picture_or_none_and_the_same_again(condition, photo):
    before = photo.pixels.copy()
    found, again = condition.change(photo), condition.change(photo)
    assert np.array_equal(photo.pixels, before)
    if condition.family == "size" and int(condition.name.split()[0]) >= 480:
        assert found is None
        return
    assert found.pixels.dtype == np.uint8 and found.pixels.ndim == 3
    assert np.array_equal(found.pixels, again.pixels)
    assert condition.name == STORED or not np.array_equal(found.pixels, before)


@pytest.mark.parametrize("quality", [95, 90, 80, 70, 50, 30])
def test_jpeg_files_have_their_quality(quality, photo):
    found = BY_NAME[f"JPEG {quality}"].change(photo)
    assert (found.source.format, found.source.jpeg_quality) == ("JPEG", quality)


def test_two_jpegs_end_at_the_second_and_lie_on_another_grid(photo):
    found = BY_NAME["JPEG 60, 85"].change(photo)
    assert found.source.jpeg_quality == 85 and found.pixels.shape == (317, 477, 3)
    assert BY_NAME["WebP 80"].change(photo).source.format == "WEBP"


@pytest.mark.parametrize("side", [384, 256, 200])
def test_pictures_shrink_to_the_longer_side(side, photo):
    assert max(BY_NAME[f"{side} px"].change(photo).pixels.shape[:2]) == side


@pytest.mark.parametrize("sigma", [2, 5, 10])
def test_noise_is_as_strong_as_it_says(sigma, make_photo):
    grey = replace(make_photo(200, 200), pixels=np.full((200, 200, 3), 128, np.uint8))
    found = BY_NAME[f"noise {sigma}"].change(grey).pixels.astype(float)
    assert found.std() == pytest.approx(sigma, rel=0.05) and found.mean() == pytest.approx(128, abs=0.1)


def test_blur_grows_and_crops_keep_the_middle(photo):
    rough = [np.abs(np.diff(BY_NAME[f"blur {s}"].change(photo).pixels.astype(float), axis=1)).mean() for s in (1, 2, 4)]
    assert rough == sorted(rough, reverse=True)
    found = BY_NAME["crop 10 %"].change(photo).pixels
    assert np.array_equal(found, photo.pixels[32:288, 48:432])


def test_a_screenshot_shows_the_whole_picture_on_a_page(photo):
    found = screenshot(photo.pixels)
    height, width = found.shape[:2]
    assert (height, width) == (320 + 2 * 60 + 26, 480 + 2 * 60)
    assert np.array_equal(found[86 : 86 + 320, 60 : 60 + 480], photo.pixels)
    assert max(screenshot(np.zeros((1500, 1000, 3), np.uint8)).shape[:2]) < 1000


def test_a_small_jpeg_leaves_no_picture_out(photo, make_photo):
    found = BY_NAME[SMALL_JPEG].change(photo)
    assert (found.source.jpeg_quality, max(found.pixels.shape[:2])) == (50, 256)
    tiny = BY_NAME[SMALL_JPEG].change(make_photo(120, 90))
    assert (tiny.source.jpeg_quality, tiny.pixels.shape) == (50, (90, 120, 3))


def test_an_avatar_is_a_disc_of_the_middle_on_a_plain_ground(photo):
    found = avatar(photo.pixels)
    assert found.shape == (200, 200, 3)
    assert (found[0, 0] == 245).all() and (found[-1, -1] == 245).all()
    middle = photo.pixels[:, 80:400]
    shrunk = cv2.resize(middle, (200, 200), interpolation=cv2.INTER_AREA)
    assert np.array_equal(found[60:140, 60:140], shrunk[60:140, 60:140])
    covered = (np.abs(found.astype(int) - 245).max(2) > 0).mean()
    assert covered == pytest.approx(np.pi / 4, abs=0.02)
    assert avatar(photo.pixels[:50, :70]).shape == (50, 50, 3)


def test_the_tone_curve_is_steep_in_the_middle_and_keeps_order_and_ends():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, 2)
    found = contrast(ramp)[:, 0, 0].astype(int)
    assert (found[0], found[255]) == (0, 255) and (np.diff(found) >= 0).all()
    assert (found[138] - found[118]) / 20 == pytest.approx(2.5, rel=0.05)
    assert np.abs(found + found[::-1] - 255).max() <= 1


def test_black_and_white_keeps_the_luma_alone(photo):
    found = black_and_white(photo.pixels)
    assert (found == found[..., :1]).all() and found.shape == photo.pixels.shape
    luma = photo.pixels @ np.array([0.299, 0.587, 0.114])
    assert np.abs(found[..., 0] - luma).max() <= 1


def test_a_tiny_picture_survives_every_condition(make_photo):
    one = replace(make_photo(1, 1), pixels=np.full((1, 1, 3), 9, np.uint8))
    for condition in CONDITIONS:
        found = condition.change(one)
        assert found is None or found.pixels.size


def test_trials_come_in_order_and_say_what_was_missing(photo, make_face_examination):
    class Examiner:
        def examine(self, picture):
            found = (make_face_examination(),) if picture.width > 300 else ()
            return type("Examination", (), {"faces": found})()

    found = {t.condition.name: t for t in trials(Examiner(), photo, conditions(Grid.FULL))}
    assert list(found) == [c.name for c in CONDITIONS]
    assert found[STORED].face is not None and found["200 px"].note == NO_FACE
    assert found["1024 px"].face is None and "not larger" in found["1024 px"].note


def test_a_picture_that_a_codec_cannot_hold_is_left_out_there(make_photo, make_face_examination):
    class Examiner:
        def examine(self, picture):
            return type("Examination", (), {"faces": (make_face_examination(),)})()

    wide = replace(make_photo(16_384, 2), pixels=np.zeros((2, 16_384, 3), np.uint8))
    chosen = [BY_NAME[name] for name in ("JPEG 50", "WebP 80", "blur 1")]
    jpeg, webp, blur = trials(Examiner(), wide, chosen)
    assert jpeg.face is not None and blur.face is not None
    assert webp.face is None and webp.note == "the codec cannot hold a picture of this size"
