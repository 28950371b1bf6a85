"""A corpus of drawn faces: what it holds, that it repeats, resumes and can be read by the detector."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil

import cv2
import numpy as np
import pytest

from whichface.forensics import survey
from whichface.forensics.geometry import LEFT_EYE, RIGHT_EYE
from whichface.forensics.photo import open_photo
from whichface.generator.corpus import build
from whichface.generator.corpus.records import CorpusConfig, Drawn
from whichface.generator.corpus.sources import folder_sources
from whichface.generator.errors import DataError

SILENT = lambda number, name: None  # noqa: E731


@pytest.fixture
def folders(tmp_path, make_face, monkeypatch):
    """Six reals and six fakes with two white eyes at known places; one real is there twice."""
    face = make_face((128.0, 120.0), 180.0)
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        for number in range(6):
            rng = np.random.default_rng(number + 50 * (label == "fake"))
            small = rng.integers(0, 90, (10, 10, 3), np.uint8)
            pixels = cv2.resize(small, (256, 256), interpolation=cv2.INTER_CUBIC)
            for eye in (LEFT_EYE, RIGHT_EYE):
                x, y = face.landmarks[list(eye)].mean(0)
                cv2.circle(pixels, (round(float(x)), round(float(y))), 9, (255, 255, 255), -1)
            cv2.imwrite(str(tmp_path / label / f"{number}.png"), pixels)
    shutil.copy(tmp_path / "real" / "0.png", tmp_path / "real" / "copy.png")
    (tmp_path / "real" / "bad.png").write_bytes(b"nothing")
    monkeypatch.setattr(survey, "find_faces", lambda photo, max_faces: (face,))
    return tmp_path


def make(folders, out, config):
    build.check_settings(out, config)
    sources = folder_sources(folders / "real", fake=False) + folder_sources(folders / "fake", fake=True)
    built = build.plan(sources, out, config, SILENT)
    build.write(built, out, config, SILENT)
    return built


def rows_of(out):
    with (out / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_corpus_is_what_its_manifest_says(folders):
    config = CorpusConfig(resolution=64, native=True, jitter=0.0)
    built = make(folders, folders / "out", config)
    rows = rows_of(folders / "out")
    assert len(rows) == 12 and len(built.refused) == 1 and "bad.png" in built.refused[0][0]
    for row in rows:
        data = (folders / "out" / row["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert row["file"].split("/")[:2] == [row["split"], row["label"]]
        native = (folders / "out" / row["native"]).read_bytes()
        assert hashlib.sha256(native).hexdigest() == row["source_sha256"]
        assert open_photo(data).pixels.shape == (64, 64, 3)
    assert (folders / "out" / "contact-sheet.png").exists()


def test_landmarks_follow_the_face(folders):
    make(folders, folders / "out", CorpusConfig(resolution=64))
    with np.load(folders / "out" / "landmarks478.npz", allow_pickle=False) as data:
        names, points = data["image"], data["xy8"] / 8.0
    for name, landmarks in zip(names, points, strict=True):
        pixels = open_photo(folders / "out" / str(name)).pixels
        for eye in (LEFT_EYE, RIGHT_EYE):
            x, y = np.rint(landmarks[list(eye)].mean(0)).astype(int)
            assert pixels[y, x].mean() > 150


def test_it_repeats_bit_for_bit_and_goes_on_where_it_stopped(folders, monkeypatch):
    config = CorpusConfig(resolution=64)
    make(folders, folders / "one", config)
    make(folders, folders / "two", config)
    text = (folders / "one" / "manifest.csv").read_text()
    assert (folders / "two" / "manifest.csv").read_text() == text
    (folders / "two" / rows_of(folders / "two")[3]["file"]).unlink()
    monkeypatch.setattr(survey, "analyse", None)  # everything is in the journal
    make(folders, folders / "two", config)
    assert (folders / "two" / "manifest.csv").read_text() == text
    assert (folders / "two" / rows_of(folders / "one")[3]["file"]).exists()


def test_other_settings_and_missing_classes_are_refused(folders):
    build.check_settings(folders / "out", CorpusConfig())
    with pytest.raises(DataError, match="other settings"):
        build.check_settings(folders / "out", CorpusConfig(seed=1))
    reals = folder_sources(folders / "real", fake=False)
    with pytest.raises(DataError, match="no fake face"):
        build.plan(reals, folders / "out", CorpusConfig(), SILENT)


def test_a_manifest_gives_labels_and_groups(folders):
    rows = ["file,label,group", "real/0.png,real,g1", "fake/0.png,fake,g2"]
    (folders / "manifest.csv").write_text("\n".join(rows))
    (real,), (fake,) = (folder_sources(folders, fake=f) for f in (False, True))
    assert (real.group, fake.group) == ("g1", "g2")


def test_the_detector_reads_it(folders):
    from whichface.app.leakage_report import leakage
    from whichface.detectors.dataset import in_scope, read_corpus

    make(folders, folders / "out", CorpusConfig(resolution=64))
    samples = in_scope(read_corpus(folders / "out"))
    assert len(samples) == 12 and sum(sample.fake for sample in samples) == 6
    found = {baseline.name: baseline for baseline in leakage(folders / "out", folds=2)}
    assert set(found) == {"thumbnail", "container", "sharpness"}
    assert json.dumps([b.auc for b in found.values()])


def test_another_network_or_truncation_is_refused(folders):
    one = Drawn("net", "ab", 1.0)
    build.check_settings(folders / "out", CorpusConfig(), one)
    build.check_settings(folders / "out", CorpusConfig())  # a run that draws nothing forgets nothing
    build.check_settings(folders / "out", CorpusConfig(), one)
    for other in (Drawn("other", "ab", 1.0), Drawn("net", "cd", 1.0), Drawn("net", "ab", 0.7)):
        with pytest.raises(DataError, match="another network or truncation"):
            build.check_settings(folders / "out", CorpusConfig(), other)
    assert json.loads((folders / "out" / "corpus.json").read_text())["drawn"]["network"] == "net"


def test_faces_of_an_unknown_network_are_refused(folders):
    build.check_settings(folders / "out", CorpusConfig())
    (folders / "out" / "drawn").mkdir()
    (folders / "out" / "drawn" / "seed000000.png").touch()
    with pytest.raises(DataError, match="another network"):
        build.check_settings(folders / "out", CorpusConfig(), Drawn("net", "ab", 1.0))


def test_other_bytes_and_cut_copies_are_written_again_and_moved_pictures_go(folders):
    config, out = CorpusConfig(resolution=64, native=True), folders / "out"
    make(folders, out, config)
    first, second = rows_of(out)[:2]
    whole = (out / first["file"]).read_bytes()
    (out / first["file"]).write_bytes(bytes(len(whole)))
    (out / first["native"]).write_bytes(b"cut")
    moved = []
    for name in (second["file"], second["native"]):
        split = second["split"]
        moved.append(out / name.replace(split, "val" if split != "val" else "test"))
        moved[-1].parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(out / name, moved[-1])
    own = out / first["file"].rsplit("/", 1)[0] / "notes.jpg"
    own.touch()
    make(folders, out, config)
    assert (out / first["file"]).read_bytes() == whole
    assert hashlib.sha256((out / first["native"]).read_bytes()).hexdigest() == first["source_sha256"]
    assert not any(path.exists() for path in moved) and own.exists() and (out / second["file"]).exists()


def test_a_corpus_is_no_source_of_itself(folders):
    make(folders, folders / "out", CorpusConfig(resolution=64))
    sources = folder_sources(folders / "out", fake=False) + folder_sources(folders / "fake", fake=True)
    with pytest.raises(DataError, match="lie in the corpus itself"):
        build.plan(sources, folders / "out", CorpusConfig(resolution=64), SILENT)
