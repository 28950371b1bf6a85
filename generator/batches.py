"""Training batches: shuffled by seed and epoch, mirrored by chance, loaded ahead.

Which picture is shown as the n-th depends on the seed and n only, so that a resumed run goes on exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whichface.forensics.records import Pixels

from .data import Source
from .errors import DataError

CACHE_BYTES = 2_000_000_000
"""A collection that is smaller is kept in memory once it was read."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of one step."""

    images: Tensor
    """(N, 3, H, W) uint8."""
    labels: Tensor | None
    """(N, classes) one-hot, or None."""


class Loader:
    """Batches by position in the endless shuffled sequence."""

    def __init__(
        self, source: Source, *, seed: int, mirror: bool, classes: int = 0, workers: int = 2
    ) -> None:
        self.source, self.seed, self.mirror, self.classes = source, seed, mirror, classes
        self.pool = ThreadPoolExecutor(max(1, workers))
        self.planner = ThreadPoolExecutor(1)  # waits for the pictures of a batch; in the pool it would take one's place
        self.ahead: tuple[tuple[int, ...], Future[Batch]] | None = None
        self.order: tuple[int, NDArray[np.int64]] | None = None
        small = len(source) * source.resolution**2 * 3 < CACHE_BYTES
        self.cache: dict[int, Pixels] | None = {} if small else None

    def close(self) -> None:
        """Stop loading ahead."""
        self.planner.shutdown(wait=True, cancel_futures=True)
        self.pool.shutdown(wait=True, cancel_futures=True)

    def numbers(self, places: Sequence[int]) -> list[tuple[int, bool]]:
        """Number and mirroring of the pictures at these places of the sequence."""
        return [self._at(place) for place in places]

    def _at(self, place: int) -> tuple[int, bool]:
        epoch, index = divmod(place, len(self.source))
        if self.order is None or self.order[0] != epoch:
            rng = np.random.default_rng((self.seed, 1, epoch))
            self.order = (epoch, rng.permutation(len(self.source)))
        flip = self.mirror and bool(np.random.default_rng((self.seed, 2, place)).integers(2))
        return int(self.order[1][index]), flip

    def get(self, places: Sequence[int]) -> Batch:
        """The batch at `places`, and the next one of the same form begun in the background."""
        key = tuple(places)
        waiting, self.ahead = self.ahead, None
        if waiting is not None and waiting[0] != key:
            waiting[1].cancel()
            waiting = None
        batch = waiting[1].result() if waiting else self._load(self.numbers(key))
        step = (places[-1] - places[0]) // max(len(places) - 1, 1)
        following = tuple(place + len(places) * step for place in places)
        self.ahead = (following, self.planner.submit(self._load, self.numbers(following)))
        return batch

    def _load(self, chosen: list[tuple[int, bool]]) -> Batch:
        """These pictures, each by its own thread."""
        pictures = list(self.pool.map(lambda one: self._picture(*one), chosen))
        images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
        return Batch(images, self._labels([number for number, _ in chosen]))

    def _picture(self, number: int, flip: bool) -> Pixels:
        pixels = self.cache.get(number) if self.cache is not None else None
        if pixels is None:
            pixels = self.source.load(number)
            if self.cache is not None:
                self.cache[number] = pixels
        return pixels[:, ::-1] if flip else pixels

    def _labels(self, numbers: list[int]) -> Tensor | None:
        if not self.classes:
            return None
        if self.source.labels is None:
            raise DataError("The data has no labels (dataset.json), but the network has classes.")
        labels = torch.from_numpy(self.source.labels[numbers])
        return torch.nn.functional.one_hot(labels, self.classes).float()
