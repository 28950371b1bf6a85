"""`gan video`: a closed walk through faces."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from whichface.app import network_options, options
from whichface.app.console import guarded_call
from whichface.app.exit_codes import ExitCode


def _grid(text: str) -> tuple[int, int]:
    """Columns and rows of "3x2". Raises BadParameter."""
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if not found or "0" in found.groups():
        raise typer.BadParameter("must look like 3x2.", param_hint="--grid")
    return int(found[1]), int(found[2])


def command(
    network: network_options.NetworkOption = None,
    seeds: Annotated[str, typer.Option(metavar="RANGE", help="Faces on the way.")] = "0-7",
    steps: Annotated[
        int, typer.Option("--w-frames", metavar="N", min=1, help="Frames from face to face.")
    ] = 30,
    grid: Annotated[str, typer.Option(metavar="CxR", help="Walks beside each other.")] = "1x1",
    rate: Annotated[int, typer.Option("--fps", metavar="N", min=1, max=60, help="Frames a second.")] = 30,
    least: Annotated[int, typer.Option("--least-side", metavar="PX", min=1, help="Least size.")] = 256,
    trunc: network_options.Trunc = 0.7,
    chosen: network_options.Class = None,
    output: network_options.OutputFile = Path("walk.webp"),
    debug: options.Debug = False,
) -> None:
    """Interpolate between faces in w, as WebP, PNG, GIF (by name) or MP4."""

    def work() -> ExitCode:
        from whichface.generator.video import enlarge, frames, write

        columns, rows = _grid(grid)
        net = network_options.load(network)
        faces = network_options.seeds_of(seeds)
        shown = frames(net, faces, steps=steps, columns=columns, rows=rows, psi=trunc, chosen=chosen)
        pictures = (enlarge(picture, least) for picture in shown)
        about = net.shape.name
        count = network_options.refused(lambda: write(output, pictures, rate=rate, about=about))
        print(f"{output}: {count} frames")
        return ExitCode.DONE

    guarded_call(work, debug)
