"""The regions of a portrait: weights, outlines, the guided filter, and what is seen on a real photograph."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.forensics import regions as module
from whichface.forensics.errors import WeightsError
from whichface.forensics.face import find_readings
from whichface.forensics.geometry import crop_frame
from whichface.forensics.landmarks import POINTS
from whichface.forensics.recompress import jpeg
from whichface.forensics.records import Region
from whichface.forensics.regions import (
    CARD,
    INPUT,
    LEFT_BROW,
    LEFT_EYE,
    LIPS,
    MOUTH,
    NOSE,
    OUTLINES,
    OUTPUT,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    RegionsConfig,
    decide,
    face_regions,
    guided,
    outlines,
    probabilities,
)
from whichface.forensics.weights_io import WEIGHTS

PARSING = Path(__file__).parents[3] / "shared" / "data" / "parsing"
MIRROR = {4: 5, 5: 4, 6: 7, 7: 6, 8: 9, 9: 8}


def landmarks_of(pixels: np.ndarray) -> np.ndarray:
    """The points of the one face."""
    (reading,) = find_readings(pixels)
    return reading.landmarks


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(data.astronaut())


@pytest.fixture(scope="module")
def points(astronaut: np.ndarray) -> np.ndarray:
    return landmarks_of(astronaut)


def placed(points: np.ndarray, size: int) -> np.ndarray:
    """The points in pixels of the FFHQ square."""
    matrix = crop_frame(points).matrix(size)
    return points @ matrix[:, :2].T + matrix[:, 2]


def test_the_card_names_the_file_and_its_hash() -> None:
    card = json.loads((WEIGHTS / CARD).read_text(encoding="utf-8"))
    stored = (WEIGHTS / card["file"]).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == card["sha256"]
    assert len(stored) == card["bytes"] <= 4_000_000


@pytest.mark.parametrize(
    ("card", "told"),
    [
        (None, "cannot be read"),
        ("{}", "cannot be read"),
        ('{"file": "regions.onnx", "sha256": "00"}', "SHA-256"),
        ('{"file": "none.onnx", "sha256": "00"}', "none.onnx cannot be read"),
    ],
)
def test_a_missing_or_changed_network_is_refused(
    card: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if card is not None:
        (tmp_path / CARD).write_text(card)
    (tmp_path / "regions.onnx").write_bytes(b"another network")
    monkeypatch.setattr(module, "WEIGHTS", tmp_path)
    module._session.cache_clear()
    try:
        with pytest.raises(WeightsError, match=told):
            face_regions(np.zeros((64, 64, 3), np.uint8), np.zeros((POINTS, 2)))
    finally:
        module._session.cache_clear()


def test_outlines_are_polygons_of_the_mesh(points: np.ndarray) -> None:
    maps = outlines(placed(points, OUTPUT))
    assert maps.shape == (len(OUTLINES), OUTPUT, OUTPUT)
    assert maps.dtype == np.float32
    assert (maps.min(), maps.max()) == (0.0, 1.0)
    area = dict(zip((OVAL, NOSE, LEFT_EYE, RIGHT_EYE), maps.sum((1, 2)), strict=False))
    assert area[OVAL] > 4 * area[NOSE] > 4 * area[LEFT_EYE] > 0
    centre = {o: np.argwhere(m > 0.5).mean(0) for o, m in zip(OUTLINES, maps, strict=True)}
    # The pictured person's left is on the right of the picture.
    assert centre[LEFT_EYE][1] > OUTPUT / 2 > centre[RIGHT_EYE][1]
    assert centre[LEFT_BROW][0] < centre[LEFT_EYE][0] < centre[NOSE][0] < centre[LIPS][0]
    assert centre[RIGHT_BROW][1] < OUTPUT / 2
    assert np.abs(centre[MOUTH] - centre[LIPS]).max() < 3


def test_outlines_of_any_points_are_drawn() -> None:
    assert not outlines(np.full((POINTS, 2), 1e30)).any()
    assert outlines(np.zeros((POINTS, 2))).shape == (8, OUTPUT, OUTPUT)


def test_shares_sum_to_one_and_are_the_same_again(
    astronaut: np.ndarray, points: np.ndarray
) -> None:
    crop = cv2.resize(astronaut, (INPUT, INPUT))
    shares = probabilities(crop, placed(points, INPUT))
    assert shares.shape == (len(Region), OUTPUT, OUTPUT)
    assert shares.dtype == np.float32
    assert shares.min() >= 0
    assert shares.sum(0) == pytest.approx(np.ones((OUTPUT, OUTPUT)), abs=1e-4)
    assert np.array_equal(shares, probabilities(crop, placed(points, INPUT)))


@pytest.mark.parametrize("size", [100, 256, 512])
def test_shapes_and_ranges(astronaut: np.ndarray, points: np.ndarray, size: int) -> None:
    found = face_regions(astronaut, points, size)
    assert found.labels.shape == found.hair.shape == found.person.shape == (size, size)
    assert found.labels.dtype == np.uint8
    assert found.hair.dtype == found.person.dtype == np.float32
    assert found.labels.max() < len(Region)
    for matte in (found.hair, found.person):
        assert 0 <= matte.min() <= matte.max() <= 1
    assert set(found.confidence) == set(Region)
    absent = set(Region) - {Region(int(label)) for label in np.unique(found.labels)}
    assert all(found.confidence[part] == 0 for part in absent)
    again = face_regions(astronaut, points, size)
    assert np.array_equal(found.labels, again.labels)
    assert np.array_equal(found.hair, again.hair)


def _seen(pixels: np.ndarray) -> dict[str, bool]:
    """Whether the parts of the astronaut's picture lie where they are, by fixed places of her square."""
    found = face_regions(pixels, landmarks_of(pixels), 512)
    places = placed(landmarks_of(pixels), 512).round().astype(int)

    def label(where: np.ndarray | tuple[int, int]) -> Region:
        return Region(int(found.labels[where[1], where[0]]))

    eyes = [places[list(eye)].mean(0).astype(int) for eye in (LEFT_EYE, RIGHT_EYE)]
    return {
        "cheeks are skin": label(places[50]) == label(places[280]) == Region.SKIN,
        "nose": label(places[4]) is Region.NOSE,
        "eyes": [label(e) for e in eyes] == [Region.LEFT_EYE, Region.RIGHT_EYE],
        "hair above the forehead": label((256, 60)) is Region.HAIR,
        "hair beside the face": label((60, 200)) == label((460, 200)) == Region.HAIR,
        "background at the top": label((12, 12)) == label((500, 12)) == Region.BACKGROUND,
        "neck": label((256, 484)) in (Region.NECK, Region.CLOTH),
        "person": bool(found.person[256, 256] > 0.9 > 0.1 > found.person[10, 10]),
        "hair's share": bool(found.hair[60, 256] > 0.7 > 0.2 > found.hair[300, 256]),
        "no hat, no glasses": not found.mask(Region.HAT, Region.GLASSES).mean() > 0.01,
    }


@pytest.mark.parametrize("change", ["clean", "JPEG 50", "256 px"])
def test_a_known_face(astronaut: np.ndarray, change: str) -> None:
    pixels = astronaut
    if change == "JPEG 50":
        pixels = jpeg(pixels, 50)
    elif change == "256 px":
        pixels = cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA)
    seen = _seen(pixels)
    assert all(seen.values()), [name for name, right in seen.items() if not right]


def test_a_mirror_swaps_left_and_right(astronaut: np.ndarray) -> None:
    mirror = np.ascontiguousarray(astronaut[:, ::-1])
    ours = face_regions(astronaut, landmarks_of(astronaut), 256).labels
    theirs = face_regions(mirror, landmarks_of(mirror), 256).labels[:, ::-1]
    table = np.arange(256)
    table[list(MIRROR)] = list(MIRROR.values())
    assert (ours == table[theirs]).mean() > 0.93
    for part in (Region.LEFT_EYE, Region.RIGHT_EYE):
        both = (ours == part) & (table[theirs] == part)
        assert both.sum() > 0.5 * (ours == part).sum() > 0


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((200, 200, 3), 127, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.full((3, 500, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8),
    ],
    ids=["grey", "one pixel", "strip", "noise"],
)
@pytest.mark.parametrize("kind", ["zeros", "usual", "far away", "nothing", "huge"])
def test_no_picture_and_no_landmarks_break_it(
    pixels: np.ndarray, kind: str, points: np.ndarray
) -> None:
    given = {
        "zeros": np.zeros((POINTS, 2), np.float32),
        "usual": points,
        "far away": points - 4000,
        "nothing": np.full((POINTS, 2), np.nan, np.float32),
        "huge": points * 50,
    }[kind]
    found = face_regions(pixels, given, 128)
    assert found.labels.shape == (128, 128)
    assert np.isfinite(found.hair).all()
    assert np.isfinite(found.person).all()


def test_the_filter_keeps_what_is_linear_in_the_guide() -> None:
    rng = np.random.default_rng(0)
    guide = rng.random((3, 40, 40), np.float32)
    maps = (0.2 + 0.3 * guide[0] - 0.1 * guide[1] + 0.25 * guide[2])[None]
    assert guided(guide, maps, guide, 3, 1e-7) == pytest.approx(maps, abs=2e-3)


def test_the_filter_averages_where_the_guide_is_flat() -> None:
    maps = np.zeros((1, 40, 40), np.float32)
    maps[:, :, 20:] = 1
    flat = np.full((3, 40, 40), 0.5, np.float32)
    twice = cv2.boxFilter(cv2.boxFilter(maps[0], -1, (7, 7)), -1, (7, 7))
    assert guided(flat, maps, flat, 3, 1e-4)[0] == pytest.approx(twice, abs=1e-5)


def test_labels_follow_the_picture_near_an_edge_and_the_network_elsewhere() -> None:
    # The network's edge is off by 4 px of 256 and soft; the picture's is sharp.
    square = np.full((256, 256, 3), 220, np.uint8)
    square[:, 128:] = (40, 30, 20)
    ramp = np.clip((np.arange(256) - 124) / 8 + 0.5, 0, 1).astype(np.float32)
    coarse = np.zeros((len(Region), 256, 256), np.float32)
    coarse[Region.HAIR], coarse[Region.BACKGROUND] = ramp, 1 - ramp
    found = decide(coarse, square, RegionsConfig())
    assert (found.labels[:, 130:] == Region.HAIR).all()
    assert (found.labels[:, :126] == Region.BACKGROUND).all()
    assert np.array_equal(found.hair[:, 200:], np.ones((256, 56), np.float32))
    assert found.confidence[Region.HAIR] > 0.9


def test_validation_masks_stay_matched() -> None:
    if not (PARSING / "manifest.csv").exists():
        pytest.skip("needs ../shared/data/parsing")
    import pandas as pd

    manifest = pd.read_csv(PARSING / "manifest.csv")
    rows = manifest[(manifest["split"] == "val") & (manifest["source"] == "celebamask_1000")]
    right = np.zeros((3, 2))
    for row in rows[:25].itertuples():
        pixels = cv2.imread(str(PARSING / row.image), cv2.IMREAD_COLOR_RGB)
        mask = cv2.imread(str(PARSING / row.mask), cv2.IMREAD_GRAYSCALE)
        readings = find_readings(pixels)
        if not readings:
            continue
        frame = crop_frame(readings[0].landmarks)
        labels = face_regions(pixels, readings[0].landmarks, 256).labels
        codes = cv2.warpAffine(
            mask, frame.matrix(256), (256, 256), flags=cv2.INTER_NEAREST, borderValue=255
        )
        for k, part in enumerate((Region.HAIR, Region.SKIN, Region.BACKGROUND)):
            ours, theirs = (labels == part) & (codes != 255), codes == part
            right[k] += (ours & theirs).sum(), (ours | theirs).sum()
    assert (right[:, 0] / right[:, 1] > [0.84, 0.88, 0.8]).all()
