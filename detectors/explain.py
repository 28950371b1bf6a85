"""What the experts saw, in words and with a place: findings from the scores and the network's map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.geometry import crop_frame
from whichface.forensics.records import Box, Evidence, Face, Finding, Score

# Regions of the FFHQ crop in shares of its side, XYXY: where they lie in an aligned face.
REGIONS: Mapping[str, Box] = {
    "the eye on the left": (0.28, 0.40, 0.48, 0.55),
    "the eye on the right": (0.52, 0.40, 0.72, 0.55),
    "the mouth": (0.36, 0.66, 0.64, 0.82),
    "the nose": (0.42, 0.52, 0.58, 0.67),
    "the forehead": (0.30, 0.22, 0.70, 0.39),
    "the cheek on the left": (0.24, 0.56, 0.40, 0.76),
    "the cheek on the right": (0.60, 0.56, 0.76, 0.76),
    "the hair above": (0.20, 0.00, 0.80, 0.20),
    "the hair and background on the left": (0.00, 0.10, 0.20, 0.70),
    "the hair and background on the right": (0.80, 0.10, 1.00, 0.70),
    "the lower left corner": (0.00, 0.72, 0.26, 1.00),
    "the lower right corner": (0.74, 0.72, 1.00, 1.00),
}


def expert_evidence(
    scores: Sequence[Score], shares: Mapping[str, float], reliability: Mapping[str, Mapping[str, float]], face: Face
) -> tuple[Evidence, ...]:
    """One piece of evidence an expert, weightiest first.

    `shares` are log10 contributions to the fused ratio, `reliability` holds the experts' own measured AUC.
    The experts are correlated: their `llr` stays None, only the fused ratio is a likelihood ratio.
    """
    found = [_evidence(s, shares.get(s.expert, 0.0), reliability.get(s.expert, {}), face) for s in scores]
    return tuple(sorted(found, key=lambda e: -abs(shares.get(e.analyzer, 0.0))))


def _evidence(score: Score, share: float, measured: Mapping[str, float], face: Face) -> Evidence:
    findings = [Finding(_sentence(score.expert, share) + _reliability(measured))]
    if score.saliency is not None and share > 0.1:
        name, box = strongest_region(score.saliency, face)
        findings.append(Finding(f"The network's map is strongest at {name}.", box))
    return Evidence(score.expert, score.logit, None, tuple(findings))


def _sentence(expert: str, share: float) -> str:
    kind, scale = expert.split("-")
    what = "Fine texture" if kind == "texture" else "The neural network"
    at = f" with the face at {scale} pixels"
    if abs(share) < 0.05:
        return f"{what}{at} speaks for neither side."
    side = "a generated face" if share > 0 else "a camera photograph"
    return f"{what}{at} looks more like {side} (a factor of {10 ** min(abs(share), 6.0):.2g} in the ratio)."


def _reliability(measured: Mapping[str, float]) -> str:
    if "auc" not in measured:
        return ""
    return (
        f" On pictures it had not seen, this expert alone ranks a generated face above a photograph "
        f"{100 * measured['auc']:.0f} times in 100."
    )


def strongest_region(heat: NDArray[np.float32], face: Face) -> tuple[str, Box]:
    """Name and box (XYXY, picture pixels) of the region where the map is highest."""
    fine = cv2.resize(heat, (100, 100), interpolation=cv2.INTER_LINEAR)
    means = {}
    for name, (x0, y0, x1, y1) in REGIONS.items():
        means[name] = float(fine[int(y0 * 100) : int(y1 * 100), int(x0 * 100) : int(x1 * 100)].mean())
    name = max(means, key=lambda n: means[n])
    return name, _to_picture(REGIONS[name], face)


def _to_picture(region: Box, face: Face) -> Box:
    corners = crop_frame(face.landmarks).corners()
    origin, right, down = corners[0], corners[1] - corners[0], corners[3] - corners[0]
    x0, y0, x1, y1 = region
    points = np.array([origin + u * right + v * down for u in (x0, x1) for v in (y0, y1)])
    (left, top), (end, bottom) = points.min(0), points.max(0)
    return float(left), float(top), float(end), float(bottom)
