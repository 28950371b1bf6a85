"""Provenance: what each statement of a container is reported as, and what it never is."""

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from whichface.forensics.credentials import summarise
from whichface.forensics.metadata import generator_in, provenance, readable_date
from whichface.forensics.photo import open_photo, photo_from_array
from whichface.forensics.records import Label, Photo, ProvenanceFact, SourceFacts
from whichface.forensics.xmp import IPTC_EXT

GREY = Image.new("RGB", (16, 16), "grey")
DOT = np.zeros((1, 1, 3), np.uint8)
SETTINGS = "a portrait\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"


def saved(format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    GREY.save(stream, format, **options)
    return stream.getvalue()


def facts_of(**fields: object) -> tuple[ProvenanceFact, ...]:
    """Provenance of a picture with these fields of SourceFacts."""
    source = SourceFacts("PNG", 1, (1, 1), **fields)  # type: ignore[arg-type]
    return provenance(Photo(None, DOT, source, "0" * 64))


def kinds(facts: tuple[ProvenanceFact, ...]) -> list[tuple[str, Label | None]]:
    return [(fact.kind, fact.suggests) for fact in facts]


def texted(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key.replace("__", ":"), value)
    return saved(pnginfo=info)


def test_camera_with_date() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "NIKON CORPORATION"
    exif[ExifTags.Base.Model] = "NIKON D850"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2021:05:03 10:11:12"
    (fact,) = provenance(open_photo(saved("JPEG", exif=exif)))
    expected = "taken by a NIKON D850 on 3 May 2021; metadata can be copied."
    assert fact == ProvenanceFact("camera", f"The file says it was {expected}")


@pytest.mark.parametrize(
    ("make", "model", "words"),
    [
        ("Apple", "iPhone 12", "by an Apple iPhone 12;"),
        ("Canon", "Canon EOS 5D", "by a Canon EOS 5D;"),
        ("", "X100", "by a X100;"),
    ],
)
def test_camera_names(make: str, model: str, words: str) -> None:
    assert words in facts_of(exif={"Make": make, "Model": model})[0].text


def test_absence_says_nothing() -> None:
    (fact,) = provenance(open_photo(saved()))
    assert fact.suggests is None
    assert fact.text == (
        "The file carries no camera metadata; most websites strip it, "
        "so this says nothing about its origin."
    )
    assert provenance(photo_from_array(DOT)) == ()


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ({"parameters": SETTINGS}, "Stable Diffusion"),
        ({"prompt": '{"3": {"class_type": "KSampler"}}'}, "ComfyUI"),
        ({"workflow": '{"nodes": []}'}, "ComfyUI"),
        ({"invokeai_metadata": "{}"}, "InvokeAI"),
        ({"Software": "NovelAI", "Comment": "{}"}, "NovelAI"),
        (
            {"Description": "a face --v 6 Job ID: 12345678-1234-1234-1234-123456789012"},
            "Midjourney",
        ),
    ],
)
def test_generators_in_png_text(texts: dict[str, str], name: str) -> None:
    facts = provenance(open_photo(texted(**texts)))
    assert kinds(facts)[0] == ("generator", Label.GENERATED)
    assert name in facts[0].text
    assert sum(fact.suggests is not None for fact in facts) == 1


def test_settings_in_a_jpeg_comment() -> None:
    exif = Image.Exif()
    comment = b"UNICODE\0" + SETTINGS.encode("utf-16-be")
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    for contents in (saved("JPEG", exif=exif), saved("JPEG", comment=SETTINGS)):
        assert kinds(provenance(open_photo(contents)))[0] == ("generator", Label.GENERATED)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": {"prompt": "Press the button"}},
        {"text": {"parameters": "exposure 1/200"}},
        {"text": {"Description": "Midjourney exhibition, opening night"}},
        {"text": {"comment": "trainedAlgorithmicMedia"}},
        {"exif": {"Artist": "Stable Diffusion fan club"}},
        {"exif": {"Software": "Adobe Photoshop 25.0"}},
        {"xmp": "<x>trainedAlgorithmicMedia</x>"},
        {"c2pa": {"state": "valid", "issuer": "Leica"}},
        {"c2pa": {"state": "valid", "digital_source_type": "digitalCapture"}},
    ],
)
def test_innocent_statements_suggest_nothing(fields: dict[str, object]) -> None:
    assert all(fact.suggests is None for fact in facts_of(**fields))


@pytest.mark.parametrize(
    ("term", "label"),
    [
        ("trainedAlgorithmicMedia", Label.GENERATED),
        ("compositeWithTrainedAlgorithmicMedia", Label.GENERATED),
        ("digitalCapture", None),
    ],
)
def test_digital_source_type_in_xmp(term: str, label: Label | None) -> None:
    xmp = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:e="{IPTC_EXT}" e:DigitalSourceType='
        f'"http://cv.iptc.org/newscodes/digitalsourcetype/{term}"/></rdf:RDF>'
    )
    facts = provenance(open_photo(saved("JPEG", xmp=xmp.encode())))
    assert facts[0].suggests == label


def test_own_generator() -> None:
    signed = provenance(open_photo(texted(whichface__generator="stylegan2-ffhq-64")))
    assert kinds(signed)[0] == ("own-generator", Label.GENERATED)
    assert "stylegan2-ffhq-64" in signed[0].text
    named = facts_of(text={"Software": "whichface 0.1.0"})
    assert kinds(named) == [("own-generator", Label.GENERATED), ("metadata", None)]


def test_software_and_names() -> None:
    facts = facts_of(exif={"Software": "GIMP 2.10"}, text={"Software": "GIMP 2.10"})
    assert kinds(facts) == [("metadata", None), ("software", None)]
    assert "“GIMP 2.10”" in facts[1].text
    assert generator_in("Made with DALL·E 3") == "DALL·E"
    assert generator_in("Capture One") is None


def test_dates() -> None:
    assert readable_date("2021:12:31 23:59:59") == "31 December 2021"
    assert readable_date("2021:13:01 00:00:00") is None
    assert readable_date("    :  :  ") is readable_date("") is None


def test_every_text_is_one_printable_sentence() -> None:
    evil = "\x1b[31m" + "x" * 1000
    contents = texted(Software=evil, whichface__generator=evil, parameters=SETTINGS)
    for fact in provenance(open_photo(contents)):
        assert fact.text.isprintable()
        assert fact.text.endswith(".")
        assert len(fact.text) < 300


STORE = {
    "active_manifest": "urn:1",
    "manifests": {
        "urn:1": {
            "claim_generator_info": [{"name": "Firefly\x1b", "version": "3"}],
            "signature_info": {"issuer": "Adobe Inc.", "time": "2024-01-01T00:00:00Z"},
            "assertions": [
                {
                    "label": "c2pa.actions.v2",
                    "data": {
                        "actions": [
                            {
                                "action": "c2pa.created",
                                "digitalSourceType": "http://cv.iptc.org/newscodes/"
                                "digitalsourcetype/trainedAlgorithmicMedia",
                            }
                        ]
                    },
                }
            ],
        }
    },
    "validation_state": "Valid",
}


def test_credentials_are_summarised() -> None:
    claims = summarise(STORE)
    assert claims == {
        "state": "valid",
        "issuer": "Adobe Inc.",
        "signed": "2024-01-01T00:00:00Z",
        "claim_generator": "Firefly 3",
        "digital_source_type": "trainedAlgorithmicMedia",
    }
    made, state, absent = facts_of(c2pa=claims)
    assert made.suggests is Label.GENERATED
    assert "generative AI model." in made.text
    assert state.suggests is None
    assert "Adobe Inc." in state.text
    assert "whether that signer deserves trust was not checked" in state.text
    assert absent.kind == "metadata"


def test_invalid_credentials_say_so() -> None:
    failure = [{"code": "assertion.dataHash.mismatch"}] * 2
    results = {"activeManifest": {"failure": failure}}
    store = STORE | {"validation_state": "Invalid", "validation_results": results}
    made, state, _ = facts_of(c2pa=summarise(store))
    assert "not valid (assertion.dataHash.mismatch)" in state.text
    assert "not valid" in made.text


@pytest.fixture(scope="module")
def certificates() -> tuple[bytes, bytes]:
    """A chain (leaf, authority) and the leaf's key, made for this run."""
    pytest.importorskip("cryptography")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]

    def name(common: str) -> x509.Name:
        organisation = x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test Press")
        return x509.Name([organisation, x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])

    def certificate(subject: str, key: int, authority: bool) -> x509.Certificate:
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        usage |= {"digital_signature": True, "key_cert_sign": authority, "crl_sign": authority}
        public = keys[1].public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Authority"))
            .public_key(keys[key].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[key].public_key()), False)
        )
        if not authority:
            purpose = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(purpose, critical=False)
        return builder.sign(keys[1], hashes.SHA256())

    pem = serialization.Encoding.PEM
    chain = certificate("Leaf", 0, False).public_bytes(pem)
    chain += certificate("Authority", 1, True).public_bytes(pem)
    form = serialization.PrivateFormat.PKCS8
    return chain, keys[0].private_bytes(pem, form, serialization.NoEncryption())


def signed(format: str, certificates: tuple[bytes, bytes]) -> bytes:
    """A grey picture with Content Credentials that call it generated."""
    c2pa = pytest.importorskip("c2pa")
    manifest: Mapping[str, object] = {
        "claim_generator_info": [{"name": "test_tool", "version": "1.0"}],
        "assertions": STORE["manifests"]["urn:1"]["assertions"],  # type: ignore[index]
    }
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, *certificates, None)
    target = io.BytesIO()
    with c2pa.Builder(json.dumps(manifest)) as builder:
        signer = c2pa.Signer.from_info(info)
        builder.sign(signer, f"image/{format.lower()}", io.BytesIO(saved(format)), target)
    return target.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_signed_pictures(format: str, certificates: tuple[bytes, bytes]) -> None:
    contents = signed(format, certificates)
    photo = open_photo(contents)
    claims = photo.source.c2pa
    assert claims is not None
    assert claims["state"] == "valid"
    assert claims["issuer"] == "Test Press"
    assert claims["claim_generator"].startswith("test_tool")
    assert claims["digital_source_type"] == "trainedAlgorithmicMedia"
    assert kinds(provenance(photo))[0] == ("content-credentials", Label.GENERATED)


def test_a_changed_picture_breaks_its_credentials(certificates: tuple[bytes, bytes]) -> None:
    contents = bytearray(signed("JPEG", certificates))
    contents[-8] ^= 1
    claims = open_photo(bytes(contents)).source.c2pa
    assert claims is not None
    assert claims["state"] == "invalid"
    assert "mismatch" in claims["reasons"]


def test_credentials_without_the_extra(
    certificates: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = signed("JPEG", certificates)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    facts = provenance(open_photo(contents))
    (fact,) = [fact for fact in facts if fact.kind == "content-credentials"]
    assert fact.suggests is None
    assert 'pip install "whichface[c2pa]"' in fact.text


def test_optional_libraries_are_not_imported_for_a_plain_picture(tmp_path: Path) -> None:
    path = tmp_path / "plain.jpg"
    path.write_bytes(saved("JPEG"))
    code = (
        "import sys; from whichface.forensics.photo import open_photo; "
        f"open_photo({str(path)!r}); "
        "print([m for m in ('c2pa', 'pillow_heif', 'torch', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
