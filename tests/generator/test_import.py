"""`gan import`: a tiny generator in MobileStyleGAN's form, against numpy; and how it fails."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from ir_helpers import TinyMobile
from typer.testing import CliRunner

from whichface.app import cli, extras
from whichface.app.exit_codes import ExitCode
from whichface.generator import figures, sample
from whichface.generator.errors import NetworkFileError
from whichface.generator.importers import sources
from whichface.generator.importers.mobile import ABOUT, PUBLISHED, import_mobile
from whichface.generator.latents import latents
from whichface.generator.sample import draw, noise_maps, open_network, styles

RUNNER = CliRunner()


def call(*arguments):
    return RUNNER.invoke(cli.app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def tiny():
    return TinyMobile()


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    top = tmp_path_factory.mktemp("mobile")
    import_mobile(tiny.wheel(top / "tiny.whl"), top / "out")
    return top / "out"


@pytest.fixture(scope="module")
def network(folder):
    return open_network(folder)


def written(folder, files):
    """A folder with the files in it, one folder deeper."""
    (folder / "data").mkdir(parents=True)
    for name, data in files.items():
        (folder / "data" / name).write_bytes(data)
    return folder


def test_the_shape_is_read_from_the_graph(network):
    shape = network.shape
    assert (shape.resolution, shape.z_dim, shape.layers, shape.noise) == (8, 2, 3, (4, 8))
    assert shape.sides == (4, 4, 8), "sides that are modulated, from the first to the last"


def test_w_is_the_mappings_and_its_mean(tiny, network):
    z = latents([3, 4, 5], 2)
    assert np.allclose(network.mapping(z, None), tiny.w(z), atol=1e-5)
    assert np.allclose(network.w_avg, tiny.w(latents(range(10_000), 2)).mean(0), atol=1e-4)


def test_every_layer_has_its_own_w_and_every_noise_its_strength(tiny, network):
    rng = np.random.default_rng(1)
    ws = rng.standard_normal((3, 3, 3), np.float32)
    maps = noise_maps(network, "random", [1, 2, 3])
    added = [map_ * constant.std() for map_, constant in zip(maps, tiny.noise, strict=True)]
    assert np.allclose(network.synthesis(ws, maps), tiny.draw(ws, added), atol=2e-3)


def test_stored_noise_is_the_published_constant(tiny, network):
    ws = styles(network, [7], psi=0.7)
    drawn = network.synthesis(ws, noise_maps(network, "const", [7]))
    assert np.allclose(drawn, tiny.draw(ws, tiny.noise), atol=2e-3)


def test_parts_of_a_batch_are_drawn_alike(network, monkeypatch):
    whole = draw(network, range(5), noise="random").astype(int)
    monkeypatch.setattr(sample, "AT_ONCE", 2 * 8 * 8)
    assert np.abs(whole - draw(network, range(5), noise="random")).max() <= 1


def test_ranges_of_styles_follow_the_sides(network):
    assert figures.ranges(network) == {"coarse": range(0, 3)}
    assert figures.style_ranges(network, [0], [1, 2]).shape == (2 * 8, 3 * 8, 3)


def test_the_card_says_what_is_known(tiny, folder):
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["source"]["name"] == "tiny.whl" and len(card["source"]["sha256"]) == 64
    assert set(card["source"]["files"]) == set(PUBLISHED) and not card["published"]
    assert "unknown" in card["licence"] and "package" not in card
    assert "CC BY-NC-SA" in ABOUT["licence"] and all(len(digest) == 64 for digest in PUBLISHED.values())


def test_published_files_are_known_by_their_sums(tiny, tmp_path, monkeypatch):
    source = sources.read_source(tiny.wheel(tmp_path / "a.whl"), list(PUBLISHED))
    monkeypatch.setattr("whichface.generator.importers.mobile.PUBLISHED", source.digests())
    card = import_mobile(tmp_path / "a.whl", tmp_path / "out")
    assert card["published"] and card["licence"] == ABOUT["licence"]


def test_a_folder_gives_the_same_files(tiny, folder, tmp_path):
    done = call("gan", "import", written(tmp_path / "src", tiny.files()), "-o", tmp_path / "deep" / "out")
    assert done.exit_code == ExitCode.DONE, done.output
    assert "8 px, 3 layers" in done.stdout and "not the published files" in done.stderr
    for name in ("mapping.onnx", "synthesis.onnx", "constants.npz"):
        assert (tmp_path / "deep" / "out" / name).read_bytes() == (folder / name).read_bytes()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_every_command_draws_with_it(folder, tmp_path):
    done = call("generate", "--network", folder, "--seeds", "0-1", "--noise-mode", "random", "-o", tmp_path)
    assert done.exit_code == ExitCode.DONE and (tmp_path / "seed0001.png").is_file()
    for name in ("style-mixing", "noise", "truncation", "styles"):
        done = call("figure", name, "--network", folder, "-o", tmp_path / f"{name}.png")
        assert done.exit_code == ExitCode.DONE, done.output
    done = call("gan", "video", "--network", folder, "--seeds", "0-1", "--w-frames", 2, "-o", tmp_path / "w.webp")
    assert done.exit_code == ExitCode.DONE, done.output


def test_quiet_says_nothing_of_the_files(tiny, tmp_path):
    (tmp_path / "out").mkdir()
    done = call("gan", "import", tiny.wheel(tmp_path / "a.whl"), "-o", tmp_path / "out", "--quiet")
    assert done.exit_code == ExitCode.DONE and done.stderr == "", "an empty folder is no obstacle"


def test_an_output_that_exists_is_kept(tiny, folder, tmp_path):
    before = (folder / "card.json").read_bytes()
    done = call("gan", "import", tiny.wheel(tmp_path / "a.whl"), "-o", folder)
    assert done.exit_code == ExitCode.USAGE and "exists already" in done.output
    assert (folder / "card.json").read_bytes() == before


def broken(files, name, change):
    return files | {name: change(files[name])}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("SynthesisNetwork.bin", lambda data: data[:-4], "beyond the file of numbers"),
        ("MappingNetwork.xml", lambda data: b"<!DOCTYPE net>" + data[21:], "document type"),
        ("MappingNetwork.xml", lambda data: data.replace(b'"MatMul"', b'"Einsum"'), "cannot be converted"),
        ("MappingNetwork.xml", lambda data: data.replace(b"<dim>3<", b"<dim>4<"), "has 3 numbers"),
        ("SynthesisNetwork.bin", lambda data: b"\xff" * len(data), ""),
        ("SynthesisNetwork.xml", lambda data: data.replace(b"<dim>8<", b"<dim>16<"), ""),
    ],
)
def test_bad_networks_are_one_sentence_and_leave_nothing(tiny, tmp_path, name, change, words):
    source = written(tmp_path / "src", broken(tiny.files(), name, change))
    done = call("gan", "import", source, "-o", tmp_path / "out")
    assert done.exit_code == ExitCode.USAGE, done.output
    assert words in done.output.replace("\n", " ") and "Traceback" not in done.output
    assert not (tmp_path / "out").exists() and [path.name for path in tmp_path.iterdir()] == ["src"]


def test_networks_of_another_kind_are_refused(tiny, tmp_path):
    files = tiny.files()
    files = files | {f"SynthesisNetwork.{end}": files[f"MappingNetwork.{end}"] for end in ("xml", "bin")}
    with pytest.raises(NetworkFileError, match="a square picture of a style was expected"):
        import_mobile(written(tmp_path / "src", files), tmp_path / "out")


def test_sources_are_checked(tiny, tmp_path, monkeypatch):
    def refused(path, words):
        done = call("gan", "import", path, "-o", tmp_path / "out")
        assert done.exit_code == ExitCode.USAGE and words in done.output.replace("\n", " "), done.output

    refused(tmp_path / "missing.whl", "does not exist")
    (tmp_path / "text.whl").write_text("no ZIP")
    refused(tmp_path / "text.whl", "neither a folder nor a sound ZIP")
    with zipfile.ZipFile(tmp_path / "empty.whl", "w") as archive:
        archive.writestr("random_face/__init__.py", "")
    refused(tmp_path / "empty.whl", "holds 0 files MappingNetwork.xml")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "holds 0 files")
    double = written(tmp_path / "double", tiny.files())
    written(double / "again", tiny.files())
    refused(double, "holds 2 files")
    monkeypatch.setitem(sources.LIMITS, ".bin", 10)
    refused(tiny.wheel(tmp_path / "a.whl"), "has more than")


def test_without_onnx_the_extra_is_named(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    done = call("gan", "import", tiny.wheel(tmp_path / "a.whl"), "-o", tmp_path / "out")
    assert done.exit_code == ExitCode.INTERNAL and "whichface[train]" in done.output.replace("\n", " ")


def test_damage_in_a_deflated_wheel_is_one_sentence(tmp_path):
    path = tmp_path / "a.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bin", bytes(range(256)) * 8)
        info = archive.getinfo("a.bin")
    data = bytearray(path.read_bytes())
    data[35 : 35 + info.compress_size] = b"\xff" * info.compress_size  # after the header's 30 bytes and the name
    path.write_bytes(data)
    with pytest.raises(NetworkFileError, match="sound ZIP or wheel"):
        sources.read_source(path, ["a.bin"])
