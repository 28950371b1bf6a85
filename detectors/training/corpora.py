"""One or several corpora as material to train on: faces found, groups joined, splits assigned, leaks refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
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
from ..dataset import SPLITS, Sample, group_folds, strata_of
from ..evaluation.corpus import check_groups, read
from .observer import InputError

SMALLEST = SCALES[0] / ENLARGE
Described = tuple[Sample, Analysis]
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
        samples = _own_groups([_read(folder) for folder in folders])
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


def _read(folder: Path) -> list[Sample]:
    """One corpus. Raises ValueError; InputError for a split of another name."""
    samples = read(folder)
    for sample in samples:
        if sample.split and sample.split not in SPLITS.values():
            raise InputError(f"{sample.path} has the split “{sample.split}”; known are train, val and test")
    return samples


def _own_groups(corpora: Sequence[list[Sample]]) -> list[Sample]:
    """All pictures; a group that only a file's name makes gets another name where a second corpus has it as well.

    Names that manifests give are shared. One that no other corpus has stays, so that folds are what they were.
    """
    count = Counter(name for samples in corpora for name in {s.group for s in samples})
    found = []
    for number, samples in enumerate(corpora, 1):
        given = {s.group for s in samples if s.named}
        for sample in samples:
            alone = not sample.named and sample.group not in given and count[sample.group] > 1
            found.append(replace(sample, group=f"corpus {number}: {sample.group}") if alone else sample)
    return found


def gather(samples: Sequence[Sample], work: Path, config: CorporaConfig, seen: Seen) -> Gathered:
    """Find faces, join what belongs together, divide. Raises InputError for leaks and an empty class, OSError."""
    wanted = [Wanted(s.path, s.landmarks) for s in samples]
    analyses = survey(wanted, work, lambda number, name: seen(number, len(samples), name), config.workers)
    unreadable = tuple((str(s.path), a.refused) for s, a in zip(samples, analyses, strict=True) if not a.readable)
    if unreadable and config.strict:
        raise InputError(f"{unreadable[0][0]} cannot be used: {unreadable[0][1].rstrip('.')}")
    left_out: Counter[str] = Counter()
    kept, copies = _usable(samples, analyses, left_out)
    _check_both_classes([s for s, _ in kept], "in which a face was found")
    found = [a for _, a in kept]
    pairs = near_duplicates(found)
    chosen = _grouped(kept, copies, pairs)
    assigned = not any(s.split == "val" for s in chosen)
    chosen = _divided(chosen, config, anew=assigned)
    chosen, found = _without_leaks(chosen, found, config, left_out)
    return Gathered(tuple(chosen), tuple(a.sha256 for a in found), unreadable, dict(left_out), len(pairs), assigned)


def _usable(
    samples: Sequence[Sample], analyses: Sequence[Analysis], left_out: Counter[str]
) -> tuple[list[Described], list[Described]]:
    """Pictures with a face of a size that some expert looks at, each file once, and the copies of these files.

    A copy's split holds for its file. Raises InputError if two differ.
    """
    files: dict[str, list[Described]] = {}
    for sample, analysis in zip(samples, analyses, strict=True):
        if analysis.refused:
            left_out["no face" if analysis.readable else "unreadable"] += 1
        elif analysis.side < SMALLEST:
            left_out[f"face below {SMALLEST:.0f} px"] += 1
        else:
            same = files.setdefault(analysis.sha256, [])
            for other, _ in same:
                _check_copies(other, sample)
            same.append((replace(sample, landmarks=points_of(analysis)), analysis))
    kept = [(replace(same[0][0], split=_given(s for s, _ in same)), same[0][1]) for same in files.values()]
    copies = [copy for same in files.values() for copy in same[1:]]
    if copies:
        left_out["copy of another file"] = len(copies)
    return kept, copies


def _given(samples: Iterable[Sample]) -> str:
    """The first split that is given; empty without one."""
    return next((s.split for s in samples if s.split), "")


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
    kept: Sequence[Described], copies: Sequence[Described], pairs: Sequence[tuple[int, int]]
) -> list[Sample]:
    """The kept pictures with one group name for all that belong together; what the groups of copies join is joined."""
    everything = [*kept, *copies]  # the copies last: a group is named after a picture that is kept
    roots = together([s.group for s, _ in everything], [a for _, a in everything], pairs)
    return [replace(s, group=kept[root][0].group) for (s, _), root in zip(kept, roots, strict=False)]


def _sides(samples: Sequence[Sample]) -> dict[str, set[str]]:
    """Splits that are given to pictures of each group."""
    sides: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        sides[sample.group] |= {sample.split} - {""}
    return sides


def _divided(samples: Sequence[Sample], config: CorporaConfig, *, anew: bool) -> list[Sample]:
    """Every picture with a split: its own, else the most held-out one of its group, else train.

    `anew` draws a validation part from the groups without a test picture.
    """
    sides = _sides(samples)
    open_ = [i for i, s in enumerate(samples) if anew and "test" not in sides[s.group]]
    val = {samples[i].group for i in _drawn([samples[i] for i in open_], open_, config)} if open_ else set()
    held = {group: next((name for name in ("test", "val") if name in side), "train") for group, side in sides.items()}
    return [replace(s, split="val" if s.group in val else s.split or held[s.group]) for s in samples]


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
    sides = _sides(samples)
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
