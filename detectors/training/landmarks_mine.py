"""Hard negatives: squares that hold no face, or badly, and that a half-trained network believes.

python -m whichface.detectors.training.landmarks_mine --data ../shared/data/faces -o .work/landmarks
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import pandas as pd
from numpy.typing import NDArray

from whichface.forensics.face import guesses, whole_picture
from whichface.forensics.geometry import CropFrame
from whichface.forensics.haar import Search, candidates
from whichface.forensics.landmarks import cut, face_frame
from whichface.forensics.records import Pixels

LEAST = -2.0
"""Presence logit from which a wrong square is kept."""
OBJECTS = ("brick", "grass", "gravel", "rocket", "text", "page", "moon", "clock", "horse", "cell")
OBJECTS += ("hubble_deep_field", "immunohistochemistry", "retina")
"""Face-less pictures that come inside scikit-image."""
LOOSE = (
    Search(320, "frontalface_default", 1.15, 0, smallest=20),
    Search(240, step=1.2, neighbours=0, smallest=20),
)


def wrong(frame: CropFrame, known: list[CropFrame]) -> bool:
    """Whether a square holds none of the known faces even roughly."""
    for face in known:
        gap = float(np.hypot(*(frame.centre - face.centre)))
        ratio = frame.side / face.side
        if gap < 0.35 * max(frame.side, face.side) and 0.5 < ratio < 1.9:
            return False
    return True


def squares(pixels: Pixels, rng: np.random.Generator) -> Iterator[CropFrame]:
    """Where the face finder may look, and random places."""
    height, width = pixels.shape[:2]
    yield from guesses(width, height)
    yield from whole_picture(width, height)
    boxes = [frame for search in LOOSE for frame in candidates(pixels, search)]
    yield from (boxes[i] for i in rng.permutation(len(boxes))[:16])
    for _ in range(8):
        side = min(width, height) * float(np.exp(rng.uniform(np.log(0.2), np.log(1.1))))
        angle = np.radians(rng.uniform(-40, 40))
        axis = side / 2 * np.array([np.cos(angle), np.sin(angle)])
        yield CropFrame(rng.uniform([0, 0], [width, height]), axis)


def object_crops(seed: int = 0, each: int = 70) -> list[Pixels]:
    """Crops of scikit-image's and scikit-learn's pictures of things; not coins, cat and coffee."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(seed)
    out: list[Pixels] = []
    for pixels in [
        np.asarray(getattr(data, name)()) for name in OBJECTS
    ] + load_sample_images().images:
        pixels = pixels * 255 if pixels.dtype == bool else pixels
        pixels = np.repeat(pixels[..., None], 3, 2) if pixels.ndim == 2 else pixels[..., :3]
        pixels = np.ascontiguousarray(pixels, np.uint8)
        out += [cut(pixels, frame) for frame in list(squares(pixels, rng))[:each]]
        height, width = pixels.shape[:2]
        for _ in range(each):
            side = min(width, height) * rng.uniform(0.1, 0.9)
            out.append(
                cut(
                    pixels, CropFrame(rng.uniform([0, 0], [width, height]), np.array([side / 2, 0]))
                )
            )
    return out


def mine(data: Path, folder: Path, network: Path, seed: int = 0, every: int = 2) -> int:
    """Write `folder`/train-mined.npy (M, 128, 128, 3); the number kept.

    Every wild training picture is searched, and every so many-th of the aligned ones.
    """
    manifest = pd.read_csv(data / "manifest.csv").set_index("file")
    with np.load(data / "landmarks478.npz") as archive:
        images, points = archive["image"], archive["xy8"].astype(np.float64) / 8
    known: dict[str, list[CropFrame]] = {}
    for image, shape in zip(images, points, strict=True):
        known.setdefault(str(image), []).append(face_frame(shape))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(network.read_bytes(), options)
    rng = np.random.default_rng(seed)
    train = manifest.index[manifest["split"] == "train"]
    kept: list[NDArray[np.uint8]] = []
    for number, name in enumerate(train):
        if name not in known or not ("wild" in str(name) or number % every == 0):
            continue
        pixels = cv2.imread(str(data / name), cv2.IMREAD_COLOR_RGB).astype(np.uint8, copy=False)
        for frame in squares(pixels, rng):
            if not wrong(frame, known[name]):
                continue
            crop = cut(pixels, frame)
            value = crop.astype(np.float32).transpose(2, 0, 1)[None]
            if session.run(["scores"], {"crop": value})[0][0, 0] > LEAST:
                kept.append(crop)
    kept += 2 * object_crops(seed)
    np.save(folder / "train-mined.npy", np.stack(kept))
    return len(kept)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    print(mine(args.data, args.output, args.output / "landmarks.onnx"))


if __name__ == "__main__":
    main()
