"""`gan import`: a published generator as a folder that every drawing command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whichface.app import options
from whichface.app.console import guarded_call, say
from whichface.app.exit_codes import ExitCode


def command(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="The wheel of random_face, or a folder of its networks.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new folder.")],
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Import MobileStyleGAN (StyleGAN2 on FFHQ, distilled; faces of 1024 px) from its published weights.

    pip download --no-deps random_face==2021.7.21.1 fetches the wheel. Nothing in it is run.
    """

    def work() -> ExitCode:
        from whichface.app.extras import need_onnx

        need_onnx("gan import")
        from whichface.generator.importers.mobile import import_mobile

        card = import_mobile(source, output)
        if not card["published"] and not quiet:
            say("warning: these are not the published files; nothing is known of their data and licence.")
        shape = card["network"]
        print(f"{output}: {card['name']}, {shape['resolution']} px, {shape['layers']} layers")
        return ExitCode.DONE

    guarded_call(work, debug)
