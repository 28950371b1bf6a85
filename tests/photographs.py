"""Pictures for tests whose spectra fall as those of photographs do."""

from __future__ import annotations

import numpy as np


def photograph(side: int, seed: int = 0) -> np.ndarray:
    """(side, side, 3) uint8."""
    rng = np.random.default_rng(seed)
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    spectra = [np.fft.rfft2(rng.normal(size=(side, side))) / (radius + 0.01) ** 1.6 for _ in range(3)]
    field = np.stack([np.fft.irfft2(spectrum, s=(side, side)) for spectrum in spectra], 2)
    return np.clip(128 + 30 * field / field.std(), 0, 255).astype(np.uint8)
