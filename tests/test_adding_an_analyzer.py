"""docs/adding-an-analyzer.md, followed step by step in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/adding-an-analyzer.md"
ROOMS = ("forensics", "detectors", "reports", "app")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def copy_project(target: Path) -> None:
    """The ground floor copied, the other rooms linked, all under one namespace folder."""
    names = target / "path/whichface"
    names.mkdir(parents=True)
    shutil.copytree(ROOT / "forensics", names / "forensics", ignore=shutil.ignore_patterns("__pycache__"))
    for room in ROOMS[1:]:
        (names / room).symlink_to(ROOT / room)
    tests = target / "tests/forensics/analyzers"
    tests.mkdir(parents=True)
    shutil.copy(ROOT / "tests/conftest.py", target / "tests/conftest.py")
    shutil.copy(ROOT / "tests/forensics/analyzers/test_contract.py", tests)
    (target / "forensics").symlink_to(names / "forensics")


def follow(target: Path) -> None:
    """The three steps of the page."""
    analyzer, test = blocks("python")
    folder = target / "path/whichface/forensics/analyzers"
    (folder / "exposure.py").write_text(analyzer, encoding="utf-8")
    imported, entry = (line[1:] for line in blocks("diff")[0].splitlines())
    registry = (folder / "__init__.py").read_text(encoding="utf-8")
    registry = registry.replace("from .cue import Cue\n", f"from .cue import Cue\n{imported}\n")
    registry = re.sub(r"(ANALYZERS: tuple\[Cue, \.\.\.\] = \(\n)", rf"\1{entry}\n", registry)
    (folder / "__init__.py").write_text(registry, encoding="utf-8")
    (target / "tests/forensics/analyzers/test_exposure.py").write_text(test, encoding="utf-8")


def run_tests(target: Path, *choice: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(target / "path"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--rootdir", str(target), "tests", *choice],
        cwd=target, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_the_page_works(tmp_path: Path) -> None:
    copy_project(tmp_path)
    follow(tmp_path)
    done = run_tests(tmp_path, "-k", "exposure or registered")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"1[0-9] passed", done.stdout), done.stdout


def test_a_forgotten_line_is_noticed(tmp_path: Path) -> None:
    copy_project(tmp_path)
    registry = tmp_path / "path/whichface/forensics/analyzers/__init__.py"
    before = registry.read_text(encoding="utf-8")
    follow(tmp_path)
    registry.write_text(before, encoding="utf-8")
    done = run_tests(tmp_path, "-k", "registered")
    assert done.returncode == 1 and "exposure" in done.stdout
