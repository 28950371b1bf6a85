"""Pictures that a scan has examined, as inputs of case reports: what the store knows of them goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .inputs import Picture

if TYPE_CHECKING:
    from whichface.forensics.records import Examination

CHANGED = "is no longer the picture that was scanned (its SHA-256 differs); scan it again."
CLOSE = 1e-3
"""Largest difference of log10 ratios that is none."""


@dataclass(frozen=True, slots=True)
class Scanned(Picture):
    """A picture of a store: a file, a member of an archive, an address."""

    sha256: str
    """Of the bytes that were scanned."""
    ratios: tuple[float | None, ...]
    """log10 likelihood ratio of each face, as stored."""

    def source(self) -> Path | bytes:
        """What `open_photo` takes. Raises PhotoError, OSError."""
        from whichface.detectors.scanning.sources import read
        from whichface.forensics.errors import PhotoNotFoundError, SourceError

        try:
            return read(self.name)
        except SourceError as error:
            raise PhotoNotFoundError(str(error)) from error

    def trouble(self, examination: Examination) -> str | None:
        """Why the report would not be one of the scanned picture; None when it is."""
        return None if examination.photo.sha256 == self.sha256 else CHANGED

    def differs(self, examination: Examination) -> bool:
        """True when the ratios are not those of the store."""
        found = [face.verdict.llr for face in examination.faces]
        return len(found) != len(self.ratios) or any(
            stored is not None and abs(stored - llr) > CLOSE for stored, llr in zip(self.ratios, found, strict=True)
        )


@dataclass(frozen=True, slots=True)
class ScannedPictures:
    """What a question to a store names."""

    pictures: tuple[Scanned, ...]
    """Strongest support for a generator first."""
    options: Mapping[str, Any]
    """How they were examined, as `ExamineOptions` has it."""


def scanned_pictures(store: Path, where: str | None, limit: int | None) -> ScannedPictures:
    """The pictures of a store that were examined and fit `where`, each file once. Raises BadParameter."""
    from whichface.detectors.store import open_results
    from whichface.forensics.errors import StoreError

    try:
        results = open_results(store)
    except StoreError as error:
        raise typer.BadParameter(str(error), param_hint="--from-scan") from error
    with results:
        try:
            results.check(where)
        except ValueError as error:
            raise typer.BadParameter(f"{str(error).rstrip('.')}.", param_hint="--where") from error
        found: dict[str, Scanned] = {}
        for row in results.rows(where):
            if row["status"] == "failed" or row["sha256"] in found:
                continue
            if limit is not None and len(found) >= limit:
                break
            faces = (results.record(row["path"]) or {}).get("faces", ())
            ratios = tuple(face["verdict"]["llr"] for face in faces)
            found[row["sha256"]] = Scanned(row["path"], row["sha256"], ratios)
        options = next((g.options for g in results.generations() if g.number == results.generation), {})
    return ScannedPictures(tuple(found.values()), options)
