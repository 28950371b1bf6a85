"""`evaluate(config, observe) -> Evaluation`: a model on a corpus, everything the report shows as plain values.

The values follow reports/evaluation.schema.json. What is measured where is told in docs/evaluation.md.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from whichface.forensics.errors import ForensicsError

from .evaluation import duplicates
from .evaluation.analyzers import cues
from .evaluation.collect import CollectConfig, Observer, cache_path, collect
from .evaluation.content import BASELINES, comparisons, content_controlled, fitted
from .evaluation.corpus import Corpus, CorpusError, gather, in_scope
from .evaluation.curves import all_curves, calibration, discrimination
from .evaluation.figures import Values, area, area_by_set, both, gain, outcomes
from .evaluation.loss import target
from .evaluation.peers import Peer, check_overlap, compare, matched, read_peer
from .evaluation.rows import EXAMINED, NO_FACE, UNREADABLE, Cache, Row, frame
from .evaluation.tables import across, breakdown, grid, mistakes, speed
from .evaluation.wild import strata
from .examine import ExamineOptions, Examiner
from .robustness import STORED, Grid

VERSION = 1
POOLED, ALL = "matched sets together", "all pictures in scope"


class TooFewError(ForensicsError):
    """A corpus of which too little could be examined."""


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """What is evaluated, and how."""

    corpus: Path
    """Folder with manifest.csv, or real/ and fake/."""
    output: Path
    """Folder for what is written; made when it is missing."""
    split: str | None = None
    """train, val or all; None: val where the manifest has one."""
    peers: tuple[Path, ...] = ()
    """CSV files with the columns file and score."""
    collect: CollectConfig = field(default_factory=CollectConfig)
    """How pictures are examined."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result."""

    content: Values
    """As evaluation.json has it."""
    rows: tuple[Row, ...]
    """One a picture and condition."""
    corpus: Corpus
    """Where the pictures lie."""


def evaluate(
    config: EvaluateConfig, observe: Observer, compared: Observer = lambda done, total, name: None
) -> Evaluation:
    """Examine the corpus and measure; what `config.output` holds of an earlier run is not done again.

    `observe` is told of every picture that was examined, `compared` then of every one that was looked at for copies.

    Raises CorpusError for an unusable corpus or peer file, WeightsError, TooFewError.
    """
    corpus = gather(config.corpus, config.split)
    names = [corpus.name(s) for s in (*corpus.samples, *corpus.others)]
    peers = [matched(read_peer(path), names) for path in config.peers]
    for peer in peers:
        check_overlap(peer, [corpus.name(s) for s in corpus.samples])
    examiner = Examiner(ExamineOptions(model=config.collect.model))
    config.output.mkdir(parents=True, exist_ok=True)
    cache = Cache(cache_path(config.output, examiner, config.collect.explain))
    rows = collect(corpus, config.collect, cache, observe)
    content = assess(frame(rows), peers)
    copies = duplicates.check(corpus, config.output, config.collect.workers, compared)
    content["notes"] = [*_known(examiner.model.directory, rows), *duplicates.notes(copies), *content["notes"]]
    content["duplicates"] = copies
    return Evaluation({**_made(config, corpus, examiner), **content}, tuple(rows), corpus)


def assess(table: pd.DataFrame, peers: Sequence[Peer] = ()) -> Values:
    """Everything that can be said of the rows; `peers` have scores by the rows' files.

    Raises TooFewError when too few pictures of a class were examined.
    """
    table = table.assign(scope=[in_scope(s, g) for s, g in zip(table["set"], table["generator"], strict=True)])
    stored = table[table["condition"] == STORED]
    scored = stored[(stored["status"] == EXAMINED) & stored["scope"]]
    if not both(scored, 2):
        raise TooFewError("Too few pictures could be examined: at least two real and two fake faces are needed.")
    sets = comparisons(scored)
    scored = scored.join(_baselines(scored, sets))
    names = [name for part in sets.values() for name in part]
    headline = scored[scored["set"].isin(names)] if names else scored
    parts = [headline[headline["set"].isin(part)] for part in sets.values()] or [headline]
    return {
        "pictures": _pictures(stored),
        "notes": list(_notes(stored, headline, sets)),
        "headline": {"name": _name(sets), "sets": names or sorted(set(scored["set"]))},
        "comparisons": list(_comparisons(scored, headline, sets)),
        "discrimination": discrimination(headline),
        "calibration": calibration(headline),
        "outcomes": outcomes(stored[stored["scope"]]),
        "curves": all_curves(headline, scored),
        "breakdown": breakdown(stored[stored["status"] != UNREADABLE], sets.values()),
        "grid": grid(table, names or sorted(set(scored["set"]))),
        "target": target(table, {_name(sets): tuple(names or sorted(set(scored["set"])))} | sets),
        "wild": strata(table),
        "cues": cues(headline, parts, scored),
        "speed": speed(stored[stored["status"] == EXAMINED]),
        "mistakes": mistakes(scored),
        "peers": [line for peer in peers if (line := compare(peer, headline)) is not None],
        "failures": [{"file": r["file"], "message": r["message"]} for _, r in _failed(stored).iterrows()],
    }


def _known(model: Path, rows: Sequence[Row]) -> list[str]:
    """A note when the model tells which pictures it knows (pictures.csv), and some of these are among them."""
    path = model / "pictures.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        trained = {row["sha256"] for row in csv.DictReader(file) if row["split"] == "train"}
    stored = [row for row in rows if row.condition == STORED]
    count = sum(row.sha256 in trained for row in stored)
    if not count:
        return []
    return [f"THE MODEL WAS TRAINED ON {count} of these {len(stored)} pictures: the figures flatter it."]


def _made(config: EvaluateConfig, corpus: Corpus, examiner: Examiner) -> Values:
    versions = examiner.versions()
    card = examiner.model.card
    return {
        "version": VERSION,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "corpus": str(config.corpus),
        "split": corpus.split,
        "model": {"id": examiner.model.model_id, "trained_on": str(card.get("data", ""))},
        "grid_name": config.collect.grid.value,
        "explain": config.collect.explain,
        "workers": config.collect.workers,
        "cores": os.cpu_count() or 1,
        "versions": versions,
    }


def _name(sets: dict[str, tuple[str, ...]]) -> str:
    if not sets:
        return ALL
    return next(iter(sets)) if len(sets) == 1 else POOLED


def _baselines(scored: pd.DataFrame, sets: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """Out-of-fold baseline scores, one model a comparison; without any comparison one model for all."""
    parts = [scored[scored["set"].isin(names)] for names in sets.values()] or [scored]
    found = pd.DataFrame(np.nan, index=scored.index, columns=list(BASELINES))
    for part in parts:
        found.loc[part.index] = fitted(part)
    return found


def _comparisons(scored: pd.DataFrame, headline: pd.DataFrame, sets: dict[str, tuple[str, ...]]) -> list[Values]:
    """Ranking beside the baselines: each comparison, all of them, and everything in scope."""
    lines = [_comparison(name, [scored[scored["set"].isin(part)]]) for name, part in sets.items()]
    if len(sets) > 1:
        parts = [headline[headline["set"].isin(part)] for part in sets.values()]
        lines.append(_comparison(POOLED, parts) | {"range": across(headline, list(sets.values()))})
    if not sets:
        lines.append(_comparison(ALL, [scored]))
    elif len(headline) < len(scored):  # the baselines of the comparisons do not know the others
        lines.append(_comparison(ALL, [scored.assign(**fitted(scored))]))
    return lines


def _comparison(name: str, parts: Sequence[pd.DataFrame]) -> Values:
    rows = pd.concat(parts)
    fake = rows["fake"].astype(bool)
    known = rows if rows["thumbnail"].notna().all() else rows.iloc[:0]
    return {
        "name": name,
        "sets": sorted(set(rows["set"])),
        "reals": int((~fake).sum()),
        "fakes": int(fake.sum()),
        "auc": area(rows),
        "by_set": area_by_set(rows),
        "baselines": {baseline: area(known, baseline, rounds=200) for baseline in BASELINES},
        "gain": gain(known, "score", "thumbnail"),
        "content_controlled": content_controlled(parts) if len(known) else None,
        "range": None,
    }


def _failed(stored: pd.DataFrame) -> pd.DataFrame:
    return stored[stored["status"] == UNREADABLE]


def _pictures(stored: pd.DataFrame) -> Values:
    fake = stored["fake"].astype(bool)
    return {
        "total": len(stored),
        "reals": int((~fake).sum()),
        "fakes": int(fake.sum()),
        "examined": int((stored["status"] == EXAMINED).sum()),
        "no_face": int((stored["status"] == NO_FACE).sum()),
        "unreadable": len(_failed(stored)),
        "out_of_scope": int((~stored["scope"]).sum()),
        "sets": int(stored["set"].nunique()),
        "groups": int(stored["group"].nunique()),
        "twice": _twice(stored),
    }


def _twice(stored: pd.DataFrame) -> int:
    """Pictures whose bytes are those of another; files that could not be opened have no digest."""
    return int(stored.loc[stored["sha256"] != "", "sha256"].duplicated().sum())


def _notes(stored: pd.DataFrame, headline: pd.DataFrame, sets: dict[str, tuple[str, ...]]) -> list[str]:
    """What the reader must know before the figures, plain sentences."""
    notes = []
    count = int((~stored["fake"] & stored["scope"] & (stored["status"] != UNREADABLE)).sum())
    notes.append(f"With {count} photographs, a false-alarm rate below {3 / count:.2g} cannot be told from zero (3/n).")
    if not sets:
        notes.append("No set holds both classes: camera and generator pictures may differ in source, codec and size.")
    if (~headline["fake"]).sum() < 1000:
        notes.append("With fewer than 1,000 photographs, the rate at 0.1 % false alarms is that at no false alarm.")
    digests = stored[stored["sha256"] != ""].groupby("sha256")["fake"].nunique()
    if (digests > 1).any():
        notes.append(f"Files that stand in both classes, byte for byte: {int((digests > 1).sum())}. Check the labels.")
    elif count := _twice(stored):
        notes.append(f"Pictures that are copies of others, byte for byte: {count}.")
    if len(unseen := stored[~stored["scope"]]):
        notes.append(f"Diffusion pictures, outside the claim and in the table of sets only: {len(unseen)}.")
    return notes


__all__ = ["CollectConfig", "CorpusError", "EvaluateConfig", "Evaluation", "Grid", "TooFewError", "assess", "evaluate"]
