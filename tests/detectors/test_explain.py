"""Findings: the place that the map points at, and the sentences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from whichface.detectors.explain import REGIONS, expert_evidence, strongest_region
from whichface.forensics.geometry import crop_frame
from whichface.forensics.records import Face, Score


def _heat(region: str, side: int = 100) -> np.ndarray:
    x0, y0, x1, y1 = (round(side * share) for share in REGIONS[region])
    heat = np.full((side, side), 0.5, np.float32)
    heat[y0:y1, x0:x1] = 0.95
    return heat


@pytest.mark.parametrize("region", REGIONS)
def test_the_planted_place_is_found(region: str, make_face: Callable[..., Face]) -> None:
    face = make_face((140.0, 150.0), 200.0)
    name, box = strongest_region(_heat(region), face)
    assert name == region
    frame = crop_frame(face.landmarks)
    share = np.array(REGIONS[region])
    corner = frame.centre - frame.side / 2
    expected = [*(corner + share[:2] * frame.side), *(corner + share[2:] * frame.side)]
    assert box == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("region", ["the mouth", "the forehead", "the lower left corner"])
def test_a_coarse_map_will_do(region: str, make_face: Callable[..., Face]) -> None:
    coarse = _heat(region, 120).reshape(8, 15, 8, 15).mean((1, 3))
    assert strongest_region(coarse, make_face())[0] == region


def test_a_leaning_face_has_an_upright_box(make_face: Callable[..., Face]) -> None:
    face = make_face((200.0, 200.0), 200.0)
    points = face.landmarks - 200.0
    turned = np.stack([-points[:, 1], points[:, 0]], 1) + 200.0  # clockwise, a quarter
    leaning = make_face(landmarks=turned.astype(np.float32))
    x0, y0, x1, y1 = strongest_region(_heat("the hair above"), leaning)[1]
    assert x0 < x1 and y0 < y1
    assert x0 > 250 and y1 - y0 > 2 * (x1 - x0)  # what was above lies on the right now


SCORES = (
    Score("texture-160", 1.0),
    Score("network-160", 4.0, _heat("the mouth")),
    Score("texture-256", -3.0),
)


def test_the_weightiest_comes_first(make_face: Callable[..., Face]) -> None:
    shares = {"texture-160": 0.2, "network-160": 0.6, "texture-256": -0.9}
    found = expert_evidence(SCORES, shares, {}, make_face())
    assert [e.analyzer for e in found] == ["texture-256", "network-160", "texture-160"]
    assert [e.statistic for e in found] == [-3.0, 4.0, 1.0]
    assert all(e.llr is None for e in found)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.6, "looks more like a generated face (a factor of 4 in the ratio)."),
        (-0.6, "looks more like a camera photograph (a factor of 4 in the ratio)."),
        (0.04, "speaks for neither side."),
        (-0.04, "speaks for neither side."),
    ],
)
def test_a_sentence_tells_the_side(
    share: float, said: str, make_face: Callable[..., Face]
) -> None:
    (found,) = expert_evidence(SCORES[:1], {"texture-160": share}, {}, make_face())
    assert found.findings[0].text == f"Fine texture with the face at 160 pixels {said}"
    assert found.findings[0].box is None


def test_the_network_is_named(make_face: Callable[..., Face]) -> None:
    (found,) = expert_evidence(SCORES[1:2], {"network-160": 0.5}, {}, make_face())
    assert found.findings[0].text.startswith("The neural network with the face at 160 pixels")


@pytest.mark.parametrize(("share", "places"), [(0.5, 1), (0.1, 0), (0.0, 0), (-0.5, 0)])
def test_a_place_is_named_only_for_generated(
    share: float, places: int, make_face: Callable[..., Face]
) -> None:
    (found,) = expert_evidence(SCORES[1:2], {"network-160": share}, {}, make_face())
    assert len(found.findings) == 1 + places
    for finding in found.findings[1:]:
        assert finding.text == "The network's map is strongest at the mouth."
        assert finding.box is not None


def test_an_expert_without_a_share_speaks_for_neither(make_face: Callable[..., Face]) -> None:
    (found,) = expert_evidence(SCORES[:1], {}, {}, make_face())
    assert "neither side" in found.findings[0].text


def test_measured_reliability_is_told(make_face: Callable[..., Face]) -> None:
    reliability = {"texture-160": {"auc": 0.874}, "network-160": {"reals": 7.0}}
    shares = {"texture-160": 0.5, "network-160": 0.3}
    first, second = expert_evidence(SCORES[:2], shares, reliability, make_face())
    assert first.findings[0].text.endswith("ranks a generated face above a photograph 87 times in 100.")
    assert "ranks" not in second.findings[0].text
