"""What can go wrong while a generator is trained or used, each with one clear sentence."""

from whichface.forensics.errors import ForensicsError


class DataError(ForensicsError):
    """A data set that cannot be read, or a file in it that is not what it should be."""


class TrainingError(ForensicsError):
    """A training that had to stop: a loss that is no number, a full disk, a state that does not fit."""


class NetworkFileError(ForensicsError):
    """A network file that is missing, damaged, or holds another network than its description says."""
