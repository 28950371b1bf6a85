"""Options of the command line, spelled alike for every verb."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from .console import version_option


def _threshold(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter("must be a finite number, such as 2 for a ratio of 100.")
    return value


def _prior(value: float) -> float:
    if not 0 < value < 1:
        raise typer.BadParameter("must lie between 0 and 1, both excluded.")
    return value


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH", help="Pictures, folders (searched recursively), or - for standard input."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line and picture.")]
Overlay = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Save the picture with map and faces as PNG; a folder for several."
    ),
]
Html = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Save a case report as HTML, with JSON beside it; a folder for several pictures."
    ),
]
Pdf = Annotated[
    bool, typer.Option("--pdf", help="Print the case report as PDF too (needs Chromium, Chrome or Edge).")
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="LLR",
        callback=_threshold,
        help="log10 likelihood ratio from which the label is generated.",
    ),
]
Prior = Annotated[
    float,
    typer.Option(
        metavar="P",
        callback=_prior,
        help="Prior probability of generated; changes the probability only.",
    ),
]
FAIL_ON = typer.Option(
    metavar="LABEL", help="Exit with 1 on this label: generated or inconclusive; may be repeated."
)
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Run every analyzer and show every finding; takes a second more."),
]
CUE = typer.Option(
    metavar="NAME", help="Run this analyzer too (see whichface cues); may be repeated."
)
MaxFaces = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Examine only the N largest faces.")
]
Model = Annotated[
    str | None, typer.Option(metavar="MODEL", help="Model id, or a folder that holds one.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the report to a file instead of standard output.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no warnings on stderr.")]
Corpus = Annotated[
    Path,
    typer.Argument(
        metavar="CORPUS", help="Folder with a manifest.csv, or with the folders real/ and fake/."
    ),
]
GRID = typer.Option(metavar="GRID", help="Conditions to try: none, quick (12) or full (33).")
CHANGES = typer.Option(metavar="GRID", help="Changes of the picture to try: none, quick (9) or full (32).")
Workers = Annotated[int, typer.Option(metavar="N", min=1, help="Processes that examine pictures.")]
Split = Annotated[
    str | None,
    typer.Option(metavar="SPLIT", help="train, val, test or all; default: val where there is one."),
]
PEER = typer.Option(
    metavar="FILE", help="Scores of another detector, CSV with file and score; may be repeated."
)
NoGallery = Annotated[
    bool, typer.Option("--no-gallery", help="Leave the pictures of the worst mistakes out.")
]
OutputFolder = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the report.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")]
Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=version_option, is_eager=True, help="Show the version and leave."
    ),
]
