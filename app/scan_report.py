"""What is shown of a store: the summary on the screen and the index as a page."""

from __future__ import annotations

import os
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .case_files import case_name
from .console import rich_console
from .outputs import replaced, report_stream

if TYPE_CHECKING:
    from whichface.detectors.scanning.results import Results

CASES = "cases"
"""Folder of case reports, beside the page."""


def print_summary(results: Results, stream: TextIO) -> None:
    """Counts, strongest rows, twins, failures."""
    from whichface.reports.scan_summary import GROUPS, STRONGEST, ScanSummary

    strongest = list(results.rows("label = 'generated' OR llr > 0", STRONGEST))
    twins = list(islice(results.twins(), GROUPS))
    summary = ScanSummary(str(results.path), results.summary(), strongest, twins)
    console = rich_console(stream)
    if console.is_terminal:
        console.print(summary)
    else:
        stream.write(summary.plain())


def write_page(results: Results, path: Path, *, where: str | None, limit: int | None, cases: Path | None) -> None:
    """Write the index. Raises BadParameter where the file cannot be written."""
    from importlib.metadata import version

    from whichface.reports.scan_page import ROWS, Sources, page

    rows = list(results.rows(where, limit or ROWS))
    folder = cases or path.parent / CASES
    html = page(
        str(results.path.name),
        results.summary(),
        rows,
        Sources(results.thumbnail, results.others, lambda sha256: _case(folder, path.parent, sha256)),
        count=results.count(where),
        version=version("whichface"),
    )
    if str(path) == "-":
        sys.stdout.write(html)
        return
    with replaced(path, "--html") as part, report_stream(part, "--html") as stream:
        stream.write(html)


def _case(folder: Path, beside: Path, sha256: str) -> str | None:
    """Relative address of a case report that exists."""
    file = folder / case_name(sha256)
    if not file.is_file():
        return None
    from urllib.parse import quote

    return quote(os.path.relpath(file, beside).replace(os.sep, "/"))
