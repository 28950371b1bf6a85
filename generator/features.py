"""Feature vectors of pictures by an ONNX network that is given as a path."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from .errors import NetworkFileError


class OnnxFeatures:
    """Runs a network on RGB pictures of `size` pixels and pools what it gives over the places.

    `layers` names inner tensors to use instead of the outputs (needs the package onnx); `scale` and `shift` turn
    [0, 255] into what the network expects.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: int | None = None,
        layers: tuple[str, ...] = (),
        scale: float = 1.0,
        shift: float = 0.0,
    ) -> None:
        self.size, self.scale, self.shift = size, scale, shift
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            data = _with_outputs(path, layers) if layers else path.read_bytes()
            self.session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own exception classes are not public
            raise NetworkFileError(f"{path} cannot be used as a feature network: {error}.") from error
        self.outputs = list(layers) or [output.name for output in self.session.get_outputs()][:1]

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W, 3) uint8 to (N, D)."""
        return np.stack([self._one(picture) for picture in pictures])

    def _one(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        side = self.size or picture.shape[0]
        if picture.shape[0] != side:
            method = cv2.INTER_AREA if picture.shape[0] > side else cv2.INTER_CUBIC
            picture = cv2.resize(picture, (side, side), interpolation=method).astype(np.uint8)
        values = picture.astype(np.float32).transpose(2, 0, 1)[None] * self.scale + self.shift
        found = self.session.run(self.outputs, {self.session.get_inputs()[0].name: values})
        return np.concatenate([f.reshape(f.shape[1], -1).mean(1) for f in found]).astype(np.float32)


def _with_outputs(path: Path, layers: tuple[str, ...]) -> bytes:
    """The network with inner tensors as further outputs."""
    import onnx

    model = onnx.load(str(path))
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in layers)
    return bytes(model.SerializeToString())


def inputs_of(path: Path, suffix: str) -> tuple[str, ...]:
    """Names of the tensors that enter the nodes whose weight's name ends in `suffix`."""
    import onnx

    nodes = onnx.load(str(path)).graph.node
    return tuple(n.input[0] for n in nodes if len(n.input) > 1 and n.input[1].endswith(suffix))
