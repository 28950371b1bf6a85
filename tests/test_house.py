"""The rules of the house: sizes, directions of imports, what an import may bring along."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("forensics", "detectors", "generator", "reports", "app")
MAY_IMPORT: dict[str, set[str]] = {
    "forensics": set(),
    "detectors": {"forensics"},
    "generator": {"forensics"},
    "reports": {"forensics"},
    "app": {"forensics", "detectors", "generator", "reports"},
}
REPORTS_MAY_IMPORT = {"records", "geometry", "errors"}
"""Modules of forensics that reports may import."""
HEAVY = ("torch", "torchvision", "timm", "sklearn")

SOURCES = sorted(
    path
    for folder in (*ROOMS, "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
IN_ROOMS = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in ROOMS]


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imported(path: Path) -> Iterator[str]:
    """Absolute names of the modules and members that a file imports, at any depth of nesting."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_rooms_were_found() -> None:
    assert len(IN_ROOMS) > 20


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_files_and_functions_are_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{lines} lines, of at most 400"
    long = {
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    }
    assert not long, "of at most 60"


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_rooms_are_imported_under_their_full_name(path: Path) -> None:
    bare = {name for name in _imported(path) if name.split(".")[0] in ROOMS}
    assert not bare, "a bare import makes a twin module with different classes"


@pytest.mark.parametrize("path", IN_ROOMS, ids=_id)
def test_rooms_import_only_where_they_may(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    names = [name.split(".") for name in _imported(path)]
    others = [name[1:] for name in names if name[0] == "whichface" and name[1] != room]
    assert {name[0] for name in others} <= MAY_IMPORT[room]
    if room == "reports":
        assert {name[1] for name in others} <= REPORTS_MAY_IMPORT


def _modules_imported(path: Path) -> Iterator[str]:
    """Like `_imported`, with relative imports resolved to their full names."""
    yield from _imported(path)
    package = ["whichface", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (
                node.module.split(".") if node.module else []
            )
            yield from (".".join([*base, alias.name]) for alias in node.names)


DETECTION = [
    path
    for path in IN_ROOMS
    if path.relative_to(ROOT).parts[0] == "detectors"
    and path.relative_to(ROOT).parts[1] != "training"
]


@pytest.mark.parametrize("path", DETECTION, ids=_id)
def test_detection_imports_no_training(path: Path) -> None:
    training = "whichface.detectors.training"
    leaks = {n for n in _modules_imported(path) if n == training or n.startswith(f"{training}.")}
    assert not leaks, "import-linter looks past training's own torch, so the way to it is shut here"


@pytest.mark.parametrize("path", IN_ROOMS, ids=_id)
def test_nothing_unpickles(path: Path) -> None:
    imported = {name.split(".")[0] for name in _imported(path)}
    assert not imported & {"pickle", "joblib", "cloudpickle", "dill", "shelve"}
    allowed = [
        keyword.arg
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if (keyword.arg, getattr(keyword.value, "value", None))
        in {("allow_pickle", True), ("weights_only", False)}
    ]
    assert not allowed


def _modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after `statement`."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_detection_needs_neither_torch_nor_scikit_learn() -> None:
    if not (ROOT / "detectors/examine.py").exists():
        pytest.skip("detectors.examine does not exist yet")
    assert not _modules_after("import whichface.detectors.examine") & {*HEAVY, "pandas", "rich"}


def test_the_command_line_starts_light() -> None:
    if not (ROOT / "app/cli.py").exists():
        pytest.skip("app.cli does not exist yet")
    late = {*HEAVY, "pandas", "matplotlib", "scipy", "cv2", "onnxruntime"}
    assert not _modules_after("import whichface.app.cli") & late
