"""`whichface report`: one self-contained page a picture, for an editor first and an expert after."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whichface.app import options
from whichface.app.commands.detect import Batch, DetectSettings
from whichface.app.commands.evaluate import GridName
from whichface.app.console import guarded_call
from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from whichface.app.case_reports import CaseWriter
    from whichface.app.inputs import Picture
    from whichface.forensics.records import Examination

OUTPUT = typer.Option("--output", "-o", metavar="DIR", help="Folder for the pages, or a file ending in .html.")


@dataclass
class ReportBatch(Batch):
    """A batch whose results are pages; standard output says which."""

    grid: GridName = GridName.QUICK
    """Changes that the verdict is tried under."""

    @cached_property
    def writer(self) -> CaseWriter | None:
        """Writes the pages."""
        from whichface.app.case_reports import CaseWriter

        grid = () if self.grid == GridName.QUICK else ("--grid", self.grid.value)
        command = ("whichface", "report", *self.settings.words(), *grid)
        return None if self.cases is None else CaseWriter(self.cases, self.examiner, self.grid.value, command)

    def succeed(self, picture: Picture, examination: Examination) -> None:
        """Write the page and say where it is."""
        from whichface.reports.wording import clean, gravest

        self.tally.examined += 1
        if self.writer is None:
            return
        page = self.writer.write(picture, examination)
        label = gravest(tuple(face.verdict.label for face in examination.faces))
        what = "NO FACE" if label is None else label.value.upper()
        print(clean(f"{picture.name}: {what}: {page}"), flush=True)


def run(settings: DetectSettings, grid: GridName) -> ExitCode:
    """Write the reports that the settings name and return the exit code."""
    from whichface.app.case_files import PAGES, plan_cases
    from whichface.app.inputs import Picture, expand
    from whichface.app.outputs import Reporter

    items = expand(settings.paths)
    pictures = [item for item in items if isinstance(item, Picture)]
    folder = settings.html is not None and settings.html.suffix.lower() not in PAGES
    cases = plan_cases(settings.html, settings.pdf, pictures, option="--output", folder=folder)
    reporter = Reporter(sys.stdout, as_json=False, findings=None, quiet=settings.quiet)
    return ReportBatch(settings, reporter, {}, cases, grid=grid).run(items)


def command(
    paths: options.Paths,
    output: Annotated[Path, OUTPUT],
    grid: Annotated[GridName, options.GRID] = GridName.QUICK,
    pdf: options.Pdf = False,
    threshold: options.Threshold = None,
    prior: options.Prior = 0.5,
    max_faces: options.MaxFaces = None,
    model: options.Model = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write a case report for each picture: a page that needs no network, with JSON beside it.

    Exit codes: 0 done, 2 usage, 3 some inputs could not be examined, 4 none could, 70 internal error,
    130 interrupted.
    """
    settings = DetectSettings(
        paths=tuple(paths),
        html=output,
        pdf=pdf,
        threshold=threshold,
        prior=prior,
        max_faces=max_faces,
        model=model,
        quiet=quiet,
        debug=debug,
    )
    guarded_call(lambda: run(settings, grid), debug)
