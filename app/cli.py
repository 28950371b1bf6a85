"""The command line: `whichface VERB …`, and `detect …` for the verb that people need most.

Only typer is imported here; every verb imports what it needs when it runs, so that --help is instant.
"""

from __future__ import annotations

import typer

from . import options
from .commands import corpus as corpus_verb
from .commands import cues as cues_verb
from .commands import detect as detect_verb
from .commands import evaluate as evaluate_verb
from .commands import figure as figure_verbs
from .commands import gan as gan_verbs
from .commands import generate as generate_verb
from .commands import report as report_verb
from .commands import results as results_verb
from .commands import robustness as robustness_verb
from .commands import scan as scan_verb
from .commands import train as train_verb
from .console import prepare_streams

HELP = "Fake-face detector: a calibrated likelihood ratio for portraits, with the evidence."
PLAIN = {"rich_markup_mode": None, "pretty_exceptions_enable": False, "add_completion": False}

app = typer.Typer(no_args_is_help=True, help=HELP, **PLAIN)  # type: ignore[arg-type]
detect_app = typer.Typer(no_args_is_help=True, **PLAIN)  # type: ignore[arg-type]


@app.callback()
def root(
    version: options.Version = False,
) -> None:
    """Nothing but --version comes before the verb."""


app.command("detect", no_args_is_help=True)(detect_verb.command)
app.command("corpus", no_args_is_help=True)(corpus_verb.command)
app.command("generate")(generate_verb.command)
app.add_typer(figure_verbs.build(), name="figure")
app.add_typer(gan_verbs.build(), name="gan")
app.command("cues")(cues_verb.command)
app.command("report", no_args_is_help=True)(report_verb.command)
app.command("scan", no_args_is_help=True)(scan_verb.command)
app.command("results", no_args_is_help=True)(results_verb.command)
app.command("robustness", no_args_is_help=True)(robustness_verb.command)
app.command("train", no_args_is_help=True)(train_verb.command)
app.command("evaluate", no_args_is_help=True)(evaluate_verb.command)
detect_app.command(no_args_is_help=True)(detect_verb.command)


def main() -> None:
    """Entry of `whichface`."""
    prepare_streams()
    app(prog_name="whichface")


def detect() -> None:
    """Entry of `detect`, the same as `whichface detect`."""
    prepare_streams()
    detect_app(prog_name="detect")
