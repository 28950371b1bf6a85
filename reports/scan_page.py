"""The index of a scan as one self-contained HTML page: rows in, a string out; nothing is fetched."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whichface.forensics.records import Label

from .html import environment
from .scan_summary import CAUTION
from .wording import SYMBOLS, clean, ratio_phrase

ROWS = 1000
"""Rows on a page by default: each has a thumbnail."""
BOXES = (
    ("generated", "generated"), ("inconclusive", "inconclusive"), ("real", "real"), ("none", "no face"),
    ("failed", "not examined"),
)  # fmt: skip
TWINS = 5
"""Other names of a picture that are shown."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the page gets what the rows do not have."""

    thumbnail: Callable[[str], bytes | None]
    """A small JPEG by path."""
    twins: Callable[[str], Sequence[str]]
    """Other paths of the same picture."""
    case: Callable[[str], str | None]
    """Relative address of the case report by SHA-256."""


def page(
    name: str,
    counts: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    sources: Sources,
    *,
    count: int,
    version: str,
    command: str = "",
) -> str:
    """The page; `counts` as `Results.summary` has them, `rows` as `Results.rows`, of `count` in all."""
    labels, statuses = counts["labels"], counts["statuses"]
    tally = [(f"faces {label.value}", f"{labels.get(label.value, 0):,}") for label in Label]
    tally += [("without a face", f"{statuses['no face']:,}"), ("not examined", f"{statuses['failed']:,}")]
    tally += [("there more than once", f"{counts['twins'][1]:,}")]
    return environment().get_template("scan.html.j2").render(
        name=clean(name),
        counts={**counts, "model": clean(str(counts["model"]))},
        total=f"{sum(statuses.values()):,}",
        tally=tally,
        boxes=BOXES,
        rows=[_row(row, sources) for row in rows],
        count=count,
        caution=CAUTION,
        version=version,
        command=clean(command),
    )


def _row(row: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """One card, as the template shows it."""
    path, label = row["path"], row["label"]
    data = sources.thumbnail(path)
    others = [clean(other) for other in sources.twins(path)] if row["twins"] is not None else []
    more = [f"{len(others) - TWINS} more"] if len(others) > TWINS else []
    judged = label is not None and row["llr"] is not None
    return {
        "kind": "failed" if row["status"] == "failed" else label or "none-found",
        "headline": _headline(row),
        "ratio": ratio_phrase(row["llr"]) if judged else "",
        "interval": f"{row['llr']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]" if judged else "",
        "ceiling": f"{row['ceiling']:.2f}" if judged else "",
        "path": clean(path),
        "where": f"face {row['face']} of {row['faces']}" if row["faces"] > 1 else "",
        "error": clean(row["error"] or ""),
        "twins": others[:TWINS] + more,
        "thumbnail": "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii") if data else "",
        "shot": _shot(row),
        "mark": _mark(row),
        "alt": f"Preview of {clean(path).rpartition('/')[2]}",
        "case": sources.case(row["sha256"]) if row["sha256"] else None,
        "file": _address(path),
    }


def _headline(row: Mapping[str, Any]) -> str:
    if row["status"] == "failed":
        return "! NOT EXAMINED"
    if row["label"] is None:
        return "– NO FACE, no verdict"
    return f"{SYMBOLS[Label(row['label'])]} {row['label'].upper()}"


def _shot(row: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height of the preview in the page's pixels, so that nothing moves while it loads."""
    width, height = row["width"] or 1, row["height"] or 1
    return 112, max(1, round(112 * height / width))


def _mark(row: Mapping[str, Any]) -> tuple[float, ...] | None:
    """The face's box in percent of the picture, where there are several faces."""
    if row["faces"] < 2 or row["left"] is None:
        return None
    left, right = (min(max(row[name] / row["width"], 0), 1) * 100 for name in ("left", "right"))
    top, bottom = (min(max(row[name] / row["height"], 0), 1) * 100 for name in ("top", "bottom"))
    return round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1)


def _address(path: str) -> str:
    """A file:// address of a plain file; empty for members of archives and for addresses."""
    if "://" in path or not Path(path).is_absolute():
        return ""
    if "!/" in path and not os.path.isfile(path):  # noqa: PTH113 - a folder may end in !; False where the system says no
        return ""
    return Path(path).as_uri()
