"""Factories of records for the tests of every room."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from whichface.detectors.evaluate import assess
from whichface.detectors.evaluation.peers import Peer
from whichface.detectors.evaluation.rows import Row, frame
from whichface.forensics.records import (
    Abstention,
    Alignment,
    Evidence,
    Examination,
    Face,
    FaceExamination,
    FaceQuality,
    Finding,
    Label,
    Photo,
    Pose,
    ProvenanceFact,
    Score,
    SourceFacts,
    Verdict,
)

sys.path.insert(0, str(Path(__file__).parent))  # for scan_helpers, which spawned processes import too

RIGHT_EYE = (33, 160, 158, 133, 153, 144)
LEFT_EYE = (362, 385, 387, 263, 373, 380)
LLR = {Label.GENERATED: 2.08, Label.INCONCLUSIVE: 0.45, Label.REAL: -1.52}
REASONS = {
    Label.GENERATED: "The evidence passes the threshold for “generated”.",
    Label.INCONCLUSIVE: "The evidence lies between the two thresholds.",
    Label.REAL: "The evidence lies below the threshold for “real”.",
}


def _photo(width: int = 256, height: int = 256, path: str | None = "portraits/anna.jpg") -> Photo:
    ramp = np.linspace(40, 200, width, dtype=np.uint8)[None, :, None]
    pixels = np.broadcast_to(ramp, (height, width, 3)).copy()
    facts = SourceFacts("JPEG", 20_000, (width, height), jpeg_quality=90)
    return Photo(Path(path) if path else None, pixels, facts, "ab" * 32)


def _face(
    centre: tuple[float, float] = (128.0, 128.0), side: float = 200.0, **changes: Any
) -> Face:
    angles = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    points = np.stack([np.cos(angles) * 0.25, np.sin(angles) * 0.32 + 0.02], 1)
    points[list(RIGHT_EYE)] = (-0.117, -0.02)
    points[list(LEFT_EYE)] = (0.117, -0.02)
    points[[61, 291]] = (-0.08, 0.22), (0.08, 0.22)
    landmarks = (points * side + np.asarray(centre)).astype(np.float32)
    low, high = landmarks.min(0), landmarks.max(0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    quality = FaceQuality(side, side * 0.234, 0.8, 0.3, 0.97, 0.02)
    face = Face(
        box, landmarks, Pose(3.0, -2.0, 0.5), quality, Alignment(0.02, 0.95, 0.5, 0.9), 0.99
    )
    return replace(face, **changes)


def _verdict(label: Label = Label.GENERATED, llr: float | None = None, **changes: Any) -> Verdict:
    value = LLR[label] if llr is None else llr
    verdict = Verdict(
        label=label,
        llr=value,
        llr_interval=(max(-2.5, value - 0.45), min(2.5, value + 0.4)),
        llr_ceiling=2.5,
        probability=10**value / (1 + 10**value),
        prior=0.5,
        threshold=1.5,
        reasons=(REASONS[label],),
    )
    return replace(verdict, **changes)


def _examined(
    face: Face | None = None, verdict: Verdict | None = None, **changes: Any
) -> FaceExamination:
    face = face or _face()
    heat = np.full((14, 14), 0.5, np.float32)
    heat[9:12, 5:9] = 0.95
    mouth = (90.0, 150.0, 166.0, 190.0)
    examined = FaceExamination(
        face=face,
        verdict=verdict or _verdict(),
        scores=(Score("texture-256", 3.1), Score("network-256", 2.2, heat)),
        evidence=(
            Evidence(
                "texture-256",
                3.1,
                None,
                (
                    Finding(
                        "Fine texture with the face at 256 pixels looks more like a generated face."
                    ),
                ),
            ),
            Evidence(
                "network-256",
                2.2,
                None,
                (Finding("The network's map is strongest at the mouth.", mouth),),
            ),
        ),
        abstentions=(
            Abstention("texture-512", "The face has fewer pixels than this scale needs."),
        ),
    )
    return replace(examined, **changes)


def _examination(*labels: Label, photo: Photo | None = None, **changes: Any) -> Examination:
    photo = photo or _photo()
    spread = [(128.0 + 40.0 * i, 128.0) for i in range(len(labels))]
    faces = tuple(
        _examined(_face(c, 200.0 - 60 * i), _verdict(label))
        for i, (label, c) in enumerate(zip(labels, spread, strict=True))
    )
    nothing = "No face was found, so nothing can be said of this picture."
    examination = Examination(
        photo=photo,
        faces=faces,
        provenance=(ProvenanceFact("camera", "EXIF names the camera Pentax K-70."),),
        warnings=() if faces else (nothing,),
        versions={"whichface": "0.1.0", "model": "face-1"},
    )
    return replace(examination, **changes)


@pytest.fixture
def make_photo() -> Callable[..., Photo]:
    """A grey ramp: make_photo(width, height, path)."""
    return _photo


@pytest.fixture
def make_face() -> Callable[..., Face]:
    """A face whose FFHQ square has its centre and side as given: make_face(centre, side, **fields)."""
    return _face


@pytest.fixture
def make_verdict() -> Callable[..., Verdict]:
    """A verdict: make_verdict(label, llr, **fields)."""
    return _verdict


@pytest.fixture
def make_face_examination() -> Callable[..., FaceExamination]:
    """One examined face: make_face_examination(face, verdict, **fields)."""
    return _examined


@pytest.fixture
def make_examination() -> Callable[..., Examination]:
    """An examination with one face a label: make_examination(Label.GENERATED, photo=…, **fields)."""
    return _examination


def _corpus(
    folder: Path, count: int = 48, side: float = 170.0, *, splits: bool = False, landmarks: bool = True
) -> Path:
    """A corpus of drawn pictures, all different: fakes have smoother noise. Every other picture is a fake."""
    size = round(side * 1.1)
    points = _face((size / 2, size / 2), side / 0.936).landmarks
    rows, names = ["file,label,set,split,group"], []
    for number in range(count):
        label = "fake" if number % 2 else "real"
        rng = np.random.default_rng(number)
        scene = cv2.resize(rng.integers(40, 210, (14, 14, 3), np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
        noise = rng.normal(0, 8, (size, size, 1))
        noise = cv2.GaussianBlur(noise, (0, 0), 1.0)[..., None] * 3 if number % 2 else noise
        names.append(f"{label}/{number:03}.jpg")
        (folder / label).mkdir(parents=True, exist_ok=True)
        pixels = np.clip(scene + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / names[-1]), pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])
        split = ("val" if number % 8 > 5 else "train") if splits else ""
        rows.append(f"{names[-1]},{label},drawn,{split},g{number}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    if landmarks:
        known = np.repeat(np.rint(points * 8).astype(np.uint16)[None], count, 0)
        np.savez(folder / "landmarks478.npz", image=np.array(names), face=np.zeros(count, int), xy8=known)
    return folder


@pytest.fixture(scope="session")
def make_corpus() -> Callable[..., Path]:
    """A labelled corpus with known faces: make_corpus(folder, count, side, splits=…, landmarks=…)."""
    return _corpus


def _rows(reals: int = 60, fakes: int = 60, shift: float = 1.5, seed: int = 0, **changes: Any) -> list[Row]:
    """Rows as stored of two sets with both classes and of some photographs alone, scores of known Gaussians.

    The score is the true log10 ratio of Gaussians `shift` apart; composition is noise, so the thumbnail is at chance.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(reals + fakes):
        fake = number >= reals
        x = rng.normal(shift * fake)
        llr = float((x * shift - shift**2 / 2) / np.log(10))
        label = "generated" if llr > 0.5 else "real" if llr < -0.5 else "inconclusive"
        traits = {"thumbnail": rng.integers(0, 256, 768, np.uint8).tobytes().hex()}
        traits |= {"container": [1.0, 90.0], "sharpness": rng.normal(size=2).round(3).tolist()}
        place = "one" if number % 2 else "two"
        values: dict[str, Any] = {
            "file": f"{place}/{'fake' if fake else 'real'}/{number:03}.jpg",
            "sha256": f"{number:064x}", "condition": "as stored", "fake": fake, "set": place,
            "generator": "stylegan2" if fake else "", "group": f"g{number // 2}{fake}", "status": "examined",
            "label": label, "llr": max(-1.0, min(1.0, llr)), "score": llr, "threshold": 0.5, "ceiling": 1.0,
            "side": float(rng.choice([120, 200, 300, 600])), "resolution": 0.5 + number % 7 / 14,
            "closeness": 0.9 if place == "one" else 0.1, "yaw": float(rng.normal() * 15), "pitch": 0.0,
            "format": "JPEG", "width": 512, "height": 512, "seconds": 0.1, "traits": traits,
        }  # fmt: skip
        rows.append(Row(**(values | changes)))
    return rows


@pytest.fixture
def make_rows() -> Callable[..., list[Row]]:
    """Rows of an evaluation with known truth: make_rows(reals, fakes, shift, seed, **fields)."""
    return _rows


@pytest.fixture(scope="session")
def evaluation_content() -> dict[str, Any]:
    """What evaluation.json holds for such rows under four conditions, with a peer, cues and one failure."""
    rows = [replace(row, cues={"hair": [row.score, row.llr], "eyes": None}) for row in _rows()]
    rows[0] = replace(rows[0], status="unreadable", message="is <b>cut off</b>.", label="", score=np.nan, llr=np.nan)
    for name, factor in (("JPEG 50", 0.5), ("512 px", 0.8), ("256 px, JPEG 50", 0.4)):
        done = [row for row in rows if (row.status, row.condition) == ("examined", "as stored")]
        shift = np.sin(37.0 * np.arange(len(done))) * (name == "256 px, JPEG 50")
        rows += [
            replace(row, condition=name, score=row.score * factor + float(s), cues={})
            for row, s in zip(done, shift, strict=True)
        ]
    peer = Peer("other", {row.file: row.score + row.fake for row in rows if row.condition == "as stored"})
    peer.scores[rows[0].file] = 0.0
    made = {"version": 1, "date": "2026-11-25 12:00 UTC", "corpus": "photos/corpus", "split": "val"}
    made |= {"model": {"id": "face-1", "trained_on": "data"}, "grid_name": "quick", "explain": True}
    made |= {"workers": 2, "cores": 2, "versions": {"whichface": "0.1.0", "model": "face-1"}}
    kind = {"pairs": 0, "measured": 0, "examples": []}
    twin = {"pairs": 1, "measured": 1, "examples": [[rows[1].file, "train/real/twin.jpg"]]}
    made["duplicates"] = {"bits": 30, "pictures": 500, "compared": 498, "pairs": 1, "across_splits": twin,
                          "across_classes": kind, "across_groups": kind}  # fmt: skip
    return {**made, **assess(frame(rows), [peer])}
