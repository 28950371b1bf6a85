"""From an examination to the files of its case report: what the records do not hold is collected here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .case_files import CaseError, CaseFiles

if TYPE_CHECKING:
    from whichface.app.inputs import Picture
    from whichface.detectors import Examiner
    from whichface.detectors.robustness import Grid
    from whichface.forensics.records import Examination
    from whichface.reports.case import ModelFacts, StratumFacts
    from whichface.reports.cue_list import CueEntry
    from whichface.reports.robustness import Robustness


@dataclass
class CaseWriter:
    """Writes one report a picture."""

    files: CaseFiles
    """Where they go."""
    examiner: Examiner
    """What the pictures are examined with."""
    grid: str
    """Changes that the verdict is tried under: none, quick or full."""
    command: tuple[str, ...]
    """Command line that makes a report again, before the picture and its page."""

    @cached_property
    def lean(self) -> Examiner:
        """The same model for the largest face alone, without the analyzers that do not count."""
        from whichface.detectors import Examiner

        options = replace(self.examiner.options, explain=False, cues=(), max_faces=1)
        return Examiner(options, self.examiner.model)

    @cached_property
    def words(self) -> tuple[CueEntry, ...]:
        """What the analyzers say of themselves."""
        from whichface.detectors.cues import load_cues
        from whichface.forensics.analyzers import ANALYZERS
        from whichface.reports.cue_list import cue_entries, words

        fused = {cue for stratum in self.examiner.strata.values() for cue in stratum.cues}
        return cue_entries([words(cue) for cue in ANALYZERS], load_cues().facts, fused)

    @cached_property
    def model(self) -> ModelFacts:
        """The card of the model."""
        return model_facts(self.examiner.model.card, self.examiner.model.calibration)

    def write(self, picture: Picture, examination: Examination) -> Path:
        """Write page, JSON and PDF; the page's path. Raises CaseError, PdfError."""
        from whichface.reports.case import Case, case_page, case_values
        from whichface.reports.pdf import print_pdf

        page = self.files.page_for(picture, examination.photo.sha256)
        case = Case(
            examination=examination,
            name=picture.name,
            made=datetime.now(UTC),
            command=self._command(picture, page, examination.photo.sha256),
            model=self.model,
            cues=self.words,
            firmness=self._firmness(picture, examination),
        )
        _write(page, case_page(case))
        _write(page.with_suffix(".json"), json.dumps(case_values(case), indent=1, allow_nan=False) + "\n")
        if self.files.pdf:
            print_pdf(page, page.with_suffix(".pdf"))
        return page

    def _command(self, picture: Picture, page: Path, sha256: str) -> str:
        pdf = ["--pdf"] if self.files.pdf else []
        target = page.parent if self.files.is_folder else page
        option = ["-o" if "report" in self.command[:2] else "--html", str(target)]
        which = ["--where", f"sha256 = '{sha256}'"] if "--from-scan" in self.command else [picture.name]
        return shlex.join([*self.command, *which, *option, *pdf])

    def _firmness(self, picture: Picture, examination: Examination) -> Robustness | None:
        from whichface.detectors.robustness import Grid

        if not examination.faces or self.grid == Grid.NONE:
            return None
        return firmness(self.lean, examination, picture.name, Grid(self.grid))


def firmness(examiner: Examiner, examination: Examination, name: str, grid: Grid) -> Robustness:
    """The verdict on the largest face of an examination, and again under the conditions of a grid."""
    from whichface.detectors.robustness import Trial, conditions, trials
    from whichface.reports.robustness import Robustness

    stored, *changes = conditions(grid)
    first = Trial(stored, examination.faces[0])
    found = (first, *trials(examiner, examination.photo, changes))
    return Robustness(name, examination.photo.sha256, tuple(attempt(trial) for trial in found))


def attempt(trial: Any) -> Any:
    """A trial of detectors.robustness as reports know it."""
    from whichface.reports.robustness import Attempt

    condition = trial.condition
    return Attempt(condition.name, condition.family, condition.what, trial.face, trial.note)


def model_facts(card: Mapping[str, Any], calibration: Mapping[str, Any]) -> ModelFacts:
    """What a card and its calibration say, as far as they say it."""
    from whichface.reports.case import ModelFacts

    texts = {name: str(card.get(name, "")) for name in ("claim", "data", "date", "licence")}
    strata = {int(scale): data for scale, data in calibration.get("strata", {}).items()}
    figures = card.get("figures", {})
    return ModelFacts(
        name=str(card["model"]),
        files=dict(card["files"]),
        strata=tuple(_stratum(scale, strata[scale], figures.get(str(scale), {})) for scale in sorted(strata)),
        **texts,
    )


def _stratum(scale: int, data: Mapping[str, Any], figures: Mapping[str, Any]) -> StratumFacts:
    from whichface.reports.case import StratumFacts

    auc = figures.get("matched", {}).get("pooled", {}).get("auc")
    return StratumFacts(
        scale,
        ceiling=float(data["ceiling"]),
        floor=float(data["floor"]),
        threshold=float(data["threshold"]),
        threshold_real=float(data["threshold_real"]),
        reals=int(data["reals"]) if "reals" in data else None,
        fakes=int(data["fakes"]) if "fakes" in data else None,
        auc=None if auc is None else float(auc),
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise CaseError(f"{path} cannot be written: {error.strerror or error}.") from error
