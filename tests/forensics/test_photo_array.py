"""Photos made of pixels that are handed in."""

import numpy as np
import pytest

from whichface.forensics.photo import photo_from_array


def picture(width: int = 48, height: int = 32) -> np.ndarray:
    """A smooth picture with four different corners, HxWx3 uint8."""
    x, y = np.meshgrid(np.linspace(20, 235, width), np.linspace(20, 235, height))
    return np.stack([x, y, 255 - (x + y) / 2], -1).round().astype(np.uint8)


def test_photo_from_array() -> None:
    pixels = picture()
    photo = photo_from_array(pixels)
    assert photo.pixels.flags.c_contiguous
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert not np.shares_memory(photo.pixels, pixels)
    assert (photo.width, photo.height) == (48, 32)
    assert photo.source.format == "ARRAY"
    assert (photo_from_array(np.zeros((3, 2, 4), np.uint8)).pixels == 255).all()
    assert photo_from_array(pixels[..., 0]).pixels.shape == (32, 48, 3)
    turned = photo_from_array(pixels[::-1, ::2])
    np.testing.assert_array_equal(turned.pixels, pixels[::-1, ::2])
    for wrong in (pixels.astype(float), pixels[0, 0], np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="pixels"):
            photo_from_array(wrong)
