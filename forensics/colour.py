"""From any of Pillow's modes to HxWx3 uint8 sRGB: depth, colour profile and alpha."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms

from .hostile import UNREADABLE, printable
from .records import Pixels

_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_BROKEN: tuple[type[Exception], ...] = (*UNREADABLE, ImageCms.PyCMSError)
_TOLERANCE = 2
"""Largest difference in grey levels at which a profile counts as sRGB."""

NOTE_16_BIT = "The picture has more than 8 bits a channel and was reduced to 8."
NOTE_ALPHA = "Transparent parts were flattened over white."
NOTE_PROFILE = "The embedded colour profile cannot be used; the colours were read as sRGB."
NOTE_RANGE = "The numbers of the picture have no fixed range and were stretched to 8 bits."


@dataclass(frozen=True, slots=True)
class Rendered:
    """Pixels fit to be examined, and what was given up on the way."""

    pixels: Pixels
    """HxWx3 uint8 RGB, contiguous, sRGB."""
    has_alpha: bool
    """True when transparent pixels were flattened."""
    profile: str | None
    """Description of the embedded profile."""
    notes: tuple[str, ...]
    """One sentence each."""


def render(image: Image.Image, *, inverted_cmyk: bool = True) -> Rendered:
    """Turn a loaded picture into sRGB pixels.

    `inverted_cmyk` says that a CMYK JPEG is stored inverted, as Adobe does and Pillow assumes; when
    False, Pillow's inversion is undone. Raises what Pillow raises for modes that it cannot convert.
    """
    profile = image.info.get("icc_profile")
    image, notes = _eight_bit(image)
    image, alpha = _split_alpha(image)
    if image.mode == "CMYK" and not inverted_cmyk:
        image = ImageChops.invert(image)
    image, description, broken = _to_srgb(image, profile if isinstance(profile, bytes) else None)
    if broken:
        notes.append(NOTE_PROFILE)
    if alpha is not None:
        image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
        notes.append(NOTE_ALPHA)
    pixels = np.array(image, dtype=np.uint8, order="C")
    return Rendered(pixels, alpha is not None, description, tuple(notes))


def _eight_bit(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Reduce 16-bit, 32-bit and float greys to mode L; other modes pass."""
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float32)
        return _grey(values / 257), [NOTE_16_BIT]
    if image.mode not in {"I", "F"}:
        return image, []
    values = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if image.mode == "F" and low >= 0 and high <= 1:
        return _grey(values * 255), [NOTE_16_BIT]
    if low >= 0 and 255 < high <= 65535 and image.mode == "I":
        return _grey(values / 257), [NOTE_16_BIT]
    if low >= 0 and high <= 255:
        return _grey(values), [NOTE_16_BIT]
    return _grey((values - low) * (255 / (high - low))), [NOTE_RANGE]


def _grey(values: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Part a picture into L, RGB, CMYK or LAB and its alpha (L); None when all is opaque."""
    if image.mode in {"RGB", "L"} and "transparency" not in image.info:
        return image, None
    if image.mode in {"CMYK", "LAB"}:
        return image, None
    if image.mode not in _ALPHA_MODES and "transparency" not in image.info:
        return image.convert("L" if image.mode == "1" else "RGB"), None
    if image.mode == "La":
        image = image.convert("LA")
    full = image.convert("RGBA")
    alpha = full.getchannel("A")
    base = image.getchannel("L") if image.mode in {"L", "LA"} else full.convert("RGB")
    return base, None if alpha.getextrema()[0] == 255 else alpha


def _to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None, bool]:
    """Convert L, RGB, CMYK or LAB to sRGB; returns the profile's name and if it is broken."""
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _transformed(image, lab), None, False
    if not profile:
        return image.convert("RGB"), None, False
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = printable(ImageCms.getProfileDescription(source), 120) or "unnamed"
        wanted = _SPACES[source.profile.xcolor_space]
        if wanted != image.mode and (wanted, image.mode) != ("RGB", "L"):
            return image.convert("RGB"), name, True
        return _transformed(image.convert(wanted), source), name, False
    except _BROKEN:
        return image.convert("RGB"), None, True


def _transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """Apply a profile; a profile that is sRGB in all but name leaves the pixels untouched."""
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
    if image.mode in {"RGB", "L"} and _is_srgb(transform, image.mode):
        return image.convert("RGB")
    out = ImageCms.applyTransform(image, transform)
    if out is None:
        raise ValueError("the colour transform gave no picture")
    return out


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Try a transform on 216 colours (or 216 greys): does it leave them as they are?"""
    levels = np.array([0, 51, 102, 153, 204, 255], np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(12, 18, 3)
    if mode == "L":
        grey = np.linspace(0, 255, 216).astype(np.uint8).reshape(12, 18)
        colours = np.repeat(grey[..., None], 3, 2)
    probe = Image.fromarray(colours if mode == "RGB" else colours[..., 0])
    out = ImageCms.applyTransform(probe, transform)
    if out is None:
        return False
    return int(np.abs(np.asarray(out).astype(int) - colours).max()) <= _TOLERANCE
