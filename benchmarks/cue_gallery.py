"""A contact sheet of one analyzer's heat maps, strongest first, and its AUC a set: to look at before believing.

`python -m benchmarks.cue_gallery splotches --data ../shared/data/faces --sets sg1-ffhq-1024 --most 40 -o sheet.png`
Only groups that analyzers may be designed on are shown (`dataset.for_tuning`). The sheet shows pictures that belong to
others: keep it to yourself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from whichface.detectors.dataset import Sample, for_tuning, in_scope, read_corpus
from whichface.detectors.metrics import auc
from whichface.detectors.training.cue_table import VARIANTS, thinned, view_of
from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.records import Abstention, Evidence
from whichface.forensics.view import FaceView

TILE = 256


def tile(view: FaceView, found: Evidence, fake: bool) -> np.ndarray:
    """The face beside itself under its heat map, with findings boxed."""
    crop = view.crop(TILE).copy()
    marked = crop.copy()
    if found.heatmap is not None:
        factor = found.heatmap.shape[1] / view.photo.width
        matrix = view.frame.scaled(factor).matrix(TILE)
        heat = cv2.warpAffine(found.heatmap, matrix, (TILE, TILE), flags=cv2.INTER_LINEAR)[..., None]
        marked = (crop * (1 - 0.7 * heat) + np.array([255, 0, 0]) * 0.7 * heat).astype(np.uint8)
    matrix = view.frame.matrix(TILE)
    for finding in found.findings:
        if finding.box is not None:
            corners = np.array(finding.box, float).reshape(2, 2) @ matrix[:, :2].T + matrix[:, 2]
            low, high = corners.round().astype(int)
            cv2.rectangle(marked, tuple(map(int, low)), tuple(map(int, high)), (0, 255, 0), 1)
    both = np.hstack([crop, marked])
    colour = (255, 120, 0) if fake else (60, 160, 255)
    text = f"{'FAKE' if fake else 'REAL'} {found.statistic:.3f} q{found.quality:.2f}"
    cv2.putText(both, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1)
    return both


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cue")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=[])
    parser.add_argument("--variant", default="stored", choices=VARIANTS)
    parser.add_argument("--most", type=int, default=30, help="pictures a set and label")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tiles", type=int, default=24, help="strongest pictures of each label on the sheet")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    cue = next(c for c in ANALYZERS if c.name == args.cue)
    samples = [s for s in in_scope(read_corpus(args.data)) if for_tuning(s)]
    samples = thinned([s for s in samples if not args.sets or s.set in args.sets], args.most, args.seed)
    found: list[tuple[Sample, Evidence]] = []
    reasons: dict[str, int] = {}
    tiles: list[tuple[bool, float, np.ndarray]] = []
    for sample in samples:
        view = view_of(sample, args.variant)
        if view is None:
            continue
        said = cue.look(view)
        if isinstance(said, Abstention):
            reasons[said.reason] = reasons.get(said.reason, 0) + 1
            continue
        found.append((sample, said))
        if args.output:
            tiles.append((sample.fake, said.statistic, tile(view, said, sample.fake)))
    report(found, reasons)
    if args.output:
        write_sheet(tiles, args.tiles, args.output)


def report(found: list[tuple[Sample, Evidence]], reasons: dict[str, int]) -> None:
    """AUC of the statistic and of every measure, over all and a set; why it abstained."""
    print(f"{len(found)} pictures with evidence; abstentions: {reasons}")
    names = sorted({name for _, e in found for name in e.measures})
    for group in ["all", *sorted({s.set for s, _ in found})]:
        chosen = [(s, e) for s, e in found if group in ("all", s.set)]
        parts = [_auc("statistic", [(s.fake, e.statistic) for s, e in chosen])]
        parts += [_auc(n, [(s.fake, e.measures[n]) for s, e in chosen if n in e.measures]) for n in names]
        print(f"{group:24s} {'  '.join(parts)}")


def _auc(name: str, pairs: list[tuple[bool, float]]) -> str:
    fake, values = np.array([f for f, _ in pairs], bool), np.array([v for _, v in pairs], float)
    if fake.all() or not fake.any():
        mean = values.mean() if len(values) else float("nan")
        return f"{name}: mean {mean:.3f} (n {len(values)})"
    return f"{name}: {auc(fake, values):.3f} (n {fake.sum()}+{(~fake).sum()})"


def write_sheet(tiles: list[tuple[bool, float, np.ndarray]], most: int, output: Path) -> None:
    """Fakes on the left, reals on the right, strongest first."""
    columns = []
    for fake in (True, False):
        chosen = sorted((t for t in tiles if t[0] is fake), key=lambda t: -t[1])[:most]
        shown = [t[2] for t in chosen] + [np.zeros((TILE, 2 * TILE, 3), np.uint8)] * (most - len(chosen))
        half = (most + 1) // 2
        shown += [np.zeros((TILE, 2 * TILE, 3), np.uint8)] * (2 * half - len(shown))
        columns += [np.vstack(shown[:half]), np.vstack(shown[half:])]
    cv2.imwrite(str(output), cv2.cvtColor(np.hstack(columns), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
