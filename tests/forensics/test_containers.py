"""What containers say: text chunks, comments, EXIF and XMP, printable and short."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from whichface.forensics.containers import describe_unknown, read_container, sniff
from whichface.forensics.hostile import printable
from whichface.forensics.photo import open_photo
from whichface.forensics.png import parse_png, without_text
from whichface.forensics.xmp import IPTC_EXT, XMP_BASIC, xmp_properties

GREY = Image.new("RGB", (16, 16), "grey")


def saved(format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    GREY.save(stream, format, **options)
    return stream.getvalue()


def with_chunk(kind: bytes, body: bytes) -> bytes:
    """Put a chunk behind the header of a PNG."""
    contents = saved()
    crc = struct.pack(">I", zlib.crc32(kind + body))
    return contents[:33] + struct.pack(">I", len(body)) + kind + body + crc + contents[33:]


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"GIF89a", "GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WEBP"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1", "HEIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42isom", None),
        (b"MM\0*", "TIFF"),
        (b"", None),
    ],
)
def test_format_goes_by_content(head: bytes, format: str | None) -> None:
    assert sniff(head) == format


def test_unknown_bytes_are_named() -> None:
    assert describe_unknown("Grüße\n".encode()) == "text"
    assert describe_unknown(b"  <HTML>") == "a web page"
    assert describe_unknown(b"<?xml version='1.0'?><svg/>") == "an SVG drawing"
    assert describe_unknown(b"\0\0\0\x18ftypisom").startswith("a video")
    assert describe_unknown(b"\x80\x81\x00") == "of an unknown kind"


def test_all_three_kinds_of_png_text() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "Gimp")
    info.add_text("prompt", "x" * 500, zip=True)
    info.add_itxt("Title", "Grüße", zip=True)
    info.add_itxt("Author", "Zoë")
    text = open_photo(saved(pnginfo=info)).source.text
    assert text == {"Software": "Gimp", "prompt": "x" * 500, "Title": "Grüße", "Author": "Zoë"}


def test_control_characters_and_escapes_are_stripped() -> None:
    evil = b"Comment\0red \x1b[31malert\x07\r\nnext\x00\x9b2J"
    text = open_photo(with_chunk(b"tEXt", evil)).source.text["Comment"]
    assert text == "red [31malert next2J"
    assert text.isprintable()
    assert printable("a\u202eb\u200fc\ud800d\u2028e") == "abcd e"


def test_a_compressed_text_bomb_is_capped() -> None:
    bomb = zlib.compress(b"a" * 50_000_000, 9)
    facts = parse_png(with_chunk(b"zTXt", b"Comment\0\0" + bomb))
    assert len(facts.text["Comment"]) == 65_536


def test_damaged_text_chunks_do_no_harm() -> None:
    for kind, body in [(b"zTXt", b"k\0\0junk"), (b"iTXt", b"k\0"), (b"tEXt", b""), (b"iTXt", b"")]:
        contents = with_chunk(kind, body)
        assert open_photo(contents).pixels.shape == (16, 16, 3)
        assert without_text(contents) == saved()


def test_many_texts_are_capped() -> None:
    info = PngImagePlugin.PngInfo()
    for number in range(300):
        info.add_text(f"key{number}", "value")
    assert len(open_photo(saved(pnginfo=info)).source.text) == 64


def test_jpeg_and_gif_comments() -> None:
    assert open_photo(saved("JPEG", comment="hello\x1b[2J")).source.text == {"comment": "hello[2J"}
    assert open_photo(saved("GIF", comment=b"hi\x07 there")).source.text == {"comment": "hi there"}
    assert read_container(saved("GIF", comment=b"hi"), "GIF").complete


def test_a_gif_of_very_many_blocks_is_not_called_cut_off() -> None:
    contents = saved("GIF")
    long = contents[:-1] + b"!\xfe\1x\0" * 20_001 + b";"
    assert read_container(long, "GIF").complete is None


def camera_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "NIKON CORPORATION"
    exif[ExifTags.Base.Model] = "NIKON D850"
    exif[ExifTags.Base.Software] = "Ver.1.00\x1b[31m"
    exif[ExifTags.Base.ImageDescription] = "d" * 9000
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = "2021:05:03 10:11:12"
    inner[ExifTags.Base.UserComment] = b"UNICODE\0" + "Grüße".encode("utf-16-be")
    inner[ExifTags.Base.MakerNote] = bytes(range(256))
    inner[ExifTags.Base.FNumber] = 2.5
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    return exif


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_is_short_printable_text(format: str) -> None:
    facts = open_photo(saved(format, exif=camera_exif())).source.exif
    assert facts["Make"] == "NIKON CORPORATION"
    assert facts["Model"] == "NIKON D850"
    assert facts["Software"] == "Ver.1.00[31m"
    assert facts["DateTimeOriginal"] == "2021:05:03 10:11:12"
    assert facts["UserComment"] == "Grüße"
    assert facts["MakerNote"] == "256 bytes"
    assert facts["FNumber"] == "2.5"
    assert facts["GPSInfo"] == "present"
    assert len(facts["ImageDescription"]) == 4096
    assert all(value.isprintable() for value in facts.values())


def test_exif_of_a_tiff_leaves_its_structure_out() -> None:
    inner = {ExifTags.Base.DateTimeOriginal: "2021:05:03 10:11:12"}
    tags = {ExifTags.Base.Make: "NIKON", ExifTags.IFD.Exif: inner}
    facts = open_photo(saved("TIFF", tiffinfo=tags)).source.exif
    assert facts["Make"] == "NIKON"
    assert facts["DateTimeOriginal"] == "2021:05:03 10:11:12"
    assert "StripOffsets" not in facts


def test_damaged_exif_does_no_harm() -> None:
    for raw in (b"Exif\0\0MM", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0rubbish" * 9):
        photo = open_photo(saved("JPEG", exif=raw))
        assert photo.source.orientation == 1
        assert photo.source.exif == {}


def packet(body: str) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns:e="{IPTC_EXT}" xmlns:xmp="{XMP_BASIC}">{body}</rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    )


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_xmp_of_each_format(format: str) -> None:
    body = '<rdf:Description xmp:CreatorTool="Tool 1"/>'
    raw = packet(body).encode()
    if format == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", raw.decode())
        contents = saved(pnginfo=info)
    elif format == "TIFF":
        contents = saved(format, tiffinfo={700: raw})
    else:
        contents = saved(format, xmp=raw)
    source = open_photo(contents).source
    assert source.xmp is not None
    assert xmp_properties(source.xmp)[XMP_BASIC, "CreatorTool"] == "Tool 1"
    assert source.text == {}


@pytest.mark.parametrize(
    "body",
    [
        '<rdf:Description e:DigitalSourceType="T"/>',
        "<rdf:Description><e:DigitalSourceType>T</e:DigitalSourceType></rdf:Description>",
        '<rdf:Description><e:DigitalSourceType rdf:resource="T"/></rdf:Description>',
        "<rdf:Description><e:DigitalSourceType><rdf:Bag><rdf:li>T</rdf:li></rdf:Bag>"
        "</e:DigitalSourceType></rdf:Description>",
    ],
)
def test_xmp_property_in_every_spelling(body: str) -> None:
    assert xmp_properties(packet(body))[IPTC_EXT, "DigitalSourceType"] == "T"


@pytest.mark.parametrize("encoding", ["GB2312", "utf-16", "invented", "idna"])
def test_an_encoding_that_xmp_declares_is_no_matter(encoding: str) -> None:
    body = packet('<rdf:Description e:DigitalSourceType="T"/>')
    declared = f'<?xml version="1.0" encoding="{encoding}"?>{body}'
    assert xmp_properties(declared)[IPTC_EXT, "DigitalSourceType"] == "T"


def test_xmp_expands_nothing_and_forgives_damage() -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><x xmlns="n">&b;</x>'
    external = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x xmlns="n">&a;</x>'
    assert xmp_properties(laughs) == {}
    assert xmp_properties(external) == {}
    assert xmp_properties("<a>" * 1000) == {}
    assert xmp_properties("no xml") == xmp_properties("") == xmp_properties(None) == {}
    cut = packet('<rdf:Description xmp:CreatorTool="T"/>')[:-40]
    assert xmp_properties(cut)[XMP_BASIC, "CreatorTool"] == "T"
    wrong = packet("<rdf:Description>DigitalSourceType trainedAlgorithmicMedia</rdf:Description>")
    assert (IPTC_EXT, "DigitalSourceType") not in xmp_properties(wrong)


def test_png_bit_depth_and_completeness() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(stream, "PNG")
    facts = parse_png(stream.getvalue())
    assert (facts.bit_depth, facts.complete) == (16, True)
    photo = open_photo(stream.getvalue()[:-12])
    assert any("end marker" in warning for warning in photo.warnings)
