"""`whichface evaluate`: a model on a labelled corpus, as a page, JSON, CSV and a screen."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whichface.app import options
from whichface.app.console import Progress, guarded_call, rich_console, say, time_left
from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from whichface.detectors.evaluate import Evaluation

PAGE, VALUES, SCORES = "evaluation.html", "evaluation.json", "scores.csv"


class GridName(StrEnum):
    """Grids that `whichface evaluate` takes."""

    NONE = "none"
    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """The command line, resolved."""

    corpus: Path
    """Folder of labelled pictures."""
    output: Path
    """Folder for what is written."""
    model: str | None = None
    """Model id or folder."""
    split: str | None = None
    """train, val or all."""
    peers: tuple[Path, ...] = ()
    """CSV files of other detectors."""
    grid: GridName = GridName.QUICK
    """Conditions."""
    explain: bool = False
    """Measure every analyzer too."""
    workers: int = 2
    """Processes."""
    gallery: bool = True
    """Show the worst mistakes."""
    as_json: bool = False
    """Print the values instead of the summary."""
    quiet: bool = False
    """No progress."""

    def command(self) -> str:
        """The command line that does the same again."""
        parts = ["whichface", "evaluate", str(self.corpus)]
        parts += ["--model", self.model] if self.model else []
        parts += ["--split", self.split] if self.split else []
        for peer in self.peers:
            parts += ["--peer", str(peer)]
        parts += ["--grid", self.grid.value] + (["--explain"] if self.explain else [])
        parts += [] if self.gallery else ["--no-gallery"]
        return shlex.join([*parts, "-o", str(self.output)])


class Meter:
    """Progress with the time that is left; the observer that the evaluation is given."""

    def __init__(self, quiet: bool, words: str = "") -> None:
        self.quiet, self.words = quiet, words
        self.progress: Progress | None = None
        self.start, self.first = time.monotonic(), 0

    def __call__(self, done: int, total: int, name: str) -> None:
        """Show how far it is."""
        if self.progress is None:
            self.progress, self.first = Progress(total, quiet=self.quiet), done
            if done and not self.quiet and not self.words:
                say(f"{done} of {total} pictures were examined before; going on.")
        fresh = done - self.first
        self.progress.show(done, f"{self.words}{self.left(fresh, total - done)}{name}")
        if done == total:
            self.progress.clear()

    def left(self, fresh: int, missing: int) -> str:
        """Words for the time that is left."""
        if not fresh or not missing:
            return ""
        return f"{time_left((time.monotonic() - self.start) / fresh * missing)}, "


def measure(settings: EvaluateSettings) -> Evaluation:
    """Examine and measure. Raises BadParameter for an unusable corpus, peer or model, WeightsError, TooFewError."""
    from whichface.detectors.evaluate import (
        CollectConfig,
        CorpusError,
        EvaluateConfig,
        Grid,
        evaluate,
    )
    from whichface.forensics.errors import WeightsError

    grid = Grid(settings.grid.value)
    collect = CollectConfig(settings.model, grid, settings.explain, settings.workers)
    config = EvaluateConfig(settings.corpus, settings.output, settings.split, settings.peers, collect)
    meter, copies = Meter(settings.quiet), Meter(settings.quiet, "looking for copies, ")
    try:
        return evaluate(config, meter, copies)
    except CorpusError as error:
        raise typer.BadParameter(f"{error}.") from error
    except WeightsError as error:
        if settings.model is None:
            raise
        raise typer.BadParameter(str(error), param_hint="--model") from error
    finally:
        for shown in (meter, copies):
            if shown.progress is not None:
                shown.progress.clear()


def thumbnails(result: Evaluation) -> dict[str, str]:
    """Data URIs of the worst mistakes by file."""
    from whichface.forensics.errors import PhotoError
    from whichface.forensics.photo import open_photo
    from whichface.reports.html import thumbnail_uri

    found = {}
    for item in (*result.content["mistakes"]["reals"], *result.content["mistakes"]["fakes"]):
        try:
            photo = open_photo(result.corpus.folder / item["file"])
        except PhotoError:
            continue
        found[item["file"]] = thumbnail_uri(photo.pixels)
    return found


def write(settings: EvaluateSettings, result: Evaluation) -> list[str]:
    """Write page, values and scores; their paths."""
    import json

    from whichface.reports.evaluation import page
    from whichface.reports.scores import write_scores

    shown = thumbnails(result) if settings.gallery else None
    html = page(result.content, thumbnails=shown, command=settings.command())
    values = json.dumps(result.content, indent=1, allow_nan=False)
    paths = [settings.output / name for name in (PAGE, VALUES, SCORES)]
    paths[0].write_text(html, encoding="utf-8")
    paths[1].write_text(values + "\n", encoding="utf-8")
    stored = [asdict(row) for row in result.rows if row.condition == "as stored"]
    with paths[2].open("w", newline="", encoding="utf-8") as stream:
        write_scores(stored, stream)
    return [str(path) for path in paths]


def run(settings: EvaluateSettings) -> ExitCode:
    """Evaluate, write and print; the exit code."""
    from whichface.detectors.evaluate import TooFewError

    if settings.output.exists() and not settings.output.is_dir():
        raise typer.BadParameter(f"{settings.output} is a file.", param_hint="--output")
    try:
        result = measure(settings)
    except TooFewError as error:
        say(str(error))
        return ExitCode.ALL_FAILED
    except KeyboardInterrupt:
        say("stopped; the same command goes on where this one was.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    files = write(settings, result)
    _print(settings, result.content, files)
    for item in result.content["failures"]:
        say(f"{item['file']}: {item['message']}")
    return ExitCode.SOME_FAILED if result.content["failures"] else ExitCode.DONE


def _print(settings: EvaluateSettings, content: dict[str, Any], files: list[str]) -> None:
    if settings.as_json:
        from whichface.reports.json import to_line

        print(to_line(content))
        return
    from whichface.reports.evaluation_terminal import EvaluationSummary

    width = None if sys.stdout.isatty() else 130
    rich_console(sys.stdout, width=width).print(EvaluationSummary(content, files))


def command(
    corpus: options.Corpus,
    output: options.OutputFolder,
    model: options.Model = None,
    peer: Annotated[list[Path] | None, options.PEER] = None,
    split: options.Split = None,
    grid: Annotated[GridName, options.GRID] = GridName.QUICK,
    explain: options.Explain = False,
    workers: options.Workers = 2,
    no_gallery: options.NoGallery = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure a model on labelled pictures: ranking, calibration, robustness, baselines, mistakes.

    Writes evaluation.html, evaluation.json and scores.csv into DIR; interrupted, the same command goes on.

    Exit codes: 0 done, 2 usage, 3 some inputs could not be examined, 4 too few could, 70 internal error,
    130 interrupted.
    """
    settings = EvaluateSettings(
        corpus=corpus,
        output=output,
        model=model,
        split=split,
        peers=tuple(peer or ()),
        grid=grid,
        explain=explain,
        workers=workers,
        gallery=not no_gallery,
        as_json=as_json,
        quiet=quiet,
    )
    guarded_call(lambda: run(settings), debug)
