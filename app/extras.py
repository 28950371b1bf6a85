"""What a command needs beyond the light installation, said in one sentence when it is missing."""

from __future__ import annotations

import importlib.util

from whichface.forensics.errors import MissingExtraError


def need_training(verb: str, *more: str) -> None:
    """Raises MissingExtraError unless torch, safetensors and `more` are installed."""
    if any(importlib.util.find_spec(name) is None for name in ("torch", "safetensors", *more)):
        raise MissingExtraError(f'{verb} needs the extra that brings torch: pip install "whichface[train]".')


def need_onnx(verb: str) -> None:
    """Raises MissingExtraError unless onnx is installed."""
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtraError(f'{verb} needs onnx, which an extra brings: pip install "whichface[train]".')
