"""The experts that ship: texture models at canonical scales and the face network, run by ONNX Runtime.

A model is a folder: card.json (figures, SHA-256 of each file), calibration.json and one ONNX file an expert. The scales
that it looks at are the strata of its calibration; a model may have texture experts, a network, or both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from whichface.forensics.errors import WeightsError
from whichface.forensics.geometry import CropFrame
from whichface.forensics.records import Pixels, Score
from whichface.forensics.weights_io import load_session, open_session, verified_bytes

from .canonical import SMALL, CanonicalFace, applies, canonical_face, network_input
from .features import features

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_MODEL = "face-5"
NETWORK_SCALES = (160, 256)
NETWORK_INPUTS = (SMALL, *NETWORK_SCALES)
"""Scales at which a network may be asked."""
FORMAT = 1
"""Version of the model folder's layout; a card without one is of the first."""
STRATUM = frozenset(
    {"experts", "bias", "weights", "replicates", "ceiling", "floor", "threshold", "threshold_real", "false_alarm"}
)
"""What a stratum of calibration.json must have."""
_EXPERT = re.compile(r"(texture-\d+|network)\.onnx")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What all experts that apply say of one face."""

    scores: tuple[Score, ...]
    """One an expert."""
    scale: int
    """Largest canonical scale that applied; it names the stratum of the calibration."""


class Model:
    """The experts of one model folder. Raises WeightsError when a file is missing or altered."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.card = _read_json(directory / "card.json")
        _check_format(self.card, directory)
        self.files: Mapping[str, str] = self.card["files"]
        names = [match[1] for match in map(_EXPERT.fullmatch, self.files) if match]
        self.calibration: dict[str, Any] = _read_calibration(directory, self.files)
        self.scales = tuple(sorted(int(scale) for scale in self.calibration["strata"]))
        self.sessions = {key: session for name in names for key, session in self._opened(name).items()}
        missing = self.experts - {f"{n}-{s}" for n in names for s in NETWORK_INPUTS if n == "network"} - {*names}
        if missing:
            raise WeightsError(f"The model “{directory.name}” lacks the experts {', '.join(sorted(missing))}.")

    def _opened(self, name: str) -> dict[str, InferenceSession]:
        """The sessions of one file: a network has one for every side of its input."""
        file = f"{name}.onnx"
        if name != "network":
            return {name: load_session(self.directory, file, self.files[file])}
        data = verified_bytes(self.directory, file, self.files[file])
        return {f"{name}-{side}": network_session(data, side) for side in NETWORK_SCALES}

    @property
    def model_id(self) -> str:
        """Name of the model, as its card has it."""
        return str(self.card["model"])

    @property
    def experts(self) -> set[str]:
        """Names of all experts that some stratum counts."""
        return {name for entry in self.calibration["strata"].values() for name in entry["experts"]}

    def opinion(self, pixels: Pixels, frame: CropFrame, largest: int = 10_000) -> Opinion | None:
        """The experts' scores of the face in `frame`, or None when it is too small for every scale."""
        return self.opinions([(pixels, frame, largest)])[0]

    def opinions(self, questions: Sequence[tuple[Pixels, CropFrame, int]]) -> list[Opinion | None]:
        """`opinion` of several faces: each network runs once a scale for all of them, where its file allows.

        Only the experts that count in a face's stratum are asked.
        """
        faces = [self._canonical(*question) for question in questions]
        wanted = [set(self.calibration["strata"][str(max(s))]["experts"]) if s else set() for s in faces]
        found: list[list[Score]] = [[] for _ in faces]
        textures = [scale for scale in self.scales if f"texture-{scale}" in self.sessions]
        networks = NETWORK_INPUTS if "network.onnx" in self.files else ()
        for kind, ask, scales in (("texture", self.textures, textures), ("network", self.networks, networks)):
            for scale in scales:
                asked = [number for number, names in enumerate(wanted) if f"{kind}-{scale}" in names]
                for number, score in zip(asked, ask([faces[n][scale] for n in asked]), strict=True):
                    found[number].append(score)
        return [
            Opinion(tuple(scores), max(scaled)) if scaled else None
            for scaled, scores in zip(faces, found, strict=True)
        ]

    def _canonical(self, pixels: Pixels, frame: CropFrame, largest: int) -> dict[int, CanonicalFace]:
        scales = [s for s in self.scales if s <= largest and applies(frame, s)]
        return {scale: canonical_face(pixels, frame, scale) for scale in scales}

    def texture(self, face: CanonicalFace) -> Score:
        """The classical expert of the face's scale."""
        return self.textures([face])[0]

    def textures(self, faces: Sequence[CanonicalFace]) -> list[Score]:
        """`texture` of several faces of one scale."""
        if not faces:
            return []
        name = f"texture-{faces[0].scale}"
        (logits,) = self._run(name, "features", np.stack([features(face) for face in faces]))
        return [Score(name, float(logit)) for logit in logits.reshape(len(faces), -1)[:, 0]]

    def network(self, face: CanonicalFace) -> Score:
        """The network, with its map over the aligned face as saliency."""
        return self.networks([face])[0]

    def networks(self, faces: Sequence[CanonicalFace]) -> list[Score]:
        """`network` of several faces of one scale."""
        if not faces:
            return []
        inputs = np.stack([network_input(face.pixels).transpose(2, 0, 1) for face in faces]).astype(np.float32)
        logits, heat = self._run(f"network-{inputs.shape[-1]}", "pixels", inputs)
        name = f"network-{faces[0].scale}"
        return [Score(name, float(row.mean()), saliency(one)) for row, one in zip(logits, heat, strict=True)]

    def _run(self, session: str, name: str, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """All rows at once, or one by one for a file whose first axis is fixed at one."""
        if not isinstance(self.sessions[session].get_inputs()[0].shape[0], int):
            return list(self.sessions[session].run(None, {name: inputs}))
        rows = [self.sessions[session].run(None, {name: inputs[n : n + 1]}) for n in range(len(inputs))]
        return [np.concatenate(parts) for parts in zip(*rows, strict=True)]


def network_session(data: bytes, side: int) -> InferenceSession:
    """The bytes of a network.onnx for one face of `side` x `side` at a time: a third faster than one for all sizes."""
    return open_session(data, "network.onnx", dimensions={"faces": 1, "height": side, "width": side})


def model_card(name: str | None = None) -> Mapping[str, Any]:
    """The card of a model, read without loading its networks. Raises WeightsError."""
    return _read_json(model_directory(name) / "card.json")


def fused_cues(name: str | None = None) -> frozenset[str]:
    """Analyzers that count in some stratum of a model, read without loading its networks."""
    directory = model_directory(name)
    calibration = _read_calibration(directory, _read_json(directory / "card.json")["files"])
    return frozenset(cue for entry in calibration["strata"].values() for cue in entry.get("cues", ()))


def saliency(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits of a map as float32 in [0, 1]: 0.5 where the map says nothing."""
    return (1.0 / (1.0 + np.exp(-np.clip(heat, -30, 30)))).astype(np.float32)


def load_model(name: str | None = None) -> Model:
    """A shipped model by its id (None: the default) or any model folder by its path."""
    return Model(model_directory(name))


def model_directory(name: str | None = None) -> Path:
    """The folder of a model. Raises WeightsError when there is none."""
    directory = WEIGHTS / (name or DEFAULT_MODEL)
    if name and (Path(name) / "card.json").is_file():
        directory = Path(name)
    if not (directory / "card.json").is_file():
        raise WeightsError(f"There is no model “{name or DEFAULT_MODEL}” (a folder with a card.json).")
    return directory


def _check_format(card: Mapping[str, Any], directory: Path) -> None:
    if card.get("format", FORMAT) != FORMAT:
        raise WeightsError(
            f"The model “{directory.name}” has format {card['format']}, but this version of whichface reads {FORMAT}."
        )


def _read_calibration(directory: Path, files: Mapping[str, str]) -> dict[str, Any]:
    """calibration.json, its SHA-256 checked. Raises WeightsError for one that cannot be used."""
    if "calibration.json" not in files:
        raise WeightsError(f"The model card of “{directory.name}” lacks calibration.json.")
    try:
        found = json.loads(verified_bytes(directory, "calibration.json", files["calibration.json"]))
        complete = bool(found["strata"]) and all(entry.keys() >= STRATUM for entry in found["strata"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        complete = False
    if not complete:
        raise WeightsError(f"The calibration of “{directory.name}” cannot be used: parts of it are missing.")
    return dict(found)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"The model card {path.name} cannot be read: {error}.") from error
    if not isinstance(content, dict) or "files" not in content or "model" not in content:
        raise WeightsError(f"The model card {path.name} lacks its list of files.")
    return content
