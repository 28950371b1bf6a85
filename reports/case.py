"""The case report of one picture: one self-contained HTML page for people, and the same as JSON for machines.

`Case` holds what is told; `case_page` draws it and `case_values` gives the JSON (schema: case.schema.json). The
examination comes from detection, everything else is handed in by the caller, as reports know the records only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whichface.forensics.records import Examination, FaceExamination, SourceFacts

from .case_words import LIMITS
from .cue_list import CueEntry
from .json import SCHEMA as EXAMINATION_SCHEMA
from .json import number, to_dict
from .robustness import SCHEMA as ROBUSTNESS_SCHEMA
from .robustness import Robustness
from .wording import (
    ceiling_sentence,
    interval_sentence,
    probability_sentence,
    unjudged,
    verdict_sentence,
)

SCHEMA = Path(__file__).with_name("case.schema.json")
MARK = "whichface case report of "
"""What a page of ours says in its head, before the SHA-256 of its picture."""


@dataclass(frozen=True, slots=True)
class StratumFacts:
    """The model's calibration for faces of one size."""

    scale: int
    """Largest size in pixels to which such a face is brought."""
    ceiling: float
    """Largest log10 likelihood ratio for a generator."""
    floor: float
    """Lowest (negative) log10 likelihood ratio, for a camera photograph."""
    threshold: float
    """log10 likelihood ratio from which the label is generated, as shipped."""
    threshold_real: float
    """log10 likelihood ratio up to which the label is real, as shipped."""
    reals: int | None = None
    """Photographs behind it; None where the model does not say."""
    fakes: int | None = None
    """Generated faces behind it."""
    auc: float | None = None
    """How often it ranks a generated face above a photograph, out of fold; 0.5 is chance."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the model's card says."""

    name: str
    """Model id."""
    claim: str = ""
    """What it was made to tell apart."""
    data: str = ""
    """What it was trained on."""
    date: str = ""
    """When it was made."""
    licence: str = ""
    """Terms of its weights."""
    files: Mapping[str, str] | None = None
    """SHA-256 by file."""
    strata: tuple[StratumFacts, ...] = ()
    """Calibration by size of the face, smallest first."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a case report tells of one picture."""

    examination: Examination
    """What was examined, with every analyzer."""
    name: str
    """Path as typed."""
    made: datetime
    """When the report was made, with a time zone."""
    command: str
    """Command line that makes the report again."""
    model: ModelFacts
    """The model's card."""
    cues: Sequence[CueEntry] = ()
    """Words and figures of the analyzers."""
    firmness: Robustness | None = None
    """The verdict on the largest face under changes of the picture; None where it was not tried."""

    @property
    def when(self) -> str:
        """The time in UTC, to the second, as ISO 8601."""
        return self.made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def case_page(case: Case) -> str:
    """The page."""
    from .case_view import view
    from .html import environment

    return environment().get_template("case.html.j2").render(view(case))


def case_values(case: Case) -> dict[str, Any]:
    """Plain values for JSON (schema: case.schema.json)."""
    faces = case.examination.faces
    return {
        "made": case.when,
        "command": case.command,
        "statements": [statements(face) for face in faces],
        "examination": to_dict(case.examination, path=case.name),
        "source": _source(case.examination.photo.source),
        "firmness": None if case.firmness is None else case.firmness.to_dict(),
        "model": {**asdict(case.model), "strata": [_stratum(s) for s in case.model.strata]},
        "limits": list(LIMITS),
    }


def statements(face: FaceExamination) -> dict[str, str | None]:
    """What is said of one face in whole sentences; None for what makes no sense without a ratio."""
    verdict = face.verdict
    judged = not unjudged(verdict)
    return {
        "verdict": verdict_sentence(verdict),
        "interval": interval_sentence(verdict) if judged else None,
        "ceiling": ceiling_sentence(verdict) if judged else None,
        "prior": probability_sentence(verdict),
    }


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the JSON beside a page, with the schemas that it refers to inside."""
    content: dict[str, Any] = _read(SCHEMA)
    for path in (EXAMINATION_SCHEMA, ROBUSTNESS_SCHEMA):
        content["$defs"][path.name] = {**_read(path), "$id": path.name}
    return content


def owner(path: Path) -> str | None:
    """SHA-256 of the picture whose page this file is; None for any other file. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    start = head.find(MARK.encode())
    digest = head[start + len(MARK) : start + len(MARK) + 64].decode("ascii", "replace")
    return digest if start >= 0 and len(digest) == 64 else None


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _stratum(stratum: StratumFacts) -> dict[str, Any]:
    return {k: number(v) if isinstance(v, float) else v for k, v in asdict(stratum).items()}


def _source(source: SourceFacts) -> dict[str, Any]:
    """What the container says, without the tables and the preview's pixels."""
    preview = source.thumbnail
    return {
        "bytes": source.byte_count,
        "stored_size": list(source.stored_size),
        "mode": source.mode,
        "orientation": source.orientation,
        "frames": source.frames,
        "jpeg_quality": source.jpeg_quality,
        "jpeg_quality_exact": source.jpeg_quality_exact,
        "subsampling": source.subsampling,
        "progressive": source.progressive,
        "exif": dict(source.exif),
        "text": dict(source.text),
        "xmp": source.xmp,
        "icc_profile": source.icc_profile,
        "has_alpha": source.has_alpha,
        "preview_size": None if preview is None else [preview.shape[1], preview.shape[0]],
        "c2pa": None if source.c2pa is None else dict(source.c2pa),
    }
