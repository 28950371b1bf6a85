"""What the container says about a picture's origin: beside the verdict, never in it.

Every statement here can be forged, copied or stripped by anybody, and each sentence says so where
it matters. `suggests` is set only for a statement that a generator made the picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from .hostile import printable
from .records import Label, Photo, ProvenanceFact, SourceFacts
from .thumbnail import ALIKE, agreement
from .xmp import IPTC_EXT, PHOTOSHOP, XMP_BASIC, xmp_properties

OWN_KEY = "whichface:generator"
"""PNG text key under which our own generator signs its pictures."""

_PARAMETER_KEYS = {
    "parameters": "Stable Diffusion",
    "prompt": "ComfyUI",
    "workflow": "ComfyUI",
    "invokeai_metadata": "InvokeAI",
    "invokeai_graph": "InvokeAI",
    "sd-metadata": "InvokeAI",
    "Dream": "InvokeAI",
    "fooocus_scheme": "Fooocus",
}
"""PNG text keys in which generators leave their settings."""

_GENERATORS = (
    "Midjourney", "DALL-E", "DALL·E", "Stable Diffusion", "NovelAI", "ComfyUI", "InvokeAI",
    "Adobe Firefly", "Fooocus", "Leonardo.Ai", "Ideogram", "Draw Things", "Made with Google AI",
    "Google Imagen", "GPT-4o", "ChatGPT", "Bing Image Creator", "StyleGAN",
    "DiffusionBee", "AUTOMATIC1111",
)  # fmt: skip
"""Names of generators, looked for only in fields that name the program."""

_SETTINGS = re.compile(r"\bSteps: \d{1,4}, .{0,2000}?\b(?:Sampler|CFG scale|Seed): ", re.DOTALL)
"""The settings line that Stable Diffusion's interfaces write."""
_MIDJOURNEY = re.compile(r"\bJob ID: [0-9a-f]{8}-[0-9a-f]{4}-")

_SOURCE_TYPES = {
    "trainedAlgorithmicMedia": "made by a generative AI model",
    "compositeWithTrainedAlgorithmicMedia": "made or altered in part by a generative AI model",
}
"""IPTC digital source types (cv.iptc.org/newscodes/digitalsourcetype) that name a model."""

_NO_CAMERA = (
    "The file carries no camera metadata; most websites strip it, "
    "so this says nothing about its origin."
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def provenance(photo: Photo) -> tuple[ProvenanceFact, ...]:
    """Return what the container says about the picture's origin, generator statements first."""
    facts = [fact for rule in _RULES for fact in rule(photo.source)]
    facts += _thumbnail(photo)
    facts.sort(key=lambda fact: fact.suggests is None)
    return tuple(facts)


def _own_generator(source: SourceFacts) -> Iterator[ProvenanceFact]:
    model = source.text.get(OWN_KEY)
    if model is None and any(name.lower().startswith("whichface") for name in _programs(source)):
        model = ""
    if model is not None:
        by = f" (model {printable(model, 80)})" if model else ""
        text = f"The file says whichface's own generator made it{by}; such a mark can be copied."
        yield ProvenanceFact("own-generator", text, Label.GENERATED)


def _parameters(source: SourceFacts) -> Iterator[ProvenanceFact]:
    """Settings that generators leave in text chunks and comments."""
    found = {
        name: key
        for key, name in _PARAMETER_KEYS.items()
        if key in source.text and _looks_like_settings(key, source.text[key])
    }
    if not found and any(_SETTINGS.search(text) for text in _remarks(source)):
        found["Stable Diffusion"] = "comment"
    if any(_MIDJOURNEY.search(text) for text in _remarks(source)):
        found["Midjourney"] = "Description"
    for name, key in found.items():
        text = (
            f"The file holds the settings of an image generator ({name}, under “{key}”); "
            "such text can be added by anybody."
        )
        yield ProvenanceFact("generator", text, Label.GENERATED)


def _looks_like_settings(key: str, value: str) -> bool:
    """Tell settings from innocent text under a common word."""
    if key in {"prompt", "workflow"}:
        return value.lstrip().startswith("{")
    return key != "parameters" or bool(_SETTINGS.search(value)) or value.lstrip().startswith("{")


def _generator_name(source: SourceFacts) -> Iterator[ProvenanceFact]:
    """A generator that is named as the program."""
    names = [*_programs(source), xmp_properties(source.xmp).get((PHOTOSHOP, "Credit"), "")]
    named = dict.fromkeys(name for text in names if (name := generator_in(text)))
    for name in named:
        text = f"The file names {name} as its maker; metadata can be written by anybody."
        yield ProvenanceFact("generator", text, Label.GENERATED)


def generator_in(text: str) -> str | None:
    """Return the known generator that a program's name contains, if any."""
    lowered = text.lower()
    return next((name for name in _GENERATORS if name.lower() in lowered), None)


def _source_type(source: SourceFacts) -> Iterator[ProvenanceFact]:
    """IPTC's digital source type in XMP."""
    kind = xmp_properties(source.xmp).get((IPTC_EXT, "DigitalSourceType"), "")
    meaning = _SOURCE_TYPES.get(kind.rstrip("/").rsplit("/", 1)[-1])
    if meaning:
        text = f"The file's IPTC metadata say it was {meaning}; anybody can write metadata."
        yield ProvenanceFact("generator", text, Label.GENERATED)


def _credentials(source: SourceFacts) -> Iterator[ProvenanceFact]:
    """Content Credentials: the state of the signature, then what they say."""
    claims = source.c2pa
    if claims is None:
        return
    yield ProvenanceFact("content-credentials", _credentials_text(claims))
    kind = claims.get("digital_source_type", "")
    meaning = _SOURCE_TYPES.get(kind)
    if meaning:
        text = f"The Content Credentials say that the picture was {meaning}{_if_invalid(claims)}."
        yield ProvenanceFact("content-credentials", text, Label.GENERATED)


def _credentials_text(claims: Mapping[str, str]) -> str:
    """Say what the signature is worth: a valid signature is not a trusted signer."""
    state, reasons = claims.get("state", "invalid"), claims.get("reasons", "")
    if state == "unread":
        why = reasons or "no reason given"
        return f"The file carries Content Credentials that were not read ({why})."
    signer = claims.get("issuer") or claims.get("signer") or "an unnamed signer"
    tool = claims.get("claim_generator")
    made = f" with {tool}" if tool else ""
    if state in {"valid", "trusted"}:
        return (
            f"The Content Credentials, signed by {signer}{made}, are intact; whether that signer "
            "deserves trust was not checked, and anybody can sign."
        )
    return (
        f"The Content Credentials, said to be signed by {signer}{made}, are not valid "
        f"({reasons or 'no reason given'}): they or the picture were changed after signing."
    )


def _if_invalid(claims: Mapping[str, str]) -> str:
    return "" if claims.get("state") in {"valid", "trusted"} else ", but they are not valid"


def _camera(source: SourceFacts) -> Iterator[ProvenanceFact]:
    """Make, model and date, or their absence."""
    make, model = source.exif.get("Make", ""), source.exif.get("Model", "")
    camera = printable(_camera_name(make, model), 120)
    if not camera:
        if source.format != "ARRAY":
            yield ProvenanceFact("metadata", _NO_CAMERA)
        return
    article = "an" if camera[0].lower() in "aeio" else "a"
    taken = source.exif.get("DateTimeOriginal") or source.exif.get("DateTime") or ""
    when = f" on {date}" if (date := readable_date(taken)) else ""
    text = f"The file says it was taken by {article} {camera}{when}; metadata can be copied."
    yield ProvenanceFact("camera", text)


def _camera_name(make: str, model: str) -> str:
    """Join make and model without saying the make twice."""
    first = make.split(" ")[0].lower()
    return model if first and model.lower().startswith(first) else f"{make} {model}".strip()


def readable_date(exif_date: str) -> str | None:
    """Turn an EXIF date, 2021:05:03 10:11:12, into 3 May 2021; None when it is no date."""
    found = re.match(r"(\d{4})[:\-](\d\d)[:\-](\d\d)\b", exif_date)
    if not found:
        return None
    year, month, day = (int(part) for part in found.groups())
    return f"{day} {_MONTHS[month - 1]} {year}" if 1 <= month <= 12 and 1 <= day <= 31 else None


def _software(source: SourceFacts) -> Iterator[ProvenanceFact]:
    """The program that saved the file, unless it is a generator, which is said elsewhere."""
    for program in dict.fromkeys(printable(name, 80) for name in _programs(source)):
        if program and not generator_in(program) and not program.lower().startswith("whichface"):
            text = f"The file says it was saved by the program “{program}”; that alone says little."
            yield ProvenanceFact("software", text)


def _thumbnail(photo: Photo) -> Iterator[ProvenanceFact]:
    """Say so when the preview in the file shows another picture."""
    if photo.source.thumbnail is None:
        return
    alike = agreement(photo.pixels, photo.source.thumbnail)
    if alike is not None and alike < ALIKE:
        text = (
            "The small preview inside the file shows something else than the picture: "
            "it was cropped or changed after the preview was made."
        )
        yield ProvenanceFact("thumbnail", text)


def _programs(source: SourceFacts) -> list[str]:
    """Return the contents of the fields that name the program."""
    names = [
        source.exif.get("Software", ""),
        source.text.get("Software", ""),
        xmp_properties(source.xmp).get((XMP_BASIC, "CreatorTool"), ""),
    ]
    return [name for name in names if name]


def _remarks(source: SourceFacts) -> list[str]:
    """Return the free texts, in which generators leave their settings."""
    fields = ("UserComment", "ImageDescription", "XPComment")
    remarks = [source.exif.get(name, "") for name in fields]
    return remarks + [source.text.get(key, "") for key in ("comment", "Comment", "Description")]


_RULES: tuple[Callable[[SourceFacts], Iterator[ProvenanceFact]], ...] = (
    _own_generator,
    _parameters,
    _generator_name,
    _source_type,
    _credentials,
    _camera,
    _software,
)
"""One rule a kind of statement, in the order in which they are reported."""
