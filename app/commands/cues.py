"""`whichface cues`: every analyzer, what it means and how far it has been found to be reliable."""

from __future__ import annotations

from typing import Annotated

import typer

from whichface.app import options
from whichface.app.console import guarded_call, rich_console
from whichface.app.exit_codes import ExitCode

NAME = typer.Argument(metavar="[NAME]...", help="Only these cues; all of them without a name.")


def run(names: tuple[str, ...], as_json: bool) -> ExitCode:
    """Print the cues and return the exit code. Raises BadParameter for an unknown name."""
    import sys

    from whichface.detectors.classifier import fused_cues
    from whichface.detectors.cues import chosen, load_cues
    from whichface.forensics.analyzers import ANALYZERS
    from whichface.reports.cue_list import CueList, cue_entries, words

    try:
        cues = chosen(names) if names else ANALYZERS
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="NAME") from error
    entries = cue_entries([words(cue) for cue in cues], load_cues().facts, fused_cues())
    if as_json:
        from whichface.reports.json import to_line

        sys.stdout.writelines(to_line(entry.to_dict()) + "\n" for entry in entries)
    else:
        rich_console(sys.stdout).print(CueList(entries, detailed=bool(names)))
    return ExitCode.DONE


def command(
    names: Annotated[list[str] | None, NAME] = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """List the analyzers: what each looks for, what else looks like it, and its measured reliability."""
    guarded_call(lambda: run(tuple(names or ()), as_json), debug)
