"""Options of the generator's commands, spelled alike."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where torch computes."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Augmentation(StrEnum):
    """Augmentation of what the discriminator sees."""

    NONE = "none"
    FIXED = "fixed"
    ADA = "ada"


class Precision(StrEnum):
    """Numbers in the four largest resolutions."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


class Crop(StrEnum):
    """How a picture becomes a square."""

    NONE = "none"
    CENTRE = "centre"
    ALIGN = "align"


class NoiseMode(StrEnum):
    """Noise inputs."""

    CONST = "const"
    RANDOM = "random"
    NONE = "none"


Data = Annotated[
    Path, typer.Option("--data", metavar="PATH", help="Folder, ZIP or TFRecords of square pictures.")
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where to compute.")]
Leakage = Annotated[
    bool, typer.Option("--leakage/--no-leakage", help="Fit the baselines at the end.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of all random numbers.")]
Resolution = Annotated[
    int, typer.Option("--resolution", metavar="PX", help="Side of the pictures, a power of two.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", metavar="N", min=1, help="Threads torch computes with on the CPU."),
]
Cfg = Annotated[
    str,
    typer.Option("--cfg", metavar="NAME", help="auto, stylegan1-a … stylegan1-f, stylegan2-e or -f."),
]
Batch = Annotated[
    int | None, typer.Option("--batch", metavar="N", min=1, help="Pictures a step, all GPUs together.")
]
FmapBase = Annotated[
    int | None,
    typer.Option(metavar="N", min=8, help="Feature maps: 2 N / side, as in the published code."),
]
FmapMax = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Most feature maps; narrows the network.")
]
MapDepth = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Layers of the mapping network.")
]
Latent = Annotated[int | None, typer.Option(metavar="N", min=1, help="Length of z and of w.")]
