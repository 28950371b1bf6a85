"""Write docs/cues.md from the registry of analyzers and their calibration table.

python benchmarks/cue_guide.py
"""

from __future__ import annotations

from pathlib import Path

from whichface.detectors.classifier import fused_cues
from whichface.detectors.cues import load_cues
from whichface.forensics.analyzers import ANALYZERS
from whichface.reports.cue_guide import guide
from whichface.reports.cue_list import cue_entries, words

DOCS = Path(__file__).parents[1] / "docs"


def page() -> str:
    """The page as it should stand."""
    facts = load_cues().facts
    pictures = {cue.name: f"images/cues/{cue.name}.png" for cue in ANALYZERS}
    known = {name: path for name, path in pictures.items() if (DOCS / path).exists()}
    return guide(cue_entries([words(cue) for cue in ANALYZERS], facts, fused_cues()), facts, known)


def main() -> None:
    (DOCS / "cues.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
