"""The whole flow: photo -> faces -> experts' scores -> calibrated verdict -> examination."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from whichface.forensics.analyzers import ANALYZERS, spectrum
from whichface.forensics.errors import CodecLimitError
from whichface.forensics.face import find_faces
from whichface.forensics.geometry import crop_frame
from whichface.forensics.metadata import provenance
from whichface.forensics.photo import open_photo
from whichface.forensics.quality import is_grey
from whichface.forensics.records import (
    Abstention,
    Evidence,
    Examination,
    Face,
    FaceExamination,
    Label,
    Photo,
    Score,
    Verdict,
)
from whichface.forensics.view import FaceView

from .batches import Question, Steps, alone
from .calibration import Stratum, strata
from .canonical import ENLARGE
from .classifier import Model, Opinion, load_model
from .cues import CueTable, chosen, load_cues, look_for
from .explain import expert_evidence
from .stability import re_encoded
from .verdict import Policy, decide, undecided

GREY = (
    "The picture is black and white, or tinted in one colour: nearly all such pictures that the experts learned from "
    "were photographs, so they would take the missing colours for a camera."
)
TOO_SMALL = "The face is smaller than about {:.0f} pixels, the least that any expert was measured on."


@dataclass(frozen=True, slots=True)
class ExamineOptions:
    """How a picture is examined."""

    threshold: float | None = None
    """log10 likelihood ratio from which the label is generated; None: the shipped one."""
    prior: float = 0.5
    """Prior probability of "generated"; changes the probability only."""
    explain: bool = False
    """Run every analyzer, and keep the saliency maps of every scale."""
    cues: tuple[str, ...] = ()
    """Analyzers to run beside those that count towards the verdict; with `explain` all run."""
    max_faces: int | None = None
    """Examine only the largest so many faces; None: all."""
    model: str | None = None
    """Model id or folder; None: the default."""
    stability: bool = True
    """Look again after a mild re-encoding and withhold a verdict that does not survive it."""

    def __post_init__(self) -> None:
        if not 0 < self.prior < 1:
            raise ValueError(f"the prior must lie between 0 and 1, but is {self.prior}")
        if self.max_faces is not None and self.max_faces < 1:
            raise ValueError(f"max_faces must be at least 1, but is {self.max_faces}")
        chosen(self.cues)


class Examiner:
    """Loads the model once and examines any number of pictures."""

    def __init__(self, options: ExamineOptions | None = None, model: Model | None = None) -> None:
        self.options = options or ExamineOptions()
        self.model = model or load_model(self.options.model)
        self.strata: Mapping[int, Stratum] = strata(self.model.calibration)
        self.table: CueTable = load_cues()
        fused = {name for stratum in self.strata.values() for name in stratum.cues}
        self.cues = ANALYZERS if self.options.explain else chosen((*fused, *self.options.cues))
        self.policy = Policy(self.options.threshold, self.options.prior)

    def examine(self, picture: Photo | str | Path) -> Examination:
        """The examination of one picture. Raises PhotoError for one that cannot be read."""
        return alone(self.steps(picture), self.model)

    def steps(self, picture: Photo | str | Path) -> Steps[Examination]:
        """The same, step by step, so that several pictures can ask the model at once (see batches.py)."""
        photo = picture if isinstance(picture, Photo) else open_photo(picture)
        faces = find_faces(photo, max_faces=self.options.max_faces)
        warnings = list(photo.warnings)
        if "reading" in self.model.card:
            warnings.append(str(self.model.card["reading"]))
        if not faces:
            warnings.append("No face was found, so nothing can be said of this picture.")
        examined = []
        for face in faces:
            examined.append((yield from self._face(photo, face)))
        return Examination(
            photo=photo,
            faces=tuple(examined),
            provenance=provenance(photo),
            warnings=tuple(warnings),
            versions=self.versions(),
        )

    def _face(self, photo: Photo, face: Face) -> Steps[FaceExamination]:
        """Scores, verdict and evidence of one face."""
        opinion = yield Question(photo.pixels, crop_frame(face.landmarks))
        evidence, abstentions = self._look(photo, face)
        if opinion is None:
            smallest = min(self.strata)
            verdict = undecided(self.policy, self.strata[smallest], (TOO_SMALL.format(smallest / ENLARGE),))
            abstentions = (*self._abstentions(0), *abstentions)
            return FaceExamination(face, verdict, evidence=evidence, abstentions=abstentions)
        stratum, ratios = self.strata[opinion.scale], _ratios(evidence)
        shares = stratum.contributions(opinion.scores, ratios)
        if is_grey(photo.pixels, crop_frame(face.landmarks)):
            verdict = undecided(self.policy, stratum, (GREY, *face.quality.limits))
        else:
            kept = sum(shares[name] for name in stratum.cues)
            verdict = yield from self._decide(photo, face, opinion, evidence, kept)
            evidence = _counted(evidence, {name: shares[name] for name in stratum.cues if name in ratios})
        experts = self.model.calibration.get("experts", {})
        return FaceExamination(
            face=face,
            verdict=verdict,
            scores=opinion.scores if self.options.explain else _thin(opinion.scores),
            evidence=(*expert_evidence(opinion.scores, shares, experts, face), *evidence),
            abstentions=(*self._abstentions(opinion.scale), *abstentions),
        )

    def _look(self, photo: Photo, face: Face) -> tuple[tuple[Evidence, ...], tuple[Abstention, ...]]:
        """What the analyzers of this profile say; they share one view of the face."""
        return look_for(FaceView(photo, face), self.cues, self.table) if self.cues else ((), ())

    def _decide(
        self, photo: Photo, face: Face, opinion: Opinion, evidence: tuple[Evidence, ...], kept: float
    ) -> Steps[Verdict]:
        """The verdict, looked at again after a mild re-encoding unless it is inconclusive anyway."""
        stratum, ratios = self.strata[opinion.scale], _ratios(evidence)
        pattern = any(item.analyzer == spectrum.NAME and item.findings for item in evidence)
        verdict = decide(self.policy, stratum, opinion.scores, face.quality, cues=ratios, pattern=pattern)
        if not self.options.stability or verdict.label is Label.INCONCLUSIVE:
            return verdict
        again = yield from self._again(photo, face, opinion.scale, kept)
        return decide(self.policy, stratum, opinion.scores, face.quality, again, ratios, pattern=pattern)

    def _again(self, photo: Photo, face: Face, scale: int, kept: float) -> Steps[float | None]:
        """log10 likelihood ratio after a mild re-encoding; None where the face could not be shrunk, or the picture
        is wider than the codec can hold.

        `kept` is what the analyzers added at native size: that shrinking destroys it says nothing against it.
        """
        try:
            pixels, frame = re_encoded(photo.pixels, crop_frame(face.landmarks), scale)
        except CodecLimitError:
            return None
        second = yield Question(pixels, frame, largest=min(scale, 256))
        return None if second is None else self.strata[second.scale].llr(second.scores) + kept

    def unbounded(self, scores: tuple[Score, ...], evidence: tuple[Evidence, ...] = ()) -> float:
        """log10 ratio of one face before the bounds, for ranking. Raises ValueError without scores."""
        scales = [int(score.expert.rpartition("-")[2]) for score in scores]
        if not scales:
            raise ValueError("a ratio needs at least one score")
        return self.strata[max(scales)].unbounded(scores, _ratios(evidence))

    def _abstentions(self, largest: int) -> tuple[Abstention, ...]:
        reason = "The face has fewer pixels than this scale needs."
        scale_of = {name: int(name.rpartition("-")[2]) for name in self.model.experts}
        names = sorted(scale_of, key=lambda name: (name.startswith("network"), scale_of[name]))
        return tuple(Abstention(name, reason) for name in names if scale_of[name] > largest)

    def versions(self) -> dict[str, str]:
        """What made the result: package, model, SHA-256 of its files, libraries."""
        libraries = ("numpy", "onnxruntime", "opencv-python-headless", "pillow")
        found = {"whichface": _version("whichface"), "model": self.model.model_id}
        found |= {f"sha256:{name}": digest for name, digest in sorted(self.model.files.items())}
        found["sha256:cues.json"] = self.table.sha256
        found |= {name: _version(name) for name in libraries}
        return found | {"python": platform.python_version()}


def examine(picture: Photo | str | Path, *, options: ExamineOptions | None = None) -> Examination:
    """Examine one picture (`Examiner` keeps the model for many). Raises PhotoError, WeightsError."""
    return Examiner(options).examine(picture)


def _ratios(evidence: tuple[Evidence, ...]) -> dict[str, float]:
    """The analyzers' own log10 likelihood ratios, where they have one."""
    return {item.analyzer: item.llr for item in evidence if item.llr is not None}


def _counted(evidence: tuple[Evidence, ...], shares: Mapping[str, float]) -> tuple[Evidence, ...]:
    """The evidence, with what each of these analyzers adds to the verdict."""
    return tuple(replace(e, share=shares[e.analyzer]) if e.analyzer in shares else e for e in evidence)


def _thin(scores: tuple[Score, ...]) -> tuple[Score, ...]:
    """Scores with the saliency of the largest network scale only."""
    maps = [s.expert for s in scores if s.saliency is not None]
    return tuple(s if s.expert in maps[-1:] else replace(s, saliency=None) for s in scores)


@lru_cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


__all__ = ["ExamineOptions", "Examiner", "examine"]
