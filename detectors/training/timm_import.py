"""Import timm where torchvision has no matching build.

A torchvision without compiled operators fails at import with "operator torchvision::nms does not exist"; timm needs
only its pure Python parts, so the two operators are declared (never called) and the import is tried again.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

_kept: list[Any] = []


def import_timm() -> ModuleType:
    """The timm module. Raises ModuleNotFoundError without the extra `train`."""
    try:
        import timm
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        _declare_operators()
        import timm
    return timm


def _declare_operators() -> None:
    import torch

    for name in [name for name in sys.modules if name.split(".")[0] in ("torchvision", "timm")]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)
