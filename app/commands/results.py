"""`whichface results`: asking the store of a scan."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from whichface.app import options, scan_options
from whichface.app.console import guarded_call, say
from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from whichface.detectors.scanning.results import Results


@dataclass(frozen=True, slots=True)
class ResultsSettings:
    """The command line, resolved."""

    store: Path
    """What scan made."""
    where: str | None = None
    """SQL expression over the columns."""
    generation: int | None = None
    """Number of a generation; None: the latest."""
    csv: Path | None = None
    """File for rows."""
    jsonl: Path | None = None
    """File for rows."""
    parquet: Path | None = None
    """File for rows."""
    html: Path | None = None
    """File for the index."""
    cases: Path | None = None
    """Folder of case reports."""
    records: bool = False
    """Print whole records."""
    limit: int | None = None
    """Most rows."""
    generations: bool = False
    """List the generations."""

    @property
    def exports(self) -> tuple[tuple[str, Path], ...]:
        """Options with the files that they name."""
        named = (("--csv", self.csv), ("--jsonl", self.jsonl), ("--parquet", self.parquet), ("--html", self.html))
        return tuple((option, path) for option, path in named if path is not None)


def check(settings: ResultsSettings) -> None:
    """Raises BadParameter for a store or a file that cannot be."""
    from whichface.app.outputs import check_target

    if not settings.store.is_file():
        raise typer.BadParameter(f"{settings.store} does not exist; whichface scan makes it.", param_hint="DB")
    for option, path in settings.exports:
        if path.exists() and path.samefile(settings.store):
            raise typer.BadParameter(f"{path} is the store itself.", param_hint=option)
        if str(path) != "-":
            check_target(path, option)


def opened(settings: ResultsSettings) -> Results:
    """The results. Raises BadParameter for what is no store, an unknown generation, a bad question."""
    from whichface.detectors.store import open_results
    from whichface.forensics.errors import StoreError

    try:
        results = open_results(settings.store, settings.generation)
    except StoreError as error:
        raise typer.BadParameter(str(error), param_hint="DB") from error
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--generation") from error
    try:
        results.check(settings.where)
    except ValueError as error:
        results.close()
        raise typer.BadParameter(f"{str(error).rstrip('.')}.", param_hint="--where") from error
    return results


def run(settings: ResultsSettings) -> ExitCode:
    """Ask the store, print or write."""
    from whichface.app.scan_report import print_summary, write_page

    check(settings)
    with opened(settings) as results:
        if settings.generations:
            for line in generation_lines(results):
                print(line)
            return ExitCode.DONE
        for option, path in settings.exports:
            if option == "--html":
                write_page(results, path, where=settings.where, limit=settings.limit, cases=settings.cases)
            else:
                export(results, settings, option, path)
        if settings.records:
            for number, record in enumerate(results.records(settings.where)):
                if settings.limit is not None and number >= settings.limit:
                    break
                print(json.dumps(record, allow_nan=False))
        elif settings.where is not None and not settings.exports:
            print_rows(results, settings)
        elif not settings.exports:
            print_summary(results, sys.stdout)
    return ExitCode.DONE


def export(results: Results, settings: ResultsSettings, option: str, path: Path) -> None:
    """Write the rows to one file, and say on stderr how many."""
    from whichface.app.outputs import replaced, report_stream
    from whichface.detectors.scanning.schema import COLUMNS
    from whichface.reports.table import write_csv, write_jsonl, write_parquet

    rows: Iterator[dict[str, Any]] = results.rows(settings.where, settings.limit)
    with nullcontext(path) if str(path) == "-" else replaced(path, option) as part:
        if option == "--parquet":
            count = write_parquet(rows, COLUMNS, part)
        else:
            with report_stream(part, option) as stream:
                count = write_csv(rows, COLUMNS, stream) if option == "--csv" else write_jsonl(rows, stream)
    if str(path) != "-":
        say(f"{count:,} rows written to {path}.")


def print_rows(results: Results, settings: ResultsSettings) -> None:
    """One line a row, strongest first."""
    from whichface.reports.table import line_of

    for row in results.rows(settings.where, settings.limit):
        print(line_of(row))


def generation_lines(results: Results) -> Iterator[str]:
    """One line a generation: number, model, options, pictures."""
    for item in results.generations():
        chosen = ", ".join(f"{name} {value}" for name, value in item.options.items() if value not in (None, [], False))
        yield f"{item.number}: model {item.model}, {item.pictures:,} pictures, begun {item.created} ({chosen})"


def command(
    store: scan_options.Store,
    where: scan_options.Where = None,
    csv: scan_options.Csv = None,
    jsonl: scan_options.Jsonl = None,
    parquet: scan_options.Parquet = None,
    html: scan_options.Html = None,
    cases: scan_options.Cases = None,
    as_json: scan_options.Records = False,
    limit: scan_options.Limit = None,
    generation: scan_options.GenerationNumber = None,
    generations: scan_options.ListGenerations = False,
    debug: options.Debug = False,
) -> None:
    """Ask the store of a scan: a summary, rows that fit a question, CSV, JSON lines, Parquet, an HTML index.

    Exit codes: 0 done, 2 usage, 70 internal error, 130 interrupted.
    """
    settings = ResultsSettings(
        store=store,
        where=where,
        generation=generation,
        csv=csv,
        jsonl=jsonl,
        parquet=parquet,
        html=html,
        cases=cases,
        records=as_json,
        limit=limit,
        generations=generations,
    )
    guarded_call(lambda: run(settings), debug)
