"""Where results go: the report's stream, and one overlay file a picture."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from whichface.forensics.files import is_picture

from .console import rich_console, say
from .inputs import STDIN, Picture, short

if TYPE_CHECKING:
    from whichface.forensics.records import Examination


SQLITE = b"SQLite format 3\0"
"""How a database, such as the store of a scan, begins."""


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


@contextmanager
def replaced(path: Path, option: str) -> Iterator[Path]:
    """A file beside that takes the place of `path` once it is whole; the path itself where that cannot be.

    Raises BadParameter where no file can be made.
    """
    whole = path.resolve()  # links stay links
    if path.exists() and not (path.is_file() and os.access(whole.parent, os.W_OK)):
        yield path  # a device, a pipe, a file in a folder that takes no other
        return
    part = whole.with_name(f".whichface-{os.getpid()}.part")
    try:
        part.touch()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}.", param_hint=option) from error
    try:
        yield part
        if whole.exists():
            shutil.copymode(whole, part)
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


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
        from whichface.reports.plain import plain
        from whichface.reports.terminal import ExaminationReport

        to_file = None if self.stream is sys.stdout else False
        console = rich_console(self.stream, force_terminal=to_file)
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


def check_distinct(output: Path | None, others: Iterable[Path], option: str) -> None:
    """Raises BadParameter when the report's file is one that this run writes by another option, too."""
    if output is None or str(output) == STDIN:
        return
    for other in others:
        if output.resolve() == other.resolve() or _same(output, other):
            message = f"{output} is a file that {option} writes, too; give another name."
            raise typer.BadParameter(message, param_hint="--output")


def check_target(path: Path, option: str) -> None:
    """Raises BadParameter for a file that is not to be written: a folder, a picture, a database."""
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder.", param_hint=option)
    if not path.parent.is_dir():
        raise typer.BadParameter(f"the folder {path.parent} does not exist.", param_hint=option)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise typer.BadParameter(f"{path} cannot be written: {os.strerror(errno.EACCES)}.", param_hint=option)
    what = "a picture" if is_picture(path) else "a database" if _is_database(path) else None
    if what is not None:
        raise typer.BadParameter(f"{path} is {what} and would be overwritten.", param_hint=option)


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


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
        name = stem = short(picture.stem)
        number = 1
        while f"{stem}-overlay.png".lower() in taken:
            number += 1
            stem = f"{name}-{number}"
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
