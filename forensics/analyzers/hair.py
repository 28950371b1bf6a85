"""Strands of hair that float beside the head, and hair that lies in straight, even streaks.

Both were described by whichfaceisreal.com (West & Bergstrom 2019) without a measure; the measures are proposed here.
A generator draws hair and background by the same filters and can leave pieces of strand that no hair holds; in a
photograph nearly every loose strand can be followed back to the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..records import Abstention, Evidence, Finding, Region
from ..view import FaceView
from ._hair_strands import StrandConfig, Strands, find_strands
from ._hair_streaks import StreakConfig, Streaks, find_streaks
from .cue import Cue

NAME = "hair"
STRANDS = StrandConfig()
STREAKS = StreakConfig()


@dataclass(frozen=True, slots=True)
class HairConfig:
    """When hair is looked at, and how its parts are added."""

    strands: StrandConfig = STRANDS
    """Lines beside the hair."""
    streaks: StreakConfig = STREAKS
    """Texture of the hair."""
    side: float = 512.0
    """Least side of the face's square in pixels of the picture."""
    detail: float = 200.0
    """Least number of pixels across the square that carry detail: blur leaves no strands."""
    compression: float = 0.6
    """Most blockiness: the grid of JPEG draws lines of its own."""
    hair: float = 0.03
    """Least share of the square that is hair."""
    confidence: float = 0.5
    """Least confidence of the hair's region."""
    usual_share: float = 0.2
    """Floating share of the median photograph: assumed where the background cannot be read."""
    straight: float = 0.65
    """Straightness that hardly a photograph passes, straight hair included."""
    peak: float = 2.3
    """Spectral peak that hardly a photograph passes."""
    telling_share: float = 0.6
    """Floating share from which strands are shown to people."""
    telling_length: float = 45.0
    """Length of such a strand in 1,024ths of the square."""
    telling_contrast: float = 4.0
    """Its strength in L*."""
    most: int = 3
    """Most strands shown."""


CONFIG = HairConfig()


def look(view: FaceView) -> Evidence | Abstention:
    """The statistic is the log odds of the floating share of loose strands, and streaks beyond any photograph's."""
    reason = _too_poor(view, CONFIG)
    if reason is not None:
        return Abstention(NAME, reason)
    size = max(512, view.size)
    strands = find_strands(view, size, CONFIG.strands)
    streaks = find_streaks(view, size, CONFIG.streaks)
    if strands is None and streaks is None:
        return Abstention(NAME, "Neither loose strands before a plain background nor enough combed hair is seen.")
    share = strands.share if strands else CONFIG.usual_share
    comb = _comb(streaks, CONFIG)
    return Evidence(
        analyzer=NAME,
        statistic=float(np.log(share / (1 - share))) + comb,
        llr=None,
        findings=_findings(view, size, strands, streaks, comb, CONFIG),
        quality=_quality(view, strands, streaks, CONFIG),
        heatmap=view.heat(_heat(size, strands, streaks, comb)),
        measures=_measures(strands, streaks, comb, CONFIG),
        innocent=CUE.innocent,
    )


def _too_poor(view: FaceView, config: HairConfig) -> str | None:
    if not view.side >= config.side:
        return "The face is too small in this picture for single strands to be seen."
    if not view.detail >= config.detail:
        return "The picture is too blurred for single strands to be seen."
    if view.face.quality.compression > config.compression:
        return "The picture is too strongly compressed for single strands to be seen."
    hair = float((view.hair(512) > 0.5)[view.valid(512)].sum()) / 512**2
    if hair < config.hair:
        return "Too little hair is seen."
    if view.regions.confidence.get(Region.HAIR, 0.0) < config.confidence:
        return "The hair cannot be told from the rest of the picture."
    return None


def _comb(streaks: Streaks | None, config: HairConfig) -> float:
    """0 to 3: how far the hair is both straighter and more regular than a photograph's."""
    if streaks is None:
        return 0.0
    straight = (streaks.straightness - config.straight) / 0.1
    regular = (streaks.peak - config.peak) / 0.3
    return float(np.clip(min(straight, regular), 0.0, 3.0))


def _measures(
    strands: Strands | None, streaks: Streaks | None, comb: float, config: HairConfig
) -> dict[str, float]:
    """Parts of the statistic by name; what could not be read is left out."""
    parts = {"comb": comb, "floating_share": strands.share if strands else config.usual_share}
    if strands:
        parts |= {"floating_density": strands.density, "background_texture": strands.noise}
    if streaks:
        parts |= {
            "straightness": streaks.straightness,
            "spectral_peak": streaks.peak,
            "coherence": streaks.coherence,
        }
    return parts


def _findings(
    view: FaceView,
    size: int,
    strands: Strands | None,
    streaks: Streaks | None,
    comb: float,
    config: HairConfig,
) -> tuple[Finding, ...]:
    found = []
    if streaks is not None and comb > 0:
        low, high = streaks.places.min(0) - 32, streaks.places.max(0) + 32
        box = view.box((float(low[0]), float(low[1]), float(high[0]), float(high[1])), size)
        found.append(Finding("The hair lies in straight streaks of even width, as if drawn with a comb.", box))
    if strands is not None and strands.share >= config.telling_share:
        for length, contrast, *box in strands.floating[: 4 * config.most]:
            if length >= config.telling_length and contrast >= config.telling_contrast and len(found) < config.most:
                x0, y0, x1, y1 = (float(v) for v in box)
                text = "A strand of hair floats beside the head without touching it."
                found.append(Finding(text, view.box((x0 - 4, y0 - 4, x1 + 4, y1 + 4), size)))
    return tuple(found)


def _quality(view: FaceView, strands: Strands | None, streaks: Streaks | None, config: HairConfig) -> float:
    """Detail, a plain background, and hair with a direction."""
    detail = float(np.clip(view.detail / (3 * config.detail), 0.3, 1))
    plain = 0.3 if strands is None else float(np.clip(1.3 - strands.noise / config.strands.noise, 0.5, 1))
    return float((detail * plain * (1.0 if streaks else 0.6)) ** (1 / 3))


def _heat(size: int, strands: Strands | None, streaks: Streaks | None, comb: float) -> NDArray[np.float32]:
    """(256, 256) over the crop: floating lines by their strength, and combed hair."""
    heat = np.zeros((256, 256), np.float32)
    factor = 256 / size
    if streaks is not None and comb > 0:
        for x, y in streaks.places * factor:
            cv2.circle(heat, (round(x), round(y)), 8, min(1.0, 0.4 + comb / 4), -1)
    if strands is not None:
        weight = float(np.clip(strands.share / CONFIG.telling_share, 0.2, 1))
        for _, contrast, *box in strands.floating[:60][::-1]:
            x0, y0, x1, y1 = (round(v * factor) for v in box)
            cv2.rectangle(heat, (x0, y0), (x1, y1), weight * float(np.clip(contrast / 3, 0.3, 1)), -1)
    return np.asarray(cv2.GaussianBlur(heat, (0, 0), 1.0))


CUE = Cue(
    name=NAME,
    title="Hair",
    meaning=(
        "Loose strands in a photograph can nearly always be followed back to the head. A generator may leave pieces of"
        " strand that float beside it, or draw the hair in straight streaks of even width, as if with a comb."
    ),
    innocent=(
        "a fine strand that is lost in the light for a part of its way",
        "grass, branches, wires or scratches behind the head",
        "straightened, braided or wet hair",
        "a blurred or strongly compressed picture",
    ),
    needs="A sharp face of at least 512 pixels with hair, best before a plain background.",
    source="Described by whichfaceisreal.com (West and Bergstrom 2019); the measure is proposed here",
    look=look,
)
