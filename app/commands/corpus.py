"""`corpus`: a labelled training corpus of real and generated faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whichface.app import gan_options, network_options, options
from whichface.app.console import Progress, guarded_call, say
from whichface.app.exit_codes import ExitCode
from whichface.app.leakage_report import report_leakage

if TYPE_CHECKING:
    from whichface.generator.corpus.build import Built
    from whichface.generator.corpus.records import CorpusConfig, Drawn, Source
    from whichface.generator.sample import Network

Folders = Annotated[
    list[Path] | None,
    typer.Option(metavar="DIR", help="Folder of such pictures, or one with a manifest.csv; repeatable."),
]


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """The command line, resolved."""

    real: tuple[Path, ...]
    fake: tuple[Path, ...]
    network: str | None
    count: int
    trunc: float
    output: Path
    config: CorpusConfig
    report: bool
    quiet: bool


def _network(settings: CorpusSettings) -> tuple[Network | None, Drawn | None]:
    """The network to draw with, if there is one, and how it is noted. Raises BadParameter, ForensicsError."""
    from whichface.generator.corpus.records import Drawn
    from whichface.generator.sample import digest

    if not settings.count:
        return None, None
    network = network_options.load(settings.network)
    if network.shape.classes:
        raise typer.BadParameter("must be a network without classes.", param_hint="--network")
    return network, Drawn(network.shape.name, digest(settings.network), settings.trunc)


def _sources(settings: CorpusSettings, network: Network | None) -> list[Source]:
    """All pictures in question. Raises DataError."""
    from whichface.generator.corpus.build import DRAWN
    from whichface.generator.corpus.sources import drawn_sources, folder_sources

    found = [s for folder in settings.real for s in folder_sources(folder, fake=False)]
    found += [s for folder in settings.fake for s in folder_sources(folder, fake=True)]
    if network is not None:
        progress = Progress(settings.count, quiet=settings.quiet)
        folder = settings.output / DRAWN
        found += drawn_sources(network, settings.count, folder, psi=settings.trunc, seen=progress.show)
        progress.clear()
    return found


def run(settings: CorpusSettings) -> ExitCode:
    """Build, report what was left out, and print what the baselines make of it."""
    from whichface.generator.corpus.build import check_settings, plan, write

    network, drawn = _network(settings)
    check_settings(settings.output, settings.config, drawn)
    sources = _sources(settings, network)
    progress = Progress(len(sources), quiet=settings.quiet)
    built = plan(sources, settings.output, settings.config, progress.show)
    progress.clear()
    for path, reason in built.refused if not settings.quiet else ():
        say(f"left out {path}: {reason}")
    progress = Progress(len(built.rows), quiet=settings.quiet)
    write(built, settings.output, settings.config, progress.show)
    progress.clear()
    print(_text(built, settings.output))
    if settings.report:
        report_leakage(settings.output)
    return ExitCode.DONE


def _text(built: Built, folder: Path) -> str:
    reals = sum(not row.source.fake for row in built.rows)
    counts = {s: sum(row.split == s for row in built.rows) for s in ("train", "val", "test")}
    parts = ", ".join(f"{count} {name}" for name, count in counts.items())
    return (
        f"{folder}: {reals} reals, {len(built.rows) - reals} fakes ({parts}); {len(built.refused)} left out;"
        f" {built.duplicates} pairs of near-duplicates kept on one side; face sides up to {built.cap:.0f} px"
    )


def command(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder of the corpus.")],
    real: Folders = None,
    fake: Folders = None,
    network: network_options.NetworkOption = None,
    count: Annotated[
        int, typer.Option(metavar="K", min=0, help="Fakes to draw with the network.")
    ] = 0,
    trunc: network_options.Trunc = 1.0,
    resolution: Annotated[
        int, typer.Option(metavar="PX", min=64, max=1024, help="Side of the normalised pictures.")
    ] = 256,
    native: Annotated[bool, typer.Option("--native", help="Keep the originals under native/.")] = False,
    seed: gan_options.Seed = 0,
    leakage: gan_options.Leakage = True,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Find and align faces, take both classes through one random codec and size chain, split by group.

    Given again, the same command goes on where it stopped.
    """

    def work() -> ExitCode:
        from whichface.generator.corpus.records import CorpusConfig

        if not real or not (fake or count):
            raise typer.BadParameter("--real and either --fake or --count are needed.")
        config = CorpusConfig(resolution=resolution, seed=seed, native=native)
        return run(
            CorpusSettings(
                tuple(real), tuple(fake or ()), network, count, trunc, output, config, leakage, quiet
            )
        )

    guarded_call(work, debug)
