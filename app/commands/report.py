"""`whichface report`: one self-contained page a picture, for an editor first and an expert after."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whichface.app import options, scan_options
from whichface.app.commands.detect import Batch, DetectSettings
from whichface.app.commands.evaluate import GridName
from whichface.app.console import guarded_call, say
from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from whichface.app.case_reports import CaseWriter
    from whichface.app.inputs import Picture
    from whichface.detectors.scanning.results import Generation
    from whichface.forensics.records import Examination

PATHS = typer.Argument(metavar="PATH", help="Pictures, folders (searched recursively), or - for standard input.")
FROM_SCAN = typer.Option(metavar="DB", help="Report on pictures of this store, which whichface scan has made.")
LIMIT = typer.Option(metavar="N", min=1, help="At most so many pictures of the store, strongest first.")
OUTPUT = typer.Option("--output", "-o", metavar="DIR", help="Folder for the pages, or a file ending in .html.")


@dataclass
class ReportBatch(Batch):
    """A batch whose results are pages; standard output says which."""

    grid: GridName = GridName.QUICK
    """Changes that the verdict is tried under."""
    store: Path | None = None
    """Store of a scan that the pictures come from."""
    words: tuple[str, ...] = ()
    """Options as typed, for the command line on the page."""

    @cached_property
    def writer(self) -> CaseWriter | None:
        """Writes the pages."""
        from whichface.app.case_reports import CaseWriter

        grid = () if self.grid == GridName.QUICK else ("--grid", self.grid.value)
        store = ("--from-scan", str(self.store)) if self.store else ()
        command = ("whichface", "report", *self.words, *grid, *store)
        return None if self.cases is None else CaseWriter(self.cases, self.examiner, self.grid.value, command)

    def examine(self, picture: Picture) -> Examination | str:
        """The examination, or one sentence on why there is none. Raises WeightsError, BadParameter."""
        from whichface.app.case_sources import Scanned

        found = super().examine(picture)
        if isinstance(found, str) or not isinstance(picture, Scanned):
            return found
        return picture.trouble(found) or found

    def succeed(self, picture: Picture, examination: Examination) -> None:
        """Write the page and say where it is."""
        from whichface.app.case_sources import Scanned
        from whichface.reports.wording import clean, gravest

        self.tally.examined += 1
        if self.writer is None:
            return
        if isinstance(picture, Scanned) and picture.differs(examination):
            say(f"{picture.name}: the ratio is not the scan's; another model or version made that.")
        page = self.writer.write(picture, examination)
        label = gravest(tuple(face.verdict.label for face in examination.faces))
        what = "NO FACE" if label is None else label.value.upper()
        print(clean(f"{picture.name}: {what}: {page}"), flush=True)


def run_scanned(
    settings: DetectSettings, grid: GridName, store: Path, where: str | None, limit: int | None
) -> ExitCode:
    """Write reports of pictures that a scan has examined, with the scan's options, and return the exit code."""
    from whichface.app.case_files import plan_cases
    from whichface.app.case_sources import scanned_pictures
    from whichface.app.outputs import Reporter
    from whichface.detectors.classifier import DEFAULT_MODEL

    found = scanned_pictures(store, where, limit)
    if not found.pictures:
        say("no picture of the store fits.")
        return ExitCode.DONE
    known, words = ("threshold", "prior", "max_faces"), settings.words()
    settings = replace(settings, **{name: found.options[name] for name in known if name in found.options})
    generation = scanned_by(store)
    source = None if generation.source == DEFAULT_MODEL else generation.source
    settings = replace(settings, model=settings.model or source)
    cases = plan_cases(settings.html, settings.pdf, (), option="--output", folder=True)
    if cases is not None:
        cases.by_hash = True
    reporter = Reporter(sys.stdout, as_json=False, findings=None, quiet=settings.quiet)
    batch = ReportBatch(settings, reporter, {}, cases, grid=grid, store=store, words=words)
    check_model(batch.examiner.model.card, generation)
    return batch.run(found.pictures)


def scanned_by(store: Path) -> Generation:
    """The latest generation of a store that has pictures."""
    from whichface.detectors.store import open_results

    with open_results(store) as results:
        return next(item for item in results.generations() if item.number == results.generation)


def check_model(card: Mapping[str, Any], generation: Generation) -> None:
    """Raises BadParameter when a model is not the one that a scan was made with."""
    from whichface.detectors.scanning.records import model_print

    name = str(card["model"])
    known = generation.model_print
    if name != generation.model or (known is not None and known != model_print(name, card["files"])):
        message = (
            f"the scan was made with the model {generation.model}, and this {name} is another one; "
            "name the scan's model, or scan again."
        )
        raise typer.BadParameter(message, param_hint="--model")


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
    return ReportBatch(settings, reporter, {}, cases, grid=grid, words=settings.words()).run(items)


def command(
    output: Annotated[Path, OUTPUT],
    paths: Annotated[list[str] | None, PATHS] = None,
    from_scan: Annotated[Path | None, FROM_SCAN] = None,
    where: scan_options.Where = None,
    limit: Annotated[int | None, LIMIT] = None,
    grid: Annotated[GridName, options.CHANGES] = GridName.QUICK,
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
        paths=tuple(paths or ()),
        html=output,
        pdf=pdf,
        threshold=threshold,
        prior=prior,
        max_faces=max_faces,
        model=model,
        quiet=quiet,
        debug=debug,
    )
    if (from_scan is None) != bool(paths):
        raise typer.BadParameter("give pictures, or the store of a scan with --from-scan.", param_hint="PATH")
    if from_scan is None and (where is not None or limit is not None):
        raise typer.BadParameter("--where and --limit ask a store: they need --from-scan.", param_hint="--where")
    if from_scan is not None and replace(settings, model=None).words():
        message = "threshold, prior and faces are those of the scan and cannot be given."
        raise typer.BadParameter(message, param_hint="--from-scan")
    if from_scan is None:
        guarded_call(lambda: run(settings, grid), debug)
    else:
        guarded_call(lambda: run_scanned(settings, grid, from_scan, where, limit), debug)
