"""Drawing: the seed convention, noise, truncation, figures, ONNX against torch, what the PNG says."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from whichface.forensics.errors import WeightsError
from whichface.forensics.metadata import OWN_KEY, provenance
from whichface.forensics.photo import open_photo
from whichface.generator import figures, video
from whichface.generator.checkpoint import save_network
from whichface.generator.errors import NetworkFileError
from whichface.generator.images import SETTINGS_KEY, save_png, tile, to_pixels
from whichface.generator.latents import latents, parse_seeds
from whichface.generator.networks import Generator, NetworkConfig
from whichface.generator.sample import WEIGHTS, digest, draw, noise_maps, open_network, styles


@pytest.fixture(scope="module", params=[1, 2])
def snapshot(request, tmp_path_factory):
    torch.manual_seed(0)
    config = NetworkConfig(
        version=request.param, resolution=16, z_dim=8, w_dim=8, mapping_layers=2, fmap_max=6, classes=2
    )
    generator = Generator(config)
    for name, parameter in generator.named_parameters():
        if name.endswith("strength"):
            torch.nn.init.constant_(parameter, 0.3)
    torch.nn.init.normal_(generator.w_avg)
    path = tmp_path_factory.mktemp("net") / "network.safetensors"
    save_network(path, generator, {"name": "tiny", "kimg": 12})
    return path


@pytest.fixture(scope="module")
def network(snapshot):
    return open_network(snapshot)


@pytest.mark.parametrize(("text", "seeds"), [("3", [3]), ("0-3,7", [0, 1, 2, 3, 7]), ("5, 1", [5, 1])])
def test_seeds_are_read(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-", "-1", "1;2", "0-99999999999"])
def test_bad_seeds_are_refused(text):
    with pytest.raises(ValueError, match="seeds"):
        parse_seeds(text)


def test_z_is_that_of_the_published_programs():
    expected = np.random.RandomState(85).randn(1, 512).astype(np.float32)
    assert np.array_equal(latents([2, 85], 512)[1:], expected)


def test_pixels_are_scaled_as_published():
    values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]).reshape(1, 1, 1, 5).repeat(3, 1)
    assert to_pixels(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_a_picture_depends_on_its_seed_alone(network):
    many = draw(network, range(11), noise="random", chosen=1)
    assert many.shape == (11, 16, 16, 3)
    assert np.abs(many[9:10].astype(int) - draw(network, [9], noise="random", chosen=1)).max() <= 1
    assert not np.array_equal(many[9], draw(network, [9], noise="none", chosen=1)[0])
    assert not np.array_equal(draw(network, [9], chosen=0), draw(network, [9], chosen=1))


def test_truncation_to_nothing_is_the_mean(network):
    ws = styles(network, [1, 2], psi=0.0, chosen=0)
    assert np.allclose(ws, network.w_avg)
    part = styles(network, [1], psi=0.0, chosen=0, cutoff=2)
    assert np.allclose(part[:, :2], network.w_avg) and not np.allclose(part[:, 2:], network.w_avg)


@pytest.mark.parametrize(("chosen", "match"), [(None, "class"), (2, "class")])
def test_classes_are_checked(network, chosen, match):
    with pytest.raises(ValueError, match=match):
        draw(network, [0], chosen=chosen)


def test_unknown_noise_is_refused(network):
    with pytest.raises(ValueError, match="mode"):
        noise_maps(network, "loud", [0])


def test_onnx_draws_what_torch_draws(tmp_path):
    from whichface.generator.export import export

    torch.manual_seed(0)
    config = NetworkConfig(resolution=8, z_dim=8, w_dim=8, mapping_layers=1, fmap_max=6, classes=2)
    snapshot = tmp_path / "network.safetensors"
    save_network(snapshot, Generator(config), {"name": "tiny", "kimg": 12})
    network = open_network(snapshot)
    export(snapshot, tmp_path / "tiny", {"licence": "none", "kind": "test"}, half=False)
    exported = open_network(tmp_path / "tiny")
    assert exported.shape.noise == network.shape.noise
    for noise in ("const", "random", "none"):
        pair = [draw(n, range(3), psi=0.7, noise=noise, chosen=1).astype(int) for n in (network, exported)]
        assert np.abs(pair[0] - pair[1]).max() <= 1
    (tmp_path / "tiny" / "mapping.onnx").write_bytes(b"other")
    with pytest.raises(WeightsError, match="SHA-256"):
        open_network(tmp_path / "tiny")


def test_missing_and_foreign_networks_are_named(tmp_path):
    with pytest.raises(NetworkFileError, match="does not exist"):
        open_network(tmp_path / "no.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(NetworkFileError, match="cannot be read"):
        open_network(tmp_path / "bad.safetensors")
    with pytest.raises(WeightsError, match="holds no generator"):
        open_network(tmp_path)


def test_style_mixing_takes_the_layers_of_the_columns(network):
    rows, columns = [0, 1], [5, 6, 7]
    everything = range(network.shape.layers)
    sheet = figures.style_mixing(network, rows, columns, list(everything), noise="none", chosen=0)
    assert sheet.shape == (3 * 16, 4 * 16, 3)
    top, first = sheet[:16, 16:], sheet[16:32, 16:]
    assert np.abs(top.astype(int) - first).max() <= 1
    nearly = figures.style_mixing(network, rows, columns, [5], noise="none", chosen=0)
    assert not np.array_equal(nearly[16:32, 16:32], nearly[:16, 16:32])
    with pytest.raises(ValueError, match="layers"):
        figures.style_mixing(network, rows, columns, [99], chosen=0)


def test_figures_have_the_papers_layout(network):
    assert figures.style_ranges(network, [0], [1, 2], chosen=0).shape == (2 * 2 * 16, 3 * 16, 3)
    assert figures.stochastic(network, [0, 1], draws=4, chosen=0).shape == (32, 6 * 16, 3)
    assert figures.noise_layers(network, [0], chosen=0).shape == (16, 64, 3)
    assert figures.held(network, [0], columns=3, chosen=0).shape == (32, 48, 3)
    sheet = figures.truncation(network, [0, 1], [1.0, 0.0], chosen=0)
    assert np.abs(sheet[:16, 16:].astype(int) - sheet[16:, 16:]).max() <= 1


def test_the_walk_is_closed_and_passes_its_faces(network, tmp_path):
    points = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float32)
    way = video.walk(points, 4)
    assert way.shape == (12, 2, 4) and np.allclose(way[::4], points, atol=1e-6)
    shown = video.frames(network, [0, 1, 2, 3], steps=2, columns=2, chosen=0)
    assert video.write(tmp_path / "walk.webp", shown, about="tiny") == 4
    with pytest.raises(ValueError, match="multiple"):
        next(video.frames(network, [0, 1, 2], columns=2, chosen=0))
    with pytest.raises(ValueError, match=r"expected to end in"):
        video.write(tmp_path / "walk.txt", iter([]))


def test_every_png_says_what_made_it(tmp_path):
    path = tmp_path / "face.png"
    pixels = np.full((16, 16, 3), 9, np.uint8)
    save_png(path, pixels, generator="tiny@12kimg", settings={"seed": 7})
    with Image.open(path) as image:
        assert image.text[OWN_KEY] == "tiny@12kimg"
        assert json.loads(image.text[SETTINGS_KEY]) == {"seed": 7}
    facts = provenance(open_photo(path))
    assert facts[0].kind == "own-generator" and "tiny@12kimg" in facts[0].text


def test_tiles_are_filled_up_with_white():
    pictures = np.zeros((3, 2, 2, 3), np.uint8)
    grid = tile(pictures, 2)
    assert grid.shape == (4, 4, 3) and (grid[2:, 2:] == 255).all() and not grid[:2].any()


def test_drawing_and_data_need_no_torch():
    code = (
        "import sys\nimport whichface.generator.sample, whichface.generator.figures, whichface.generator.video\n"
        "import whichface.generator.data, whichface.generator.prepare, whichface.generator.writers\n"
        "import whichface.generator.corpus.build, whichface.generator.metrics\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_the_digest_is_that_of_the_file_or_of_the_card(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"a")
    assert digest(tmp_path / "a.safetensors") == hashlib.sha256(b"a").hexdigest()
    assert digest("faces-32") == hashlib.sha256((WEIGHTS / "faces-32/card.json").read_bytes()).hexdigest()
    with pytest.raises(NetworkFileError, match="cannot be read"):
        digest(tmp_path)


def some_frames(side=32):
    rng = np.random.default_rng(0)
    return iter(rng.integers(0, 256, (5, side, side, 3), np.uint8))


@pytest.mark.parametrize("ending", [".mp4", ".webp", ".png", ".gif"])
def test_a_video_is_whole_or_not_there(tmp_path, monkeypatch, ending):
    path = tmp_path / f"walk{ending}"
    assert video.write(path, some_frames()) == 5 and [p.name for p in tmp_path.iterdir()] == [path.name]
    before = path.read_bytes()
    if ending == ".mp4":  # what a full disk leaves: OpenCV says nothing
        frames_in = video._frames_in
        monkeypatch.setattr(video, "_frames_in", lambda p: (os.truncate(p, 400), frames_in(p))[1])
    else:
        monkeypatch.setattr(Image.Image, "save", lambda *rest, **more: os.truncate(tmp_path / "nothing", 0))
    with pytest.raises(OSError, match=r"full|No such file") as caught:
        video.write(path, some_frames())
    assert caught.value.filename == str(path) and caught.value.errno
    assert [p.name for p in tmp_path.iterdir()] == [path.name] and path.read_bytes() == before


def test_a_video_for_a_missing_folder_is_refused_before_anything_is_drawn(tmp_path):
    pictures = some_frames()
    with pytest.raises(FileNotFoundError) as caught:
        video.write(tmp_path / "no" / "walk.mp4", pictures)
    assert caught.value.filename == str(tmp_path / "no") and len(list(pictures)) == 5
