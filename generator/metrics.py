"""Distances between two sets of feature vectors (N, D) or of pictures (N, H, W, 3).

Which network gave the features decides what a figure means: only with Inception's are FID and KID comparable with
published ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.records import Pixels

Array = NDArray[np.float64]


def moments(features: NDArray[np.floating]) -> tuple[Array, Array]:
    """Mean (D,) and covariance (D, D), divided by N - 1."""
    values = np.asarray(features, np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise ValueError(
            f"Argument `features` is expected to have shape (N, D) with N of at least 2 but got {values.shape}"
        )
    return values.mean(0), np.atleast_2d(np.cov(values, rowvar=False))


def _root(matrix: Array) -> Array:
    """Symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def frechet_distance(reals: NDArray[np.floating], fakes: NDArray[np.floating]) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Heusel et al. 2017, arXiv 1706.08500, equation 6)."""
    (m1, c1), (m2, c2) = moments(reals), moments(fakes)
    root = _root(c1)
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ c2 @ root), 0)).sum()
    return float(((m1 - m2) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * shared)


def kernel_distance(
    reals: NDArray[np.floating],
    fakes: NDArray[np.floating],
    *,
    subsets: int = 100,
    size: int = 1000,
    seed: int = 0,
) -> float:
    """Unbiased squared MMD with the kernel (x·y / D + 1)^3, mean over subsets (Binkowski et al. 2018, KID)."""
    rng = np.random.default_rng(seed)
    size = min(size, len(reals), len(fakes))
    if size < 2:
        raise ValueError("Both sets are expected to have at least two vectors")
    total = 0.0
    for _ in range(subsets):
        x = np.asarray(reals, np.float64)[rng.choice(len(reals), size, replace=False)]
        y = np.asarray(fakes, np.float64)[rng.choice(len(fakes), size, replace=False)]
        total += _mmd(x, y)
    return total / subsets


def _mmd(x: Array, y: Array) -> float:
    count, width = x.shape
    within = (x @ x.T / width + 1) ** 3 + (y @ y.T / width + 1) ** 3
    across = (x @ y.T / width + 1) ** 3
    same = (within.sum() - np.trace(within)) / (count - 1)
    return float((same - 2 * across.sum() / count) / count)


def precision_recall(
    reals: NDArray[np.floating], fakes: NDArray[np.floating], *, neighbours: int = 3
) -> tuple[float, float]:
    """Share of fakes among the reals' neighbourhoods, and the reverse (Kynkäänniemi et al. 2019)."""
    return _covered(fakes, reals, neighbours), _covered(reals, fakes, neighbours)


def _covered(
    points: NDArray[np.floating], manifold: NDArray[np.floating], neighbours: int, block: int = 512
) -> float:
    """Share of points within the k-th neighbour's distance of a point of the manifold."""
    if len(manifold) <= neighbours:
        raise ValueError(f"Both sets are expected to have more than {neighbours} vectors")
    radii = np.concatenate(
        [np.sort(d, 1)[:, neighbours] for d in _distances(manifold, manifold, block)]
    )
    hits = [(d <= radii[None]).any(1) for d in _distances(points, manifold, block)]
    return float(np.concatenate(hits).mean())


def _distances(
    a: NDArray[np.floating], b: NDArray[np.floating], block: int
) -> Iterator[Array]:
    """Squared distances from blocks of `a` to all of `b`."""
    b = np.asarray(b, np.float64)
    squares = (b**2).sum(1)
    for start in range(0, len(a), block):
        part = np.asarray(a[start : start + block], np.float64)
        yield np.maximum((part**2).sum(1)[:, None] + squares[None] - 2 * part @ b.T, 0)


def nearest(points: NDArray[np.floating], others: NDArray[np.floating]) -> tuple[NDArray[np.int64], Array]:
    """Index of the nearest vector of `others` for each point, and its distance."""
    found = [(d.argmin(1), np.sqrt(d.min(1))) for d in _distances(points, others, 512)]
    return np.concatenate([i for i, _ in found]), np.concatenate([d for _, d in found])


def pyramid(pixels: Pixels, least: int = 16) -> list[NDArray[np.float32]]:
    """Laplacian pyramid from the full size down to `least` pixels."""
    levels = []
    image = pixels.astype(np.float32)
    while image.shape[0] > least:
        small = cv2.pyrDown(image)
        levels.append(image - cv2.pyrUp(small, dstsize=image.shape[1::-1]))
        image = small
    return [*levels, image]


def patches(level: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(count, 147) random 7 x 7 neighbourhoods."""
    side = level.shape[0] - 7
    places = rng.integers(0, side + 1, (count, 2))
    return np.stack([level[y : y + 7, x : x + 7].ravel() for y, x in places])


def descriptors(pictures: NDArray[np.uint8], per_picture: int, seed: int) -> list[NDArray[np.float32]]:
    """Patches of every pyramid level, normalised by colour channel over the whole set."""
    rng = np.random.default_rng(seed)
    levels = [
        [patches(level, per_picture, rng) for level in pyramid(picture)] for picture in pictures
    ]
    return [_normalised(np.concatenate(parts)) for parts in zip(*levels, strict=True)]


def _normalised(found: NDArray[np.float32]) -> NDArray[np.float32]:
    colours = found.reshape(len(found), 49, 3)
    spread = colours.std((0, 1)) + 1e-8
    return ((colours - colours.mean((0, 1))) / spread).reshape(len(found), -1).astype(np.float32)


def sliced_wasserstein(
    reals: NDArray[np.uint8], fakes: NDArray[np.uint8], *, per_picture: int = 128, seed: int = 0
) -> list[float]:
    """Distance times 1000 at every pyramid level, finest first (Karras et al. 2018, arXiv 1710.10196, section 5)."""
    count = min(len(reals), len(fakes))
    a, b = (descriptors(p[:count], per_picture, seed) for p in (reals, fakes))
    rng = np.random.default_rng(seed)
    return [_sliced(x, y, rng) * 1000 for x, y in zip(a, b, strict=True)]


def _sliced(
    a: NDArray[np.float32], b: NDArray[np.float32], rng: np.random.Generator, directions: int = 512
) -> float:
    axes = rng.standard_normal((a.shape[1], directions)).astype(np.float32)
    axes /= np.linalg.norm(axes, axis=0)
    difference = np.sort(a @ axes, axis=0) - np.sort(b @ axes, axis=0)
    return float(np.abs(difference).mean())


def perceptual_path_length(
    draw: Callable[[Array], NDArray[np.uint8]],
    features: Callable[[NDArray[np.uint8]], NDArray[np.floating]],
    pairs: tuple[Array, Array],
    *,
    epsilon: float = 1e-2,
) -> float:
    """Mean squared change of the features over epsilon^2 between near points of w (1812.04948, section 4.1).

    `pairs` are w vectors (N, w_dim) at the ends; 1 % is left out at either tail, as published. The published figure
    uses epsilon 1e-4 on floating pictures; 8-bit ones need a larger step.
    """
    first, second = pairs
    rng = np.random.default_rng(0)
    place = rng.random((len(first), 1))
    a = first + (second - first) * place
    b = first + (second - first) * (place + epsilon)
    change = ((features(draw(a)) - features(draw(b))) ** 2).sum(1) / epsilon**2
    low, high = np.percentile(change, [1, 99])
    return float(change[(change >= low) & (change <= high)].mean())
