"""Options of the commands that draw with a trained network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from whichface.generator.sample import Network

T = TypeVar("T")

NetworkOption = Annotated[
    str | None,
    typer.Option("--network", metavar="N", help="A .safetensors file, a folder, or a shipped name."),
]
Trunc = Annotated[float, typer.Option("--trunc", metavar="PSI", help="Truncation; 1: none.")]
Class = Annotated[
    int | None, typer.Option("--class", metavar="C", min=0, help="Class of a network that has some.")
]
OutputFile = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="Where the picture is written.")
]


def seeds_of(text: str, option: str = "--seeds") -> list[int]:
    """Seeds as "0-3,7". Raises BadParameter."""
    from whichface.generator.latents import parse_seeds

    return refused(lambda: parse_seeds(text), option)


def refused(work: Callable[[], T], option: str | None = None) -> T:
    """What `work` returns; a caller's mistake becomes a usage error."""
    try:
        return work()
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint=option) from error


def load(network: str | None, device: str = "cpu") -> Network:
    """The network. Raises ForensicsError."""
    from whichface.generator.sample import open_network

    return open_network(network, device)
