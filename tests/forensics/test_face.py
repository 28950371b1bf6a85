"""Finding faces: portraits, avatars, groups, crops, leaning heads; and none where there is none."""

import time

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.forensics.face import box_of, find_faces, overlap
from whichface.forensics.geometry import crop_frame
from whichface.forensics.records import Photo, SourceFacts

EYES = np.array([[204, 99], [247, 102]])
"""Pupils of skimage's astronaut."""


def _photo(pixels: np.ndarray) -> Photo:
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, 2)
    pixels = np.ascontiguousarray(pixels[..., :3], np.uint8)
    return Photo(None, pixels, SourceFacts("ARRAY", 0, pixels.shape[1::-1]), "0" * 64)


def _sized(side: int) -> np.ndarray:
    return cv2.resize(data.astronaut(), (side, side), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("side", [128, 256, 512, 1024])
def test_portrait_at_several_sizes(side: int) -> None:
    faces = find_faces(_photo(_sized(side)))
    assert len(faces) == 1
    iris = faces[0].landmarks[[468, 473]] * 512 / side
    assert np.hypot(*(iris - EYES).T).max() < 9
    assert faces[0].confidence > 0.5
    assert faces[0].box == box_of(faces[0].landmarks)


def test_record_is_filled() -> None:
    face = find_faces(_photo(data.astronaut()))[0]
    assert face.landmarks.dtype == np.float32
    assert max(map(abs, (face.pose.yaw, face.pose.pitch, face.pose.roll))) < 15
    assert face.quality.usable
    assert face.quality.side == pytest.approx(crop_frame(face.landmarks).side)
    assert face.alignment.closeness < 0.1


def test_avatar_of_64_px() -> None:
    crop = data.astronaut()[20:180, 145:305]
    faces = find_faces(_photo(cv2.resize(crop, (64, 64), interpolation=cv2.INTER_AREA)))
    assert len(faces) == 1
    iris = faces[0].landmarks[[468, 473]] * 160 / 64 + [145, 20]
    assert np.hypot(*(iris - EYES).T).max() < 9
    assert not faces[0].quality.usable


def test_ffhq_like_crop_and_tight_crop() -> None:
    for crop in (data.astronaut()[20:200, 135:315], data.astronaut()[55:185, 165:290]):
        faces = find_faces(_photo(cv2.resize(crop, (256, 256), interpolation=cv2.INTER_CUBIC)))
        assert len(faces) == 1


@pytest.mark.parametrize("degrees", [-25.0, 25.0])
def test_leaning_head(degrees: float) -> None:
    matrix = cv2.getRotationMatrix2D((225.0, 122.0), -degrees, 1.0)
    faces = find_faces(_photo(cv2.warpAffine(data.astronaut(), matrix, (512, 512))))
    assert len(faces) == 1
    assert faces[0].pose.roll == pytest.approx(degrees, abs=8)


def test_forty_faces_largest_first() -> None:
    tile = cv2.resize(data.astronaut()[0:220, 120:340], (128, 128), interpolation=cv2.INTER_AREA)
    picture = np.vstack([np.hstack([tile] * 8)] * 5)
    faces = find_faces(_photo(picture))
    assert len(faces) == 40
    cells = {(int(f.landmarks[4, 0] // 128), int(f.landmarks[4, 1] // 128)) for f in faces}
    assert len(cells) == 40
    assert len(find_faces(_photo(picture), max_faces=3)) == 3


def test_larger_face_comes_first() -> None:
    crop = data.astronaut()[0:240, 110:350]
    small = np.full((240, 150, 3), 120, np.uint8)
    small[60:180, 15:135] = cv2.resize(crop, (120, 120), interpolation=cv2.INTER_AREA)
    faces = find_faces(_photo(np.hstack([small, crop])))
    assert len(faces) == 2
    assert faces[0].box[0] > 150 > faces[1].box[2]


def test_grey_and_dark_pictures() -> None:
    grey = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    assert len(find_faces(_photo(grey))) == 1
    assert len(find_faces(_photo((data.astronaut() * 0.35).astype(np.uint8)))) == 1


@pytest.mark.parametrize("name", ["coins", "chelsea", "coffee", "brick", "rocket", "text"])
def test_other_things_are_no_faces(name: str) -> None:
    assert find_faces(_photo(getattr(data, name)())) == ()


def test_noise_flat_and_tiny_pictures_are_no_faces() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (300, 300, 3)).astype(np.uint8)
    blobs = cv2.resize(noise[:12, :12], (300, 300), interpolation=cv2.INTER_CUBIC)
    flat = np.full((200, 200, 3), 128, np.uint8)
    for pixels in (
        noise,
        blobs,
        flat,
        flat[:1, :1],
        flat[:3, :190],
        np.zeros((64, 64, 3), np.uint8),
    ):
        assert find_faces(_photo(pixels)) == ()


def test_small_face_in_a_large_picture() -> None:
    picture = np.full((2000, 3000, 3), 90, np.uint8)
    picture[700:1000, 1500:1800] = cv2.resize(data.astronaut()[0:220, 120:340], (300, 300))
    faces = find_faces(_photo(picture))
    assert len(faces) == 1
    assert 1500 < faces[0].box[0] < faces[0].box[2] < 1800


def test_max_faces() -> None:
    assert find_faces(_photo(_sized(256)), max_faces=0) == ()
    with pytest.raises(ValueError, match="negative"):
        find_faces(_photo(_sized(256)), max_faces=-1)


def test_overlap_of_boxes() -> None:
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(0.5)
    assert overlap((0, 0, 10, 10), (2, 2, 4, 4)) == pytest.approx(1.0)
    assert overlap((0, 0, 1, 1), (5, 5, 6, 6)) == 0.0


def test_a_portrait_takes_little_time() -> None:
    crop = cv2.resize(data.astronaut()[20:200, 135:315], (1024, 1024))
    photo = _photo(crop)
    find_faces(photo)
    start = time.thread_time()
    for _ in range(3):
        find_faces(photo)
    assert (time.thread_time() - start) / 3 < 0.12
