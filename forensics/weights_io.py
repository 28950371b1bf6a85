"""Model files: read, checked against their recorded SHA-256, opened on one thread."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import onnxruntime as ort

from .errors import WeightsError

WEIGHTS = Path(__file__).parent / "weights"
"""Where the networks of this room lie."""


def verified_bytes(directory: Path, filename: str, sha256: str) -> bytes:
    """The file's bytes; WeightsError when it is missing or its SHA-256 is another one."""
    path = directory / filename
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise WeightsError(f"The model file {filename} cannot be read: {reason}.") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256.lower():
        raise WeightsError(
            f"The model file {filename} has SHA-256 {found[:12]}…, but {sha256[:12]}… is recorded."
        )
    return data


def load_session(
    directory: Path,
    filename: str,
    sha256: str,
    *,
    threads: int = 1,
    dimensions: Mapping[str, int] | None = None,
) -> ort.InferenceSession:
    """An ONNX Runtime session on the CPU for `directory`/`filename`; WeightsError unless intact.

    `dimensions` fixes axes that the file leaves open by their names: with all of them known, padding is worked out
    once and becomes part of the convolutions.
    """
    data = verified_bytes(directory, filename, sha256)
    return open_session(data, filename, threads=threads, dimensions=dimensions)


def open_session(
    data: bytes, filename: str, *, threads: int = 1, dimensions: Mapping[str, int] | None = None
) -> ort.InferenceSession:
    """The same for a file's bytes, as `verified_bytes` gives them: a network that is opened twice is read once."""
    options = ort.SessionOptions()
    for axis, size in (dimensions or {}).items():
        options.add_free_dimension_override_by_name(axis, size)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.enable_mem_pattern = False  # planning memory ahead took 50 MB more for the face network, and no less time
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own exception classes are not public
        raise WeightsError(f"The model file {filename} cannot be opened: {error}") from error
