"""Speed of `whichface scan` against a plain loop over `detect`'s function; memory by number of pictures; a second run.

    python benchmarks/scan.py -o benchmarks/scan.md

Speed: synthetic portraits (the astronaut's face with fresh grain) as JPEG 90. The loop opens, examines and encodes one
picture after the other in one process; the scan does the same in worker processes, and hashes, shrinks and stores.
Cores are bound with sched_setaffinity; medians of rounds that run all of them in turn. Pictures/s are by the clock,
without the start of the processes: on a shared machine compare them in a row only. CPU is that of all processes, their
start included, and hardly depends on what else runs.
Memory and second run: pictures of 18 px, which hold no face and cost next to nothing: the machinery is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import cv2
import numpy as np
from tables import head, publish

from whichface.detectors import Examiner
from whichface.detectors.scan import Scan, local_engine
from whichface.detectors.scanning.records import Encoder, ScanConfig
from whichface.detectors.store import Store
from whichface.reports.json import failure_to_dict, to_dict, to_line

ENCODER = Encoder(to_dict, failure_to_dict)
COMMAND = "python benchmarks/scan.py -o benchmarks/scan.md"
SIDES = {256: 96, 1024: 40}
"""Pictures by side."""


def portraits(folder: Path, side: int, count: int) -> list[Path]:
    """So many JPEGs that differ."""
    from speed import portrait

    folder.mkdir(exist_ok=True)
    portrait(folder / "first.jpg", side)
    base = cv2.imread(str(folder / "first.jpg")).astype(np.float32)
    (folder / "first.jpg").unlink()
    (folder / "first.png").unlink()
    rng = np.random.default_rng(0)
    for number in range(count):
        noisy = np.clip(base + rng.normal(0, 2, base.shape[:2])[..., None], 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:04}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return sorted(folder.glob("*.jpg"))


def loop(folder: Path) -> dict[str, float]:
    """The plain loop: pictures a second once warm."""
    cv2.setNumThreads(1)
    examiner, paths = Examiner(), sorted(folder.glob("*.jpg"))
    examiner.examine(paths[0])
    first = time.monotonic()
    for path in paths:
        to_line(to_dict(examiner.examine(path)))
    end = time.monotonic()
    return {"rate": len(paths) / (end - first), "cpu": cpu() / len(paths)}


def cpu() -> float:
    """CPU seconds of this process and of those that it has ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in both)


def scanned(folder: Path, workers: int) -> dict[str, float]:
    """A scan into a new store: rate from the first results on, rate with the start, peak memory in MB."""
    times: list[tuple[float, int]] = []
    config = ScanConfig(workers=workers)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "r.db"
        start = time.monotonic()
        with Store(path) as store, local_engine(config, ENCODER) as engine:
            watch = lambda now: times.append((time.monotonic(), now.fresh))  # noqa: E731
            done = Scan([str(folder)], store, config, ENCODER, observe=watch).run(engine)
        end, spent = time.monotonic(), cpu()
        with Store(path) as store, local_engine(config, ENCODER) as engine:
            Scan([str(folder)], store, config, ENCODER).run(engine)
        second, size = time.monotonic() - end, path.stat().st_size
    steady = [item for item in times if item[1] > workers * config.batch]
    (first, before), (last, after) = steady[0], steady[-1]
    own, workers_peak = (resource.getrusage(who).ru_maxrss / 1e3 for who in (0, resource.RUSAGE_CHILDREN))
    rate = (after - before) / max(last - first, 1e-9)
    found = {"rate": rate, "cpu": spent / done.fresh, "second": second, "store": size / 1e6}
    return found | {"parent": own, "worker": workers_peak, "seconds": end - start}


def apart(cores: int, *arguments: str) -> dict[str, float]:
    """One measurement in a fresh process that may use so many cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    try:
        command = [sys.executable, __file__, "--measure", *arguments]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    finally:
        os.sched_setaffinity(0, ALL)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


ALL = os.sched_getaffinity(0)


def speed_lines(work: Path, rounds: int) -> list[str]:
    """The table of speeds."""
    names = ("loop, pictures/s", "scan, pictures/s", "ratio", "loop, CPU a picture", "scan, CPU a picture")
    lines = head("side", "cores", *names)
    for side, count in SIDES.items():
        folder = work / f"portraits-{side}"
        portraits(folder, side, count)
        runs = [(("loop", 1), ("scan", 1), ("scan", 2))] * rounds
        found: dict[tuple[str, int], list[dict[str, float]]] = {}
        for kinds in runs:
            for kind, cores in kinds:
                found.setdefault((kind, cores), []).append(apart(cores, kind, str(folder), str(cores)))

        median = {
            key: {name: float(np.median([item[name] for item in items])) for name in items[0]}
            for key, items in found.items()
        }
        base = median["loop", 1]
        for cores in (1, 2):
            own = median["scan", cores]
            ratio, ms = own["rate"] / base["rate"], (base["cpu"] * 1e3, own["cpu"] * 1e3)
            speeds = f"| {side} px | {cores} | {base['rate']:.1f} | {own['rate']:.1f} | {ratio:.2f}"
            lines.append(f"{speeds} | {ms[0]:.0f} ms | {ms[1]:.0f} ms |")
    return lines


def many(folder: Path, count: int) -> None:
    """Tiny PNGs, a thousand a folder."""
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.png"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), rng.integers(0, 256, (18, 18, 3), np.uint8))


def memory_lines(work: Path, counts: list[int]) -> list[str]:
    """The table of memory and of second runs."""
    lines = head("pictures", "first run", "peak of the parent", "peak of a worker", "store", "second run, unchanged")
    for count in counts:
        folder = work / f"many-{count}"
        many(folder, count)
        found = apart(2, "scan", str(folder), "2")
        lines.append(
            f"| {count:,} | {found['seconds']:.0f} s | {found['parent']:.0f} MB | {found['worker']:.0f} MB"
            f" | {found['store']:.1f} MB | {found['second']:.1f} s |"
        )
    return lines


def measure(kind: str, folder: str, workers: str) -> None:
    """What a fresh process does; prints JSON."""
    print(json.dumps(loop(Path(folder)) if kind == "loop" else scanned(Path(folder), int(workers))))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--measure", nargs=3)
    args = parser.parse_args()
    if args.measure:
        measure(*args.measure)
        return
    with tempfile.TemporaryDirectory() as place:
        made = f"Command: `{COMMAND}`, {date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}."
        lines = ["# Scan", "", made]
        lines += ["", __doc__.split("\n\n", 2)[2].strip().replace("\n", " "), "", "## Speed", ""]
        lines += [*speed_lines(Path(place), args.rounds), "", "## Memory, and a second run", ""]
        lines += memory_lines(Path(place), args.counts)
    publish("\n".join(lines) + "\n", args.output)


if __name__ == "__main__":
    main()
