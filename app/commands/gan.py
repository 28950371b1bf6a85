"""`gan`: the generator's own verbs."""

from __future__ import annotations

import typer

from . import (
    gan_dataset,
    gan_estimate,
    gan_import,
    gan_metrics,
    gan_reconstruct,
    gan_train,
    gan_video,
)

HELP = "Train and measure the embedded StyleGAN (1 and 2), or import a published one."


def build() -> typer.Typer:
    """The group of commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help=HELP,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    group.command("dataset", no_args_is_help=True)(gan_dataset.command)
    group.command("train", no_args_is_help=True)(gan_train.command)
    group.command("estimate")(gan_estimate.command)
    group.command("metrics", no_args_is_help=True)(gan_metrics.command)
    group.command("import", no_args_is_help=True)(gan_import.command)
    group.command("reconstruct", no_args_is_help=True)(gan_reconstruct.command)
    group.command("video")(gan_video.command)
    return group
