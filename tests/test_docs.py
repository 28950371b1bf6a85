"""Pages that are written by a command stand as the command would write them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_field_guide_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("cue_guide", ROOT / "benchmarks/cue_guide.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs/cues.md").read_text(encoding="utf-8") == module.page(), "run benchmarks/cue_guide.py"


def test_links_and_pictures_of_the_pages_exist() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    missing = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not missing
