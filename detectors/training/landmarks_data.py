"""Crops for the landmark network: a cache of wide crops around faces, and of crops beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from whichface.forensics.geometry import CropFrame
from whichface.forensics.landmarks import POINTS, cut, face_frame
from whichface.forensics.records import Pixels

CACHE = 288
"""Side in pixels of a cached crop."""
WIDE = 2.2
"""Side of a cached crop over the side of the network's square."""


@dataclass(frozen=True, slots=True)
class FaceCache:
    """Wide upright-axis crops of one split."""

    crops: NDArray[np.uint8]
    """(N, 288, 288, 3)."""
    inside: NDArray[np.int16]
    """(N, 4) XYXY of the part of the crop that lies in the picture."""
    points: NDArray[np.float32]
    """(N, 478, 2) in pixels of the crop."""
    others: NDArray[np.uint8]
    """(M, 128, 128, 3) crops without a face."""
    mined: NDArray[np.uint8]
    """(K, 128, 128, 3) that a half-trained network believed; `others` when none were mined."""

    def part(self, index: int) -> Pixels:
        """The crop's inside."""
        x0, y0, x1, y1 = self.inside[index]
        return self.crops[index, y0:y1, x0:x1]


def load_cache(folder: Path, split: str) -> FaceCache:
    """The cache that `build_cache` wrote."""
    names = ("crops", "inside", "points", "others")
    parts = [np.load(folder / f"{split}-{name}.npy", mmap_mode="r") for name in names]
    mined = folder / f"{split}-mined.npy"
    return FaceCache(*parts, np.load(mined, mmap_mode="r") if mined.exists() else parts[-1])


def _wide_crop(pixels: Pixels, points: NDArray[np.float64]) -> tuple[Pixels, list[int], NDArray]:
    frame = face_frame(points)
    wide = CropFrame(frame.centre, np.array([frame.side / 2 * WIDE, 0.0]))
    matrix = wide.matrix(CACHE)
    height, width = pixels.shape[:2]
    corners = np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]]) @ matrix[:, :2].T + matrix[:, 2]
    low = np.clip(np.ceil(corners[0]), 0, CACHE).astype(int)
    high = np.clip(np.floor(corners[1]) + 1, 0, CACHE).astype(int)
    placed = points @ matrix[:, :2].T + matrix[:, 2]
    return cut(pixels, wide, CACHE), [*low.tolist(), *high.tolist()], placed


def _away(pixels: Pixels, known: list[CropFrame], rng: np.random.Generator) -> Pixels | None:
    """A random crop that holds no known face, or None."""
    height, width = pixels.shape[:2]
    side = min(width, height) * float(np.exp(rng.uniform(np.log(0.15), np.log(0.6))))
    centre = rng.uniform([0, 0], [width, height])
    for frame in known:
        gap = np.abs(centre - frame.centre).max()
        ratio = side / frame.side
        if gap < 0.5 * max(side, frame.side) and 0.4 < ratio < 2.5:
            return None
    angle = np.radians(rng.uniform(-30, 30))
    return cut(pixels, CropFrame(centre, side / 2 * np.array([np.cos(angle), np.sin(angle)])))


def _haar_away(
    pixels: Pixels, known: list[CropFrame], finder: cv2.CascadeClassifier
) -> list[Pixels]:
    """Crops of the face finder's false alarms."""
    scale = min(1.0, 320 / max(pixels.shape[:2]))
    grey = cv2.cvtColor(cv2.resize(pixels, None, fx=scale, fy=scale), cv2.COLOR_RGB2GRAY)
    out = []
    for x, y, w, _ in finder.detectMultiScale(grey, 1.15, 1, minSize=(20, 20)):
        side = 1.6 * w / scale
        centre = (np.array([x, y]) + w / 2) / scale
        near = any(
            np.abs(centre - f.centre).max() < 0.4 * max(side, f.side) and 0.45 < side / f.side < 2.2
            for f in known
        )
        if not near:
            out.append(cut(pixels, CropFrame(centre, np.array([side / 2, 0.0]))))
    return out


def build_cache(data: Path, folder: Path, seed: int = 0) -> None:
    """Write the crops, points and face-less crops of both splits into `folder`."""
    manifest = pd.read_csv(data / "manifest.csv").set_index("file")
    with np.load(data / "landmarks478.npz") as archive:
        images, points = archive["image"], archive["xy8"].astype(np.float64) / 8
    rows: dict[str, list[int]] = {}
    for row, image in enumerate(images):
        rows.setdefault(str(image), []).append(row)
    finder = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("val", "train"):
        files = [name for name in manifest.index[manifest["split"] == split] if name in rows]
        count = sum(len(rows[name]) for name in files)
        crops = np.lib.format.open_memmap(
            folder / f"{split}-crops.npy", "w+", np.uint8, (count, CACHE, CACHE, 3)
        )
        inside, placed = np.zeros((count, 4), np.int16), np.zeros((count, POINTS, 2), np.float32)
        names: list[str] = []
        others: list[Pixels] = []
        for number, name in enumerate(files):
            pixels = cv2.imread(str(data / name), cv2.IMREAD_COLOR_RGB)
            known = [face_frame(points[row]) for row in rows[name]]
            for row in rows[name]:
                crops[len(names)], inside[len(names)], placed[len(names)] = _wide_crop(
                    pixels, points[row]
                )
                names.append(name)
            found = [_away(pixels, known, rng) for _ in range(2)]
            others += [crop for crop in found if crop is not None and crop.std() > 4]
            if number % 3 == 0:
                others += _haar_away(pixels, known, finder)
        crops.flush()
        for key, value in (("inside", inside), ("points", placed), ("others", np.stack(others))):
            np.save(folder / f"{split}-{key}.npy", value)
        (folder / f"{split}-names.txt").write_text("\n".join(names))


def mirror_order(points: NDArray[np.floating]) -> NDArray[np.int64]:
    """(478,) index of each point's mirror image, from the mean of many upright faces (N, 478, 2).

    ValueError when the pairing is no involution.
    """
    shapes = np.asarray(points, np.float64)
    spread = np.ptp(shapes[:, :, 1], axis=1)[:, None, None]
    mean = ((shapes - shapes.mean(1, keepdims=True)) / spread).mean(0)
    mirrored = mean * [-1.0, 1.0]
    cost = np.square(mean[:, None] - mirrored[None]).sum(-1)
    order = linear_sum_assignment(cost + cost.T)[1]
    if not np.array_equal(order[order], np.arange(len(order))):
        raise ValueError("the mirror pairing is not an involution")
    return order
