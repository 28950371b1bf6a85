"""Content Credentials (C2PA), read offline by the optional library `c2pa`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .hostile import UNREADABLE, printable

_MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
}
_SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
"""Nothing is fetched: an examination must not tell anybody which picture is examined."""


def read_credentials(data: bytes, format: str) -> Mapping[str, str] | None:
    """Return what the Content Credentials of a file say, as short printable text; None when absent.

    Keys: `state` (valid, trusted, invalid, or unread when the library is missing or fails),
    `reasons`, `issuer`, `signer`, `signed`, `claim_generator`, `digital_source_type`; those that
    are not stated are left out. Call it only for files that hold a box of Content Credentials.
    """
    try:
        import c2pa  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return {"state": "unread", "reasons": 'pip install "whichface[c2pa]" to read them'}
    try:
        with c2pa.Context(c2pa.Settings.from_dict(_SETTINGS)) as context:
            reader = c2pa.Reader.try_create(_MIME[format], io.BytesIO(data), context=context)
            if reader is None:
                return None
            with reader:
                return summarise(json.loads(reader.json()))
    except (*UNREADABLE, c2pa.C2paError) as error:
        return {"state": "unread", "reasons": printable(str(error), 200)}


def summarise(store: Mapping[str, Any]) -> dict[str, str]:
    """Summarise a manifest store (the library's JSON) by its active manifest."""
    manifest = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signature = manifest.get("signature_info") or {}
    facts = {
        "state": str(store.get("validation_state", "invalid")).lower(),
        "reasons": ", ".join(_failures(store)),
        "issuer": signature.get("issuer"),
        "signer": signature.get("common_name"),
        "signed": signature.get("time"),
        "claim_generator": _generator(manifest),
        "digital_source_type": next(_source_types(manifest), None),
    }
    return {key: printable(str(value), 200) for key, value in facts.items() if value}


def _failures(store: Mapping[str, Any]) -> list[str]:
    """Return the codes of the failed checks of the active manifest, in order, each once."""
    results = (store.get("validation_results") or {}).get("activeManifest") or {}
    found = results.get("failure") or store.get("validation_status") or []
    codes = [str(status.get("code", "")) for status in found]
    return list(dict.fromkeys(filter(None, codes)))[:8]


def _generator(manifest: Mapping[str, Any]) -> str | None:
    """Return the name and the version of the program that made the claim."""
    for info in manifest.get("claim_generator_info") or []:
        return " ".join(filter(None, [str(info.get("name", "")), str(info.get("version", ""))]))
    return manifest.get("claim_generator")


def _source_types(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the last part of each IPTC digital source type that the actions name."""
    for assertion in manifest.get("assertions") or []:
        if not str(assertion.get("label", "")).startswith("c2pa.actions"):
            continue
        for action in (assertion.get("data") or {}).get("actions") or []:
            kind = action.get("digitalSourceType")
            if kind:
                yield str(kind).rstrip("/").rsplit("/", 1)[-1]
