"""`gan dataset`: choose, crop or align, resize, and write pictures for training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whichface.app import options
from whichface.app.console import Progress, guarded_call, say
from whichface.app.exit_codes import ExitCode
from whichface.app.gan_options import Crop, Resolution

if TYPE_CHECKING:
    from whichface.generator.prepare import PrepareConfig, Tally


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """The command line, resolved."""

    sources: tuple[Path, ...]
    output: Path
    config: PrepareConfig
    tfrecords: bool
    label_by: str | None
    strict: bool
    quiet: bool


def _conditions(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """COLUMN=VALUE to pairs. Raises BadParameter."""
    pairs = [tuple(text.split("=", 1)) for text in texts]
    if any(len(pair) != 2 for pair in pairs):
        raise typer.BadParameter("must look like label=real.", param_hint="--where")
    return tuple((pair[0], pair[1]) for pair in pairs)


def run(settings: DatasetSettings) -> ExitCode:
    """Write the collection; files that cannot be used are named on stderr."""
    from whichface.generator.prepare import collect, prepare
    from whichface.generator.writers import open_writer

    items = collect(settings.sources, settings.config, settings.label_by)
    kind = "tfrecords" if settings.tfrecords else "auto"
    writer = open_writer(settings.output, settings.config.resolution, kind)
    progress = Progress(len(items), quiet=settings.quiet)
    tally = prepare(items, writer, settings.config, progress.show)
    progress.clear()
    _report(tally, settings)
    if not tally.written:
        return ExitCode.ALL_FAILED
    return ExitCode.SOME_FAILED if settings.strict and tally.skipped else ExitCode.DONE


def _report(tally: Tally, settings: DatasetSettings) -> None:
    for path, reason in tally.skipped if not settings.quiet else ():
        say(f"skipped {path}: {reason}")
    size = settings.config.resolution
    where = f"in {settings.output}" if tally.written else f"are left: {settings.output} was not made"
    print(f"{tally.written} pictures of {size}x{size} {where}, {len(tally.skipped)} skipped")


def command(
    sources: Annotated[list[Path], typer.Argument(metavar="FOLDER", help="Folders of pictures.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="A new folder, or NAME.zip.")
    ],
    resolution: Resolution = 256,
    crop: Annotated[
        Crop, typer.Option(help="align: the FFHQ square of the largest face, by our own landmarks.")
    ] = Crop.CENTRE,
    tfrecords: Annotated[
        bool, typer.Option("--tfrecords", help="Write TFRecords of every resolution into the folder.")
    ] = False,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only such rows of manifest.csv; may be repeated."),
    ] = None,
    one_per_group: Annotated[
        bool, typer.Option("--one-per-group", help="Only the largest picture of each group.")
    ] = False,
    label_by: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Classes: a column of the manifest, or folder."),
    ] = None,
    least_inside: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Share of the square in the picture.")
    ] = 0.98,
    most: Annotated[
        int | None, typer.Option("--max-images", metavar="N", min=1, help="Stop after N pictures.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 when one was skipped.")] = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Make a training collection: squares of one power-of-two side, as a folder, a ZIP or TFRecords."""

    def work() -> ExitCode:
        from whichface.generator.prepare import PrepareConfig

        if resolution < 8 or resolution > 1024 or resolution & (resolution - 1):
            raise typer.BadParameter("must be a power of two from 8 to 1024.", param_hint="--resolution")
        config = PrepareConfig(
            resolution=resolution,
            crop=crop.value,
            where=_conditions(where or []),
            one_per_group=one_per_group,
            least_inside=least_inside,
            most=most,
        )
        return run(
            DatasetSettings(tuple(sources), output, config, tfrecords, label_by, strict, quiet)
        )

    guarded_call(work, debug)
