"""Pictures for training beside the divided corpus: what a network has drawn, and photographs of the parsing data.

`python -m whichface.detectors.training.more_data --data DIR --parsing DIR --drawn FOLDER … -o MORE`

MORE becomes a corpus (manifest.csv, landmarks478.npz). Drawn pictures are written at JPEG 75, 4:2:0, the codec of the
photographs at 1024 px that they stand against; photographs stay where they are. Faces are found by the own detector.
A photograph whose face is nearly the same as one of DIR, by perceptual hash, is left out: it may be a validation
picture there. MORE/held is a corpus for `whichface evaluate`: drawn pictures that are kept back, beside photographs.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from whichface.forensics.files import whole
from whichface.forensics.parallel import spread
from whichface.forensics.recompress import jpeg_bytes
from whichface.forensics.survey import Analysis, Wanted, near_duplicates, survey

from ..dataset import Sample, in_scope, read_corpus, read_pixels

QUALITY = 75
COLUMNS = ("file", "label", "generator", "set", "split", "group")


@dataclass(frozen=True, slots=True)
class Extra:
    """One picture: a row of the manifest."""

    file: Path
    label: str
    generator: str
    set: str
    split: str
    group: str

    def row(self) -> dict[str, str]:
        """Its columns as text."""
        return {name: str(getattr(self, name)) for name in COLUMNS}


def parsing_photographs(folder: Path) -> list[Extra]:
    """The photographs of the parsing data, with the split and groups that they have there."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        Extra((folder / r["image"]).resolve(), "real", "", f"parsing-{r['source']}", r["split"], f"p:{r['group']}")
        for r in rows
    ]


def _encode(task: tuple[Path, Path]) -> None:
    source, target = task
    if not target.exists():
        with whole(target) as beside:  # what a run that was cut off left is not taken for whole
            beside.write_bytes(jpeg_bytes(read_pixels(source), QUALITY))


def drawn_pictures(folder: Path, out: Path, generator: str, split: str, workers: int) -> list[Extra]:
    """A folder of PNG files as JPEG files in `out`."""
    files = sorted(folder.glob("seed*.png"))
    place = out / folder.name
    place.mkdir(parents=True, exist_ok=True)
    targets = [(place / f"{file.stem}.jpg").resolve() for file in files]
    for _ in spread(_encode, list(zip(files, targets, strict=True)), workers, chunk=16):
        pass
    return [Extra(t, "fake", generator, generator, split, f"{generator}:{t.stem}") for t in targets]


def unlike(extras: Sequence[Extra], found: Sequence[Analysis], known: Sequence[Analysis]) -> list[int]:
    """Numbers of the pictures with a face that is in no `known` picture and in no earlier one."""
    usable = [i for i, analysis in enumerate(found) if not analysis.refused]
    seen = [a for a in known if not a.refused]
    both = [*seen, *(found[i] for i in usable)]
    again = {max(a, b) - len(seen) for a, b in near_duplicates(both)}
    return [i for place, i in enumerate(usable) if place not in again]


def write_manifest(extras: Sequence[Extra], out: Path) -> None:
    """The rows of a corpus."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(extra.row() for extra in extras)


def write(extras: Sequence[Extra], found: Sequence[Analysis], out: Path) -> None:
    """The manifest and the landmarks."""
    write_manifest(extras, out)
    points = [np.array(a.landmarks, np.int16).reshape(-1, 2) for a in found]
    np.savez_compressed(
        out / "landmarks478.npz",
        image=np.array([str(e.file) for e in extras]),
        face=np.zeros(len(extras), np.int64),
        xy8=np.stack(points),
    )


def against(extras: Sequence[Extra], samples: Sequence[Sample], sets: Sequence[str]) -> list[Extra]:
    """The drawn validation pictures and the validation photographs of `sets`, as one set with both classes."""
    name = " + ".join([*sorted({e.set for e in extras if e.label == "fake"}), "photographs"])
    held = [replace(e, set=name) for e in extras if e.split == "val" and e.label == "fake"]
    photographs = [s for s in samples if s.split == "val" and not s.fake and s.set in sets]
    return held + [Extra(s.path.resolve(), "real", "", name, "val", s.group) for s in photographs]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="corpus whose pictures may not come again")
    parser.add_argument("--parsing", type=Path, help="folder of the parsing data")
    parser.add_argument("--drawn", type=Path, nargs="*", default=[], help="folders of drawn pictures to train on")
    parser.add_argument("--held", type=Path, nargs="*", default=[], help="the same, kept for validation")
    parser.add_argument("--against", nargs="*", default=["sg1-ffhq-1024", "sg2-ffhq-1024"], metavar="SET",
                        help="sets whose validation photographs stand beside those in OUTPUT/held, to be measured")
    parser.add_argument("--generator", default="mobile-stylegan", help="what drew them")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    extras = parsing_photographs(args.parsing) if args.parsing else []
    for folders, split in ((args.drawn, "train"), (args.held, "val")):
        for folder in folders:
            extras += drawn_pictures(folder, args.output, args.generator, split, args.workers)
    samples = in_scope(read_corpus(args.data))
    here = [Wanted(s.path, s.landmarks) for s in samples]
    analyses = survey([*here, *(Wanted(e.file) for e in extras)], args.output, lambda number, name: None, args.workers)
    known, found = analyses[: len(here)], analyses[len(here) :]
    kept = unlike(extras, found, known)
    write([extras[i] for i in kept], [found[i] for i in kept], args.output)
    if args.held:
        write_manifest(against([extras[i] for i in kept], samples, args.against), args.output / "held")
    refused = sum(bool(a.refused) for a in found)
    print(f"{len(kept)} pictures; {refused} without a face, {len(extras) - refused - len(kept)} nearly there already")


if __name__ == "__main__":
    main()
