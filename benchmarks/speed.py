"""Time and memory of the default profile on one 1024-px JPEG whose face fills the frame, so that every scale applies.

    python benchmarks/speed.py -o benchmarks/speed.md

Cold: `detect` as a new process, CPU seconds (user and system) and peak memory. Warm: CPU time of `Examiner.examine` in
one process; every library is held to one thread by the package. Medians; the machine may be shared, so compare ratios.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import cv2
import numpy as np
from skimage import data
from tables import publish

from whichface.detectors import ExamineOptions, Examiner
from whichface.detectors.canonical import SCALES, canonical_face
from whichface.detectors.features import features
from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.face import find_faces
from whichface.forensics.geometry import align, crop_frame
from whichface.forensics.photo import open_photo
from whichface.forensics.records import Face, Photo
from whichface.forensics.regions import face_regions
from whichface.forensics.view import FaceView

COMMAND = "python benchmarks/speed.py -o benchmarks/speed.md"


def portrait(path: Path, side: int = 1024) -> None:
    """The astronaut's face as an FFHQ-like crop, enlarged to `side` pixels, JPEG 90.

    Grain is added, so that no analyzer abstains because an enlarged picture is soft: then it would cost nothing.
    """
    astronaut = np.asarray(data.astronaut())
    whole = path.with_suffix(".png")
    cv2.imwrite(str(whole), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    face = find_faces(open_photo(whole))[0]
    crop, _ = align(astronaut, face.landmarks, side)
    grain = np.random.default_rng(0).normal(0, 6, crop.shape[:2])[..., None]
    crop = np.clip(crop + grain, 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])


def cold(path: Path, rounds: int, *options: str) -> tuple[float, float, float]:
    """Medians of CPU seconds and wall seconds of `detect`, and the peak memory of any process so far in MB."""
    script = Path(sysconfig.get_path("scripts")) / "detect"
    spent, walls = [], []
    for _ in range(rounds):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([script, "--json", *options, str(path)], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        walls.append(time.monotonic() - start)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1e3 if sys.platform != "darwin" else 1e6)
    return float(np.median(spent)), float(np.median(walls)), peak


def cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """Median CPU milliseconds of calling `work`, after two calls to warm up."""
    spent = []
    for number in range(rounds + 2):
        start = time.process_time()
        work()
        if number > 1:
            spent.append(time.process_time() - start)
    return float(np.median(spent)) * 1e3


def rows(path: Path, rounds: int) -> list[tuple[str, str]]:
    """Every figure as (what, value)."""
    seconds, wall, peak = cold(path, 5)
    examiner, photo = Examiner(), open_photo(path)
    face = find_faces(photo)[0]
    frame = crop_frame(face.landmarks)
    small = path.with_name("portrait-256.jpg")
    portrait(small, 256)
    canonical = {scale: canonical_face(photo.pixels, frame, scale) for scale in SCALES}
    found = [
        ("cold: `detect`, CPU", f"{seconds:.2f} s"),
        ("cold: `detect`, wall", f"{wall:.2f} s"),
        ("cold: peak memory", f"{peak:.0f} MB"),
        ("warm: whole examination", f"{cpu_ms(lambda: examiner.examine(path), rounds):.0f} ms"),
        ("warm: whole examination of the same at 256 px", f"{cpu_ms(lambda: examiner.examine(small), rounds):.0f} ms"),
        ("warm: opening the file", f"{cpu_ms(lambda: open_photo(path), rounds):.0f} ms"),
        ("warm: finding the face", f"{cpu_ms(lambda: find_faces(photo), rounds):.0f} ms"),
        ("warm: all experts once", f"{cpu_ms(lambda: examiner.model.opinion(photo.pixels, frame), rounds):.0f} ms"),
    ]
    found += cue_rows(path, photo, face, rounds)
    for scale, item in canonical.items():
        found.append((f"warm: texture features at {scale} px", f"{cpu_ms(lambda i=item: features(i), rounds):.0f} ms"))
    for scale in (160, 256):
        spent = cpu_ms(lambda i=canonical[scale]: examiner.model.network(i), rounds)
        found.append((f"warm: network at {scale} px", f"{spent:.0f} ms"))
    return found


def cue_rows(path: Path, photo: Photo, face: Face, rounds: int) -> list[tuple[str, str]]:
    """The analyzers: all together beside the default profile, and each alone on a view that is made already."""
    rounds = max(3, rounds // 3)
    plain, full = Examiner(), Examiner(ExamineOptions(explain=True))
    extra = cpu_ms(lambda: full.examine(path), rounds) - cpu_ms(lambda: plain.examine(path), rounds)
    seconds, _, peak = cold(path, 3, "--explain")
    view = FaceView(photo, face)
    found = [
        ("warm: `--explain` beyond the default profile", f"{extra:.0f} ms"),
        ("cold: `detect --explain`, CPU", f"{seconds:.2f} s"),
        ("cold: `detect --explain`, peak memory", f"{peak:.0f} MB"),
        ("warm: regions", f"{cpu_ms(lambda: face_regions(photo.pixels, face.landmarks), rounds):.0f} ms"),
    ]
    for cue in ANALYZERS:
        spent = cpu_ms(lambda c=cue: c.look(view), rounds)
        found.append((f"warm: analyzer {cue.name}, shared work done", f"{spent:.0f} ms"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    path = Path(".work/portrait-1024.jpg")
    path.parent.mkdir(exist_ok=True)
    portrait(path)
    load = os.getloadavg()[0]
    lines = [f"Command: `{COMMAND}`, {date.today()}, {os.cpu_count()} cores, load {load:.1f}."]
    lines += ["", "| what | median |", "|---|---|"]
    lines += [f"| {what} | {value} |" for what, value in rows(path, args.rounds)]
    text = "\n".join(lines) + "\n"
    publish(text, args.output)


if __name__ == "__main__":
    main()
