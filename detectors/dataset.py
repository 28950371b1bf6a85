"""Labelled corpora: a folder with a manifest.csv (and, for our training set, landmarks478.npz)."""

from __future__ import annotations

import csv
import io
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.records import Pixels

OUT_OF_SCOPE = ("diffusion-sd21", "diffusion-facechain")
"""Not what the claim is about: measured, never trained on."""
MATCHED: Mapping[str, tuple[str, ...]] = {
    "sg1-ffhq-256": ("sg1-ffhq-256",),
    "sg1-ffhq-1024": ("sg1-ffhq-1024",),
    "sg2-ffhq-1024": ("sg2-ffhq-1024",),
    "pggan + celebahq-1024": ("pggan-celebahq-1024", "celebahq-1024"),
}
"""Both classes in one size and codec: what figures of merit are measured on, by name."""
MATCHED_SETS = tuple(name for names in MATCHED.values() for name in names)
MATCHED_AND_POOLED = {**MATCHED, "pooled": MATCHED_SETS}
FACE_ONLY = ("sg3-160",)
"""Blurred by its authors outside the face: whole crops of it would teach that a blurred background is generated.

No fold, texture expert or calibration sees it. Networks learn its faces, when all classes are blurred alike around it.
"""

SPLITS: Mapping[str, str] = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Names of splits that manifests use, and ours."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture."""

    path: Path
    """The file."""
    fake: bool
    """True: generated."""
    set: str
    """Name of its set (source)."""
    generator: str
    """Generator of a fake, else empty."""
    split: str
    """train, val or test; empty where nothing tells; a name that is none of SPLITS as the manifest has it."""
    group: str
    """Pictures of one group stay on one side of every division."""
    source: str
    """Repository or collection that the set was taken from, where the manifest tells; else empty."""
    landmarks: NDArray[np.float32] | None
    """(478, 2) in pixels of the upright picture, where the corpus has them."""
    named: bool = False
    """True: the manifest names the group; else it is the file's name, and nobody else's in another corpus."""


def read_corpus(folder: Path) -> list[Sample]:
    """All pictures of a corpus in the manifest's order. Raises ValueError as `read_manifest` does.

    Without the column `set` the folder's name is the set, without `group` every picture is its own, without `split`
    there is none (""); a picture without one has that of its group.
    """
    rows = read_manifest(folder / "manifest.csv")
    landmarks = _read_landmarks(folder / "landmarks478.npz")
    splits = [_split(row.get("split") or "") for row in rows]
    of_group: dict[str, str] = {}
    for row, split in zip(rows, splits, strict=True):
        if split and row.get("group"):
            of_group.setdefault(row["group"], split)
    return [
        Sample(
            path=folder / row["file"],
            fake=row["label"] == "fake",
            set=row.get("set") or folder.resolve().name,
            generator=row.get("generator") or "",
            split=split or of_group.get(row.get("group") or "", ""),
            group=row.get("group") or row["file"],
            source=row.get("source_repo") or "",
            landmarks=landmarks.get(row["file"]),
            named=bool(row.get("group")),
        )
        for row, split in zip(rows, splits, strict=True)
    ]


def _split(name: str) -> str:
    return SPLITS.get(name.strip().lower(), name.strip())


def read_manifest(path: Path) -> list[dict[str, Any]]:
    """The rows of a manifest, each with a file and a label.

    Raises ValueError, with file and line in one sentence, for what is no UTF-8, no CSV, or lacks one of the two.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {line}: this is no UTF-8 text; save the manifest as UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = []
    try:
        missing = {"file", "label"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path} lacks columns: {sorted(missing)}")
        for row in reader:
            if not row["file"] or row["label"] is None:
                raise ValueError(f"{path}, line {reader.line_num}: the row has no {'label' if row['file'] else 'file'}")
            rows.append(row)
    except csv.Error as error:
        line = reader.reader.line_num  # that of the DictReader itself is still the row before
        raise ValueError(f"{path}, line {line}: this cannot be read as CSV ({error})") from error
    return rows


def _read_landmarks(path: Path) -> dict[str, NDArray[np.float32]]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as data:
        images, faces, points = data["image"], data["face"], data["xy8"]
    return {
        str(image): points[i].astype(np.float32) / 8.0
        for i, (image, face) in enumerate(zip(images, faces, strict=True))
        if face == 0
    }


def read_pixels(path: Path) -> Pixels:
    """HxWx3 uint8 RGB of a trusted corpus picture, EXIF orientation applied."""
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} could not be decoded")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def group_folds(groups: Sequence[str], strata: Sequence[str], count: int, seed: int = 0) -> NDArray[np.int64]:
    """Fold number (0 to `count` - 1) a picture; no group is divided, strata (label and set) are spread evenly."""
    from sklearn.model_selection import StratifiedGroupKFold

    folds = np.full(len(groups), -1, np.int64)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a set with fewer pictures than folds is spread as well as it can be
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for number, (_, held_out) in enumerate(splitter.split(groups, strata, groups)):
            folds[held_out] = number
    return folds


def strata_of(samples: Sequence[Sample], count: int) -> list[str]:
    """Strata for `count` folds: set and label, or the label alone where every set is smaller than that."""
    names = [f"{s.set}/{s.fake}" for s in samples]
    largest = max(Counter(names).values(), default=0)
    return names if largest >= count else [str(s.fake) for s in samples]


def for_tuning(sample: Sample) -> bool:
    """True where analyzers may be designed: half of the train groups; the other half calibrates them."""
    return sample.split == "train" and zlib.crc32(sample.group.encode()) % 2 == 0


def in_scope(samples: Iterable[Sample]) -> list[Sample]:
    """Samples that the claim covers and whose face is known."""
    return [s for s in samples if s.set not in OUT_OF_SCOPE and s.landmarks is not None]
