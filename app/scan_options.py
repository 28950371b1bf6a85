"""Options of `scan` and `results`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class EngineName(StrEnum):
    """Where pictures are examined."""

    LOCAL = "local"
    RAY = "ray"


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="Folders, ZIP archives, lists of paths (one a line; - for standard input), addresses such as s3://….",
    ),
]
Database = Annotated[
    Path, typer.Option("--output", "-o", metavar="DB", help="Store for the results; an existing one is gone on with.")
]
INCLUDE = typer.Option(metavar="PATTERN", help="Take only such names, as *.jpg or profiles/*; may be repeated.")
EXCLUDE = typer.Option(metavar="PATTERN", help="Leave such names out; may be repeated.")
Watch = Annotated[
    bool, typer.Option("--watch", help="Go on looking for new and changed files until Ctrl-C.")
]
Retry = Annotated[bool, typer.Option("--retry", help="Examine again what failed before.")]
Workers = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Processes that examine pictures; default: one a core.")
]
TimeLimit = Annotated[
    float, typer.Option(metavar="S", min=0.1, help="Seconds that one picture may take.")
]
MemoryLimit = Annotated[
    int, typer.Option(metavar="MB", min=0, help="Memory that one picture may take (Linux); 0: any.")
]
Engine = Annotated[EngineName, typer.Option(metavar="ENGINE", help="local, or ray (extra cluster).")]
Address = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Of a running Ray cluster; default: one on this machine.")
]
Html = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write an index of the results as an HTML page.")
]
Store = Annotated[Path, typer.Argument(metavar="DB", help="Store that whichface scan has made.")]
Where = Annotated[
    str | None, typer.Option(metavar="SQL", help="Only such rows, as \"llr > 1 AND label = 'generated'\".")
]
GenerationNumber = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Results of an earlier model or other options; default: latest.")
]
Csv = Annotated[Path | None, typer.Option(metavar="FILE", help="Write rows as CSV; - for standard output.")]
Jsonl = Annotated[Path | None, typer.Option(metavar="FILE", help="Write rows as JSON lines; - for standard output.")]
Parquet = Annotated[Path | None, typer.Option(metavar="FILE", help="Write rows as Parquet (extra parquet).")]
Records = Annotated[
    bool, typer.Option("--json", help="Print whole records, one a picture, as detect --json does.")
]
Limit = Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many rows; 1000 on a page.")]
Cases = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of case reports to link to; default: cases beside the page."),
]
ListGenerations = Annotated[bool, typer.Option("--generations", help="List the generations of results and leave.")]
