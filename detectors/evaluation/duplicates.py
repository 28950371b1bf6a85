"""Near-duplicates in a corpus: pictures of one photograph in several splits, in both classes, or in several groups.

The hash is the one by which training and corpora keep copies on one side: of the aligned face, mirrored or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from whichface.forensics.survey import DUPLICATE_BITS, Analysis, Wanted, near_duplicates, survey

from ..dataset import Sample
from .corpus import Corpus
from .figures import Values

EXAMPLES = 10
"""Most pairs that are named, of each kind."""


def check(corpus: Corpus, folder: Path, workers: int, observe: Callable[[int, int, str], None]) -> Values:
    """Compare all pictures of the corpus, those of other splits too; `folder` keeps what was found.

    Pictures without a face have no hash and are not compared. Raises OSError when the folder cannot be written.
    """
    samples = (*corpus.samples, *corpus.others)
    wanted = [Wanted(sample.path, sample.landmarks) for sample in samples]
    analyses = survey(wanted, folder, lambda number, name: observe(number, len(samples), name), workers)
    return found(corpus, samples, analyses)


def found(corpus: Corpus, samples: Sequence[Sample], analyses: Sequence[Analysis]) -> Values:
    """The pairs by kind; the first `len(corpus.samples)` of `samples` are those that are measured."""
    hashed = [number for number, analysis in enumerate(analyses) if analysis.hash]
    pairs = [(hashed[i], hashed[j]) for i, j in near_duplicates([analyses[n] for n in hashed])]
    measured = len(corpus.samples)

    def kind(chosen: Callable[[Sample, Sample], bool]) -> Values:
        these = [pair for pair in pairs if chosen(samples[pair[0]], samples[pair[1]])]
        touched = {number for pair in these for number in pair if number < measured}
        names = [[corpus.name(samples[i]), corpus.name(samples[j])] for i, j in these[:EXAMPLES]]
        return {"pairs": len(these), "measured": len(touched), "examples": names}

    return {
        "bits": DUPLICATE_BITS,
        "pictures": len(samples),
        "compared": len(hashed),
        "pairs": len(pairs),
        "across_splits": kind(lambda a, b: a.split != b.split),
        "across_classes": kind(lambda a, b: a.fake != b.fake),
        "across_groups": kind(lambda a, b: (a.split, a.fake) == (b.split, b.fake) and a.group != b.group),
    }


def notes(found: Values) -> list[str]:
    """What a reader must know before the figures, plain sentences."""
    said = []
    if count := found["across_splits"]["measured"]:
        said.append(f"Measured pictures that look like one of another split: {count}. If that was trained on, figures "
                    "flatter the model.")  # fmt: skip
    if count := found["across_classes"]["pairs"]:
        said.append(f"Pairs of a photograph and a fake that look alike: {count}. Check the labels.")
    return said
