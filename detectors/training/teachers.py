"""Earlier networks that a new one learns from besides the labels (Hinton et al. 2015, arXiv 1503.02531).

The mean of several networks ranks better than any of them, and one that follows the mean costs no more than one. The
teachers see the very crop that the network sees, changed alike (Beyer et al. 2022, arXiv 2106.05237).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .network import FaceNetwork, NetworkConfig
from .network_export import export_networks
from .network_import import state_of
from .onnx_files import one_thread
from .pack import Pack, Packs


class Teachers:
    """Networks of one fold, so that no teacher has seen what the fold leaves out; they run in ONNX Runtime."""

    def __init__(
        self,
        paths: Sequence[Path],
        number: int,
        share: float,
        config: NetworkConfig,
        work: Path,
        pack: Pack | Packs | None = None,
    ) -> None:
        """`paths` are what `network_import.state_of` reads for fold `number`; their export is kept in `work`.

        `share` of a label is theirs. Raises ValueError for a share outside [0, 1], for no paths and for another fold.
        """
        if not paths or not 0 <= share <= 1:
            raise ValueError("teachers are one network or more, and their share lies between 0 and 1")
        self.share = share
        self.names = tuple("/".join(path.parts[-2:]) for path in paths)
        networks = [FaceNetwork(config).eval() for _ in paths]
        for network, path in zip(networks, paths, strict=True):
            network.load_state_dict(state_of(path, number, config, pack))
        work.mkdir(parents=True, exist_ok=True)
        export_networks(networks, work / "teachers.onnx", mirror=False)  # crops are mirrored at random
        self.session = one_thread(work / "teachers.onnx")

    def soften(self, images: Tensor, labels: Tensor) -> Tensor:
        """(N,) labels moved `share` of the way to the probability at the mean of the teachers' logits.

        `images` are (N, 3, H, W) RGB in [0, 255], `labels` 0 or 1.
        """
        logits, _ = self.session.run(None, {"pixels": np.ascontiguousarray(images.numpy())})
        taught = torch.from_numpy(np.asarray(logits, np.float32)).mean(1).sigmoid()
        return labels.lerp(taught, self.share)
