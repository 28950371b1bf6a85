"""XMP read as XML by a parser that expands no entity and accepts no document type."""

from __future__ import annotations

from xml.parsers import expat

IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
XMP_BASIC = "http://ns.adobe.com/xap/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
TIFF = "http://ns.adobe.com/tiff/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CONTAINERS = frozenset({f"{_RDF} {name}" for name in ("Seq", "Bag", "Alt", "li", "Description")})
_MAX_PROPERTIES, _MAX_DEPTH, _MAX_VALUE = 500, 64, 2048


class _Refused(Exception):
    """The packet holds a document type, or more than is reasonable."""


def xmp_properties(packet: str | None) -> dict[tuple[str, str], str]:
    """Return the properties of an XMP packet by (namespace, name); the first value of each.

    A packet that is cut off or damaged gives what came before the damage; one with a document type
    (entities, external files) gives nothing.
    """
    reader = _Reader()
    # The text is encoded here, so that no declaration in it names a codec.
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    start = (packet or "").find("<")
    try:
        parser.Parse((packet or "")[max(start, 0) :].encode("utf-8", "replace"), True)
    except _Refused:
        return {}
    except (expat.ExpatError, LookupError, ValueError):
        pass
    return reader.properties


def _refuse(*_: object) -> None:
    raise _Refused


class _Reader:
    """Collects attributes and element texts as properties."""

    def __init__(self) -> None:
        self.properties: dict[tuple[str, str], str] = {}
        self._stack: list[str] = []
        self._text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Open an element; its attributes are properties, `rdf:resource` is its value."""
        self._stack.append(name)
        if len(self._stack) > _MAX_DEPTH:
            raise _Refused
        self._text = ""
        for key, value in attributes.items():
            self._keep(self._owner() if key == f"{_RDF} resource" else key, value)

    def end(self, _: str) -> None:
        """Close an element; its text, if any, is its property's value."""
        self._keep(self._owner(), self._text)
        self._text = ""
        self._stack.pop()

    def characters(self, text: str) -> None:
        """Gather text up to a cap."""
        if len(self._text) < _MAX_VALUE:
            self._text += text

    def _owner(self) -> str:
        """Return the innermost element that is a property and no mere container."""
        return next((name for name in reversed(self._stack) if name not in _CONTAINERS), "")

    def _keep(self, key: str, value: str) -> None:
        namespace, _, name = key.rpartition(" ")
        value = value.strip()[:_MAX_VALUE]
        if namespace and value and len(self.properties) < _MAX_PROPERTIES:
            self.properties.setdefault((namespace, name), value)
