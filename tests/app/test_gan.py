"""The generator's commands: from pictures to a network to faces, and how they fail."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from whichface.app import cli
from whichface.app.exit_codes import ExitCode
from whichface.forensics.metadata import OWN_KEY

RUNNER = CliRunner()
ROOT = Path(__file__).parents[2]
TINY = ["--fmap-max", "4", "--latent", "4", "--map-depth", "1", "--batch", "4", "--device", "cpu"]


def call(*arguments):
    return RUNNER.invoke(cli.app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures, made into a collection, and a run of two steps."""
    top = tmp_path_factory.mktemp("gan")
    rng = np.random.default_rng(0)
    for number in range(9):
        (top / "raw").mkdir(exist_ok=True)
        cv2.imwrite(str(top / "raw" / f"{number}.png"), rng.integers(0, 256, (20, 24, 3), np.uint8))
    (top / "raw" / "bad.jpg").write_bytes(b"\xff\xd8")
    done = call("gan", "dataset", top / "raw", "-o", top / "set.zip", "--resolution", 16)
    assert done.exit_code == ExitCode.DONE and "9 pictures of 16x16" in done.stdout
    assert "bad.jpg" in done.stderr
    done = call(
        "gan", "train", "--data", top / "set.zip", "-o", top / "runs", "--kimg", 0.008, "--tick", 0.004,
        "--aug", "none", *TINY,
    )  # fmt: skip
    assert done.exit_code == ExitCode.DONE, done.stderr
    assert done.stderr.count("sec/kimg") == 2
    return top


@pytest.fixture(scope="module")
def network(folder):
    return folder / "runs/00000-set-auto/network-snapshot-000000.safetensors"


def test_generate_writes_marked_pictures(network, tmp_path):
    done = call("generate", "--network", network, "--seeds", "3,5-6", "--trunc", 0.5, "-o", tmp_path)
    assert done.exit_code == ExitCode.DONE, done.stderr
    names = [Path(line).name for line in done.stdout.splitlines()]
    assert names == ["seed0003.png", "seed0005.png", "seed0006.png"]
    with Image.open(tmp_path / "seed0005.png") as image:
        assert image.size == (16, 16) and "00000-set-auto" in image.text[OWN_KEY]
        assert json.loads(image.text["whichface:settings"])["seed"] == 5
    again = call("generate", "--network", network, "--seeds", "5", "--trunc", 0.5, "-o", tmp_path / "b")
    assert again.exit_code == ExitCode.DONE
    pair = [np.asarray(Image.open(p)) for p in (tmp_path / "seed0005.png", tmp_path / "b/seed0005.png")]
    assert np.abs(pair[0].astype(int) - pair[1]).max() <= 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("style-mixing", "--rows", "0", "--cols", "1,2", "--styles", "0-3"),
        ("noise", "--seeds", "0", "--draws", "4"),
        ("truncation", "--seeds", "0", "--levels", "1,0"),
        ("styles", "--seeds", "0", "--show", "layers"),
    ],
)
def test_figures(network, tmp_path, arguments):
    done = call("figure", *arguments, "--network", network, "-o", tmp_path / "figure.png")
    assert done.exit_code == ExitCode.DONE, done.stderr
    with Image.open(tmp_path / "figure.png") as image:
        assert OWN_KEY in image.text


def test_video(network, tmp_path):
    done = call(
        "gan", "video", "--network", network, "--seeds", "0-1", "--w-frames", 2, "--least-side", 16,
        "-o", tmp_path / "walk.webp",
    )  # fmt: skip
    assert done.exit_code == ExitCode.DONE and "4 frames" in done.stdout


def test_resume_goes_on(folder):
    run = folder / "runs/00000-set-auto"
    done = call("gan", "train", "--resume", run, "--kimg", 0.012)
    assert done.exit_code == ExitCode.DONE, done.stderr
    ticks = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    assert [tick["images"] for tick in ticks] == [4, 8, 12]


def test_dry_run_prints_and_makes_nothing(folder):
    done = call("gan", "train", "--data", folder / "set.zip", "-o", folder / "none", "--dry-run", *TINY)
    plan = json.loads(done.stdout)
    assert plan["images"] == 9 and plan["network"]["fmap_max"] == 4
    assert not (folder / "none").exists()


def test_estimate_says_how_long(folder):
    done = call("gan", "estimate", "--resolution", 8, "--seconds", 0, "--kimg", 10, *TINY)
    assert done.exit_code == ExitCode.DONE and re.search(r"10 kimg take about \d", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("gan", "train", "--cfg", "nothing", "--data", "SET"), ExitCode.USAGE, "stylegan1-a"),
        (("gan", "train",), ExitCode.USAGE, ""),
        (("gan", "train", "--data", "missing"), ExitCode.USAGE, "neither a folder nor a ZIP"),
        (("gan", "train", "--resume", "missing"), ExitCode.INTERNAL, "no training run"),
        (("gan", "dataset", "RAW", "-o", "x", "--resolution", "30"), ExitCode.USAGE, "power of two"),
        (("gan", "reconstruct", "--data", "missing", "-o", "x"), ExitCode.USAGE, "neither a folder nor a ZIP"),
        (("gan", "reconstruct", "--data", "SET", "-o", "x", "--factor", "3"), ExitCode.USAGE, "power of two"),
        (("gan", "reconstruct", "--data", "SET", "-o", "x", "--factor", "8"), ExitCode.USAGE, "four times the factor"),
        (("generate", "--network", "missing"), ExitCode.USAGE, "does not exist"),
        (("generate", "--network", "NET", "--seeds", "9-1"), ExitCode.USAGE, "seeds"),
        (("generate", "--network", "NET", "--class", "1"), ExitCode.USAGE, "no classes"),
        (("gan", "video", "--network", "NET", "--grid", "2"), ExitCode.USAGE, "3x2"),
    ],
)  # fmt: skip
def test_failures_are_one_sentence(folder, network, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    known = {"SET": folder / "set.zip", "RAW": folder / "raw", "NET": network}
    done = call(*(known.get(a, a) for a in arguments))
    assert done.exit_code == code, done.output
    assert words in done.output.replace("\n", " ") and "Traceback" not in done.output


def test_reconstructions_are_a_corpus_and_a_second_call_trains_no_more(folder, tmp_path):
    arguments = ("gan", "reconstruct", "--data", folder / "set.zip", "-o", tmp_path / "pairs", "--minutes", 0.001,
                 "--fmap-base", 32, "--crop", 16, "--batch", 2, "--device", "cpu")  # fmt: skip
    first, second = call(*arguments), call(*arguments)
    assert first.exit_code == second.exit_code == ExitCode.DONE, first.output
    assert "9 photographs and their reconstructions, after" in first.stdout and "sharpness" in first.stdout
    assert first.stdout == second.stdout
    assert len(list((tmp_path / "pairs/fake").iterdir())) == 9 and (tmp_path / "pairs/leakage.json").is_file()


@pytest.mark.parametrize(
    "words",
    [
        "generate", "corpus", "figure noise", "gan dataset", "gan train", "gan estimate", "gan metrics", "gan import",
        "gan reconstruct", "gan video",
    ],
)  # fmt: skip
def test_every_option_is_in_the_documentation(words):
    text = call(*words.split(), "--help").stdout
    documented = (ROOT / "docs/generator.md").read_text(encoding="utf-8")
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert not {option for option in options if option not in documented}


@pytest.fixture
def mean_colour(tmp_path):
    """A feature network: the mean of each colour, and of its square."""
    from onnx import TensorProto, helper

    shape = [1, 3, "h", "w"]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 6, "h", "w"])
    nodes = [helper.make_node("Mul", ["x", "x"], ["s"]), helper.make_node("Concat", ["x", "s"], ["y"], axis=1)]
    graph = helper.make_graph(nodes, "g", [given], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "colour.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_metrics_with_a_feature_network_of_ones_own(folder, network, mean_colour):
    done = call(
        "gan", "metrics", "--data", folder / "set.zip", "--network", network, "--features", mean_colour,
        "--feature-size", 16, "--count", 9, "--ppl", 4, "--json",
    )  # fmt: skip
    assert done.exit_code == ExitCode.DONE, done.stderr
    found = json.loads(done.stdout)
    assert found["features"] == "colour.onnx" and found["frechet"] > 0 and found["path_length"] >= 0
    same = call(
        "gan", "metrics", "--data", folder / "set.zip", "--fakes", folder / "set.zip", "--features",
        mean_colour, "--feature-size", 16, "--count", 9, "--json",
    )  # fmt: skip
    assert json.loads(same.stdout)["frechet"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    "arguments", [("corpus", "-o", "x"), ("corpus", "-o", "x", "--real", "missing", "--fake", "missing")]
)
def test_corpus_says_what_is_missing(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    done = call(*arguments)
    assert done.exit_code in {ExitCode.USAGE, ExitCode.INTERNAL}
    assert "--fake or --count" in done.output or "is no folder" in done.output


@pytest.fixture(scope="module")
def classes(folder):
    """A labelled collection, and a network that was trained for a step with its classes."""
    top = folder / "classes"
    for number, path in enumerate(sorted((folder / "raw").glob("*.png"))):
        (top / "raw" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, top / "raw" / "ab"[number % 2])
    done = call("gan", "dataset", top / "raw", "-o", top / "set", "--resolution", 16, "--label-by", "folder")
    assert done.exit_code == ExitCode.DONE, done.output
    done = call("gan", "train", "--data", top / "set", "-o", top, "--kimg", 0.004, "--cond", *TINY)
    assert done.exit_code == ExitCode.DONE, done.output
    return top / "set", top / "00000-set-auto/network-snapshot-000000.safetensors"


@pytest.mark.parametrize("chosen", [(), ("--class", 1)])
def test_metrics_of_a_network_with_classes(classes, mean_colour, chosen):
    done = call(
        "gan", "metrics", "--data", classes[0], "--network", classes[1], "--features", mean_colour,
        "--feature-size", 16, "--count", 9, "--ppl", 4, "--json", *chosen,
    )  # fmt: skip
    assert done.exit_code == ExitCode.DONE, done.output
    assert json.loads(done.stdout)["fakes"] == 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "LABELLED", "--network", "CLASSES", "--class", "2"), "needs a class from 0 to 1"),
        (("--data", "SET", "--network", "CLASSES"), "choose one with --class"),
        (("--data", "SET", "--network", "NET", "--class", "0"), "has no classes"),
        (("--data", "SET", "--fakes", "SET", "--class", "0"), "not pictures of --fakes"),
        (("--data", "FEW", "--fakes", "SET"), "At least 4 pictures of either kind"),
    ],
)
def test_metrics_that_cannot_be_measured_are_one_sentence(
    folder, network, classes, mean_colour, tmp_path, arguments, words
):
    shutil.copytree(classes[0], tmp_path / "few")
    for path in sorted((tmp_path / "few").rglob("*.png"))[3:]:
        path.unlink()
    known = {
        "LABELLED": classes[0], "CLASSES": classes[1], "SET": folder / "set.zip", "NET": network,
        "FEW": tmp_path / "few",
    }  # fmt: skip
    arguments = [known.get(a, a) for a in arguments]
    done = call("gan", "metrics", *arguments, "--features", mean_colour, "--feature-size", 16, "--count", 9)
    assert done.exit_code == ExitCode.USAGE, done.output
    assert words in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize("given", [("--aug", "fixed"), ("--aug", "none", "--p", "0.5")])
def test_augmentation_and_probability_that_contradict_each_other_are_refused(folder, given):
    done = call("gan", "train", "--data", folder / "set.zip", "--dry-run", *TINY, *given)
    assert done.exit_code == ExitCode.USAGE and f"--aug {given[1]}" in done.output


@pytest.fixture
def run(folder, tmp_path):
    """A copy of the run, before it went on."""
    done = call(
        "gan", "train", "--data", os.path.relpath(folder / "set.zip"), "-o", tmp_path, "--kimg", 0.004, "--tick", 0.004,
        "--workers", 1, *TINY,
    )  # fmt: skip
    assert done.exit_code == ExitCode.DONE, done.output
    return tmp_path / "00000-set-auto"


def stored(run):
    return json.loads((run / "training_options.json").read_text())


def test_what_changes_on_resuming_is_stored_and_the_rest_stays(run, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of the data is absolute
    before = stored(run)
    assert before["data"] == str(folder / "set.zip") and before["workers"] == 1 and before["device"] == "cpu"
    changes = ("--kimg", "0.008", "--gamma", "3", "--lr", "0.001", "--precision", "bf16")
    assert call("gan", "train", "--resume", run, "--dry-run", *changes).exit_code == ExitCode.DONE
    assert stored(run) == before
    done = call("gan", "train", "--resume", run, *changes)
    assert done.exit_code == ExitCode.DONE, done.output
    schedule = before["schedule"] | {"rate": 0.001}
    assert stored(run) == before | {"kimg": 0.008, "gamma": 3.0, "precision": "bf16", "schedule": schedule}


def test_what_cannot_change_on_resuming_is_refused(run, tmp_path):
    done = call("gan", "train", "--resume", run, "--batch-gpu", 2, "--init", "x", "--snap", 50)
    words = " ".join(done.output.replace("│", " ").split())
    assert done.exit_code == ExitCode.USAGE and "--batch-gpu, --init, --snap; only --data, --kimg" in words


@pytest.mark.parametrize("arguments", [("--resume", "RUN"), ("--data", "SET", "--batch", "4")])
def test_a_batch_that_processes_cannot_share_is_one_sentence(run, folder, monkeypatch, arguments):
    monkeypatch.setenv("WORLD_SIZE", "3")
    known = {"RUN": run, "SET": folder / "set.zip"}
    done = call("gan", "train", *(known.get(a, a) for a in arguments), "--dry-run")
    words = " ".join(done.output.replace("│", " ").split())
    assert done.exit_code == ExitCode.USAGE and "batch of 4 pictures cannot be shared evenly by 3" in words


def test_a_corpus_of_another_truncation_is_refused_before_anything_is_drawn(network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("corpus", "-o", "x", "--real", "missing", "--network", network, "--count", 2)
    done = [call(*arguments, *more) for more in ((), ("--trunc", 0.5), ())]
    assert [d.exit_code for d in done] == [ExitCode.USAGE] * 3
    assert ["is no folder" in d.output for d in done] == [True, False, True]
    assert "another network or truncation" in done[1].output
