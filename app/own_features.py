"""The detector's network as a feature network for distances: figures of it are called "own features"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whichface.generator.features import OnnxFeatures

OWN = "own features"
SIDE = 256
"""Pictures are brought to this size for it."""


def own_features() -> OnnxFeatures:
    """What enters the heads of the shipped detector's networks, pooled over the face."""
    from whichface.detectors.classifier import model_directory
    from whichface.generator.features import OnnxFeatures, inputs_of

    path = model_directory() / "network.onnx"
    return OnnxFeatures(path, size=SIDE, layers=inputs_of(path, ".head.weight"))
