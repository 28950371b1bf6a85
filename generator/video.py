"""Interpolation: a closed walk in w through the faces of given seeds."""

from __future__ import annotations

import errno
import os
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
    """Frames to GIF, animated WebP or PNG (by Pillow), or MP4 (by OpenCV); how many.

    The file is whole or not there. Raises OSError that names it, ValueError.
    """
    ending = path.suffix.lower()
    if ending not in {".mp4", ".gif", ".webp", ".png"}:
        raise ValueError(f"{path.name} is expected to end in .mp4, .webp, .png or .gif")
    if not path.parent.is_dir():  # before minutes of drawing
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    beside = path.with_name(f".{path.stem}.part{ending}")
    try:
        if ending == ".mp4":
            count = _write_mp4(beside, pictures, rate)
        else:
            count = _write_animation(beside, pictures, rate, about)
        beside.replace(path)
    except OSError as error:
        raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(path)) from error
    finally:
        beside.unlink(missing_ok=True)
    return count


def _write_mp4(path: Path, pictures: Iterator[Pixels], rate: int) -> int:
    import cv2

    writer, count = None, 0
    for picture in pictures:
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
            if not writer.isOpened():
                raise OSError("OpenCV cannot write MP4 here, .webp always can")
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        count += 1
    if writer is not None:
        writer.release()
    if _frames_in(path) != count:  # OpenCV is silent on a full disk
        raise OSError("not all frames arrived, the disk may be full")
    return count


def _frames_in(path: Path) -> int:
    """How many frames of a video can be decoded."""
    import cv2

    reader, count = cv2.VideoCapture(str(path)), 0
    while reader.grab():
        count += 1
    reader.release()
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
