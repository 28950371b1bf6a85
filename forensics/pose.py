"""Head pose: a generic rigid face laid over the landmarks by a weak-perspective camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .records import Pose

POINTS = (33, 133, 362, 263, 1, 4, 5, 6, 168, 2, 8, 9, 10, 127, 356)
"""Face-mesh points that move little with expression: eye corners, nose, forehead, temples."""

GENERIC = np.array(
    [
        (-4.446, -2.664, -3.173),
        (-1.856, -2.585, -3.758),
        (1.856, -2.585, -3.758),
        (4.446, -2.664, -3.173),
        (0.0, 1.127, -7.476),
        (0.0, 0.463, -7.587),
        (0.0, -0.366, -7.243),
        (0.0, -2.473, -5.789),
        (0.0, -3.271, -5.236),
        (0.0, 2.089, -6.058),
        (0.0, -4.019, -5.285),
        (0.0, -4.886, -5.385),
        (0.0, -8.262, -4.482),
        (-7.2, -2.6, 2.2),
        (7.2, -2.6, 2.2),
    ]
)
"""(15, 3) the same points of a generic adult in cm: x right, y down, z away from the camera.

Upright as here, the median FFHQ photograph has pitch 0 within a quarter of a degree."""


def rotation(pose: Pose) -> NDArray[np.float64]:
    """(3, 3) rotation from the upright face to the camera (x right, y down, z away).

    R = Rz(roll) Ry(yaw) Rx(pitch): pitch first, roll last, in the plane of the picture.
    """
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    turn_z = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    turn_y = [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
    turn_x = [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    return np.array(turn_z) @ np.array(turn_y) @ np.array(turn_x)


def angles(matrix: NDArray[np.floating]) -> Pose:
    """The pose of a rotation as `rotation` makes it."""
    yaw = np.arctan2(matrix[2, 0], np.hypot(matrix[0, 0], matrix[1, 0]))
    pitch = np.arctan2(-matrix[2, 1], matrix[2, 2])
    roll = np.arctan2(matrix[1, 0], matrix[0, 0])
    return Pose(*(float(np.degrees(value)) for value in (yaw, pitch, roll)))


def head_pose(landmarks: NDArray[np.floating]) -> Pose:
    """Yaw, pitch and roll in degrees of a face with these (478, 2) landmarks in pixels.

    The 2x3 affine camera of least squares is replaced by the nearest scaled orthonormal one.
    """
    model = GENERIC - GENERIC.mean(0)
    seen = np.asarray(landmarks, np.float64)[list(POINTS)]
    camera = np.linalg.lstsq(model, seen - seen.mean(0), rcond=None)[0].T
    left, _, right = np.linalg.svd(camera, full_matrices=False)
    rows = left @ right
    return angles(np.vstack([rows, np.cross(rows[0], rows[1])]))
