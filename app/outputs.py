"""Where results go: the report's stream, and one overlay file a picture."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from .console import say
from .inputs import STDIN, Picture

if TYPE_CHECKING:
    from whichface.forensics.records import Examination


@contextmanager
def report_stream(output: Path | None, option: str = "--output") -> Iterator[TextIO]:
    """Standard output, or the file that the option names ("-" is standard output)."""
    if output is None or str(output) == STDIN:
        yield sys.stdout
        return
    try:
        stream = output.open("w", encoding="utf-8", errors="replace")
    except OSError as error:
        raise typer.BadParameter(
            f"{output} cannot be written: {error.strerror}.", param_hint=option
        ) from error
    with stream:
        yield stream


class Reporter:
    """Writes every result as it comes: JSON lines, panels on a terminal, or plain lines."""

    def __init__(self, stream: TextIO, *, as_json: bool, findings: int | None, quiet: bool) -> None:
        self.stream = stream
        self.as_json = as_json
        self.findings = findings
        self.warn = not quiet and (as_json or stream is not sys.stdout)

    def examined(self, examination: Examination, name: str) -> None:
        """Report one picture."""
        if self.as_json:
            from whichface.reports.json import to_dict, to_line

            self._write(to_line(to_dict(examination, path=name)) + "\n")
        else:
            self._text(examination, name)
        for warning in examination.warnings if self.warn else ():
            say(f"{name}: warning: {warning}")

    def failed(self, name: str, message: str) -> None:
        """Report one picture that could not be examined: a line on stderr, and one of JSON."""
        say(f"{name}: {message}")
        if self.as_json:
            from whichface.reports.json import failure_to_dict, to_line

            self._write(to_line(failure_to_dict(name, message)) + "\n")

    def _text(self, examination: Examination, name: str) -> None:
        from rich.console import Console

        from whichface.reports.plain import plain
        from whichface.reports.terminal import ExaminationReport

        to_file = None if self.stream is sys.stdout else False
        console = Console(file=self.stream, highlight=False, force_terminal=to_file)
        if console.is_terminal:
            console.print(ExaminationReport(examination, name, self.findings))
            self.stream.flush()
        else:
            self._write(plain(examination, name=name, findings=self.findings))

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def check_output(output: Path | None, pictures: Sequence[Picture]) -> None:
    """Raises BadParameter when the report cannot be written there or would overwrite a picture."""
    if output is not None and str(output) != STDIN:
        _check_file(output, pictures, "--output")


def plan_overlays(target: Path | None, pictures: Sequence[Picture]) -> Mapping[Picture, Path]:
    """One PNG a picture: the target itself for one, a file in the target folder for several.

    Raises BadParameter for a target that does not fit; makes the folder when its parent exists.
    """
    if target is None:
        return {}
    if target.is_dir() or len(pictures) > 1:
        _make_folder(target)
        return _in_folder(target, pictures)
    if target.suffix.lower() != ".png":
        raise typer.BadParameter(
            f"{target} must end in .png or be a folder.", param_hint="--overlay"
        )
    _check_file(target, pictures, "--overlay")
    return dict.fromkeys(pictures, target)


def _make_folder(target: Path) -> None:
    if not target.is_dir() and (target.exists() or target.suffix.lower() == ".png"):
        message = f"several pictures are given, so {target} must be a folder."
        raise typer.BadParameter(message, param_hint="--overlay")
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        message = f"the folder {target} cannot be made: {error.strerror}."
        raise typer.BadParameter(message, param_hint="--overlay") from error


def _in_folder(folder: Path, pictures: Sequence[Picture]) -> dict[Picture, Path]:
    """Names that differ even where the pictures' names do not: a-overlay.png, a-2-overlay.png."""
    planned: dict[Picture, Path] = {}
    taken = {Path(picture.name).name.lower() for picture in pictures}  # none is overwritten
    for picture in pictures:
        stem, number = picture.stem, 1
        while f"{stem}-overlay.png".lower() in taken:
            number += 1
            stem = f"{picture.stem}-{number}"
        taken.add(f"{stem}-overlay.png".lower())
        planned[picture] = folder / f"{stem}-overlay.png"
    return planned


def _check_file(path: Path, pictures: Sequence[Picture], option: str) -> None:
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder.", param_hint=option)
    if not path.parent.is_dir():
        raise typer.BadParameter(f"the folder {path.parent} does not exist.", param_hint=option)
    for picture in pictures:
        if picture.name != STDIN and path.exists() and _same(path, Path(picture.name)):
            message = f"{path} is one of the pictures and would be overwritten."
            raise typer.BadParameter(message, param_hint=option)


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
