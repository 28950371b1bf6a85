"""`whichface scan` and `whichface results` as they are typed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile

import cv2
import numpy as np
import pytest
import typer
from PIL import Image
from scan_helpers import Breaker, record
from skimage import data
from typer.testing import CliRunner

from whichface.app import cli
from whichface.app.commands import scan as command
from whichface.app.exit_codes import ExitCode
from whichface.detectors.scanning.records import Limits, Status
from whichface.detectors.scanning.work import failure
from whichface.detectors.store import Store
from whichface.forensics.errors import WeightsError

RUNNER = CliRunner()


def invoke(*arguments, input=None):
    return RUNNER.invoke(cli.app, [*map(str, arguments)], input=input)


class Inline:
    """An engine without processes or model: what is named bad fails."""

    def run(self, tasks):
        from whichface.detectors.scanning.records import Result

        for task in tasks:
            if "bad" in task.path:
                yield failure(task, "is cut off.", command.encoder())
            elif "empty" in task.path:
                yield Result(task, Status.NO_FACE, record(task.key))
            else:
                llr = 1.3 if "fake" in task.path else -1.2
                yield Result(task, Status.EXAMINED, record(task.key, llr), bytes(32), b"jpeg")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.fixture
def inline(monkeypatch):
    monkeypatch.setattr(command, "build_engine", lambda settings, config: Inline())


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("real", "fake", "empty", "bad"):
        Image.new("RGB", (40, 40), "grey").save(tmp_path / "in" / f"{name}.png")
    return tmp_path


def portrait(path, size=(512, 512), **options):
    picture = cv2.resize(np.asarray(data.astronaut()), size, interpolation=cv2.INTER_AREA)
    Image.fromarray(picture).save(path, **options)


def test_scan_and_detect_agree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    portrait("in/a.png")
    portrait("in/sub/b.jpg", (300, 300), quality=60)
    portrait("in/c.webp", (700, 700))
    Image.new("RGB", (120, 90), "grey").save("in/grey.png")
    (tmp_path / "in" / "cut.jpg").write_bytes((tmp_path / "in/sub/b.jpg").read_bytes()[:2000])
    scanned = invoke("scan", "in", "-o", "r.db", "--workers", 2, "--quiet")
    assert scanned.exit_code == ExitCode.SOME_FAILED, scanned.output
    detected = invoke("detect", "--json", tmp_path / "in")
    stored = [json.loads(line) for line in invoke("results", "r.db", "--json").stdout.splitlines()]
    expected = [json.loads(line) for line in detected.stdout.splitlines()]
    assert len(stored) == 5 and sorted(stored, key=_path) == sorted(expected, key=_path)
    with zipfile.ZipFile("in.zip", "w") as archive:
        archive.write("in/a.png", "sub/a.png")
    assert invoke("scan", "in.zip", "-o", "zip.db").exit_code == ExitCode.DONE
    (zipped,) = [json.loads(line) for line in invoke("results", "zip.db", "--json").stdout.splitlines()]
    (plain,) = [item for item in expected if item["path"].endswith("a.png")]
    assert zipped.pop("path") == str(tmp_path / "in.zip!/sub/a.png") and plain.pop("path")
    assert zipped == plain


def _path(item):
    return item["path"]


def test_a_scan_says_what_it_found_and_goes_on(inline, pictures):
    done = invoke("scan", "in", "-o", "r.db", "--html", "index.html")
    assert done.exit_code == ExitCode.SOME_FAILED, done.output
    assert "r.db: 4 pictures, model face-5, generation 1\n  faces generated: 1\n" in done.stdout
    assert "fake.png: GENERATED, log10 +1.30 [+1.10, +1.50], LR about 20 for a StyleGAN" in done.stdout
    assert "1 × is cut off." in done.stdout and "fake.png" in (pictures / "index.html").read_text(encoding="utf-8")
    again = invoke("scan", "in", "-o", "r.db")
    assert again.exit_code == ExitCode.SOME_FAILED and "going on with what is in the store" in again.stderr
    assert [path.name for path in pictures.glob("r.db*")] == ["r.db"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["in"], ExitCode.USAGE, "output"),
        (["nowhere", "-o", "r.db"], ExitCode.USAGE, "nowhere does not exist"),
        (["in", "-o", "in"], ExitCode.USAGE, "in is a folder"),
        (["in", "-o", "missing/r.db"], ExitCode.USAGE, "does not exist"),
        (["in", "-o", "r.db", "--html", "missing/i.html"], ExitCode.USAGE, "does not exist"),
        (["in", "-o", "r.db", "--address", "here:1"], ExitCode.USAGE, "needs --engine ray"),
        (["-", "-o", "r.db", "--watch"], ExitCode.USAGE, "cannot be watched"),
        (["in", "-o", "r.db", "--workers", "0"], ExitCode.USAGE, "--workers"),
        (["in", "-o", "r.db", "--time-limit", "0"], ExitCode.USAGE, "--time-limit"),
        (["in", "-o", "r.db", "--time-limit", "inf"], ExitCode.USAGE, "must be a number of seconds"),
        (["in", "-o", "r.db", "--html", "r.db"], ExitCode.USAGE, "is the store itself"),
        (["in", "-o", "r.db", "--html", "in/real.png"], ExitCode.USAGE, "is a picture and would be overwritten"),
        (["binary", "-o", "r.db", "--html", "binary"], ExitCode.USAGE, "is one of the sources"),
        (["in", "-o", "r.db", "--html", "other.db"], ExitCode.USAGE, "is a database"),
        (["in/real.png", "in/bad.png", "-o", "r.db", "--exclude", "bad*"], ExitCode.DONE, ""),
        (["in", "-o", "cut.db"], ExitCode.INTERNAL, "cut.db is damaged"),
        (["in", "-o", "r.db", "--prior", "1"], ExitCode.USAGE, "--prior"),
        (["in", "-o", "r.db", "--engine", "spark"], ExitCode.USAGE, "--engine"),
        (["in", "-o", "r.db", "--model", "none"], ExitCode.USAGE, "There is no model"),
        (["in", "-o", "in/real.png"], ExitCode.USAGE, "no store of whichface"),
        (["in", "-o", "r.db", "--exclude", "*"], ExitCode.ALL_FAILED, "no pictures found"),
        (["in/bad.png", "-o", "r.db"], ExitCode.ALL_FAILED, ""),
        (["in", "-o", "r.db", "--exclude", "bad*"], ExitCode.DONE, ""),
        (["in", "-o", "r.db"], ExitCode.SOME_FAILED, ""),
        (["broken.zip", "-o", "r.db"], ExitCode.ALL_FAILED, "no ZIP archive"),
        (["broken.zip", "in/real.png", "-o", "r.db"], ExitCode.SOME_FAILED, "no ZIP archive"),
        (["binary", "-o", "r.db"], ExitCode.ALL_FAILED, "binary is no folder"),
    ],
)
def test_exit_codes(arguments, code, said, inline, pictures):
    (pictures / "broken.zip").write_bytes(b"PK\x03\x04 broken")
    (pictures / "binary").write_bytes(b"a\0b")
    with Store(pictures / "other.db"):
        pass
    (pictures / "cut.db").write_bytes((pictures / "other.db").read_bytes()[:5000])
    done = invoke("scan", *arguments)
    assert done.exit_code == code and said in " ".join(done.stderr.split()), done.output
    assert "Traceback" not in done.output


def test_lists_patterns_and_standard_input(inline, pictures):
    (pictures / "list.txt").write_text("in/real.png\nin/fake.png\n", encoding="utf-8")
    assert "2 pictures" in invoke("scan", "list.txt", "-o", "a.db").stdout
    assert "1 picture," in invoke("scan", "-", "-o", "b.db", input="in/real.png\n").stdout
    assert "1 picture," in invoke("scan", "in", "-o", "c.db", "--include", "r*", "--include", "b*", "--exclude",
                                  "bad.png").stdout  # fmt: skip


def test_a_damaged_installation_is_one_sentence(pictures, monkeypatch):
    def broken(config):
        raise WeightsError("The model card card.json cannot be read.")

    monkeypatch.setattr("whichface.detectors.scan.identity", broken)
    done = invoke("scan", "in", "-o", "r.db")
    assert done.exit_code == ExitCode.INTERNAL
    assert done.stderr == "whichface: The model card card.json cannot be read.\n" and not (pictures / "r.db").exists()


def test_ctrl_c_is_130_and_keeps_the_results(pictures, monkeypatch):
    class Stopped(Inline):
        def run(self, tasks):
            for number, result in enumerate(super().run(tasks)):
                if number == 2:
                    raise KeyboardInterrupt
                yield result

    monkeypatch.setattr(command, "build_engine", lambda settings, config: Stopped())
    done = invoke("scan", "in", "-o", "r.db")
    assert done.exit_code == ExitCode.INTERRUPTED and "goes on from there" in done.stderr
    assert "2 pictures" in invoke("results", "r.db").stdout


def test_a_locked_or_full_store_is_one_sentence(inline, pictures, monkeypatch):
    invoke("scan", "in/real.png", "-o", "r.db")
    lock = sqlite3.connect("r.db-lock", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    done = invoke("scan", "in", "-o", "r.db")
    lock.close()
    assert done.exit_code == ExitCode.INTERNAL and done.stderr == "whichface: r.db is being written by another scan.\n"
    monkeypatch.setattr("whichface.detectors.store.Store.write", _full)
    done = invoke("scan", "in", "-o", "r.db", "--quiet")
    assert done.exit_code == ExitCode.INTERNAL and done.stderr.count("\n") == 1 and "the disk is full" in done.stderr


def _full(store, generation, results):
    with store.transaction():
        raise sqlite3.OperationalError("database or disk is full")


def test_the_meter_shows_rate_time_left_and_counts(monkeypatch):
    from whichface.detectors.scanning.records import Progress

    shown = []
    meter = command.Meter(quiet=False)
    meter(Progress(10))
    monkeypatch.setattr(meter.progress, "show", lambda number, text: shown.append((number, text)))
    now = Progress(400, seen=60, unchanged=10, examined=40, no_face=8, failed=3, failed_now=2, generated=1,
                   inconclusive=30, real=9, seconds=10.0)  # fmt: skip
    meter(now)
    assert shown == [(60, "5.0/s, 68 s left: 1 generated, 30 inconclusive, 9 real, 3 failed")]


@pytest.fixture
def store(inline, pictures):
    invoke("scan", "in", "-o", "r.db", "--quiet")
    return pictures


def test_results_in_every_form(store):
    done = invoke("results", "r.db", "--csv", "r.csv", "--jsonl", "r.jsonl")
    assert done.exit_code == 0 and done.stdout == "" and "4 rows written to r.csv." in done.stderr
    lines = (store / "r.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("path,face,faces,label,llr,") and "fake.png,1,1,generated,1.3," in lines[1]
    rows = [json.loads(line) for line in (store / "r.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["status"] for row in rows] == ["examined", "examined", "no face", "failed"]
    assert invoke("results", "r.db", "--csv", "-", "--limit", 1).stdout.count("\n") == 2
    strong = invoke("results", "r.db", "--where", "llr > 1").stdout
    assert strong == f"{store / 'in' / 'fake.png'}: GENERATED, log10 +1.30 [+1.10, +1.50]\n"
    assert invoke("results", "r.db", "--where", "llr > 9").stdout == ""
    assert invoke("results", "r.db", "--json", "--limit", 2).stdout.count("\n") == 2
    assert "4 pictures" in invoke("results", "r.db").stdout
    assert invoke("results", "r.db", "--generations").stdout.startswith("1: model face-5, 4 pictures, begun 20")


def test_parquet(store):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert invoke("results", "r.db", "--parquet", "r.parquet").exit_code == 0
    table = parquet.read_table(store / "r.parquet")
    assert table.num_rows == 4 and table.column("llr").to_pylist() == [1.3, -1.2, None, None]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.db"], "does not exist"),
        (["in/real.png"], "no store of whichface"),
        (["r.db", "--where", "x = 1"], "no such column: x."),
        (["r.db", "--where", "1); DROP TABLE faces; --"], "one statement"),
        (["r.db", "--generation", "7"], "no generation 7"),
        (["r.db", "--csv", "in"], "is a folder"),
        (["r.db", "--csv", "missing/r.csv"], "does not exist"),
        (["r.db", "--csv", "r.db"], "the store itself"),
        (["r.db", "--jsonl", "in/real.png"], "is a picture"),
        (["r.db", "--where", "json_extract(path, '$.a') = 1"], "malformed JSON"),
        (["r.db", "--limit", "0"], "--limit"),
    ],
)
def test_results_usage(arguments, said, store):
    done = invoke("results", *arguments)
    assert done.exit_code == ExitCode.USAGE and said in " ".join(done.stderr.split())


def test_the_page_links_to_case_reports_that_exist(store):
    from whichface.app.scan_report import case_name

    (store / "cases").mkdir()
    (store / "cases" / case_name("ab" * 32)).write_text("case", encoding="utf-8")
    assert invoke("results", "r.db", "--html", "index.html", "--where", "llr > 1").exit_code == 0
    html = (store / "index.html").read_text(encoding="utf-8")
    assert f'href="cases/{"ab" * 8}.html"' in html and "bad.png" not in html


def test_a_read_only_store_can_be_asked(store):
    frozen = store / "frozen"
    frozen.mkdir()
    shutil.copy("r.db", frozen / "r.db")
    (frozen / "r.db").chmod(0o444)
    frozen.chmod(0o555)
    try:
        assert "4 pictures" in invoke("results", frozen / "r.db").stdout
    finally:
        frozen.chmod(0o755)


def test_limits_reach_the_workers(pictures, monkeypatch):
    from whichface.detectors.scanning.pool import Pool

    seen = []

    def build(settings, config):
        seen.append((config.limits, config.workers))
        return Pool(Breaker(), command.encoder(), workers=1, limits=config.limits, batch=4)

    monkeypatch.setattr(command, "build_engine", build)
    shutil.copy("in/real.png", "in/hang.png")
    done = invoke("scan", "in", "-o", "r.db", "--time-limit", 2, "--memory-limit", 500, "--workers", 3)
    assert done.exit_code == ExitCode.SOME_FAILED and seen == [(Limits(2.0, 500), 3)]
    assert "1 × took longer than the limit of 2 s." in done.stdout


def test_ctrl_c_while_watching_writes_the_page(inline, pictures, monkeypatch):
    def nap(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("whichface.detectors.scan.time.sleep", nap)
    done = invoke("scan", "in", "-o", "r.db", "--watch", "--html", "index.html")
    assert done.exit_code == ExitCode.INTERRUPTED and done.stdout == ""
    assert "fake.png" in (pictures / "index.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_told_before_anything_is_examined(inline, pictures, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    done = invoke("scan", "in", "-o", "r.db", "--html", "index.html")
    assert done.exit_code == ExitCode.USAGE and "cannot be written" in done.stderr
    assert not (pictures / "r.db").exists()


def test_a_page_that_fails_after_the_scan_is_no_mistake_of_usage(inline, pictures, monkeypatch):
    def full(*_, **__):
        raise typer.BadParameter("index.html cannot be written: No space left on device.")

    monkeypatch.setattr("whichface.app.scan_report.report_stream", full)
    done = invoke("scan", "in", "-o", "r.db", "--html", "index.html")
    assert done.exit_code == ExitCode.INTERNAL and "index.html cannot be written" in done.stderr
    assert not list(pictures.glob(".whichface-*")) and not (pictures / "index.html").exists()


def test_an_export_that_fails_leaves_the_earlier_one(store, monkeypatch):
    def full(rows, columns, stream):
        stream.write("half")
        raise OSError(28, "No space left on device", "r.csv")

    (store / "r.csv").write_text("earlier", encoding="utf-8")
    monkeypatch.setattr("whichface.reports.table.write_csv", full)
    assert invoke("results", "r.db", "--csv", "r.csv").exit_code == ExitCode.INTERNAL
    assert (store / "r.csv").read_text(encoding="utf-8") == "earlier" and not list(store.glob(".whichface-*"))
