"""One or several corpora as material to train on: faces found, groups joined, splits assigned, leaks refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from whichface.forensics.survey import (
    Analysis,
    Wanted,
    near_duplicates,
    points_of,
    survey,
    together,
)

from ..canonical import ENLARGE, SCALES
from ..dataset import Sample, group_folds, strata_of
from ..evaluation.corpus import check_groups, read
from .observer import InputError

SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""Names of splits that are understood; a picture without one is given one."""
SMALLEST = SCALES[0] / ENLARGE
Seen = Callable[[int, int, str], None]
"""Called with (pictures done, in all, name)."""


@dataclass(frozen=True, slots=True)
class CorporaConfig:
    """How corpora are read."""

    val_share: float = 0.15
    """Share of groups that are kept for validation where no manifest says which."""
    seed: int = 0
    """Seed of that choice."""
    strict: bool = False
    """Refuse what is left out else: unreadable pictures, near-duplicates on both sides of the split."""
    workers: int = 1
    """Processes that look for faces."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Pictures with faces, each in one group and one split."""

    samples: tuple[Sample, ...]
    """In the corpora's order, with landmarks."""
    sha256: tuple[str, ...]
    """SHA-256 of their files."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """File and reason."""
    left_out: dict[str, int] = field(default_factory=dict)
    """How many pictures were left out, by reason."""
    joined: int = 0
    """Pairs of near-duplicates, which are on one side now."""
    assigned: bool = False
    """True when the validation part was drawn here."""

    def split(self, name: str) -> list[int]:
        """Numbers of the pictures of a split."""
        return [i for i, sample in enumerate(self.samples) if sample.split == name]


def read_corpora(folders: Sequence[Path]) -> list[Sample]:
    """The labelled pictures of all corpora. Raises InputError for one that cannot be used, or a class without any."""
    try:
        samples = [_with_split(sample) for folder in folders for sample in read(folder)]
        check_groups([s for s in samples if s.split])
    except ValueError as error:
        raise InputError(str(error)) from error
    twice = [str(path) for path, count in Counter(s.path.resolve() for s in samples).items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]} is given twice: corpora must not overlap")
    for label, fake in (("real", False), ("fake", True)):
        if not any(s.fake is fake for s in samples):
            raise InputError(f"there are no {label} pictures in {_names(folders)}; both classes are needed")
    return samples


def _names(folders: Sequence[Path]) -> str:
    return ", ".join(str(folder) for folder in folders)


def _with_split(sample: Sample) -> Sample:
    split = sample.split.strip().lower()
    if split and split not in SPLITS:
        raise InputError(f"{sample.path} has the split “{sample.split}”; known are train, val and test")
    return replace(sample, split=SPLITS.get(split, ""))


def gather(samples: Sequence[Sample], work: Path, config: CorporaConfig, seen: Seen) -> Gathered:
    """Find faces, join what belongs together, divide. Raises InputError for leaks and an empty class, OSError."""
    wanted = [Wanted(s.path, s.landmarks) for s in samples]
    analyses = survey(wanted, work, lambda number, name: seen(number, len(samples), name), config.workers)
    unreadable = tuple((str(s.path), a.refused) for s, a in zip(samples, analyses, strict=True) if not a.readable)
    if unreadable and config.strict:
        raise InputError(f"{unreadable[0][0]} cannot be used: {unreadable[0][1].rstrip('.')}")
    left_out: Counter[str] = Counter()
    kept = _usable(samples, analyses, left_out)
    _check_both_classes([s for s, _ in kept], "in which a face was found")
    chosen, found = [s for s, _ in kept], [a for _, a in kept]
    pairs = near_duplicates(found)
    chosen = _grouped(chosen, found, pairs)
    assigned = not any(s.split == "val" for s in chosen)
    chosen = _divided(chosen, config, anew=assigned)
    chosen, found = _without_leaks(chosen, found, config, left_out)
    return Gathered(tuple(chosen), tuple(a.sha256 for a in found), unreadable, dict(left_out), len(pairs), assigned)


def _usable(
    samples: Sequence[Sample], analyses: Sequence[Analysis], left_out: Counter[str]
) -> list[tuple[Sample, Analysis]]:
    """Pictures with a face of a size that some expert looks at, each file once. Raises InputError if two differ."""
    kept: dict[str, tuple[Sample, Analysis]] = {}
    for sample, analysis in zip(samples, analyses, strict=True):
        if analysis.refused:
            left_out["no face" if analysis.readable else "unreadable"] += 1
        elif analysis.side < SMALLEST:
            left_out[f"face below {SMALLEST:.0f} px"] += 1
        elif analysis.sha256 in kept:
            _check_copies(kept[analysis.sha256][0], sample)
            left_out["copy of another file"] += 1
        else:
            kept[analysis.sha256] = (replace(sample, landmarks=points_of(analysis)), analysis)
    return list(kept.values())


def _check_copies(first: Sample, second: Sample) -> None:
    """Raises InputError when the same bytes have two labels, or are in two splits."""
    if first.fake != second.fake:
        raise InputError(f"{first.path} and {second.path} are the same file, but one is labelled real, the other fake")
    if first.split and second.split and first.split != second.split:
        raise InputError(
            f"{first.path} and {second.path} are the same file, in the splits {first.split} and {second.split}: "
            "what is measured would have been trained on"
        )


def _check_both_classes(samples: Sequence[Sample], where: str) -> None:
    for label, fake in (("real", False), ("fake", True)):
        if not any(s.fake is fake for s in samples):
            raise InputError(f"there is no {label} picture {where}; both classes are needed")


def _grouped(
    samples: Sequence[Sample], analyses: Sequence[Analysis], pairs: Sequence[tuple[int, int]]
) -> list[Sample]:
    """The samples with one group name for all that belong together."""
    roots = together([s.group for s in samples], analyses, pairs)
    return [replace(s, group=samples[root].group) for s, root in zip(samples, roots, strict=True)]


def _divided(samples: Sequence[Sample], config: CorporaConfig, *, anew: bool) -> list[Sample]:
    """Every picture with a split: that of its group, else train; `anew` draws a validation part from the groups."""
    given = {s.group: s.split for s in samples if s.split}
    open_ = [i for i, s in enumerate(samples) if anew and given.get(s.group, "train") == "train"]
    val = {samples[i].group for i in _drawn([samples[i] for i in open_], open_, config)} if open_ else set()
    return [replace(s, split="val" if s.group in val else s.split or given.get(s.group, "train")) for s in samples]


def _drawn(samples: Sequence[Sample], numbers: Sequence[int], config: CorporaConfig) -> list[int]:
    """Numbers of the pictures that become the validation part: whole groups, every set and class in its share."""
    groups = [len({s.group for s in samples if s.fake is fake}) for fake in (False, True)]
    parts = min(max(2, round(1 / config.val_share)), *groups)
    if parts < 2:
        raise InputError("a class has a single group of pictures: nothing would be left to train on, or to validate")
    folds = group_folds([s.group for s in samples], strata_of(samples, parts), parts, config.seed)
    return [i for i, fold in zip(numbers, folds, strict=True) if fold == 0]


def _without_leaks(
    samples: Sequence[Sample], analyses: Sequence[Analysis], config: CorporaConfig, left_out: Counter[str]
) -> tuple[list[Sample], list[Analysis]]:
    """Without the training pictures whose group is also in val or test: near-duplicates that a manifest divides."""
    sides = defaultdict(set)
    for sample in samples:
        sides[sample.group].add(sample.split)
    leaking = [s for s in samples if s.split != "test" and len(sides[s.group]) > 1 and _yields(s.split, sides[s.group])]
    if leaking and config.strict:
        raise InputError(
            f"{leaking[0].path} is a near-duplicate of a picture in another split ({len(leaking)} such pictures): "
            "what is measured would have been trained on"
        )
    left_out["near-duplicate of a held-out picture"] += len(leaking)
    gone = {id(s) for s in leaking}
    both = [(s, a) for s, a in zip(samples, analyses, strict=True) if id(s) not in gone]
    return [s for s, _ in both], [a for _, a in both]


def _yields(split: str, others: set[str]) -> bool:
    """Training yields to validation, and both to test."""
    return split == "train" or "test" in others


def check_enough(gathered: Gathered, folds: int) -> None:
    """Raises InputError when a class has too few groups to be trained on in every fold, or to be validated."""
    for label, fake in (("real", False), ("fake", True)):
        groups = {s.group for s in gathered.samples if s.split == "train" and s.fake is fake}
        if len(groups) < folds:
            raise InputError(
                f"only {len(groups)} groups of {label} pictures can be trained on; {folds} folds need at least {folds}"
            )
        if not any(s.split == "val" and s.fake is fake for s in gathered.samples):
            raise InputError(f"the validation part has no {label} picture; both classes are needed")
