"""Where case reports go: one page a picture, JSON and PDF beside it, and nothing that is another's is overwritten."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer

from whichface.forensics.errors import ForensicsError

from .inputs import STDIN, Picture, short

SUFFIXES = (".html", ".json", ".pdf")
PAGES = frozenset({".html", ".htm"})


class CaseError(ForensicsError):
    """A case report that cannot be written; the message names the file."""


@dataclass
class CaseFiles:
    """The page of each picture: one file, or files in a folder whose names are found when they are written."""

    target: Path
    """The page, or the folder."""
    is_folder: bool
    """Which of the two."""
    pdf: bool = False
    """A PDF is made too."""
    by_hash: bool = False
    """Pages are named by their pictures' SHA-256, as the index of a scan looks for them."""
    written: set[Path] = field(default_factory=set)
    """Pages of this run."""

    def page_for(self, picture: Picture, sha256: str) -> Path:
        """Path of a picture's page; a page of this picture from an earlier run is written again.

        Raises CaseError when the only place is taken.
        """
        if not self.is_folder:
            self._check_free(self.target, sha256)
            self.written.add(self.target)
            return self.target
        if self.by_hash:
            page = self.target / case_name(sha256)
            self._check_free(page, sha256)
            return page
        stem, number = _safe(picture.stem), 1
        page = self.target / f"{stem}-case.html"
        while page in self.written or not self.free(page, sha256):
            number += 1
            page = self.target / f"{stem}-{number}-case.html"
        self.written.add(page)
        return page

    def possible(self, path: Path) -> tuple[Path, ...]:
        """Files that this run may write; in a folder of pages, the path itself when it is named as they are."""
        if not self.is_folder:
            return (self.target, *(self.target.with_suffix(suffix) for suffix in SUFFIXES[: 2 + self.pdf]))
        inside = path.parent.resolve() == self.target.resolve()
        return (path,) if inside and path.stem.endswith("-case") and path.suffix in SUFFIXES else ()

    def _check_free(self, page: Path, sha256: str) -> None:
        if not self.free(page, sha256):
            raise CaseError(taken(page))

    def free(self, page: Path, sha256: str) -> bool:
        """True when nothing is there, or an earlier report of the same picture.

        Raises CaseError when the system does not say what is there: a folder that is barred, a name that is too long.
        """
        from whichface.reports.case import owner

        others = [page.with_suffix(suffix) for suffix in SUFFIXES[: 2 + self.pdf]]
        try:
            if not any(other.exists() for other in others):
                return True
            is_file = page.is_file()
        except OSError as error:
            raise CaseError(f"{page} cannot be used: {error.strerror or error}.") from error
        try:
            return is_file and owner(page) == sha256
        except OSError:
            return False  # a page that cannot be read is another's


def case_name(sha256: str) -> str:
    """File name of the page of a picture from a scan."""
    return f"{sha256[:16]}.html"


def taken(page: Path) -> str:
    """Why a page is not written."""
    return (
        f"{page} (or the JSON or PDF beside it) exists and is not the report of this picture; "
        "give another name, or remove it."
    )


def plan_cases(
    target: Path | None, pdf: bool, pictures: Sequence[Picture], *, option: str = "--html", folder: bool = False
) -> CaseFiles | None:
    """Where the pages go. Raises BadParameter for a target that does not fit, or holds something else.

    Several pictures, or a `folder` as target: one page each in that folder, which is made when its parent exists.
    """
    if pdf:
        _need_browser(target)
    if target is None:
        return None
    if folder or target.is_dir() or len(pictures) > 1:
        _make_folder(target, option)
        return CaseFiles(target, True, pdf)
    if target.suffix.lower() not in PAGES:
        raise typer.BadParameter(f"{target} must end in .html or be a folder.", param_hint=option)
    if not target.parent.is_dir():
        raise typer.BadParameter(f"the folder {target.parent} does not exist.", param_hint=option)
    files = CaseFiles(target, False, pdf)
    for picture in pictures:
        try:
            free = picture.name == STDIN or files.free(target, _sha256(Path(picture.name)))
        except CaseError as error:
            raise typer.BadParameter(str(error), param_hint=option) from error
        if not free:
            raise typer.BadParameter(taken(target), param_hint=option)
    return files


def _need_browser(target: Path | None) -> None:
    from whichface.reports.pdf import PdfError, find_browser

    if target is None:
        raise typer.BadParameter("needs --html FILE: the PDF is the page, printed.", param_hint="--pdf")
    try:
        find_browser()
    except PdfError as error:
        raise typer.BadParameter(str(error), param_hint="--pdf") from error


def _make_folder(target: Path, option: str) -> None:
    if not target.is_dir() and (target.exists() or target.suffix.lower() in PAGES):
        message = f"{target} must be a folder, as each picture gets a page of its own."
        raise typer.BadParameter(message, param_hint=option)
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        message = f"the folder {target} cannot be made: {error.strerror}."
        raise typer.BadParameter(message, param_hint=option) from error


def _sha256(path: Path) -> str:
    """SHA-256 of a file; empty when it cannot be read, which is told when its turn comes."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _safe(stem: str) -> str:
    """The name of a picture as the start of another file's name: nothing that steers a terminal, not endless."""
    from whichface.reports.wording import clean

    return short(clean(stem).replace("�", "_")[:100])
