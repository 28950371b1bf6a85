"""`figure`: the figures of the StyleGAN paper with any network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whichface.app import network_options, options
from whichface.app.console import guarded_call
from whichface.app.exit_codes import ExitCode
from whichface.app.network_options import Class, NetworkOption, OutputFile, Trunc

if TYPE_CHECKING:
    from whichface.forensics.records import Pixels
    from whichface.generator.sample import Network

Seeds = Annotated[str, typer.Option("--seeds", metavar="RANGE", help="Faces, as 0-3 or 1,5.")]


def _make(
    name: str | None,
    output: Path,
    draw: Callable[[Network], Pixels],
    about: dict[str, Any],
    debug: bool,
) -> None:
    """Draw a figure and save it with what made it."""

    def work() -> ExitCode:
        from whichface.generator.images import save_png

        network = network_options.load(name)
        pixels = network_options.refused(lambda: draw(network))
        save_png(output, pixels, generator=network.shape.name, settings=about)
        print(output)
        return ExitCode.DONE

    guarded_call(work, debug)


def style_mixing(
    network: NetworkOption = None,
    rows: Annotated[str, typer.Option(metavar="RANGE", help="Faces that are changed.")] = "0-3",
    columns: Annotated[
        str, typer.Option("--cols", metavar="RANGE", help="Faces that styles come from.")
    ] = "10-15",
    styles: Annotated[
        str | None, typer.Option(metavar="RANGE", help="Layers, as 0-6; by default all three ranges.")
    ] = None,
    trunc: Trunc = 0.7,
    chosen: Class = None,
    output: OutputFile = Path("style-mixing.png"),
    debug: options.Debug = False,
) -> None:
    """Rows' faces with columns' styles: coarse, middle and fine below each other, or chosen layers."""

    def draw(net: Network) -> Pixels:
        from whichface.generator import figures

        own, other = (network_options.seeds_of(text) for text in (rows, columns))
        if styles is None:
            return figures.style_ranges(net, own, other, psi=trunc, chosen=chosen)
        layers = network_options.seeds_of(styles, "--styles")
        return figures.style_mixing(net, own, other, layers, psi=trunc, chosen=chosen)

    about = {"figure": "style-mixing", "rows": rows, "columns": columns, "styles": styles, "truncation": trunc}
    _make(network, output, draw, about, debug)


def noise(
    network: NetworkOption = None,
    seeds: Seeds = "0-3",
    draws: Annotated[int, typer.Option(metavar="N", min=4, help="Draws for the deviation.")] = 32,
    trunc: Trunc = 0.7,
    chosen: Class = None,
    output: OutputFile = Path("noise.png"),
    debug: options.Debug = False,
) -> None:
    """Each face, four draws of its noise, and where it varies (standard deviation, white: most)."""

    def draw(net: Network) -> Pixels:
        from whichface.generator import figures

        faces = network_options.seeds_of(seeds)
        return figures.stochastic(net, faces, draws=draws, psi=trunc, chosen=chosen)

    _make(network, output, draw, {"figure": "noise", "seeds": seeds, "truncation": trunc}, debug)


def truncation(
    network: NetworkOption = None,
    seeds: Seeds = "0-3",
    levels: Annotated[
        str, typer.Option(metavar="PSI,…", help="Values of psi, from left to right.")
    ] = "1,0.7,0.5,0,-0.5,-1",
    chosen: Class = None,
    output: OutputFile = Path("truncation.png"),
    debug: options.Debug = False,
) -> None:
    """Each face at several truncations: 0 is the mean face, below it lies the opposite."""

    def draw(net: Network) -> Pixels:
        from whichface.generator import figures

        values = [float(part) for part in levels.split(",")]
        return figures.truncation(net, network_options.seeds_of(seeds), values, chosen=chosen)

    _make(network, output, draw, {"figure": "truncation", "seeds": seeds, "levels": levels}, debug)


def styles(
    network: NetworkOption = None,
    seeds: Seeds = "0-3",
    which: Annotated[
        str, typer.Option("--show", metavar="WHAT", help="held: what styles and noise hold; or layers.")
    ] = "held",
    trunc: Trunc = 0.7,
    chosen: Class = None,
    output: OutputFile = Path("styles.png"),
    debug: options.Debug = False,
) -> None:
    """held: one face with many noises, then one noise with many faces. layers: which noise matters.

    The columns of layers: noise everywhere, nowhere, in the fine layers, in the coarse ones.
    """

    def draw(net: Network) -> Pixels:
        from whichface.generator import figures

        if which not in {"held", "layers"}:
            raise ValueError(f"--show is expected to be held or layers but got {which!r}")
        make = figures.held if which == "held" else figures.noise_layers
        return make(net, network_options.seeds_of(seeds), psi=trunc, chosen=chosen)

    _make(network, output, draw, {"figure": which, "seeds": seeds, "truncation": trunc}, debug)


def build() -> typer.Typer:
    """The group of commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="The figures of the StyleGAN paper, with any network.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    group.command("style-mixing")(style_mixing)
    group.command("noise")(noise)
    group.command("truncation")(truncation)
    group.command("styles")(styles)
    return group
