"""What the exit status says (docs/cli.md)."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of every command; where several apply, docs/cli.md says which wins."""

    DONE = 0
    """Everything that was asked for was done."""
    FAIL_ON = 1
    """A `--fail-on` condition was met."""
    USAGE = 2
    """The command line is wrong."""
    SOME_FAILED = 3
    """Some inputs could not be examined."""
    ALL_FAILED = 4
    """No input could be examined."""
    INTERNAL = 70
    """The program, its installation or its output failed."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""
