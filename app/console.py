"""Streams of the command line: where the report goes, what is said on stderr, and how failures end."""

from __future__ import annotations

import codecs
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

import typer

from whichface.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

FALLBACKS = dict(zip("•▲○“”’—–×·…", '*!o""\'--x|.', strict=True))
"""One ASCII character for each that an old terminal may lack, so that the layout stays."""


def prepare_streams() -> None:
    """Make printing safe: UTF-8 into pipes, and a stand-in for a character that a terminal lacks."""
    codecs.register_error("whichface", _stand_in)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="whichface", encoding=None if stream.isatty() else "utf-8")


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: the fallback, else a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    hidden = error.object[error.start : error.end]
    return "".join(FALLBACKS.get(character, "?") for character in hidden), error.end


def _nowhere() -> TextIO:
    """In place of a stream that the caller has closed."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def say(message: str) -> None:
    """One line on stderr, after the program's name; lost when stderr is closed."""
    try:
        print(f"whichface: {_clean(message)}", file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        return


def _clean(message: str) -> str:
    from whichface.reports.wording import clean

    return clean(message)


class Progress:
    """`[3/20] name` on one line of a terminal's stderr; silent in a pipe or for one picture."""

    def __init__(self, total: int, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.total = total
        self.active = not quiet and total > 1 and self.stream is not None and self.stream.isatty()
        self.length = 0

    def show(self, number: int, name: str) -> None:
        """Replace the line."""
        self.line(f"[{number}/{self.total}] {name}")

    def line(self, text: str) -> None:
        """The same with any words."""
        if self.active:
            self.clear()
            line = _clean(text)[:78]
            self.length = len(line)
            self.stream.write(line)
            self.stream.flush()

    def clear(self) -> None:
        """Wipe the line before something else is printed."""
        if self.active and self.length:
            self.stream.write("\r" + " " * self.length + "\r")
            self.stream.flush()
            self.length = 0


def rich_console(
    stream: TextIO, *, width: int | None = None, force_terminal: bool | None = None
) -> Console:
    """Rich's console on a stream; a reader that has gone is told as for every other stream, and is no exit code 1."""
    from rich.console import Console

    class PipedConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return PipedConsole(file=stream, highlight=False, width=width, force_terminal=force_terminal)


def time_left(seconds: float) -> str:
    """Words for the time that is left."""
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


@contextmanager
def guarded(debug: bool) -> Iterator[None]:
    """Turn whatever ends a command into one sentence on stderr and an exit code."""
    try:
        yield
        _flush()
    except BrokenPipeError:
        _abandon_stdout()
        raise typer.Exit(ExitCode.DONE) from None
    except KeyboardInterrupt:
        say("interrupted; the pictures so far have been reported.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except typer.BadParameter as error:
        error.message = _clean(error.message)  # it may name a file
        raise
    except typer.Exit:
        raise
    except Exception as error:
        _flush_or_abandon()
        say(describe(error, debug))
        raise typer.Exit(_code_of(error)) from None


def _code_of(error: Exception) -> ExitCode:
    """A folder or a network that the command line names and that is no good is a mistake of usage."""
    from whichface.generator.errors import DataError, NetworkFileError

    return ExitCode.USAGE if isinstance(error, DataError | NetworkFileError) else ExitCode.INTERNAL


def describe(error: Exception, debug: bool) -> str:
    """One sentence on a failure; with `debug` the traceback goes to stderr first."""
    from whichface.forensics.errors import ForensicsError

    if debug:
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, ForensicsError):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        what = (
            f"{error.filename} cannot be used" if error.filename else "the report cannot be written"
        )
        return f"{what}: {error.strerror}."
    hint = "" if debug else " (--debug shows where)"
    return f"internal error: {type(error).__name__}: {error}{hint}."


def version_option(show: bool) -> None:
    """Callback of `--version`."""
    if show:
        from importlib.metadata import version

        typer.echo(f"whichface {version('whichface')}")
        raise typer.Exit


def guarded_call(run: Callable[[], ExitCode], debug: bool) -> None:
    """Run a command's work and leave with its exit code."""
    code = ExitCode.DONE
    with guarded(debug):
        code = run()
    raise typer.Exit(code)


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _flush_or_abandon() -> None:
    try:
        _flush()
    except (OSError, ValueError):
        _abandon_stdout()


def _abandon_stdout() -> None:
    """Send what is left for a broken stdout nowhere, so that the interpreter's own flush is silent."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):
        return
