"""What an addition brings: paired gains on the matched sets, where composition is alike, and on wild photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tables import auc_text, gain_text

from whichface.detectors.dataset import MATCHED, MATCHED_AND_POOLED, Sample
from whichface.detectors.evaluation.content import Pairs
from whichface.detectors.leakage import out_of_fold, thumbnail
from whichface.detectors.metrics import auc, bootstrap, true_rate_at, wilson
from whichface.detectors.training.pack import STORED
from whichface.detectors.training.score import Material

Array = NDArray[np.float64]
ROUNDS = 200
FALSE_ALARM = 0.01
COLUMNS = ("change", "score", "pictures", "sets", "reals, fakes", "thumbnail alone", "AUC before", "AUC after", "gain",
           "gain where composition is alike")  # fmt: skip
WILD_COLUMNS = ("change", "score", "pictures", "matched fakes, wild", "AUC before", "gain",
                "fakes found at 1 % of the wild, before", "gain ",
                "wild beyond 1 % of the matched photographs, before", "after")  # fmt: skip


def thumbnails(material: Material) -> NDArray[np.float64]:
    """(pictures, 768) colours of the aligned face at 16 x 16 as stored; NaN for a picture without a canonical face."""
    found = np.full((len(material.samples), 768), np.nan)
    for row in material.rows(160, STORED + 1):
        found[material.pack.sample[row]] = thumbnail(material.pack.pixels(row))
    return found


def content_scores(samples: Sequence[Sample], folds: NDArray[np.int64], colours: Array) -> Array:
    """(pictures,) of the thumbnail baseline, out of fold within each comparison of the matched sets; else NaN."""
    found = np.full(len(samples), np.nan)
    for sets in MATCHED.values():
        seen = np.array([s.set in sets for s in samples]) & (folds >= 0) & np.isfinite(colours[:, 0])
        fake = np.array([s.fake for s in samples])[seen]
        found[seen] = out_of_fold(colours[seen], fake, folds[seen])
    return found


def frame(samples: Sequence[Sample], sample: NDArray[np.int64], content: Array, **columns: NDArray) -> pd.DataFrame:
    """One row a picture and processing: fake, set, group, thumbnail, and the given columns."""
    chosen = [samples[i] for i in sample]
    known = {"fake": [s.fake for s in chosen], "set": [s.set for s in chosen], "group": [s.group for s in chosen]}
    return pd.DataFrame({"sample": sample, **known, "thumbnail": content[sample], **columns})


def content_gain(rows: pd.DataFrame, before: str = "before", after: str = "after") -> str:
    """Gain over pairs of a fake and a real that the thumbnail scores alike, the mean of the matched sets."""
    parts = [rows[rows["set"].isin(sets)] for sets in MATCHED.values()]
    pairs = [tuple(Pairs(p, c) for c in (before, after)) for p in parts if p["fake"].nunique() == 2]
    value = float(np.mean([two.value() - one.value() for one, two in pairs]))
    drawn = np.mean([np.subtract(two.resampled(ROUNDS), one.resampled(ROUNDS)) for one, two in pairs], axis=0)
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def gain_lines(
    titles: Sequence[str], rows: pd.DataFrame, sets: Sequence[str] = tuple(MATCHED_AND_POOLED),
    alike: Callable[[pd.DataFrame], str] | None = content_gain,
) -> list[str]:  # fmt: skip
    """A table row for each of `sets`, of `before` and `after` in `rows`; `titles` are the first cells.

    `alike` fills the last cell of the pooled row.
    """
    found = []
    for name in sets:
        part = rows[rows["set"].isin(MATCHED_AND_POOLED[name])]
        if part["fake"].nunique() < 2:
            continue
        fake, groups = part["fake"].to_numpy(bool), part["group"].tolist()
        before, after = part["before"].to_numpy(float), part["after"].to_numpy(float)
        cells = [*titles, name, f"{(~fake).sum()}, {fake.sum()}"]
        floor = part["thumbnail"].to_numpy(float)
        cells += [f"{auc(fake, floor):.3f}" if np.isfinite(floor).all() else "", auc_text(fake, before, groups)]
        cells += [f"{auc(fake, after):.3f}", gain_text(fake, after, before, groups)]
        cells.append(alike(part) if alike and name == "pooled" else "")
        found.append(f"| {' | '.join(cells)} |")
    return found


def wild_line(titles: Sequence[str], rows: pd.DataFrame) -> str:
    """A table row: the fakes of the matched sets against wild photographs, whose sources no expert saw."""
    matched = rows["set"].isin(MATCHED_AND_POOLED["pooled"]).to_numpy(bool)
    wild = rows["set"].str.startswith("wild-").to_numpy(bool)
    part = rows[(matched & rows["fake"].to_numpy(bool)) | wild]
    fake, groups = part["fake"].to_numpy(bool), part["group"].tolist()
    before, after = part["before"].to_numpy(float), part["after"].to_numpy(float)

    def found(i: NDArray[np.int64]) -> float:
        return true_rate_at(fake[i], after[i], FALSE_ALARM) - true_rate_at(fake[i], before[i], FALSE_ALARM)

    low, high = bootstrap(found, groups, rounds=ROUNDS)
    cells = [*titles, f"{fake.sum()}, {(~fake).sum()}", auc_text(fake, before, groups)]
    cells += [gain_text(fake, after, before, groups), f"{true_rate_at(fake, before, FALSE_ALARM):.2f}"]
    cells.append(f"{found(np.arange(len(fake))):+.2f} [{low:+.2f}, {high:+.2f}]")
    cells += [alarms(rows, matched & ~rows["fake"].to_numpy(bool), wild, name) for name in ("before", "after")]
    return f"| {' | '.join(cells)} |"


def alarms(rows: pd.DataFrame, reference: NDArray[np.bool_], shown: NDArray[np.bool_], name: str) -> str:
    """Share of the rows `shown` beyond the score that FALSE_ALARM of `reference` pass, with Wilson's interval."""
    scores = rows[name].to_numpy(float)
    threshold = np.quantile(scores[reference], 1 - FALSE_ALARM)
    hits, number = int((scores[shown] > threshold).sum()), int(shown.sum())
    low, high = wilson(hits, number)
    return f"{hits / number:.1%} [{low:.1%}, {high:.1%}]"
