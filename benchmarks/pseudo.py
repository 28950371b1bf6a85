"""Pseudo-fakes of the training photographs at 256 px: their features, and what sharpness alone tells of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.detectors.canonical import QUALITY, CanonicalFace, aligned_crop
from whichface.detectors.classifier import load_model
from whichface.detectors.dataset import Sample
from whichface.detectors.features import features
from whichface.detectors.leakage import out_of_fold, sharpness
from whichface.detectors.training.pack import STORED, PackConfig, jitter_frame, opened
from whichface.detectors.training.score import Material
from whichface.detectors.training.simulate import pseudo_fake
from whichface.forensics.recompress import jpeg
from whichface.forensics.records import Pixels

Imitate = Callable[[Pixels, int], tuple[Pixels, str]]
"""A canonical face and the picture's number to its imitation and the name of what made it."""
SCALE = 256
NUMBER = 1000
"""Photographs that are imitated, drawn at random."""
SEED = 1


@dataclass(frozen=True, slots=True)
class Pseudo:
    """Pseudo-fakes, one a photograph."""

    sample: NDArray[np.int64]
    """(rows,) number of the photograph."""
    table: NDArray[np.float16]
    """(rows, features)."""
    sharpness: NDArray[np.float64]
    """(rows, 2) as `leakage.sharpness`."""
    upsampler: NDArray[np.str_]
    """(rows,) names."""
    network: NDArray[np.float64]
    """(rows,) logit of the shipped networks."""


def chosen(material: Material) -> NDArray[np.int64]:
    """(NUMBER,) numbers of training photographs that have the scale, in order."""
    rows = material.rows(SCALE, STORED + 1)
    real = np.array([not s.fake for s in material.samples])
    able = np.array(sorted({int(i) for i in material.pack.sample[rows] if material.folds[i] >= 0 and real[i]}))
    return np.sort(np.random.default_rng(SEED).permutation(able)[:NUMBER])


def upsampled(crop: Pixels, number: int) -> tuple[Pixels, str]:
    """A pseudo-fake of a canonical face, and the upsampler's name."""
    return pseudo_fake(crop, np.random.default_rng([SEED, number]))


def imitated(sample: Sample, number: int, imitate: Imitate) -> tuple[CanonicalFace, str]:
    """The canonical face of a photograph's imitation, aligned as its variant 0 in the pack; what made it."""
    config = PackConfig()
    pixels, frame = opened(sample, config)
    moved = jitter_frame(frame, np.random.default_rng([config.seed, number, STORED]), config)
    crop, inside = aligned_crop(pixels, moved, SCALE)
    fake, name = imitate(crop, number)
    return CanonicalFace(jpeg(fake, QUALITY), inside, SCALE), name


def made(material: Material, cache: Path, imitate: Imitate = upsampled) -> Pseudo:
    """Imitations of the chosen photographs, kept in the file `cache` (.npz)."""
    if not cache.exists():
        cv2.setNumThreads(1)
        numbers = chosen(material)
        faces = [imitated(material.samples[i], int(i), imitate) for i in numbers]
        table = np.stack([features(face) for face, _ in faces]).astype(np.float16)
        sharp = np.stack([sharpness(face.pixels) for face, _ in faces])
        names = np.array([name for _, name in faces])
        logits = network_logits([face for face, _ in faces])
        np.savez(cache, sample=numbers, table=table, sharpness=sharp, upsampler=names, network=logits)
    with np.load(cache, allow_pickle=False) as data:
        return Pseudo(*(data[name] for name in ("sample", "table", "sharpness", "upsampler", "network")))


def network_logits(faces: Sequence[CanonicalFace]) -> NDArray[np.float64]:
    """(faces,) mean logit of the shipped networks."""
    model = load_model()
    return np.array([model.network(face).logit for face in faces])


def originals(material: Material, numbers: Sequence[int]) -> NDArray[np.int64]:
    """Rows of the pack with the photographs themselves, as stored, in the order of `numbers`."""
    rows = material.rows(SCALE, STORED + 1)
    place = dict(zip(material.pack.sample[rows].tolist(), rows.tolist(), strict=True))
    return np.array([place[int(i)] for i in numbers])


def sharpness_alone(material: Material, pseudo: Pseudo) -> tuple[NDArray[np.bool_], NDArray[np.float64], list[str]]:
    """(fake, out-of-fold score, group) of pseudo-fakes and their originals from two numbers of sharpness."""
    rows = originals(material, pseudo.sample.tolist())
    own = np.stack([sharpness(material.pack.pixels(row)) for row in rows])
    fake = np.repeat([False, True], len(rows))
    folds = np.tile(material.folds[pseudo.sample], 2)
    scores = out_of_fold(np.concatenate([own, pseudo.sharpness]), fake, folds)
    groups = [material.samples[i].group for i in pseudo.sample]
    return fake, scores, groups + groups
