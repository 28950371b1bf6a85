"""`whichface robustness`: one picture under many conditions, so that people see how firm its verdict is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from whichface.app import options
from whichface.app.commands.detect import DetectSettings, build_examiner
from whichface.app.console import Progress, describe, guarded_call, rich_console, say
from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from whichface.app.inputs import Picture
    from whichface.detectors import Examiner
    from whichface.reports.robustness import Robustness


class GridName(StrEnum):
    """Grids that `whichface robustness` takes."""

    QUICK = "quick"
    FULL = "full"


GRID = typer.Option(metavar="quick|full", help="Conditions to try: quick (10) or full (33).")


@dataclass(frozen=True, slots=True)
class RobustnessSettings:
    """The command line, resolved."""

    paths: tuple[str, ...]
    """Files, folders, "-"."""
    grid: GridName = GridName.FULL
    """Which conditions."""
    as_json: bool = False
    """One JSON line a picture instead of a table."""
    threshold: float | None = None
    """log10 likelihood ratio from which the label is generated."""
    model: str | None = None
    """Model id or folder."""
    output: Path | None = None
    """File for the report instead of standard output."""
    quiet: bool = False
    """No progress."""
    debug: bool = False
    """Tracebacks of internal errors."""


def try_picture(settings: RobustnessSettings, examiner: Examiner, picture: Picture) -> Robustness:
    """All conditions of one picture. Raises PhotoError, MissingExtraError, OSError."""
    from whichface.app.case_reports import attempt
    from whichface.detectors.robustness import Grid, conditions, trials
    from whichface.forensics.photo import open_photo
    from whichface.reports.robustness import Robustness

    photo = open_photo(picture.source())
    chosen = conditions(Grid(settings.grid.value))
    progress = Progress(len(chosen), quiet=settings.quiet)
    attempts = []
    try:
        for number, found in enumerate(trials(examiner, photo, chosen), 1):
            progress.show(number, f"{picture.name}, {found.condition.name}")
            attempts.append(attempt(found))
    finally:
        progress.clear()
    return Robustness(picture.name, photo.sha256, tuple(attempts))


def run(settings: RobustnessSettings) -> ExitCode:
    """Try everything that the settings name and return the exit code."""
    from whichface.app.inputs import Unreadable, expand
    from whichface.app.outputs import check_output, report_stream

    items = expand(settings.paths)
    pictures = [item for item in items if not isinstance(item, Unreadable)]
    check_output(settings.output, pictures)
    detect = DetectSettings((), threshold=settings.threshold, model=settings.model, max_faces=1)
    examiner = build_examiner(detect)
    failed = 0
    with report_stream(settings.output) as stream:
        for item in items:
            if isinstance(item, Unreadable):
                message: str | None = item.reason
            else:
                message = _report(settings, stream, item, examiner)
            if message is not None:
                failed += 1
                _failed(settings, stream, item.name, message)
    if failed < len(items):
        return ExitCode.SOME_FAILED if failed else ExitCode.DONE
    return ExitCode.ALL_FAILED


def _report(
    settings: RobustnessSettings, stream: TextIO, picture: Picture, examiner: Examiner
) -> str | None:
    """Write one picture's table or line; the reason when it could not be examined."""
    from whichface.forensics.errors import MissingExtraError, PhotoError

    try:
        result = try_picture(settings, examiner, picture)
    except (PhotoError, MissingExtraError) as error:
        return str(error).removeprefix(f"{Path(picture.name).name} ")
    except OSError as error:
        return describe(error, settings.debug)
    if settings.as_json:
        _line(stream, result.to_dict())
    else:
        width = None if stream is sys.stdout and stream.isatty() else 100
        rich_console(stream, width=width).print(result, end="\n")
    return None


def _failed(settings: RobustnessSettings, stream: TextIO, name: str, message: str) -> None:
    say(f"{name}: {message}")
    if settings.as_json:
        from whichface.reports.robustness import failure

        _line(stream, failure(name, message))


def _line(stream: TextIO, content: dict[str, Any]) -> None:
    from whichface.reports.json import to_line

    stream.write(to_line(content) + "\n")
    stream.flush()


def command(
    paths: options.Paths,
    grid: Annotated[GridName, GRID] = GridName.FULL,
    as_json: options.Json = False,
    threshold: options.Threshold = None,
    model: options.Model = None,
    output: options.Output = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Shrink, compress, blur, crop a picture and see whether its verdict holds.

    The largest face counts. Exit codes: 0 done, 2 usage, 3 some inputs could not be examined, 4 none could,
    70 internal error, 130 interrupted.
    """
    settings = RobustnessSettings(
        paths=tuple(paths),
        grid=grid,
        as_json=as_json,
        threshold=threshold,
        model=model,
        output=output,
        quiet=quiet,
        debug=debug,
    )
    guarded_call(lambda: run(settings), debug)
