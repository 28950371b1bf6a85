"""The Independent JPEG Group's quantisation tables, and the quality nearest to a given one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

# Tables K.1 and K.2 of ITU-T T.81, natural (row-major) order.
_LUMINANCE = np.array([
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
])  # fmt: skip
_CHROMINANCE = np.full((8, 8), 99)
_CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


def ijg_table(quality: int, *, chroma: bool = False, baseline: bool = True) -> tuple[int, ...]:
    """Return the IJG table of a quality 1 to 100 in natural order (libjpeg, jpeg_set_quality).

    `baseline` caps the steps at 255. Raises ValueError for a quality outside 1 to 100.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"`quality` is expected to be 1 to 100 but got {quality}")
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    standard = _CHROMINANCE.ravel() if chroma else _LUMINANCE
    steps = np.clip((standard * scale + 50) // 100, 1, 255 if baseline else 32767)
    return tuple(int(step) for step in steps)


def nearest_quality(
    tables: Mapping[int, tuple[int, ...]], luminance: int = 0
) -> tuple[int, bool] | None:
    """Return the quality whose luminance table is nearest, and whether every table is IJG's.

    `tables`: 64 steps each in natural order, by identifier; `luminance`: identifier of the first
    component's table. None when that table is missing.
    """
    if luminance not in tables:
        return None
    found = np.array(tables[luminance])
    distances = np.abs(_all_luminance() - found).sum(axis=1)
    quality = int(np.argmin(distances)) + 1
    return quality, all(_is_ijg(table, quality) for table in tables.values()) and _is_ijg(
        tables[luminance], quality, chroma_too=False
    )


@cache
def _all_luminance() -> NDArray[np.int64]:
    return np.array([ijg_table(quality) for quality in range(1, 101)])


def _is_ijg(table: tuple[int, ...], quality: int, *, chroma_too: bool = True) -> bool:
    kinds = (False, True) if chroma_too else (False,)
    return any(
        table == ijg_table(quality, chroma=chroma, baseline=baseline)
        for chroma in kinds
        for baseline in (True, False)
    )
