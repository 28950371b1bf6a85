"""The result of one picture as a JSON object, one line a picture (schema: examination.schema.json)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from whichface.forensics.records import (
    Box,
    Evidence,
    Examination,
    Face,
    FaceExamination,
    Verdict,
)

SCHEMA_FILE = Path(__file__).with_name("examination.schema.json")
DIGITS = 4


def to_dict(examination: Examination) -> dict[str, Any]:
    """The examination as plain values, always with the same keys in the same order."""
    photo = examination.photo
    return {
        "path": None if photo.path is None else text(str(photo.path)),
        "sha256": photo.sha256,
        "size": [photo.width, photo.height],
        "format": photo.source.format,
        "faces": [_face(found) for found in examination.faces],
        "provenance": [
            {
                "kind": fact.kind,
                "text": text(fact.text),
                "suggests": None if fact.suggests is None else str(fact.suggests),
            }
            for fact in examination.provenance
        ],
        "warnings": [text(warning) for warning in examination.warnings],
        "error": None,
        "versions": {text(key): text(value) for key, value in examination.versions.items()},
    }


def failure_to_dict(path: str | Path, error: Exception | str) -> dict[str, Any]:
    """The same object for a picture that could not be examined, with the sentence why."""
    return {
        "path": text(str(path)),
        "sha256": None,
        "size": None,
        "format": None,
        "faces": [],
        "provenance": [],
        "warnings": [],
        "error": text(str(error)) or type(error).__name__,
        "versions": {},
    }


def to_line(result: dict[str, Any]) -> str:
    """The object on one line of ASCII, ending in a newline."""
    return json.dumps(result, allow_nan=False, separators=(", ", ": ")) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every line follows."""
    loaded: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return loaded


def text(value: str) -> str:
    """`value` with undecodable bytes of file names as \\xNN, so that it is valid Unicode."""
    data = value.encode("utf-8", "surrogateescape" if _is_escaped(value) else "backslashreplace")
    return data.decode("utf-8", "backslashreplace")


def _is_escaped(value: str) -> bool:
    """True when every lone surrogate stands for a byte, as in file names from the system."""
    lone = [character for character in value if "\ud800" <= character <= "\udfff"]
    return all("\udc80" <= character <= "\udcff" for character in lone)


def number(value: float | None, digits: int = DIGITS) -> float | None:
    """A rounded float; None for None, NaN and infinities, which JSON does not have."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits) + 0.0


def _significant(value: float, digits: int = 6) -> float | None:
    """A float of an unknown unit to so many significant digits."""
    return number(float(f"{value:.{digits}g}"), 12) if math.isfinite(value) else None


def _box(box: Box | None) -> list[float | None] | None:
    return None if box is None else [number(side, 1) for side in box]


def _face(found: FaceExamination) -> dict[str, Any]:
    return {
        "box": _box(found.face.box),
        "confidence": number(found.face.confidence),
        "verdict": _verdict(found.verdict),
        "scores": [
            {"expert": score.expert, "logit": number(score.logit)} for score in found.scores
        ],
        "evidence": [_evidence(evidence) for evidence in found.evidence],
        "abstentions": [
            {"analyzer": text(abstention.analyzer), "reason": text(abstention.reason)}
            for abstention in found.abstentions
        ],
        **_measured(found.face),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "label": str(verdict.label),
        "llr": number(verdict.llr),
        "interval": [number(end) for end in verdict.llr_interval],
        "ceiling": number(verdict.llr_ceiling),
        "probability": number(verdict.probability, 6),
        "prior": number(verdict.prior, 8),
        "threshold": number(verdict.threshold),
        "reasons": [text(reason) for reason in verdict.reasons],
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "analyzer": text(evidence.analyzer),
        "statistic": _significant(evidence.statistic),
        "llr": number(evidence.llr),
        "quality": number(evidence.quality),
        "findings": [
            {"box": _box(finding.box), "text": text(finding.text)} for finding in evidence.findings
        ],
    }


def _measured(face: Face) -> dict[str, Any]:
    """What was measured on the face: gates, pose, closeness to an FFHQ crop; no landmarks."""
    quality, pose, crop = face.quality, face.pose, face.alignment
    return {
        "quality": {
            "side": number(quality.side, 1),
            "interocular": number(quality.interocular, 1),
            "sharpness": number(quality.sharpness, 3),
            "compression": number(quality.compression, 3),
            "visible": number(quality.visible, 3),
            "occlusion": number(quality.occlusion, 3),
            "limits": [text(limit) for limit in quality.limits],
            "usable": bool(quality.usable),
        },
        "pose": {
            "yaw": number(pose.yaw, 1),
            "pitch": number(pose.pitch, 1),
            "roll": number(pose.roll, 1),
        },
        "alignment": {
            "offset": number(crop.offset),
            "scale": number(crop.scale),
            "roll": number(crop.roll, 2),
            "closeness": number(crop.closeness),
        },
    }
