"""`whichface train` as people run it on a handful of drawn pictures, and what it refuses."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from whichface.app import cli
from whichface.app.exit_codes import ExitCode

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "timm", "onnx", "onnxscript")), reason="needs the extra `train`"
)
ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()
TINY = ("--experts", "texture", "--workers", "1", "--variants", "2", "--folds", "2", "--grid-pictures", "4")


def run(*arguments):
    return RUNNER.invoke(cli.app, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, make_corpus):
    return make_corpus(tmp_path_factory.mktemp("corpus") / "drawn", 56)


@pytest.fixture(scope="module")
def made(corpus, tmp_path_factory):
    """A model folder, and the process that made it."""
    folder = tmp_path_factory.mktemp("made") / "model"
    return folder, run(corpus, *TINY, "-o", folder)


def test_a_model_folder_is_written(made):
    folder, done = made
    assert done.exit_code == 0, done.stderr
    card = json.loads((folder / "card.json").read_text())
    assert card["model"] == "model" and card["format"] == 1
    assert set(card["files"]) == {"calibration.json", "texture-160.onnx"}
    for name, digest in (card["files"] | card["training_files"]).items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert card["data"].startswith("train 24 real, 24 fake; val 4 real, 4 fake")
    assert card["baselines"]["container"][0] == 0.5 and "licence" in card and "command" in card
    assert set(card["validation"]) >= {"as stored", "JPEG 50", "256 px, JPEG 75"}
    with (folder / "pictures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 56 and {r["fold"] for r in rows if r["split"] == "val"} == {""}


def test_the_summary_says_what_the_counts_carry(made):
    folder, done = made
    assert "24 groups of photographs and 24 of fakes calibrate" in done.stdout
    ratio = float(re.search(r"ratios reach ([\d.]+)", done.stdout)[1])
    assert ratio <= 24 / 3 + 0.05  # with n reals and no false alarm, 3/n cannot be excluded
    assert "below 12.5% cannot be told from none" in done.stdout
    assert f"detect --model {folder}" in done.stdout and "as stored" in done.stdout
    assert "sharpness alone" in done.stdout and "WARNING: sharpness alone tells" in done.stderr
    assert "val: 4 real, 4 fake pictures in 8 groups (drawn here, whole groups)" in done.stderr


def test_detect_and_evaluate_use_it(made, tmp_path):
    folder, _ = made
    portrait = tmp_path / "portrait.jpg"
    Image.fromarray(data.astronaut()).save(portrait, quality=95)
    done = RUNNER.invoke(cli.app, ["detect", "--json", "--model", str(folder), str(portrait)])
    assert done.exit_code == 0, done.stderr
    line = json.loads(done.stdout)
    assert line["versions"]["model"] == "model"
    assert [score["expert"] for score in line["faces"][0]["scores"]] == ["texture-160"]
    assert "read: what made its fakes (drawn)" in line["warnings"][0]
    done = RUNNER.invoke(cli.app, ["robustness", "--grid", "quick", "--model", str(folder), str(portrait)])
    assert done.exit_code == 0 and "as stored" in done.stdout


def test_the_same_command_again_is_quick_and_another_is_refused(made, corpus):
    folder, _ = made
    before = json.loads((folder / "card.json").read_text())
    done = run(corpus, *TINY, "-o", folder)
    assert done.exit_code == 0 and "texture-160: all folds" not in done.stderr
    assert json.loads((folder / "card.json").read_text())["files"] == before["files"]
    done = run(corpus, *TINY, "--variants", 3, "-o", folder)
    assert done.exit_code == ExitCode.USAGE
    assert "was begun with other settings (pack)" in re.sub(r"\s+", " ", done.stderr)


def test_a_model_is_not_overwritten_unasked(made, corpus, tmp_path):
    folder, _ = made
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    done = run(corpus, *TINY, "-o", copied)
    assert done.exit_code == ExitCode.USAGE and "--fresh to replace it" in re.sub(r"\s+", " ", done.stderr)
    done = run(corpus, *TINY, "-o", corpus)
    assert done.exit_code == ExitCode.USAGE and "holds other files" in done.stderr


def test_a_work_folder_of_somebody_else_is_left_alone(made, corpus, tmp_path):
    folder, _ = made
    work = tmp_path / "notes"
    (work / "network").mkdir(parents=True)
    (work / "network/diagram.txt").touch()
    for output in (folder, tmp_path / "m"):
        for fresh in ((), ("--fresh",)):
            done = run(corpus, *TINY, *fresh, "-o", output, "--work", work)
            assert done.exit_code == ExitCode.USAGE
            assert "notes holds other files and no work of a training; choose a new folder" in _flat(done.stderr)
    assert (work / "network/diagram.txt").exists() and not (tmp_path / "m").exists()


def test_an_empty_work_folder_does_not_let_a_model_be_overwritten(made, corpus, tmp_path):
    folder, _ = made
    (tmp_path / "work").mkdir()
    done = run(corpus, *TINY, "-o", folder, "--work", tmp_path / "work")
    assert done.exit_code == ExitCode.USAGE and "--fresh to replace it" in _flat(done.stderr)


def test_stopped_while_it_was_written_a_model_is_finished_by_the_same_command(made, corpus, tmp_path, monkeypatch):
    folder, _ = made
    work, output = tmp_path / "work", tmp_path / "m"
    shutil.copytree(folder.with_name("model.work"), work)
    command = (corpus, *TINY, "-o", output, "--work", work)
    copy = shutil.copyfile

    def stop(source, target):
        copy(source, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", stop)
        assert run(*command).exit_code == ExitCode.INTERRUPTED
    assert any(output.iterdir()) and not (output / "card.json").exists()
    assert run(*command, "--fresh", "--dry-run").exit_code == 0
    done = run(*command)
    assert done.exit_code == 0, done.stderr
    assert {path.name for path in output.iterdir()} == {path.name for path in folder.iterdir()}


def test_a_dry_run_tells_the_settings_and_writes_nothing(corpus, tmp_path):
    done = run(corpus, "--dry-run", "--arch", "test_byobnet", "--epochs", 3, "-o", tmp_path / "m")
    assert done.exit_code == 0 and not list(tmp_path.iterdir())
    plan = json.loads(done.stdout)
    assert plan["pictures"] == {"fake, no split": 28, "real, no split": 28}
    assert plan["network"]["train"]["network"]["backbone"] == "test_byobnet" and plan["network"]["epochs"] == 3


def _flat(text):
    return re.sub(r"[\s│]+", " ", text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--minutes", 1, "--epochs", 1), "and --epochs cannot both be given"),
        (("--arch", "nosuch_net"), "timm has no architecture “nosuch_net”"),
        (("--arch", "test_byobnet", "--pretrained", "nosuch.pth"), "The weights nosuch.pth cannot be read"),
        (("--init-from", "nosuch"), "There is no model “nosuch”"),
        (("--amp", "fp16", "--device", "cpu"), "--amp fp16 needs a GPU"),
        (("--arch", "test_resnet", "--stages", 3), "--stages needs an architecture with `blocks`"),
        (("--folds", 1), "--folds"),
        (("--crop", 300), "--crop"),
    ],
)
def test_options_that_cannot_be_are_refused_before_pictures_are_opened(corpus, tmp_path, options, message):
    done = run(corpus, *options, "-o", tmp_path / "m")
    assert done.exit_code == ExitCode.USAGE and message in _flat(done.stderr), done.stderr
    assert not (tmp_path / "m.work").exists()


def test_weights_of_another_architecture_are_refused(corpus, tmp_path):
    import torch

    torch.save({"some.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    done = run(corpus, "--arch", "test_byobnet", "--pretrained", tmp_path / "other.pth", "-o", tmp_path / "m")
    assert done.exit_code == ExitCode.USAGE and "are of another architecture: 0 of" in _flat(done.stderr)


def test_a_corpus_without_a_class_is_refused(tmp_path, make_corpus):
    folder = make_corpus(tmp_path / "corpus", 8)
    shutil.rmtree(folder / "fake")
    (folder / "manifest.csv").unlink()
    done = run(folder, *TINY, "-o", tmp_path / "m")
    assert done.exit_code == ExitCode.USAGE
    assert "there are no fake pictures in" in _flat(done.stderr) and "Traceback" not in done.stderr
    done = run(tmp_path / "nowhere", *TINY, "-o", tmp_path / "m")
    assert done.exit_code == ExitCode.USAGE and "is not a folder" in _flat(done.stderr)


def test_unreadable_pictures_are_named_and_the_others_go_on(tmp_path, make_corpus):
    folder = make_corpus(tmp_path / "corpus", 44)
    (folder / "real/000.jpg").write_bytes(b"nothing")
    done = run(folder, *TINY, "-o", tmp_path / "m")
    assert done.exit_code == ExitCode.SOME_FAILED, done.stderr
    assert "real/000.jpg: " in done.stderr and (tmp_path / "m/card.json").exists()
    assert "are too few for a threshold, so nothing is called generated or real" in done.stdout
    card = json.loads((tmp_path / "m/card.json").read_text())
    assert card["unreadable"] == ["000.jpg"] and card["validation"]["as stored"]["detections"][0] == 0.0


def _command(corpus, folder):
    # A shell's background job ignores Ctrl-C, and its children inherit that; a terminal's does not.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from whichface.app.cli import main; main()"
    return [sys.executable, "-c", code, "train", str(corpus), *TINY, "-o", str(folder)]


def test_killed_at_any_moment_it_ends_as_if_it_was_not(made, corpus, tmp_path):
    folder, _ = made
    other = tmp_path / "model"
    for sign in ("pack.npz", "made/texture-160.onnx"):
        process = subprocess.Popen(_command(corpus, other), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        waited = time.monotonic()
        while not (tmp_path / "model.work" / sign).exists() and process.poll() is None:
            assert time.monotonic() - waited < 120
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run(corpus, *TINY, "-o", other).exit_code == 0
    for name in ("calibration.json", "texture-160.onnx", "pictures.csv"):
        assert (other / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_says_how_to_go_on(corpus, tmp_path):
    code, said = _interrupted(corpus, tmp_path / "m")
    assert code == ExitCode.INTERRUPTED
    assert "stopped; the same command goes on where this one was." in said and "Traceback" not in said


def _interrupted(corpus, folder) -> tuple[int, str]:
    """Exit code and messages of a training that gets one Ctrl-C as soon as it works."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(_command(corpus, folder), text=True, **pipes)
    waited = time.monotonic()
    settings = folder.with_name(folder.name + ".work") / "settings.json"
    while not settings.exists() and time.monotonic() - waited < 120:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    return process.returncode, said
