"""The analyzers as detection uses them: run on one face, their likelihood ratios filled in from calibration tables.

A table gives each analyzer, for each stratum of size and compression, its measured reliability and, where that is
above chance, a logistic map from its statistic to a bounded natural-log ratio. Elsewhere it stays illustrative.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.analyzers.cue import Cue
from whichface.forensics.errors import WeightsError
from whichface.forensics.records import Abstention, Evidence, Reliability
from whichface.forensics.view import FaceView

TABLE = Path(__file__).parent / "weights" / "cues.json"
LN10 = float(np.log(10))
SIDES = {"full": 768.0, "large": 384.0, "small": 0.0}
"""Least native side in pixels by size; a full-size face may carry what a 1,024-px generator left."""
LOW_QUALITY = 62
"""JPEG quality up to which a file counts as compressed."""
HIGH_BLOCKINESS = 0.6
"""Blockiness from which any file does, whatever its last table says."""
STRATA = tuple(f"{size}{more}" for size in SIDES for more in ("", "-compressed"))


@dataclass(frozen=True, slots=True)
class CueStratum:
    """One analyzer in one stratum."""

    reliability: Reliability
    """As measured on pictures that neither the analyzer nor this table was made on."""
    slope: float | None
    """Natural-log odds per unit of the statistic; None: illustrative."""
    bias: float
    """Natural-log odds at statistic 0."""
    low: float
    """Lowest statistic that the fit covers; lower ones count as this."""
    high: float
    """Highest statistic that the fit covers; higher ones count as this."""
    floor: float
    """Lowest log10 likelihood ratio that the number of fakes supports."""
    ceiling: float
    """Highest log10 likelihood ratio that the number of reals supports."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CueStratum:
        """From one entry of the table."""
        low, high = data["interval"]
        fit = data.get("calibration") or {}
        return cls(
            Reliability(float(data["auc"]), (float(low), float(high)), int(data["pictures"])),
            float(fit["slope"]) if fit else None,
            *(float(fit.get(name, 0.0)) for name in ("bias", "low", "high", "floor", "ceiling")),
        )

    def llr(self, statistic: float) -> float | None:
        """Bounded log10 likelihood ratio; None while illustrative."""
        if self.slope is None:
            return None
        inside = float(np.clip(statistic, self.low, self.high))
        return float(np.clip((self.bias + self.slope * inside) / LN10, self.floor, self.ceiling))


@dataclass(frozen=True, slots=True)
class CueTable:
    """What has been measured of every analyzer."""

    strata: Mapping[str, Mapping[str, CueStratum]]
    """By analyzer, then by stratum; an analyzer that was not measured has none."""
    facts: Mapping[str, Any]
    """Everything else that the file tells: date, data, command, breakdown."""
    sha256: str
    """Of the file."""

    def fill(self, evidence: Evidence, stratum: str) -> Evidence:
        """The evidence with its likelihood ratio and reliability, as far as they are known."""
        known = self.strata.get(evidence.analyzer, {}).get(stratum)
        if known is None:
            return evidence
        return replace(evidence, llr=known.llr(evidence.statistic), reliability=known.reliability)


@lru_cache(maxsize=4)
def load_cues(path: Path = TABLE) -> CueTable:
    """The calibration table of the analyzers. Raises WeightsError for one that cannot be read."""
    try:
        data_bytes = path.read_bytes()
        content = json.loads(data_bytes)
        strata = {
            cue: {name: CueStratum.from_json(entry) for name, entry in data["strata"].items()}
            for cue, data in content["cues"].items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"The table of the analyzers, {path.name}, cannot be read: {error}.") from error
    return CueTable(strata, content, hashlib.sha256(data_bytes).hexdigest())


def stratum_of(view: FaceView) -> str:
    """Name of the stratum that a face belongs to, one of `STRATA`."""
    source = view.photo.source
    low = source.jpeg_quality is not None and source.jpeg_quality <= LOW_QUALITY
    return stratum_name(view.side, low or view.face.quality.compression >= HIGH_BLOCKINESS)


def stratum_name(side: float, compressed: bool) -> str:
    """Stratum of a face with this native side in pixels."""
    size = next(name for name, least in SIDES.items() if side >= least)
    return f"{size}-compressed" if compressed else size


def chosen(names: Iterable[str]) -> tuple[Cue, ...]:
    """The analyzers of these names in any case, in the registry's order. Raises ValueError for an unknown one."""
    asked = list(names)
    wanted = [name.casefold() for name in asked]
    known = [cue.name for cue in ANALYZERS]
    for name, folded in zip(asked, wanted, strict=True):
        if folded not in known:
            raise ValueError(f"there is no cue “{name}”; known are {', '.join(known)}")
    return tuple(cue for cue in ANALYZERS if cue.name in wanted)


def look_for(
    view: FaceView, cues: Sequence[Cue], table: CueTable
) -> tuple[tuple[Evidence, ...], tuple[Abstention, ...]]:
    """What the analyzers say of one face: evidence, strongest first, and abstentions in the registry's order."""
    stratum = stratum_of(view)
    evidence: list[Evidence] = []
    abstentions: list[Abstention] = []
    for cue in cues:
        found = cue.look(view)
        if isinstance(found, Abstention):
            abstentions.append(found)
        else:
            evidence.append(table.fill(found, stratum))
    evidence.sort(key=lambda item: -_weight(item))
    return tuple(evidence), tuple(abstentions)


def _weight(evidence: Evidence) -> float:
    """Order of showing: calibrated ratios first, then findings that only illustrate."""
    shown = 1.0 if evidence.findings else 0.0
    return shown + (10.0 * evidence.llr if evidence.llr is not None and evidence.llr > 0 else 0.0)
