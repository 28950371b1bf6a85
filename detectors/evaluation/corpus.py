"""Which pictures are evaluated: a folder with manifest.csv, or with real/ and fake/, checked before hours are spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whichface.forensics.containers import sniff
from whichface.forensics.files import EXTENSIONS

from ..dataset import OUT_OF_SCOPE, Sample, read_corpus, read_manifest

CLASSES = {"real": False, "fake": True}


class CorpusError(ValueError):
    """A corpus or a file of scores that cannot be used; the message is one sentence without a full stop."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled pictures, and where they were found."""

    folder: Path
    """Paths in the report are relative to it."""
    samples: tuple[Sample, ...]
    """In the manifest's order, or sorted by path."""
    split: str
    """Part of the manifest that was chosen; "all" without parts."""
    others: tuple[Sample, ...] = ()
    """The pictures of the other parts: not measured, but no copy of one that is may be among them."""

    def name(self, sample: Sample) -> str:
        """Path of a picture below the folder, or in full where a manifest names one elsewhere; with forward slashes."""
        inside = sample.path.is_relative_to(self.folder)
        return (sample.path.relative_to(self.folder) if inside else sample.path).as_posix()


def gather(folder: Path, split: str | None = None) -> Corpus:
    """The pictures of a corpus; `split` is train, val or all (None: val where the manifest has one, else all).

    Raises CorpusError with one sentence for a folder without pictures of both classes, a manifest that cannot be used,
    a label other than real or fake, a file that is missing, or a group on both sides of the splits.
    """
    samples = read(folder)
    chosen, split = _choose(samples, split)
    _check_classes(folder, chosen, split)
    others = () if split == "all" else tuple(s for s in samples if s.split != split)
    return Corpus(folder, tuple(chosen), split, others)


def read(folder: Path) -> list[Sample]:
    """All pictures of a corpus, of one class or both. Raises CorpusError as `gather` does."""
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder")
    if (folder / "manifest.csv").is_file():
        samples = _from_manifest(folder)
    elif any((folder / name).is_dir() for name in CLASSES):
        samples = list(_from_folders(folder))
    else:
        raise CorpusError(f"{folder} has neither a manifest.csv nor folders real/ and fake/")
    check_groups(samples)
    return samples


def in_scope(sample_set: str, generator: str) -> bool:
    """False for what the claim does not cover: diffusion portraits."""
    return sample_set not in OUT_OF_SCOPE and not generator.lower().startswith(("diffusion", "sd-", "stable"))


def _from_manifest(folder: Path) -> list[Sample]:
    manifest = folder / "manifest.csv"
    try:
        labels = {row["label"] or "(empty)" for row in read_manifest(manifest)}
        samples = read_corpus(folder)
    except ValueError as error:
        raise CorpusError(str(error)) from error
    strange = sorted(labels - CLASSES.keys())
    if strange:
        raise CorpusError(f"{manifest} has labels other than real and fake: {', '.join(strange)}")
    missing = [s.path for s in samples if not s.path.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise CorpusError(f"{missing[0]}{more} of the manifest cannot be found")
    names = Counter(s.path for s in samples)
    twice = [path for path, count in names.items() if count > 1]
    if twice:
        raise CorpusError(f"{twice[0]} is in the manifest {names[twice[0]]} times")
    return samples


def _from_folders(folder: Path) -> Iterator[Sample]:
    """Pictures below real/ and fake/; the first folder below them names the set, and of fakes the generator."""
    for label, fake in CLASSES.items():
        for path in sorted((folder / label).rglob("*")):
            if path.name.startswith(".") or not _is_picture(path):
                continue
            inside = path.relative_to(folder / label).parts[:-1]
            kind = inside[0] if inside else ""
            group = path.relative_to(folder).as_posix()
            yield Sample(path, fake, kind or folder.resolve().name, kind if fake else "", "", group, "", None)


def _is_picture(path: Path) -> bool:
    """True for a file that is named or begins like one; one that cannot be looked into is told of by its reader."""
    try:
        if not path.is_file():
            return False
        if path.suffix.lower() in EXTENSIONS:
            return True
        with path.open("rb") as stream:
            return sniff(stream.read(64)) is not None
    except OSError:
        return True


def check_groups(samples: Sequence[Sample]) -> None:
    """Raises CorpusError when a group has pictures in several splits: then val was, in part, trained on."""
    splits: dict[str, str] = {}
    for sample in samples:
        other = splits.setdefault(sample.group, sample.split)
        if other != sample.split:
            raise CorpusError(
                f"the group {sample.group} is in the splits {other} and {sample.split}: "
                "pictures of one group must stay together"
            )


def _choose(samples: list[Sample], split: str | None) -> tuple[list[Sample], str]:
    found = {s.split for s in samples}
    if split is None:
        split = "val" if "val" in found else "all"
    if split == "all":
        return samples, split
    if split not in found:
        raise CorpusError(f"there is no split {split}; found: {', '.join(sorted(found)) or 'none'}")
    return [s for s in samples if s.split == split], split


def _check_classes(folder: Path, samples: Sequence[Sample], split: str) -> None:
    for label, fake in CLASSES.items():
        if not any(s.fake is fake for s in samples):
            part = "" if split == "all" else f" in its split {split}"
            raise CorpusError(f"{folder} has no {label} pictures{part}; both classes are needed")
