"""What every page shares: templates with autoescape, one stylesheet, pictures as data URIs; nothing is fetched.

A page holds no script, and its Content-Security-Policy forbids every request; what came with a picture passes
through `cleaned` and autoescape.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whichface.forensics.records import Pixels

from .wording import clean

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    """Jinja2 over the shared templates: autoescape, unknown names are errors, `css` is the stylesheet."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES, encoding="utf-8")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.globals["css"] = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    return made


def cleaned(value: Any) -> Any:
    """The value with steering characters in all its texts replaced."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    return [cleaned(item) for item in value] if isinstance(value, list | tuple) else value


def scaled(pixels: Pixels, factor: float) -> Pixels:
    """The picture at another size, at least one pixel."""
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, size, interpolation=how).astype(np.uint8, copy=False)


def jpeg_uri(pixels: Pixels, quality: int = 85) -> str:
    """The picture as JPEG in a data URI."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    return _uri("jpeg", data.tobytes())


def webp_uri(pixels: NDArray[np.uint8]) -> str:
    """HxWx4 RGBA as WebP in a data URI."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", quality=70)
    return _uri("webp", stream.getvalue())


def thumbnail_uri(pixels: Pixels, side: int = 160) -> str:
    """The picture as a small JPEG in a data URI: its shorter side at most `side` pixels."""
    return jpeg_uri(scaled(pixels, min(1.0, side / min(pixels.shape[:2]))), 80)


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(data).decode("ascii")
