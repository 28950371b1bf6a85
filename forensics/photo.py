"""Opening pictures: path, bytes or stream in; one upright sRGB Photo or one clear error out."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .colour import NOTE_16_BIT, NOTE_ALPHA, Rendered, render
from .containers import ContainerFacts, clean_xmp, describe_unknown, read_container, sniff
from .credentials import read_credentials
from .errors import (
    MissingExtraError,
    PhotoError,
    PhotoFormatError,
    PhotoNotFoundError,
    PhotoTooLargeError,
    PhotoTruncatedError,
)
from .exif import exif_text, load_exif, orientation_of
from .hostile import UNREADABLE, printable
from .png import lacks_rows, without_text
from .records import Photo, SourceFacts
from .thumbnail import embedded_thumbnail

FORMATS = "JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP and TIFF"

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture of each EXIF orientation upright (EXIF 3.0, 4.6.5)."""

_MID_GREY = ((128, 128), ((128, 128),) * 3)
"""Extremes of a picture that is all mid-grey, with which JPEG decoders fill missing blocks."""
NOTE_GREY_END = "The picture ends in plain grey, as one that was cut off before it was saved."


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """How much one file may ask for."""

    max_pixels: int = 100_000_000
    """Most pixels, width times height, by the header (Pillow itself stops at 178 million)."""
    max_bytes: int = 200_000_000
    """Longest file in bytes."""


def open_photo(
    source: str | Path | bytes | BinaryIO, *, limits: PhotoLimits = PhotoLimits()
) -> Photo:
    """Read one picture from a path, from bytes or from a binary stream.

    The format goes by content. Raises PhotoError (not found, truncated, no picture, too large)
    or MissingExtraError (HEIC without its extra), each with one sentence that names the file.
    """
    data, path, name = _read(source, limits)
    format = sniff(data)
    if format is None:
        kind = describe_unknown(data)
        raise PhotoFormatError(
            f"{name} is {kind}, not a picture in a supported format ({FORMATS})."
        )
    if format == "HEIF":
        _register_heif(name)
    container = read_container(data, format)
    if container.exhausting:
        raise PhotoFormatError(f"{name} is built to stall whoever opens it, and was left alone.")
    try:
        return _decode(data, path, name, format, container, limits)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoTooLargeError(
            f"{name} has more pixels than can be decoded safely; please shrink it first."
        ) from error
    except UNREADABLE as error:
        _explain(name, format, container, error)


def photo_from_array(pixels: NDArray[np.uint8]) -> Photo:
    """Wrap pixels that are in memory: uint8, HxW grey, HxWx3 RGB or HxWx4 RGBA (over white).

    Raises ValueError for another shape, another type or an empty picture.
    """
    array = np.asarray(pixels)
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or channels not in {1, 3, 4} or array.size == 0:
        raise ValueError(
            "Argument `pixels` is expected to be uint8 of shape HxW, HxWx3 or HxWx4 "
            f"but got {array.dtype} of shape {array.shape}"
        )
    array = array[..., 0] if array.ndim == 3 and channels == 1 else array
    rendered = render(Image.fromarray(np.ascontiguousarray(array)))
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    size = (array.shape[1], array.shape[0])
    facts = SourceFacts("ARRAY", array.nbytes, size, mode=mode, has_alpha=rendered.has_alpha)
    sha256 = hashlib.sha256(rendered.pixels.tobytes()).hexdigest()
    notes = (NOTE_ALPHA,) if rendered.has_alpha else ()
    return Photo(None, rendered.pixels, facts, sha256, notes)


def _read(
    source: str | Path | bytes | BinaryIO, limits: PhotoLimits
) -> tuple[bytes, Path | None, str]:
    """Return the bytes, the path and the name for messages; raises PhotoError."""
    path: Path | None = None
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), "The picture"
    elif isinstance(source, str | Path):
        path = Path(source)
        name = printable(path.name or str(path), 120) or "The file"
        data = _read_path(path, name, limits)
    elif hasattr(source, "read"):
        given = getattr(source, "name", None)
        name = printable(Path(given).name, 120) if isinstance(given, str) else "The picture"
        data = _read_stream(source, name, limits)
    else:
        raise ValueError(
            "Argument `source` is expected to be a path, bytes or a binary stream "
            f"but got {type(source).__name__}"
        )
    if len(data) > limits.max_bytes:
        raise PhotoTooLargeError(_too_long(name, limits))
    if not data:
        raise PhotoTruncatedError(f"{name} is empty.")
    return data, path, name


def _read_path(path: Path, name: str, limits: PhotoLimits) -> bytes:
    try:
        if path.is_dir():
            raise PhotoNotFoundError(f"{name} is a folder, not a picture.")
        with path.open("rb") as stream:
            return stream.read(limits.max_bytes + 1)
    except FileNotFoundError as error:
        raise PhotoNotFoundError(f"{name} does not exist.") from error
    except PermissionError as error:
        raise PhotoNotFoundError(f"{name} may not be read: permission denied.") from error
    except (OSError, ValueError) as error:
        raise PhotoNotFoundError(f"{name} cannot be opened.") from error


def _read_stream(stream: BinaryIO, name: str, limits: PhotoLimits) -> bytes:
    try:
        data = stream.read(limits.max_bytes + 1)
    except OSError as error:
        raise PhotoNotFoundError(f"{name} cannot be read from its stream.") from error
    if not isinstance(data, bytes):
        raise ValueError(
            "Argument `source` is expected to be a binary stream but got a text stream"
        )
    return data


def _too_long(name: str, limits: PhotoLimits) -> str:
    return f"{name} is longer than the limit of {limits.max_bytes / 1e6:g} MB."


def _register_heif(name: str) -> None:
    """Teach Pillow HEIF; raises MissingExtraError without the extra."""
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtraError(
            f'{name} is a HEIC picture, which needs an extra: pip install "whichface[heic]".'
        ) from error
    pillow_heif.register_heif_opener()


def _decode(
    data: bytes,
    path: Path | None,
    name: str,
    format: str,
    container: ContainerFacts,
    limits: PhotoLimits,
) -> Photo:
    """Decode bytes of a known format; raises PhotoError, and what Pillow raises on damage."""
    stream = io.BytesIO(without_text(data) if format == "PNG" else data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on damaged metadata
        with Image.open(stream, formats=[format]) as image:
            _check_size(image, name, limits)
            source = _facts(image, data, format, container)
            deep = container.bit_depth > 8 or _has_deep_samples(image)
            image.load()
            grey_end = _check_end(image, data, name, format)
            upright = _upright(image, 1 if format == "TIFF" else source.orientation)
            rendered = render(upright, inverted_cmyk=container.adobe or format != "JPEG")
    source = replace(
        source,
        has_alpha=rendered.has_alpha,
        icc_profile=rendered.profile,
        c2pa=read_credentials(data, format) if container.has_c2pa else None,
    )
    notes = _notes(source, rendered, container, deep) + grey_end
    return Photo(path, rendered.pixels, source, hashlib.sha256(data).hexdigest(), notes)


def _check_size(image: Image.Image, name: str, limits: PhotoLimits) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PhotoFormatError(f"{name} has no pixels.")
    if width * height > limits.max_pixels:
        raise PhotoTooLargeError(
            f"{name} has {width:,} × {height:,} pixels, more than the limit of "
            f"{limits.max_pixels / 1e6:g} million."
        )


def _check_end(image: Image.Image, data: bytes, name: str, format: str) -> tuple[str, ...]:
    """Look for an end made up by the decoder: black rows in a PNG (raises), grey ones in a JPEG."""
    last = np.asarray(image.crop((0, max(0, image.height - 16), *image.size)))
    if format == "PNG" and not last[-1].any() and lacks_rows(data):
        raise PhotoTruncatedError(f"{name} is cut off: its last rows are missing.")
    if format == "JPEG" and (last == 128).all() and image.getextrema() not in _MID_GREY:
        return (NOTE_GREY_END,)
    return ()


def _facts(image: Image.Image, data: bytes, format: str, container: ContainerFacts) -> SourceFacts:
    """Return the facts that are known before the pixels are decoded."""
    exif = load_exif(image)
    packet = container.xmp or image.info.get("xmp")
    return SourceFacts(
        format=format,
        byte_count=len(data),
        stored_size=_stored_size(image),
        mode=image.mode,
        orientation=orientation_of(exif),
        frames=1 if format == "JPEG" else max(1, int(getattr(image, "n_frames", 1))),
        quantisation_tables=container.quantisation_tables,
        jpeg_quality=container.jpeg_quality,
        jpeg_quality_exact=container.jpeg_quality_exact,
        subsampling=container.subsampling,
        progressive=container.progressive,
        exif=exif_text(exif),
        xmp=clean_xmp(packet if isinstance(packet, bytes | str) else None),
        text=container.text,
        thumbnail=embedded_thumbnail(image, exif),
    )


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as stored: Pillow turns the size of a TIFF before it is asked."""
    tags = getattr(image, "tag_v2", {})
    width, height = tags.get(256), tags.get(257)
    return (width, height) if isinstance(width, int) and isinstance(height, int) else image.size


def _has_deep_samples(image: Image.Image) -> bool:
    """Tell whether a TIFF stores more than 8 bits a sample."""
    bits = getattr(image, "tag_v2", {}).get(258, ())
    return any(isinstance(bit, int) and bit > 8 for bit in (bits if bits else ()))


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else image


def _notes(
    source: SourceFacts, rendered: Rendered, container: ContainerFacts, deep: bool
) -> tuple[str, ...]:
    """Say what had to be given up, one sentence each."""
    notes = list(rendered.notes)
    if deep and NOTE_16_BIT not in notes:
        notes.append(NOTE_16_BIT)
    if source.frames > 1:
        what = "several pictures" if source.format in {"TIFF", "HEIF"} else "an animation"
        notes.append(f"The file holds {what}: only the first of {source.frames} was examined.")
    if container.complete is False:
        notes.append("The file ends before its end marker; the pixels are complete all the same.")
    return tuple(notes)


def _explain(name: str, format: str, container: ContainerFacts, error: Exception) -> NoReturn:
    """Turn what a decoder raised into one sentence."""
    if isinstance(error, MemoryError):
        raise PhotoTooLargeError(f"{name} needs more memory than there is.") from error
    said = str(error).lower()
    if container.complete is False or "truncated" in said or isinstance(error, EOFError):
        raise PhotoTruncatedError(
            f"{name} is cut off: the file ends before the picture does."
        ) from error
    raise PhotoFormatError(
        f"{name} cannot be decoded: its {format} data are damaged or of an unsupported kind."
    ) from error
