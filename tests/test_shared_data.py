"""With the shared faces at hand: validation pictures that no expert saw keep what the tables say, roughly."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.detectors import ExamineOptions, Examiner
from whichface.detectors.dataset import read_corpus
from whichface.detectors.metrics import auc
from whichface.detectors.training.folds import training_folds
from whichface.forensics.geometry import interocular
from whichface.forensics.records import Label

DATA = Path(__file__).parents[2] / "shared/data/faces"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data/faces is not here")


@pytest.fixture(scope="module")
def samples():
    return read_corpus(DATA)


@pytest.fixture(scope="module")
def examined(samples):
    """(sample, largest face) of 30 validation pictures a class of two matched sets, and 40 wild ones."""
    cv2.setNumThreads(1)
    examiner = Examiner(ExamineOptions(max_faces=1))
    chosen = []
    for name in ("sg1-ffhq-256", "sg2-ffhq-1024"):
        for fake in (False, True):
            held = [s for s in samples if s.set == name and s.fake is fake and s.split == "val"]
            chosen += held[:30]
    chosen += [s for s in samples if s.set == "wild-celeba" and s.split == "val"][:40]
    return [(s, examiner.examine(s.path).faces) for s in chosen]


def test_a_face_is_found_where_the_teacher_saw_it(examined):
    errors = []
    for sample, faces in examined:
        if faces and sample.landmarks is not None:
            moved = np.hypot(*(faces[0].face.landmarks - sample.landmarks).T).mean()
            errors.append(moved / interocular(sample.landmarks))
    assert len(errors) >= 0.97 * len(examined)
    assert np.median(errors) < 0.06


def test_fakes_rank_above_reals(examined):
    rows = [(s.fake, f[0].verdict.llr) for s, f in examined if f and s.set == "sg2-ffhq-1024"]
    fake, llr = (np.array(column) for column in zip(*rows, strict=True))
    assert auc(fake.astype(bool), llr) > 0.7


def test_few_photographs_are_called_generated(examined):
    labels = [f[0].verdict.label for s, f in examined if f and not s.fake]
    assert np.mean([label is Label.GENERATED for label in labels]) <= 0.06


def test_no_group_is_on_both_sides_of_a_fold(samples):
    folds = training_folds(samples)
    seen: dict[str, int] = {}
    for sample, fold in zip(samples, folds, strict=True):
        if fold >= 0 and sample.set.startswith(("sg1-", "sg2-ffhq", "pggan", "celebahq")):
            assert seen.setdefault(sample.group, int(fold)) == fold
    assert len(set(seen.values())) == 3
