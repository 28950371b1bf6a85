"""Options of `train`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Expert(StrEnum):
    """What is trained."""

    ALL = "all"
    TEXTURE = "texture"
    NETWORK = "network"


class Amp(StrEnum):
    """Mixed precision."""

    OFF = "off"
    BF16 = "bf16"
    FP16 = "fp16"


Corpora = Annotated[
    list[Path],
    typer.Argument(metavar="CORPUS", help="Folders with a manifest.csv, or with the folders real/ and fake/."),
]
ModelFolder = Annotated[
    Path, typer.Option("--output", "-o", metavar="MODEL", help="Folder of the model that is made.")
]
Work = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="What is kept between runs; default: MODEL.work beside MODEL."),
]
Experts = Annotated[Expert, typer.Option(help="Experts to train.")]
Arch = Annotated[
    str | None, typer.Option(metavar="NAME", help="Architecture of timm; default mobilenetv4_conv_small_050.")
]
Pretrained = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Local weights for it (.safetensors, .pth); nothing is fetched."),
]
InitFrom = Annotated[
    Path | None,
    typer.Option(
        "--init-from", metavar="MODEL", help="Begin with the network of a model (a folder, or face-5: the shipped one)."
    ),
]
Minutes = Annotated[
    float | None, typer.Option(metavar="M", min=0.01, help="Length of the network's training; default 60.")
]
Epochs = Annotated[
    float | None, typer.Option(metavar="E", min=0.01, help="The same in passes, which repeats exactly.")
]
Stages = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Keep the first N stages of its blocks; 0: all.")
]
Hidden = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Channels of a layer before the head; 0: none.")
]
Look = Annotated[
    float, typer.Option(metavar="S", min=0, max=1, help="Share of crops with a changed look, as by editors.")
]
Batch = Annotated[int, typer.Option(metavar="N", min=2, help="Crops a step and fold.")]
CropSide = Annotated[int, typer.Option("--crop", metavar="PX", min=64, max=160, help="Side of the crops.")]
Rate = Annotated[float, typer.Option(metavar="R", min=1e-7, help="Peak learning rate.")]
Ema = Annotated[float, typer.Option(metavar="D", min=0, max=0.99999, help="Decay of the averaged weights.")]
Patience = Annotated[
    int,
    typer.Option(metavar="N", min=0, help="Stop after N of 20 validations without a gain; 0: never."),
]
AmpOption = Annotated[Amp, typer.Option(help="Mixed precision of the network's training.")]
Folds = Annotated[int, typer.Option(metavar="K", min=2, max=10, help="Folds of the out-of-fold scores.")]
Variants = Annotated[
    int, typer.Option(metavar="N", min=1, max=50, help="Each picture as stored and N - 1 times re-encoded at random.")
]
ValShare = Annotated[
    float,
    typer.Option(metavar="S", min=0.01, max=0.5, help="Validation share where no manifest has a split val."),
]
GridPictures = Annotated[
    int, typer.Option(metavar="N", min=2, help="Most validation pictures a class on the robust grid.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse unreadable pictures and near-duplicates across splits.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Begin anew, and replace the model.")]
Workers = Annotated[int, typer.Option(metavar="N", min=1, help="Processes that prepare pictures.")]
Threads = Annotated[int, typer.Option(metavar="N", min=1, help="Threads of torch.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Read the corpora, print the resolved settings, train nothing.")
]
