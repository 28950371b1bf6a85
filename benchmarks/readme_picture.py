"""Draw the README's picture: what `detect` really prints for scikit-image's astronaut, as SVG.

    python benchmarks/readme_picture.py docs/images/verdict.svg
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import demo_picture
from rich.console import Console

from whichface.detectors import examine
from whichface.reports.terminal import ExaminationReport


def main(target: str) -> None:
    """Examine the picture and save the panel."""
    picture = Path(".work/astronaut.jpg")
    demo_picture.main(str(picture))
    console = Console(record=True, width=100, force_terminal=True, file=io.StringIO())
    console.print(ExaminationReport(examine(picture), "astronaut.jpg"))
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(path), title="detect astronaut.jpg")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["docs/images/verdict.svg"])
