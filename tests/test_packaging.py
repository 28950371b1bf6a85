"""What the wheel will hold: every package, every data file, weights within their budget and as their cards say."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("forensics", "detectors", "generator", "reports", "app")
WEIGHT_SUFFIXES = {".onnx", ".safetensors", ".npz", ".npy"}
MB = 1_000_000


def _setuptools() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "setuptools"
    ]


def _files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]


def _weights(*folders: str) -> list[Path]:
    """Weight files of the rooms, or of the given folders."""
    found = [file for name in folders or ROOMS for file in _files(ROOT / name)]
    return [file for file in found if file.suffix in WEIGHT_SUFFIXES]


def _cards() -> list[Path]:
    """Model cards: card.json of a folder of weights, or the .json beside a single file."""
    cards = [card for room in ROOMS for card in (ROOT / room / "weights").rglob("*.json")]
    return sorted(c for c in cards if c.name == "card.json" or c.with_suffix(".onnx").exists())


def _recorded(card: Path) -> dict[Path, str]:
    """The files that a card names, with the SHA-256 that it records."""
    content = json.loads(card.read_text(encoding="utf-8"))
    files = content["files"] if "files" in content else {content["file"]: content["sha256"]}
    return {card.parent / name: digest for name, digest in files.items()}


def test_every_package_is_listed_and_every_listed_one_exists() -> None:
    listed = {_setuptools()["package-dir"][name]: name for name in _setuptools()["packages"]}
    packages = {
        file.parent.relative_to(ROOT).as_posix()
        for room in ROOMS
        for file in (ROOT / room).rglob("__init__.py")
    }
    assert set(listed) == packages
    assert all(name == f"whichface.{folder.replace('/', '.')}" for folder, name in listed.items())


def test_every_module_lies_in_a_package() -> None:
    modules = [file for room in ROOMS for file in _files(ROOT / room) if file.suffix == ".py"]
    assert [m.name for m in modules if not (m.parent / "__init__.py").exists()] == []


def test_every_data_file_is_package_data() -> None:
    config = _setuptools()
    shipped = {
        file
        for folder in config["package-dir"].values()
        for pattern in config["package-data"]["*"]
        for file in (ROOT / folder).glob(pattern)
    }
    data = {file for room in ROOMS for file in _files(ROOT / room) if file.suffix != ".py"}
    assert sorted(str(file.relative_to(ROOT)) for file in data - shipped) == []


@pytest.mark.parametrize(
    ("folders", "budget"),
    [
        (("forensics/weights",), 6),
        (("detectors/weights",), 12),
        (("generator/weights",), 7),
        ((), 25),
    ],
)
def test_weights_keep_their_budget(folders: tuple[str, ...], budget: int) -> None:
    assert sum(file.stat().st_size for file in _weights(*folders)) <= budget * MB


def test_landmarks_keep_their_budget() -> None:
    assert (ROOT / "forensics/weights/landmarks.onnx").stat().st_size <= 2 * MB


@pytest.mark.parametrize("card", _cards(), ids=lambda card: card.relative_to(ROOT).as_posix())
def test_files_are_what_their_card_says(card: Path) -> None:
    recorded = _recorded(card)
    assert recorded
    for file, digest in recorded.items():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest, file.name
    assert "licence" in json.loads(card.read_text(encoding="utf-8"))


def test_every_weight_file_has_a_card() -> None:
    named = {file for card in _cards() for file in _recorded(card)}
    assert [file.name for file in _weights() if file not in named] == []


def test_licences_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "non-commercial" in (ROOT / "LICENSE-WEIGHTS").read_text(encoding="utf-8")
