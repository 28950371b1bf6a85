"""`detect`: examine pictures one by one and say how far the findings support a generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whichface.app import options
from whichface.app.console import Progress, describe, guarded_call
from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from whichface.app.case_files import CaseFiles
    from whichface.app.case_reports import CaseWriter
    from whichface.app.inputs import Picture, Unreadable
    from whichface.app.outputs import Reporter
    from whichface.detectors import Examiner
    from whichface.forensics.records import Examination

FINDINGS = 5


class FailOn(StrEnum):
    """Labels that `--fail-on` takes."""

    GENERATED = "generated"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """The command line, resolved."""

    paths: tuple[str, ...]
    """Files, folders, "-"."""
    as_json: bool = False
    """One JSON line a picture instead of text."""
    overlay: Path | None = None
    """PNG file, or folder, for the marked pictures."""
    html: Path | None = None
    """HTML file, or folder, for case reports; every analyzer runs then."""
    pdf: bool = False
    """Print the case reports as PDF too."""
    threshold: float | None = None
    """log10 likelihood ratio from which the label is generated; None: the shipped one."""
    prior: float = 0.5
    """Prior probability of "generated"."""
    fail_on: frozenset[FailOn] = frozenset()
    """Labels that set exit code 1."""
    explain: bool = False
    """Every analyzer, every finding, and the maps of every scale."""
    cues: tuple[str, ...] = ()
    """Analyzers to run by name; the overlay then shows their maps."""
    max_faces: int | None = None
    """Only the largest so many faces."""
    model: str | None = None
    """Model id or folder."""
    output: Path | None = None
    """File for the report instead of standard output."""
    quiet: bool = False
    """No progress and no warnings on stderr."""
    debug: bool = False
    """Tracebacks of internal errors on stderr."""

    def words(self) -> tuple[str, ...]:
        """The options that change what is found, as typed on a command line."""
        found = {
            "--threshold": self.threshold,
            "--prior": None if self.prior == 0.5 else self.prior,
            "--max-faces": self.max_faces,
            "--model": self.model,
        }
        return tuple(word for name, value in found.items() if value is not None for word in (name, str(value)))


@dataclass(slots=True)
class Tally:
    """What has happened so far, for the exit code."""

    examined: int = 0
    failed: int = 0
    internal: bool = False
    labels: set[str] = field(default_factory=set)

    def exit_code(self, fail_on: frozenset[FailOn]) -> ExitCode:
        """Internal error before "none", "none" before --fail-on, --fail-on before "some"."""
        if self.internal:
            return ExitCode.INTERNAL
        if not self.examined:
            return ExitCode.ALL_FAILED
        if self.labels & {condition.value for condition in fail_on}:
            return ExitCode.FAIL_ON
        return ExitCode.SOME_FAILED if self.failed else ExitCode.DONE


def build_examiner(settings: DetectSettings) -> Examiner:
    """The examiner with its models loaded. Raises WeightsError, BadParameter for an unknown --model."""
    from whichface.detectors import ExamineOptions, Examiner
    from whichface.forensics.errors import WeightsError

    options = ExamineOptions(
        threshold=settings.threshold,
        prior=settings.prior,
        explain=settings.explain or settings.html is not None,
        cues=settings.cues,
        max_faces=settings.max_faces,
        model=settings.model,
    )
    try:
        return Examiner(options)
    except WeightsError as error:
        if settings.model is None:
            raise
        raise typer.BadParameter(str(error), param_hint="--model") from error


def check_cues(names: tuple[str, ...]) -> None:
    """Raises BadParameter for a name that no analyzer has."""
    if not names:
        return
    from whichface.detectors.cues import chosen

    try:
        chosen(names)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--cue") from error


@dataclass
class Batch:
    """One run over all pictures; a picture that fails is reported and the others go on."""

    settings: DetectSettings
    reporter: Reporter
    overlays: Mapping[Picture, Path]
    cases: CaseFiles | None = None
    tally: Tally = field(default_factory=Tally)

    @cached_property
    def examiner(self) -> Examiner:
        """Loaded with the first picture that can be opened."""
        return build_examiner(self.settings)

    @cached_property
    def writer(self) -> CaseWriter | None:
        """Writes the case reports, if there are to be any."""
        from whichface.app.case_reports import CaseWriter

        command = ("detect", *self.settings.words())
        return None if self.cases is None else CaseWriter(self.cases, self.examiner, "quick", command)

    def run(self, items: tuple[Picture | Unreadable, ...]) -> ExitCode:
        """Examine everything in order and return the exit code."""
        progress = Progress(len(items), quiet=self.settings.quiet)
        for number, item in enumerate(items, 1):
            progress.show(number, item.name)
            try:
                self.take(item, progress)
            finally:
                progress.clear()
        return self.tally.exit_code(self.settings.fail_on)

    def take(self, item: Picture | Unreadable, progress: Progress) -> None:
        """Examine and report one item."""
        from whichface.app.inputs import Unreadable

        if isinstance(item, Unreadable):
            self.fail(item.name, item.reason, progress)
            return
        result = self.examine(item)
        if isinstance(result, str):
            self.fail(item.name, result, progress)
            return
        progress.clear()
        self.succeed(item, result)

    def fail(self, name: str, reason: str, progress: Progress) -> None:
        """Count and report an item that could not be examined."""
        progress.clear()
        self.tally.failed += 1
        self.reporter.failed(name, reason)

    def succeed(self, picture: Picture, examination: Examination) -> None:
        """Count and report an examination; a picture without a face counts as inconclusive."""
        self.tally.examined += 1
        labels = {face.verdict.label.value for face in examination.faces}
        self.tally.labels |= labels or {FailOn.INCONCLUSIVE.value}
        self.reporter.examined(examination, picture.name)
        if picture in self.overlays:
            from whichface.reports.overlay import save_overlay

            cue_maps = bool(self.settings.cues)
            save_overlay(self.overlays[picture], examination, cue_maps=cue_maps)
        if self.writer is not None:
            self.writer.write(picture, examination)

    def examine(self, picture: Picture) -> Examination | str:
        """The examination, or one sentence on why there is none. Raises WeightsError, BadParameter."""
        from whichface.forensics.errors import MissingExtraError, PhotoError, WeightsError
        from whichface.forensics.photo import open_photo

        try:
            photo = open_photo(picture.source())
            return self.examiner.examine(photo)
        except (PhotoError, MissingExtraError) as error:
            return _without_name(str(error), picture)
        except (WeightsError, typer.BadParameter):
            raise
        except OSError as error:
            return describe(error, self.settings.debug)
        except Exception as error:
            self.tally.internal = True
            return describe(error, self.settings.debug)


def _without_name(message: str, picture: Picture) -> str:
    """The message without the name at its start, as the line begins with the path already."""
    return message.removeprefix(f"{Path(picture.name).name} ").removeprefix("The picture ")


def run(settings: DetectSettings) -> ExitCode:
    """Examine what the settings name and return the exit code."""
    from whichface.app.case_files import plan_cases
    from whichface.app.inputs import Picture, expand
    from whichface.app.outputs import (
        Reporter,
        check_distinct,
        check_output,
        plan_overlays,
        report_stream,
    )

    check_cues(settings.cues)
    items = expand(settings.paths)
    pictures = [item for item in items if isinstance(item, Picture)]
    check_output(settings.output, pictures)
    overlays = plan_overlays(settings.overlay, pictures)
    cases = plan_cases(settings.html, settings.pdf, pictures)
    check_distinct(settings.output, overlays.values(), "--overlay")
    if cases is not None and settings.output is not None:
        check_distinct(settings.output, cases.possible(settings.output), "--html")
    findings = None if settings.explain else FINDINGS
    # A model that cannot be loaded is told before an earlier report is emptied.
    examiner = build_examiner(settings) if settings.output is not None and pictures else None
    with report_stream(settings.output) as stream:
        reporter = Reporter(
            stream, as_json=settings.as_json, findings=findings, quiet=settings.quiet
        )
        batch = Batch(settings, reporter, overlays, cases)
        if examiner is not None:
            batch.examiner = examiner
        return batch.run(items)


def command(
    paths: options.Paths,
    as_json: options.Json = False,
    overlay: options.Overlay = None,
    html: options.Html = None,
    pdf: options.Pdf = False,
    threshold: options.Threshold = None,
    prior: options.Prior = 0.5,
    fail_on: Annotated[list[FailOn] | None, options.FAIL_ON] = None,
    explain: options.Explain = False,
    cue: Annotated[list[str] | None, options.CUE] = None,
    max_faces: options.MaxFaces = None,
    model: options.Model = None,
    output: options.Output = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
    version: options.Version = False,
) -> None:
    """Examine portraits: do the findings support a StyleGAN-family generator or a camera photograph?

    Exit codes: 0 done, 1 --fail-on met, 2 usage, 3 some inputs could not be examined, 4 none could,
    70 internal error, 130 interrupted.
    """
    settings = DetectSettings(
        paths=tuple(paths),
        as_json=as_json,
        overlay=overlay,
        html=html,
        pdf=pdf,
        threshold=threshold,
        prior=prior,
        fail_on=frozenset(fail_on or ()),
        explain=explain,
        cues=tuple(cue or ()),
        max_faces=max_faces,
        model=model,
        output=output,
        quiet=quiet,
        debug=debug,
    )
    guarded_call(lambda: run(settings), debug)
