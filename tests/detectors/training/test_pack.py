"""A pack of three synthetic pictures: rows, scales, bytes, masks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.detectors.canonical import canonical_face
from whichface.detectors.dataset import Sample, read_corpus
from whichface.detectors.training.pack import Pack, PackConfig, Packs, build, jitter_frame, variants
from whichface.forensics.geometry import crop_frame

STILL = (0.0, 0.0, 0.0)
SIDES = (90.0, 165.0, 270.0)
"""Face sides: none, one and two canonical scales."""


def _picture(seed: int, side: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


@pytest.fixture
def samples(tmp_path: Path, make_face) -> list[Sample]:
    found = []
    for number, side in enumerate(SIDES):
        size = int(side * 1.1)
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), _picture(number, size)[..., ::-1])
        points = make_face((size / 2, size / 2), side / 0.936).landmarks
        found.append(Sample(path, number % 2 == 1, "s", "", "train", str(number), "", points))
    return found


@pytest.fixture
def pack(samples: list[Sample], tmp_path: Path) -> Pack:
    build(samples, PackConfig(variants=3), tmp_path / "new" / "pack.npz", workers=1)
    return Pack(tmp_path / "new" / "pack.npz")


def test_the_landmarks_have_the_sides_meant(samples: list[Sample]) -> None:
    sides = [crop_frame(sample.landmarks).side for sample in samples]
    assert sides == pytest.approx(SIDES, rel=1e-3)


def test_rows_are_at_the_scales_that_apply(pack: Pack) -> None:
    keys = list(zip(pack.sample.tolist(), pack.variant.tolist(), pack.scale.tolist(), strict=True))
    assert len(keys) == len(set(keys)) == len(pack)
    assert set(pack.sample) == {1, 2}
    assert {s for n, _, s in keys if n == 1} == {160}
    for variant in (0, 1):  # as stored, and the one that keeps its largest scale
        assert {s for n, v, s in keys if (n, v) == (2, variant)} == {160, 256}
    assert 160 in {s for n, v, s in keys if (n, v) == (2, 2)}


def test_faces_have_their_shapes(pack: Pack) -> None:
    for row in range(len(pack)):
        face, side = pack.face(row), int(pack.scale[row])
        assert face.scale == side
        assert face.pixels.shape == (side, side, 3) and face.pixels.dtype == np.uint8
        assert face.inside.shape == (side, side) and face.inside.dtype == bool
        assert np.array_equal(face.pixels, pack.pixels(row))
        assert face.inside.mean() > 0.7


def test_a_pack_is_the_same_again(samples: list[Sample], pack: Pack, tmp_path: Path) -> None:
    build(samples, PackConfig(variants=3), tmp_path / "again.npz", workers=1)
    with np.load(tmp_path / "new" / "pack.npz") as first, np.load(tmp_path / "again.npz") as second:
        assert all(np.array_equal(first[name], second[name]) for name in first.files)


def test_another_seed_is_another_pack(samples: list[Sample]) -> None:
    first, second = (list(variants(samples[1], 1, PackConfig(1, seed))) for seed in (0, 1))
    assert first[0].jpeg != second[0].jpeg


def test_a_picture_is_the_same_in_any_order(samples: list[Sample], pack: Pack) -> None:
    alone = list(variants(samples[2], 2, PackConfig(variants=3)))
    rows = np.flatnonzero(pack.sample == 2)
    assert [(r.variant, r.scale) for r in alone] == [
        (int(pack.variant[row]), int(pack.scale[row])) for row in rows
    ]
    decoded = cv2.imdecode(np.frombuffer(alone[0].jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(decoded, pack.pixels(int(rows[0])))


def test_the_stored_variant_is_what_detection_sees(samples: list[Sample], tmp_path: Path) -> None:
    build(samples, PackConfig(variants=1, jitter=STILL), tmp_path / "still.npz", workers=1)
    pack = Pack(tmp_path / "still.npz")
    for row in range(len(pack)):
        number = int(pack.sample[row])
        picture = cv2.imread(str(samples[number].path))[..., ::-1].copy()
        frame = crop_frame(samples[number].landmarks)
        expected, found = canonical_face(picture, frame, int(pack.scale[row])), pack.face(row)
        assert np.array_equal(found.pixels, expected.pixels)
        assert np.array_equal(found.inside, expected.inside)


def test_no_landmarks_no_rows(samples: list[Sample]) -> None:
    bare = Sample(samples[0].path, False, "s", "", "train", "g", "", None)
    with pytest.raises(ValueError, match="no landmarks"):
        list(variants(bare, 0, PackConfig()))


def test_jitter_is_as_large_as_asked(make_face) -> None:
    frame, rng = crop_frame(make_face().landmarks), np.random.default_rng(0)
    moved = [jitter_frame(frame, rng, PackConfig()) for _ in range(2000)]
    shift, grow, turn = PackConfig().jitter
    assert np.std([m.centre[0] for m in moved]) == pytest.approx(shift * frame.side, rel=0.1)
    assert np.std(np.log([m.side for m in moved])) == pytest.approx(grow, rel=0.1)
    assert np.std([m.roll for m in moved]) == pytest.approx(turn, rel=0.1)
    still = jitter_frame(frame, rng, PackConfig(jitter=STILL))
    assert still.centre == pytest.approx(frame.centre) and still.axis == pytest.approx(frame.axis)


def test_the_command_builds_the_pack_of_a_folder(samples: list[Sample], tmp_path: Path) -> None:
    rows = [f"{s.path.name},{'fake' if s.fake else 'real'},s,train,{s.group}" for s in samples]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,label,set,split,group", *rows]))
    np.savez(
        tmp_path / "landmarks478.npz",
        image=np.array([s.path.name for s in samples]),
        face=np.zeros(len(samples), np.int64),
        xy8=np.stack([np.rint(s.landmarks * 8).astype(np.int32) for s in samples]),
    )
    command = [sys.executable, "-m", "whichface.detectors.training.pack", "--workers", "1"]
    command += ["--data", str(tmp_path), "-o", str(tmp_path / "told.npz")]
    subprocess.run(command, check=True, timeout=60)
    build(read_corpus(tmp_path), PackConfig(), tmp_path / "here.npz", workers=1)
    with np.load(tmp_path / "told.npz") as told, np.load(tmp_path / "here.npz") as here:
        assert all(np.array_equal(told[name], here[name]) for name in here.files)
        assert set(told["variant"]) == set(range(PackConfig().variants))


class CutOffError(Exception):
    """As sudden as a power cut."""


def test_a_pack_that_was_cut_off_goes_on(samples: list[Sample], tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise CutOffError

    config = PackConfig(variants=2, part=1)
    build(samples, config, tmp_path / "whole.npz", 1)
    with pytest.raises(CutOffError):
        build(samples, config, tmp_path / "cut.npz", 1, seen=stop)
    assert len(list(tmp_path.glob("cut-*.parts/*.npz"))) == 1
    seen: list[int] = []
    build(samples, config, tmp_path / "cut.npz", 1, seen=lambda done, total: seen.append(done))
    assert seen == [2, 3] and not list(tmp_path.glob("cut-*.parts"))
    assert (tmp_path / "cut.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_parts_of_other_settings_are_not_taken(samples: list[Sample], tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise CutOffError

    with pytest.raises(CutOffError):
        build(samples, PackConfig(variants=3, part=1), tmp_path / "cut.npz", 1, seen=stop)
    build(samples, PackConfig(variants=1, part=1), tmp_path / "cut.npz", 1)
    assert set(Pack(tmp_path / "cut.npz").variant) == {0} and not list(tmp_path.glob("cut-*.parts"))


def test_the_parts_hold_what_one_part_holds(samples: list[Sample], tmp_path: Path) -> None:
    for name, part in (("one", 100), ("many", 1)):
        build(samples, PackConfig(variants=2, part=part), tmp_path / f"{name}.npz", 1)
    one, many = Pack(tmp_path / "one.npz"), Pack(tmp_path / "many.npz")
    assert np.array_equal(one.sample, many.sample) and len(one) == len(many)
    assert all(np.array_equal(one.face(row).pixels, many.face(row).pixels) for row in range(len(one)))


def test_a_careful_pack_opens_pictures_as_detect_does(samples: list[Sample], tmp_path: Path) -> None:
    build(samples, PackConfig(variants=1, careful=True), tmp_path / "a.npz", 1)
    build(samples, PackConfig(variants=1), tmp_path / "b.npz", 1)
    first, second = Pack(tmp_path / "a.npz"), Pack(tmp_path / "b.npz")
    assert np.array_equal(first.pixels(0), second.pixels(0))


def test_features_that_were_cut_off_go_on(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from whichface.detectors.training import feature_table

    def stop(done: int, total: int) -> None:
        raise CutOffError

    monkeypatch.setattr(feature_table, "CHUNK", 2)
    path = tmp_path / "new" / "pack.npz"
    feature_table.build(path, tmp_path / "whole.npy", 1)
    with pytest.raises(CutOffError):
        feature_table.build(path, tmp_path / "cut.npy", 1, stop)
    seen: list[int] = []
    feature_table.build(path, tmp_path / "cut.npy", 1, lambda done, total: seen.append(done))
    assert seen[0] == 4 and not (tmp_path / "cut.done").exists()
    assert (tmp_path / "cut.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no way to reserve space here")
def test_a_full_disk_is_met_before_features_are_computed(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from whichface.detectors.training import feature_table

    sizes: list[tuple[int, int]] = []

    def look(done: int, total: int) -> None:
        status = (tmp_path / "a.part").stat()
        sizes.append((status.st_blocks * 512, status.st_size))

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(feature_table, "CHUNK", 1)
    feature_table.build(pack.path, tmp_path / "a.npy", 1, look)
    assert sizes[0][0] >= sizes[0][1]  # a sparse file takes less until its last row is written
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        feature_table.build(pack.path, tmp_path / "b.npy", 1)
    assert caught.value.filename == str(tmp_path / "b.part") and not (tmp_path / "b.npy").exists()


@pytest.mark.parametrize("kind", ["absent", "unsupported"])
def test_features_need_no_reserved_space(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from whichface.detectors.training import feature_table

    def unsupported(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if kind == "absent":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", unsupported, raising=False)
    feature_table.build(pack.path, tmp_path / "a.npy", 1)
    assert len(np.load(tmp_path / "a.npy")) == len(pack)


def test_packs_one_after_the_other_are_one(pack: Pack) -> None:
    both = Packs([pack, pack], [10])
    assert len(both) == 2 * len(pack)
    assert both.sample[len(pack) :].tolist() == (pack.sample + 10).tolist()
    for row in (0, len(pack) - 1):
        assert np.array_equal(both.pixels(row), pack.pixels(row))
        assert np.array_equal(both.pixels(len(pack) + row), pack.pixels(row))
        assert np.array_equal(both.face(len(pack) + row).inside, pack.face(row).inside)
