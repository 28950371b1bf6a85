"""The examination as one JSON object a picture (schema: examination.schema.json, design: docs/cli.md)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whichface.forensics.records import (
    Alignment,
    Box,
    Evidence,
    Examination,
    Face,
    FaceExamination,
    FaceQuality,
    Finding,
    Pose,
    ProvenanceFact,
    Reliability,
    Score,
    Verdict,
)

SCHEMA = Path(__file__).with_name("examination.schema.json")


def to_dict(examination: Examination, *, path: str | None = None) -> dict[str, Any]:
    """The examination as plain values; `path` replaces the photo's own (as "-" for standard input)."""
    photo = examination.photo
    own = None if photo.path is None else str(photo.path)
    return {
        "path": own if path is None else path,
        "sha256": photo.sha256,
        "size": [photo.width, photo.height],
        "format": photo.source.format,
        "faces": [_face(face) for face in examination.faces],
        "provenance": [_provenance(fact) for fact in examination.provenance],
        "warnings": list(examination.warnings),
        "error": None,
        "versions": dict(examination.versions),
    }


def failure_to_dict(path: str | Path | None, error: Exception | str) -> dict[str, Any]:
    """The same object for a picture that could not be examined: `error` says why, the rest is empty."""
    return {
        "path": None if path is None else str(path),
        "sha256": None,
        "size": None,
        "format": None,
        "faces": [],
        "provenance": [],
        "warnings": [],
        "error": str(error) or type(error).__name__,
        "versions": {},
    }


def to_line(content: Mapping[str, Any]) -> str:
    """One line of ASCII: nothing in it can break a line or steer a terminal. Raises ValueError on NaN."""
    return json.dumps(content, allow_nan=False, ensure_ascii=True)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every line follows."""
    content: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return content


def number(value: float, digits: int = 4) -> float | None:
    """The value rounded to so many significant figures; None for NaN and infinities."""
    value = float(value)
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _box(box: Box | None) -> list[float | None] | None:
    return None if box is None else [_tenth(v) for v in box]


def _tenth(value: float) -> float | None:
    return round(float(value), 1) if math.isfinite(value) else None


def _face(item: FaceExamination) -> dict[str, Any]:
    face: Face = item.face
    return {
        "box": _box(face.box),
        "confidence": number(face.confidence),
        "verdict": _verdict(item.verdict),
        "scores": [_score(score) for score in item.scores],
        "evidence": [_evidence(evidence) for evidence in item.evidence],
        "abstentions": [{"analyzer": a.analyzer, "reason": a.reason} for a in item.abstentions],
        "quality": _quality(face.quality),
        "pose": _pose(face.pose),
        "alignment": _alignment(face.alignment),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "label": verdict.label.value,
        "llr": number(verdict.llr),
        "interval": [number(v) for v in verdict.llr_interval],
        "ceiling": number(verdict.llr_ceiling),
        "probability": number(verdict.probability, 6),
        "prior": number(verdict.prior, 6),
        "threshold": number(verdict.threshold),
        "reasons": list(verdict.reasons),
    }


def _score(score: Score) -> dict[str, Any]:
    return {"expert": score.expert, "logit": number(score.logit)}


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "analyzer": evidence.analyzer,
        "statistic": number(evidence.statistic),
        "llr": None if evidence.llr is None else number(evidence.llr),
        "quality": number(evidence.quality),
        "findings": [_finding(finding) for finding in evidence.findings],
        "reliability": _reliability(evidence.reliability),
        "share": None if evidence.share is None else number(evidence.share),
        "measures": {name: number(value) for name, value in evidence.measures.items()},
        "innocent": list(evidence.innocent),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    outline = None if finding.outline is None else [[_tenth(x), _tenth(y)] for x, y in finding.outline]
    return {"box": _box(finding.box), "outline": outline, "text": finding.text}


def _reliability(measured: Reliability | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    interval = [number(value) for value in measured.interval]
    return {"auc": number(measured.auc), "interval": interval, "pictures": measured.pictures}


def _quality(quality: FaceQuality) -> dict[str, Any]:
    return {
        "side": _tenth(quality.side),
        "interocular": _tenth(quality.interocular),
        "sharpness": number(quality.sharpness),
        "compression": number(quality.compression),
        "visible": number(quality.visible),
        "occlusion": number(quality.occlusion),
        "limits": list(quality.limits),
        "usable": bool(quality.usable),
    }


def _pose(pose: Pose) -> dict[str, Any]:
    return {"yaw": _tenth(pose.yaw), "pitch": _tenth(pose.pitch), "roll": _tenth(pose.roll)}


def _alignment(alignment: Alignment) -> dict[str, Any]:
    return {
        "offset": number(alignment.offset),
        "scale": number(alignment.scale),
        "roll": _tenth(alignment.roll),
        "closeness": number(alignment.closeness),
    }


def _provenance(fact: ProvenanceFact) -> dict[str, Any]:
    suggests = None if fact.suggests is None else fact.suggests.value
    return {"kind": fact.kind, "text": fact.text, "suggests": suggests}
