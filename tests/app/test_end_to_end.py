"""`detect` as people run it: a new process, the shipped model, good and bad pictures together."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib

import jsonschema
import numpy as np
import pytest
from PIL import Image
from skimage import data

from whichface.reports.json import schema


def detect(*arguments, cwd, stdin=None):
    code = "from whichface.app.cli import detect; detect()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, timeout=120)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb():
    """A PNG that says it is 50,000 x 50,000."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("mixed")
    portrait = Image.fromarray(data.astronaut())
    portrait.save(path / "portrait.jpg", quality=92)
    portrait.convert("CMYK").save(path / "cmyk.jpg", quality=92)
    clear = portrait.convert("RGBA")
    clear.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 512, dtype=np.uint8), (512, 1))))
    clear.save(path / "transparent.png")
    (path / "truncated.jpg").write_bytes((path / "portrait.jpg").read_bytes()[:3000])
    (path / "empty.jpg").touch()
    (path / "text.jpg").write_text("not a picture")
    (path / "bomb.png").write_bytes(bomb())
    Image.new("RGB", (1, 1)).save(path / "one.png")
    Image.new("RGB", (300, 200), "grey").save(path / "grey.png")
    return path


BAD = {"truncated.jpg", "empty.jpg", "text.jpg", "bomb.png"}


def test_good_and_bad_pictures_together(folder):
    done = detect("--json", ".", "missing.jpg", cwd=folder)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert done.returncode == 3 and b"Traceback" not in done.stderr
    for line in lines:
        jsonschema.validate(line, schema())
    failed = {line["path"].removeprefix("./") for line in lines if line["error"]}
    assert failed == {*BAD, "missing.jpg"}
    faces = {line["path"].removeprefix("./"): len(line["faces"]) for line in lines if not line["error"]}
    assert faces["portrait.jpg"] == faces["cmyk.jpg"] == 1
    assert faces["one.png"] == faces["grey.png"] == 0
    assert done.stderr.count(b"whichface: ") >= len(failed)


def test_standard_input_and_text(folder):
    done = detect("-", cwd=folder, stdin=(folder / "portrait.jpg").read_bytes())
    assert done.returncode == 0 and done.stdout.startswith(b"-: ")
    assert detect("-", "--quiet", cwd=folder, stdin=b"").returncode == 4


def test_the_overlay_shows_the_picture(folder, tmp_path):
    target = tmp_path / "marked.png"
    assert detect("portrait.jpg", "--overlay", str(target), cwd=folder).returncode == 0
    with Image.open(target) as image:
        assert image.format == "PNG" and image.width >= 512


def test_forty_faces(tmp_path):
    face = np.asarray(data.astronaut())[0:200, 120:320]
    Image.fromarray(np.tile(face, (5, 8, 1))).save(tmp_path / "forty.png")
    done = detect("--json", "forty.png", cwd=tmp_path)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["faces"]) >= 30
