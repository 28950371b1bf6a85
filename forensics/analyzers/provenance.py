"""Provenance: what the file says of its origin; shown beside the pixels' likelihood ratio, never mixed into it."""

from __future__ import annotations

from ..metadata import provenance
from ..records import Abstention, Evidence, Finding
from ..view import FaceView
from .cue import Cue

NAME = "provenance"


def look(view: FaceView) -> Evidence | Abstention:
    """Statistic: number of statements in the file that name a generator."""
    if view.photo.source.format == "ARRAY":
        return Abstention(NAME, "There is no file, only pixels, so nothing is said of their origin.")
    facts = provenance(view.photo)
    naming = [fact for fact in facts if fact.suggests is not None]
    return Evidence(
        analyzer=NAME,
        statistic=float(len(naming)),
        llr=None,
        findings=tuple(Finding(fact.text) for fact in naming),
        measures={"statements": float(len(facts))},
        innocent=CUE.innocent,
    )


CUE = Cue(
    name=NAME,
    title="Provenance of the file",
    meaning=(
        "What the file says of itself: camera, editing program, generator's settings, embedded preview, "
        "Content Credentials. It can prove much when it is there and signed; it proves nothing when it is missing."
    ),
    innocent=(
        "metadata that somebody wrote or copied",
        "a website that removed all metadata",
        "a camera photograph saved by an editing program that also has a generator",
    ),
    needs="A file; most websites remove its metadata.",
    source="ENFSI and SWGDE practice; IPTC digital source types; C2PA 2.1.",
    look=look,
)
