"""Pose: known rotations of the generic face come back, with the signs of records.Pose."""

import numpy as np
import pytest

from whichface.forensics.pose import GENERIC, POINTS, head_pose, rotation
from whichface.forensics.records import Pose


def _seen(pose: Pose, scale: float = 12.0, noise: float = 0.0) -> np.ndarray:
    """(478, 2) landmarks of the generic face under a pose, as a weak-perspective camera sees it."""
    points = np.zeros((478, 2))
    turned = GENERIC @ rotation(pose).T
    points[list(POINTS)] = turned[:, :2] * scale + [320, 240]
    return points + np.random.default_rng(0).normal(0, noise, points.shape)


@pytest.mark.parametrize("yaw", [-45.0, 0.0, 30.0])
@pytest.mark.parametrize("pitch", [-25.0, 0.0, 20.0])
@pytest.mark.parametrize("roll", [-60.0, 0.0, 15.0])
def test_known_rotations_come_back(yaw: float, pitch: float, roll: float) -> None:
    found = head_pose(_seen(Pose(yaw, pitch, roll)))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, pitch, roll), abs=0.01)


def test_noise_of_a_pixel_costs_few_degrees() -> None:
    found = head_pose(_seen(Pose(20.0, -10.0, 5.0), noise=1.0))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((20.0, -10.0, 5.0), abs=3.0)


def test_signs_as_documented() -> None:
    frontal = _seen(Pose(0.0, 0.0, 0.0))
    nose, corner = 4, 263
    right, up, lean = (_seen(Pose(*a)) for a in ((30.0, 0, 0), (0, 20.0, 0), (0, 0, 20.0)))
    assert right[nose, 0] > frontal[nose, 0] + 10, "positive yaw: the nose goes to the right side"
    assert up[nose, 1] < frontal[nose, 1] - 10, "positive pitch: the nose goes up"
    assert lean[corner, 1] > frontal[corner, 1] + 5, "positive roll: clockwise, y down"


def test_mirroring_negates_yaw_and_roll() -> None:
    points = _seen(Pose(25.0, 8.0, -12.0))
    mirrored = points * [-1, 1] + [640, 0]
    for left, right in ((33, 263), (133, 362), (127, 356)):
        mirrored[[left, right]] = mirrored[[right, left]]
    found = head_pose(mirrored)
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((-25.0, 8.0, 12.0), abs=0.01)


def test_size_and_place_do_not_matter() -> None:
    points = _seen(Pose(10.0, 5.0, 3.0))
    assert head_pose(points * 0.1 - 7.0).yaw == pytest.approx(head_pose(points).yaw, abs=1e-6)
