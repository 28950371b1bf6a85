"""Options of `gan train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .gan_options import Augmentation, Precision

Data = Annotated[
    Path | None, typer.Option(metavar="PATH", help="Folder, ZIP or TFRecords of square pictures.")
]
Outdir = Annotated[
    Path, typer.Option("--outdir", "-o", metavar="DIR", help="Where run folders are made.")
]
Gamma = Annotated[float | None, typer.Option(metavar="G", min=0, help="Weight of R1.")]
Kimg = Annotated[float | None, typer.Option(metavar="KIMG", min=0, help="Length; 25000 by default.")]
BatchGpu = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Pictures computed at once; the rest is accumulated."),
]
Rate = Annotated[float | None, typer.Option(metavar="R", min=0, help="Learning rate.")]
Mirror = Annotated[bool, typer.Option("--mirror", help="Mirror half of the pictures.")]
Aug = Annotated[Augmentation, typer.Option(help="Augmentation for small data.")]
P = Annotated[
    float, typer.Option("--p", metavar="P", min=0, max=1, help="First or fixed probability.")
]
Target = Annotated[float, typer.Option(metavar="R", min=-1, max=1, help="Target of ada.")]
Cond = Annotated[bool, typer.Option("--cond", help="Train with the data's classes.")]
Resume = Annotated[
    Path | None, typer.Option(metavar="RUN", help="Go on exactly with a run folder.")
]
Init = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Begin with the networks of a snapshot or a state."),
]
Snap = Annotated[int, typer.Option(metavar="TICKS", min=1, help="Ticks between snapshots.")]
TickLength = Annotated[float, typer.Option(metavar="KIMG", min=0.001, help="Length of a tick.")]
PrecisionOption = Annotated[
    Precision, typer.Option(help="Numbers in the four largest resolutions.")
]
PathLength = Annotated[
    float | None, typer.Option(metavar="W", min=0, help="Weight of path length; 0: off.")
]
Mixing = Annotated[
    float | None, typer.Option(metavar="P", min=0, max=1, help="Probability of style mixing.")
]
PhaseKimg = Annotated[
    float | None,
    typer.Option(metavar="KIMG", min=0.001, help="Version 1: of a size, of a fade."),
]
Which = Annotated[
    int | None,
    typer.Option("--resolution", metavar="PX", help="Which of several TFRecords."),
]
Workers = Annotated[int, typer.Option(metavar="N", min=1, help="Threads that load.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the resolved options only.")]
