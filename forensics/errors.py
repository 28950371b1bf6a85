"""What can go wrong with the world, each with one clear sentence (ValueError is for a caller's mistake)."""


class ForensicsError(Exception):
    """Root of every error that a picture, a file or an installation can cause; only app/ catches it."""


class PhotoError(ForensicsError):
    """A picture that cannot be read: missing, empty, truncated, not an image, too large."""


class PhotoNotFoundError(PhotoError):
    """The path does not exist or may not be read."""


class PhotoTruncatedError(PhotoError):
    """The file is empty or ends before the picture does."""


class PhotoFormatError(PhotoError):
    """The bytes are not a picture in a format that is supported."""


class PhotoTooLargeError(PhotoError):
    """The picture passes the pixel limit or the byte limit (decompression bombs)."""


class CodecLimitError(ForensicsError):
    """A picture with a side that is longer than a codec can hold."""


class MissingExtraError(ForensicsError):
    """An optional dependency is needed; the message says which extra installs it."""


class WeightsError(ForensicsError):
    """A model file is missing or does not match its recorded SHA-256."""


class SourceError(ForensicsError):
    """A folder, list or archive of pictures that cannot be used."""


class StoreError(ForensicsError):
    """A store of results that cannot be opened, read or written."""


class NotAStoreError(StoreError):
    """A file that is something else, or a store of another version."""
