"""The figures at the end of a case report, as text: of a face, of the file, of the model."""

from __future__ import annotations

from typing import Any

from whichface.forensics.records import Evidence, FaceExamination, Photo

from .case import ModelFacts, StratumFacts
from .wording import clean, place, times

MOST_ROWS = 150
"""Most entries of one kind, such as EXIF, that the page shows."""
LONGEST_TEXT = 2000
"""Most characters of one text of the file that the page shows; the JSON has them all."""


def numbers(face: FaceExamination) -> list[tuple[str, str]]:
    """The figures of one face by name, as text."""
    verdict, quality, record = face.verdict, face.face.quality, face.face
    pose = record.pose
    low, high = verdict.llr_interval
    return [
        ("log10 likelihood ratio", f"{verdict.llr:+.3f}"),
        ("95 % interval of the calibration", f"{low:+.3f} to {high:+.3f}"),
        ("ceiling on this side", f"{verdict.llr_ceiling:.3f}"),
        ("threshold for “generated”", f"{verdict.threshold:+.3f}"),
        ("prior, and probability under it", f"{verdict.prior:g}, {verdict.probability:.4g}"),
        ("box", place(record.box)),
        ("confidence that it is a face", f"{record.confidence:.3f}"),
        ("side of the square that the face fills", f"{quality.side:.0f} px"),
        ("detail, 1 is sharp at native size", f"{quality.sharpness:.2f}"),
        ("steps at the JPEG grid, 0 is none", f"{quality.compression:.2f}"),
        ("inside the picture", f"{quality.visible:.0%}"),
        ("covered", f"{quality.occlusion:.0%}"),
        ("head turned, tilted, leaning", ", ".join(f"{a:+.0f}°" for a in (pose.yaw, pose.pitch, pose.roll))),
        ("likeness to an FFHQ crop, 0 to 1", f"{record.alignment.closeness:.2f}"),
    ]


def parts(evidence: Evidence) -> str:
    """The measures behind a statistic, in one line."""
    return ", ".join(f"{clean(name).replace('_', ' ')} {value:.4g}" for name, value in evidence.measures.items())


def source_rows(photo: Photo) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the container says, by kind: (kind, rows of name and value), all made safe to show."""
    source = photo.source
    about = "" if source.jpeg_quality_exact else "about "
    quality = "" if source.jpeg_quality is None else f", quality {about}{source.jpeg_quality}"
    coding = {True: ", progressive", False: "", None: ""}[source.progressive]
    first = [
        ("Format", f"{source.format}{quality}{f', {source.subsampling}' if source.subsampling else ''}{coding}"),
        ("Size", f"{photo.width} × {photo.height} pixels, {source.byte_count:,} bytes, {source.mode}"),
        ("SHA-256", photo.sha256),
    ]
    if source.icc_profile:
        first.append(("Colour profile", source.icc_profile))
    kinds = [("Container", first), ("EXIF", list(source.exif.items())), ("Text", list(source.text.items()))]
    kinds.append(("Content credentials", list((source.c2pa or {}).items())))
    kinds.append(("XMP", [("packet", source.xmp)] if source.xmp else []))
    return [(kind, _listed(rows)) for kind, rows in kinds if rows]


def _listed(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names and values made safe, and the first of them where they are endless."""
    more = [("…", f"{len(rows) - MOST_ROWS:,} more, all in the JSON")] if len(rows) > MOST_ROWS else []
    return [(shown(name), shown(value)) for name, value in rows[:MOST_ROWS]] + more


def shown(text: str) -> str:
    """A text of the file made safe, and cut where it is endless."""
    safe = clean(text[: LONGEST_TEXT + 1])
    return safe if len(text) <= LONGEST_TEXT else f"{safe[:LONGEST_TEXT]}… ({len(text):,} characters, all in the JSON)"


def model_rows(model: ModelFacts) -> dict[str, Any]:
    """Name and card of a model."""
    rows = [("Claim", model.claim), ("Data", model.data), ("Made", model.date), ("Terms", model.licence)]
    return {"name": model.name, "rows": [(n, v) for n, v in rows if v]}


def stratum_row(stratum: StratumFacts) -> dict[str, Any]:
    """Counts and bounds for faces of one size, as text."""
    return {
        "scale": stratum.scale,
        "pictures": "–" if stratum.reals is None or stratum.fakes is None else f"{stratum.reals:,}, {stratum.fakes:,}",
        "auc": "–" if stratum.auc is None else f"{stratum.auc:.2f}",
        "ceiling": times(stratum.ceiling),
        "floor": times(stratum.floor),
        "threshold": times(stratum.threshold),
        "threshold_real": times(stratum.threshold_real),
    }
