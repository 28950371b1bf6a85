"""`whichface scan`: any number of pictures into a store that can be gone on with."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whichface.app import options, scan_options
from whichface.app.console import Progress, guarded_call, say, time_left
from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from whichface.detectors.scan import Engine, Scan
    from whichface.detectors.scanning.records import Encoder, ScanConfig
    from whichface.detectors.scanning.records import Progress as ScanProgress
    from whichface.detectors.store import Store


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """The command line, resolved."""

    sources: tuple[str, ...]
    """Folders, ZIPs, lists, addresses."""
    output: Path
    """The store."""
    include: tuple[str, ...] = ()
    """Patterns of names to take."""
    exclude: tuple[str, ...] = ()
    """Patterns of names to leave out."""
    watch: bool = False
    """Go on looking for new files."""
    retry: bool = False
    """Examine failures again."""
    threshold: float | None = None
    """log10 likelihood ratio from which the label is generated; None: the shipped one."""
    prior: float = 0.5
    """Prior probability of "generated"."""
    explain: bool = False
    """Run every analyzer."""
    max_faces: int | None = None
    """Only the largest so many faces."""
    model: str | None = None
    """Model id or folder."""
    workers: int | None = None
    """Processes; None: one a core."""
    time_limit: float = 60.0
    """Seconds a picture."""
    memory_limit: int = 3000
    """MB a picture."""
    engine: scan_options.EngineName = scan_options.EngineName.LOCAL
    """Where pictures are examined."""
    address: str | None = None
    """Of a Ray cluster."""
    html: Path | None = None
    """Index to write."""
    quiet: bool = False
    """No progress on stderr."""


@dataclass
class Meter:
    """The observer that a scan is given: one line on a terminal's stderr."""

    quiet: bool
    progress: Progress | None = None
    troubles: list[str] = field(default_factory=list)

    def __call__(self, now: ScanProgress) -> None:
        """Show how far it is, how fast, and what was found."""
        if self.progress is None:
            self.progress = Progress(2, quiet=self.quiet)
            if now.unchanged and not self.quiet:
                say("going on with what is in the store.")
        self.progress.total = now.total or now.seen
        left = "" if now.left is None else f", {time_left(now.left)}"
        found = f"{now.generated} generated, {now.inconclusive} inconclusive, {now.real} real, {now.failed} failed"
        self.progress.show(now.done, f"{now.rate:.1f}/s{left}: {found}")

    def trouble(self, message: str) -> None:
        """A source that cannot be used, said once."""
        self.clear()
        if message not in self.troubles:
            self.troubles.append(message)
            say(message)

    def clear(self) -> None:
        """Wipe the line."""
        if self.progress is not None:
            self.progress.clear()


def build_config(settings: ScanSettings) -> ScanConfig:
    """The resolved configuration."""
    from whichface.detectors.examine import ExamineOptions
    from whichface.detectors.scanning.records import Limits, ScanConfig

    examine = ExamineOptions(
        threshold=settings.threshold,
        prior=settings.prior,
        explain=settings.explain,
        max_faces=settings.max_faces,
        model=settings.model,
    )
    limits = Limits(settings.time_limit, settings.memory_limit)
    return ScanConfig(examine, settings.workers or cores(), limits, retry=settings.retry)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def encoder() -> Encoder:
    """Records as `detect --json` has them."""
    from whichface.detectors.scanning.records import Encoder
    from whichface.reports.json import failure_to_dict, to_dict

    return Encoder(to_dict, failure_to_dict)


def build_engine(settings: ScanSettings, config: ScanConfig) -> Engine:
    """Where pictures are examined. Raises MissingExtraError."""
    from whichface.detectors.scan import local_engine

    if settings.engine is scan_options.EngineName.LOCAL:
        return local_engine(config, encoder())
    from whichface.detectors.scanning.cluster import RayEngine

    return RayEngine(config, encoder(), settings.address, settings.workers)


def check(settings: ScanSettings) -> None:
    """Raises BadParameter for sources that do not exist and for a store that cannot be made."""
    from whichface.detectors.scanning.sources import is_pipe

    for source in settings.sources:
        if source != "-" and "://" not in source and not os.path.lexists(source):
            raise typer.BadParameter(f"{source} does not exist.", param_hint="SOURCE")
    if settings.watch and any(source == "-" or is_pipe(source) for source in settings.sources):
        raise typer.BadParameter("standard input and pipes cannot be watched.", param_hint="--watch")
    if settings.address and settings.engine is not scan_options.EngineName.RAY:
        raise typer.BadParameter("an address needs --engine ray.", param_hint="--address")
    if not isfinite(settings.time_limit):
        raise typer.BadParameter("must be a number of seconds.", param_hint="--time-limit")
    if settings.output.is_dir():
        raise typer.BadParameter(f"{settings.output} is a folder.", param_hint="--output")
    if not settings.output.parent.is_dir():
        raise typer.BadParameter(f"the folder {settings.output.parent} does not exist.", param_hint="--output")
    if settings.html is not None:
        check_page(settings.html, settings)


def check_page(page: Path, settings: ScanSettings) -> None:
    """Raises BadParameter for a page that cannot be written or would overwrite the store, a source, a picture."""
    from whichface.app.outputs import check_target

    if str(page) == "-":
        return
    if page.resolve() == settings.output.resolve():
        raise typer.BadParameter(f"{page} is the store itself.", param_hint="--html")
    if any("://" not in source and page.resolve() == Path(source).resolve() for source in settings.sources):
        raise typer.BadParameter(f"{page} is one of the sources and would be overwritten.", param_hint="--html")
    check_target(page, "--html")


def check_model(config: ScanConfig) -> None:
    """Raises BadParameter for an unknown model before a store is made; WeightsError for a damaged installation."""
    from whichface.detectors.scan import identity
    from whichface.forensics.errors import WeightsError

    try:
        identity(config)
    except WeightsError as error:
        if config.options.model is None:
            raise
        raise typer.BadParameter(str(error), param_hint="--model") from error


def opened(settings: ScanSettings) -> Store:
    """The store. Raises BadParameter for a file that is something else, StoreError."""
    from whichface.detectors.store import Store
    from whichface.forensics.errors import NotAStoreError

    try:
        return Store(settings.output)
    except NotAStoreError as error:
        raise typer.BadParameter(str(error), param_hint="--output") from error


def run(settings: ScanSettings) -> ExitCode:
    """Scan, report and return the exit code."""
    from whichface.detectors.scan import Scan
    from whichface.detectors.scanning.sources import Filter

    check(settings)
    config, meter = build_config(settings), Meter(settings.quiet)
    check_model(config)
    chosen, stopped = Filter(settings.include, settings.exclude), False
    with build_engine(settings, config) as engine, opened(settings) as store:
        scan = Scan(settings.sources, store, config, encoder(), chosen, meter, meter.trouble)
        try:
            scan.run(engine, settings.watch)
        except KeyboardInterrupt:
            stopped = True
            meter.clear()
            say("stopped; what is done is stored, and the same command goes on from there.")
        finally:
            meter.clear()
    report(settings, scan, stopped)
    return ExitCode.INTERRUPTED if stopped else exit_code(scan.progress, len(meter.troubles))


def report(settings: ScanSettings, scan: Scan, stopped: bool) -> None:
    """The summary on standard output unless the scan was stopped, and the page. Raises CaseError."""
    from whichface.app.case_files import CaseError
    from whichface.app.scan_report import print_summary, write_page
    from whichface.detectors.store import open_results

    with open_results(settings.output, scan.generation) as results:
        if not stopped:
            print_summary(results, sys.stdout)
        if settings.html is not None:
            try:
                write_page(results, settings.html, where=None, limit=None, cases=None)
            except typer.BadParameter as error:  # no mistake of usage any more: everything has been examined
                raise CaseError(error.message) from error


def exit_code(progress: ScanProgress, troubles: int) -> ExitCode:
    """What the last round says: none, some or all could be examined."""
    if not progress.seen:
        if not troubles:
            say("no pictures found.")
        return ExitCode.ALL_FAILED
    if progress.failed >= progress.seen:
        return ExitCode.ALL_FAILED
    return ExitCode.SOME_FAILED if progress.failed or troubles else ExitCode.DONE


def command(
    sources: scan_options.Sources,
    output: scan_options.Database,
    include: Annotated[list[str] | None, scan_options.INCLUDE] = None,
    exclude: Annotated[list[str] | None, scan_options.EXCLUDE] = None,
    watch: scan_options.Watch = False,
    retry: scan_options.Retry = False,
    threshold: options.Threshold = None,
    prior: options.Prior = 0.5,
    explain: options.Explain = False,
    max_faces: options.MaxFaces = None,
    model: options.Model = None,
    workers: scan_options.Workers = None,
    time_limit: scan_options.TimeLimit = 60.0,
    memory_limit: scan_options.MemoryLimit = 3000,
    engine: scan_options.Engine = scan_options.EngineName.LOCAL,
    address: scan_options.Address = None,
    html: scan_options.Html = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Examine any number of pictures into a store; interrupted, the same command goes on.

    Exit codes: 0 done, 2 usage, 3 some inputs could not be examined, 4 none could, 70 internal error, 130 interrupted.
    """
    settings = ScanSettings(
        sources=tuple(sources),
        output=output,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        watch=watch,
        retry=retry,
        threshold=threshold,
        prior=prior,
        explain=explain,
        max_faces=max_faces,
        model=model,
        workers=workers,
        time_limit=time_limit,
        memory_limit=memory_limit,
        engine=engine,
        address=address,
        html=html,
        quiet=quiet,
    )
    guarded_call(lambda: run(settings), debug)
