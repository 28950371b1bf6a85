"""Folders and ZIPs of pictures, what is wrong with them, and making them."""

from __future__ import annotations

import errno
import json
import threading
import zipfile

import cv2
import numpy as np
import pytest

from whichface.generator.batches import Loader
from whichface.generator.data import open_source
from whichface.generator.errors import DataError
from whichface.generator.prepare import PrepareConfig, collect, cut, prepare, reasons
from whichface.generator.writers import open_writer


def save(path, side=16, seed=0, width=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, width or side, 3), np.uint8)
    cv2.imwrite(str(path), pixels[..., ::-1])
    return pixels


@pytest.fixture
def folder(tmp_path):
    for number in range(5):
        save(tmp_path / "set" / f"{number}.png", seed=number)
    return tmp_path / "set"


def test_folder_and_zip_hold_the_same(folder, tmp_path):
    labels = {"labels": [[f"{n}.png", n % 2] for n in range(5)]}
    (folder / "dataset.json").write_text(json.dumps(labels))
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    sources = [open_source(folder), open_source(tmp_path / "set.zip")]
    for source in sources:
        assert len(source) == 5 and source.resolution == 16
        assert source.labels.tolist() == [0, 1, 0, 1, 0]
    assert np.array_equal(sources[0].load(3), sources[1].load(3))


def test_what_does_not_fit_is_named(folder):
    save(folder / "odd.png", 32)
    (folder / "text.png").write_text("no picture")
    source = open_source(folder)
    with pytest.raises(DataError, match=r"odd.png is 32x32"):
        source.load(5)
    with pytest.raises(DataError, match=r"text.png is no picture"):
        source.load(6)


@pytest.mark.parametrize(("side", "width"), [(16, 20), (12, 12), (4, 4)])
def test_only_squares_of_powers_of_two(tmp_path, side, width):
    save(tmp_path / "a.png", side, width=width)
    with pytest.raises(DataError, match=r"a.png is"):
        open_source(tmp_path)


def test_missing_labels_and_folders_are_named(folder, tmp_path):
    (folder / "dataset.json").write_text(json.dumps({"labels": [["0.png", 1]]}))
    with pytest.raises(DataError, match=r"no label for 1.png"):
        open_source(folder)
    with pytest.raises(DataError, match="neither a folder nor"):
        open_source(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="No picture was found"):
        open_source(tmp_path / "empty")


def test_every_epoch_shows_every_picture_once_and_repeats_for_a_seed(folder):
    source = open_source(folder)
    loader = Loader(source, seed=3, mirror=True)
    again = Loader(source, seed=3, mirror=True)
    shown = loader.numbers(range(10))
    assert sorted(n for n, _ in shown[:5]) == sorted(n for n, _ in shown[5:]) == list(range(5))
    assert again.numbers(range(6, 9)) == shown[6:9]
    assert any(flip for _, flip in loader.numbers(range(40)))
    batch = loader.get(range(4))
    number, flip = shown[2]
    pixels = source.load(number)
    expected = pixels[:, ::-1] if flip else pixels
    assert np.array_equal(batch.images[2].permute(1, 2, 0).numpy(), expected)
    loader.close()


def test_centre_crop_writes_a_zip_and_names_what_it_skips(tmp_path):
    wide = save(tmp_path / "raw" / "a.png", 32, width=48)
    save(tmp_path / "raw" / "small.png", 8)
    (tmp_path / "raw" / "bad.jpg").write_bytes(b"\xff\xd8 nothing")
    config = PrepareConfig(resolution=32)
    items = collect([tmp_path / "raw"], config)
    tally = prepare(items, open_writer(tmp_path / "out.zip", 32), config)
    assert tally.written == 1 and len(tally.skipped) == 2
    assert any("only" in kind for kind in reasons(tally))
    assert np.array_equal(open_source(tmp_path / "out.zip").load(0), wide[:, 8:40])


def test_rows_of_a_manifest_are_chosen_and_labelled(tmp_path):
    rows = ["file,label,split,group,width"]
    for number in range(6):
        save(tmp_path / f"{number}.png", seed=number)
        label, split = ("real", "fake")[number % 2], ("train", "val")[number // 4]
        rows.append(f"{number}.png,{label},{split},g{number // 2},16")
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    config = PrepareConfig(resolution=16, where=(("split", "train"), ("label", "real")))
    assert [item.path.name for item in collect([tmp_path], config)] == ["0.png", "2.png"]
    assert [item.label for item in collect([tmp_path], PrepareConfig(), "label")] == [1, 0] * 3
    items = collect([tmp_path], PrepareConfig(one_per_group=True), "label")
    assert [item.label for item in items] == [0, 0, 0]


def test_an_existing_collection_is_not_overwritten(folder):
    with pytest.raises(DataError, match="exists already"):
        open_writer(folder, 16)


def test_an_aligned_face_keeps_its_eyes_in_place(make_face):
    from whichface.forensics.geometry import LEFT_EYE, RIGHT_EYE, crop_frame

    face = make_face((100.0, 90.0), 120.0)
    pixels = np.zeros((200, 200, 3), np.uint8)
    for eye in (LEFT_EYE, RIGHT_EYE):
        x, y = face.landmarks[list(eye)].mean(0)
        cv2.circle(pixels, (round(float(x)), round(float(y))), 6, (255, 255, 255), -1)
    config = PrepareConfig(resolution=64, crop="align", least_inside=0.5)
    crop = cut(pixels, crop_frame(face.landmarks), config)
    places = np.argwhere(crop[..., 0] > 128)
    assert crop.shape == (64, 64, 3) and len(places)
    assert abs(places[:, 1].mean() - 31.5) < 1.5


@pytest.mark.parametrize("name", ["3.png", "dataset.json"])
def test_a_damaged_file_in_a_deflated_zip_is_named(folder, tmp_path, name):
    (folder / "dataset.json").write_text(json.dumps({"labels": [[f"{n}.png", n] for n in range(5)]}))
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
        info = archive.getinfo(name)
    data = bytearray(path.read_bytes())
    begin = info.header_offset + 30 + len(name)
    data[begin : begin + info.compress_size] = b"\xff" * info.compress_size  # no block of deflate begins so
    path.write_bytes(data)
    with pytest.raises(DataError, match=rf"{name} in set.zip is damaged"):
        open_source(path).load(3)


KINDS = [("out", "auto"), ("out.zip", "auto"), ("out", "tfrecords")]


def full(*rest):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("name", "kind"), KINDS)
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_collection_that_was_cut_short_leaves_nothing_behind(folder, tmp_path, name, kind, failure):
    writer = open_writer(tmp_path / "outputs" / name, 16, kind)
    config = PrepareConfig(resolution=16)
    add, done = writer.add, []

    def fails(pixels, label=None):
        if done:
            raise failure
        done.append(True)
        add(pixels, label)

    writer.add = fails
    with pytest.raises(type(failure)) as caught:
        prepare(collect([folder], config), writer, config)
    assert not list(writer.path.parent.iterdir())
    if isinstance(failure, OSError):
        assert caught.value.filename == str(writer.path)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_collection_has_its_name_when_it_is_whole_and_not_without_pictures(folder, tmp_path, name, kind):
    for items in ([], collect([folder], PrepareConfig())):
        writer = open_writer(tmp_path / "outputs" / name, 16, kind)
        tally = prepare(items, writer, PrepareConfig(resolution=16))
        assert writer.path.exists() == bool(items) == bool(tally.written)
    assert len(open_source(writer.path)) == 5
    assert [path.name for path in writer.path.parent.iterdir()] == [name]


def test_a_zip_on_a_full_disk_is_silent_when_it_is_thrown_away(folder, tmp_path, monkeypatch, recwarn):
    writer = open_writer(tmp_path / "out.zip", 16)
    monkeypatch.setattr(writer.archive, "_write_end_record", full)
    with pytest.raises(OSError, match="No space left"):
        prepare(collect([folder], PrepareConfig()), writer, PrepareConfig(resolution=16))
    del writer
    assert not list(tmp_path.glob("*out.zip*")) and not recwarn.list


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_load_the_pictures_of_a_batch_together_in_their_order(folder, workers):
    source = open_source(folder)
    threads, meet, load = set(), threading.Barrier(workers), source.load

    def met(number):
        threads.add(threading.current_thread())
        meet.wait(10)  # as many as there are workers, or the barrier breaks
        return load(number)

    loader = Loader(source, seed=3, mirror=True, workers=workers)
    expected = [source.load(n)[:, ::-1] if flip else source.load(n) for n, flip in loader.numbers(range(3))]
    source.load = met
    images = loader._load(loader.numbers(range(3))).images.permute(0, 2, 3, 1).numpy()
    loader.close()
    assert len(threads) == workers and np.array_equal(images, np.stack(expected))
