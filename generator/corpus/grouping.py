"""Which pictures belong together, and on which side of the split they fall."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from whichface.forensics.survey import Analysis, near_duplicates, together

from .records import SPLITS, CorpusConfig, Source


def groups(
    sources: Sequence[Source], analyses: Sequence[Analysis], config: CorpusConfig
) -> tuple[list[str], int]:
    """A group name for every picture, and how many pairs were near-duplicates.

    One group: the same group by the source's own manifest, the same file, or hashes that nearly agree, mirrored too.
    """
    pairs = near_duplicates(analyses, config.duplicate_bits)
    roots = together([source.group for source in sources], analyses, pairs)
    return [_name(sources[root], analyses[root]) for root in roots], len(pairs)


def _name(source: Source, analysis: Analysis) -> str:
    return source.group or f"sha:{analysis.sha256[:12]}"


def split_of(group: str, config: CorpusConfig) -> str:
    """train, val or test: a group's place follows from its name and the seed, whatever else is in the corpus."""
    digest = hashlib.sha256(f"{config.seed}/{group}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64 * sum(config.shares)
    for name, share in zip(SPLITS, config.shares, strict=True):
        place -= share
        if place < 0:
            return name
    return SPLITS[0]


def cap_of(analyses: Sequence[Analysis], fakes: Sequence[bool], config: CorpusConfig) -> float:
    """The largest effective face side that both classes can have: the smaller class's 5th percentile of sides.

    Raises ValueError when a class is missing.
    """
    caps = []
    for wanted in (False, True):
        sides = sorted(a.side for a, fake in zip(analyses, fakes, strict=True) if fake == wanted)
        if not sides:
            raise ValueError(f"no {'fake' if wanted else 'real'} face was found")
        caps.append(sides[len(sides) // 20])
    return min(*caps, config.max_side)
