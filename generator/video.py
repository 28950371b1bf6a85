"""Interpolation: a closed walk in w through the faces of given seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from whichface.forensics.records import Pixels

from .images import tile, to_pixels
from .sample import Array, Network, noise_maps, styles


def walk(points: Array, steps: int) -> Array:
    """(keys * steps, …) on a closed cubic spline through `points` (keys, …)."""
    closed = np.concatenate([points, points[:1]]).astype(np.float64)
    if len(points) == 1:
        return np.repeat(points, steps, 0)
    spline = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")
    places = np.arange(len(points) * steps) / steps
    return np.asarray(spline(places), np.float32)


def frames(
    network: Network,
    seeds: Sequence[int],
    *,
    steps: int = 60,
    columns: int = 1,
    rows: int = 1,
    psi: float = 0.7,
    chosen: int | None = None,
) -> Iterator[Pixels]:
    """A grid of faces, each on its own walk through an equal share of the seeds. Raises ValueError."""
    cells = columns * rows
    if len(seeds) % cells:
        raise ValueError(f"the number of seeds is expected to be a multiple of {cells} but is {len(seeds)}")
    ways = [
        walk(styles(network, part.tolist(), psi, chosen), steps)
        for part in np.split(np.array(seeds), cells)
    ]
    noise = noise_maps(network, "const", seeds[:1])
    for ws in zip(*ways, strict=True):
        yield tile(to_pixels(network.synthesis(np.stack(ws), noise)), columns)


def enlarge(pixels: Pixels, least: int) -> Pixels:
    """Pixels repeated until the shorter side has `least`."""
    factor = max(1, -(-least // min(pixels.shape[:2])))
    return np.ascontiguousarray(pixels.repeat(factor, 0).repeat(factor, 1))


def write(path: Path, pictures: Iterator[Pixels], *, rate: int = 30, about: str = "") -> int:
    """Frames to GIF, animated WebP or PNG (by Pillow), or MP4 (by OpenCV); how many. Raises OSError, ValueError."""
    if path.suffix.lower() == ".mp4":
        return _write_mp4(path, pictures, rate)
    if path.suffix.lower() not in {".gif", ".webp", ".png"}:
        raise ValueError(f"{path.name} is expected to end in .mp4, .webp, .png or .gif")
    return _write_animation(path, pictures, rate, about)


def _write_mp4(path: Path, pictures: Iterator[Pixels], rate: int) -> int:
    import cv2

    writer, count = None, 0
    for picture in pictures:
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
            if not writer.isOpened():
                raise OSError(f"{path} cannot be written as MP4 here; .webp always can")
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        count += 1
    if writer is not None:
        writer.release()
    return count


def _write_animation(path: Path, pictures: Iterator[Pixels], rate: int, about: str) -> int:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    from whichface.forensics.metadata import OWN_KEY

    images = [Image.fromarray(picture) for picture in pictures]
    info = PngInfo()
    info.add_text(OWN_KEY, about)
    extra = {"pnginfo": info} if path.suffix.lower() == ".png" else {"comment": about.encode()}
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=1000 // rate, loop=0, **extra
    )
    return len(images)
