"""Try an installed wheel: `python -I smoke_wheel.py [PORTRAIT]` in an environment that holds nothing else.

Without a portrait only a drawn picture without a face is examined. Exits non-zero at the first failure.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
import sysconfig
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

SCRIPTS = Path(sysconfig.get_path("scripts"))
KEYS = {"path", "sha256", "size", "format", "faces", "provenance", "warnings", "error", "versions"}
FACE_KEYS = {"box", "confidence", "verdict", "scores", "evidence", "abstentions"}
LABELS = {"generated", "inconclusive", "real"}
NO_HEAVY_IMPORTS = """
import sys
from whichface.detectors.examine import examine
examine(sys.argv[1])
heavy = {"torch", "torchvision", "timm", "sklearn", "pandas"} & {name.split(".")[0] for name in sys.modules}
sys.exit(f"examine imported {heavy}" if heavy else 0)
"""


class SmokeError(Exception):
    """What the wheel does not do."""


def check(holds: bool, sentence: str) -> None:
    """Report one fact; SmokeError when it does not hold."""
    print(f"{'ok  ' if holds else 'FAIL'} {sentence}", flush=True)
    if not holds:
        raise SmokeError(sentence)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command run in `folder`, its output captured."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180)


def detect(folder: Path, expected: int, *arguments: str) -> list[dict[str, Any]]:
    """`detect` with `arguments`: its exit code is checked, its JSON lines are returned."""
    done = run(folder, str(SCRIPTS / "detect"), *arguments)
    held = done.returncode == expected
    if not held:
        print(done.stdout[-2000:], done.stderr[-4000:], sep="\n")
    check(held, f"detect {' '.join(arguments)}: exit code {done.returncode}, expected {expected}")
    return [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else []


def installed() -> None:
    """The package lies in this environment, without torch, with weights as their cards say."""
    for room in ("forensics", "detectors", "generator", "reports", "app"):
        spec = importlib.util.find_spec(f"whichface.{room}")
        origin = Path(spec.origin or "") if spec else Path()
        check(Path(sys.prefix).resolve() in origin.resolve().parents, f"{room} is the wheel's")
    check(importlib.util.find_spec("torch") is None, "torch is not installed")
    single = Path(str(files("whichface.forensics"))) / "weights/landmarks.json"
    card = json.loads(single.read_text(encoding="utf-8"))
    check_files(single.parent, {card["file"]: card["sha256"]})
    models = sorted(Path(str(files("whichface.detectors"))).glob("weights/*/card.json"))
    check(bool(models), "a classifier is in the package")
    networks = sorted(Path(str(files("whichface.generator"))).glob("weights/*/card.json"))
    check(bool(networks), "a generator is in the package")
    models += networks
    for path in models:
        check_files(path.parent, json.loads(path.read_text(encoding="utf-8"))["files"])


def check_files(folder: Path, digests: dict[str, str]) -> None:
    """Every file that a card names is there and has its SHA-256."""
    for name, digest in digests.items():
        path = folder / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        check(found == digest, f"{folder.name}/{name} is what its card says")


def draw(path: Path) -> None:
    """A picture without a face: a slope of grey with a disc."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[:300, :400]
    grey = np.where((x - 200) ** 2 + (y - 150) ** 2 < 2500, 200, x // 2).astype(np.uint8)
    Image.fromarray(np.repeat(grey[..., None], 3, 2)).save(path, quality=90)


def drawn(folder: Path) -> None:
    """`whichface generate` draws a face without torch, and the file says what made it."""
    arguments = ("generate", "--network", "faces-32", "--seeds", "4", "--least-side", "256", "--quiet", "-o", "faces")
    done = run(folder, str(SCRIPTS / "whichface"), *arguments)
    check(done.returncode == 0, f"generate draws {done.stderr[-500:]}")
    (line,) = detect(folder, 0, "--json", "faces/seed0004.png")
    check("own generator" in json.dumps(line["provenance"]), "the picture says what made it")


def evaluated(folder: Path, portrait: Path) -> None:
    """`whichface evaluate` writes its page from the templates of the wheel; the labels are nonsense."""
    for name in ("real/1.jpg", "real/2.jpg", "fake/3.jpg", "fake/4.jpg"):
        (folder / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "corpus" / name).write_bytes(portrait.read_bytes())
    arguments = ("evaluate", "corpus", "--grid", "none", "--workers", "2", "-o", "report")
    done = run(folder, str(SCRIPTS / "whichface"), *arguments)
    page = folder / "report/evaluation.html"
    written = page.is_file() and "</html>" in page.read_text(encoding="utf-8")
    check(done.returncode == 0 and written, f"evaluate writes its page {done.stderr[-500:]}")


def reported(folder: Path, portrait: Path) -> None:
    """`whichface report` writes its page, and JSON, from the templates of the wheel."""
    done = run(folder, str(SCRIPTS / "whichface"), "report", str(portrait), "-o", "case.html", "--grid", "none")
    page = folder / "case.html"
    written = page.is_file() and "</html>" in page.read_text(encoding="utf-8") and (folder / "case.json").is_file()
    check(done.returncode == 0 and written, f"report writes its page {done.stderr[-500:]}")


def scanned(folder: Path, portrait: Path) -> None:
    """`whichface scan` with its processes, its store and its page, and `whichface results`."""
    (folder / "many").mkdir()
    for number in range(3):
        (folder / "many" / f"{number}{portrait.suffix}").write_bytes(portrait.read_bytes())
    done = run(folder, str(SCRIPTS / "whichface"), "scan", "many", "-o", "r.db", "--html", "index.html")
    page = folder / "index.html"
    check(done.returncode == 0 and "1 group, 3 pictures" in done.stdout, f"scan finds copies {done.stderr[-500:]}")
    check(page.exists() and "data:image/jpeg" in page.read_text(encoding="utf-8"), "scan writes its page")
    rows = run(folder, str(SCRIPTS / "whichface"), "results", "r.db", "--csv", "-").stdout
    check(rows.count("\n") == 4, "results writes its rows")


def commands(folder: Path, portrait: Path | None) -> None:
    """`detect` on pictures with and without a face and on what is no picture."""
    check(run(folder, str(SCRIPTS / "whichface"), "--help").returncode == 0, "whichface --help")
    draw(folder / "drawn.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    detect(folder, 2, "--no-such-option")
    (line,) = detect(folder, 0, "--json", "drawn.jpg")
    check(set(line) >= KEYS, "the line has the keys of the contract")
    check(line["faces"] == [] and bool(line["warnings"]), "no face, and a warning that says so")
    detect(folder, 4, "broken.jpg")
    drawn(folder)
    lines = detect(folder, 3, "--json", "drawn.jpg", "broken.jpg")
    check([bool(one["error"]) for one in lines] == [False, True], "the broken one has its error")
    if portrait is not None:
        (line,) = detect(folder, 0, "--json", str(portrait))
        check(bool(run(folder, str(SCRIPTS / "detect"), str(portrait)).stdout), "text for people")
        check(len(line["faces"]) == 1, "one face in the portrait")
        face = line["faces"][0]
        check(set(face) >= FACE_KEYS, "the face has the keys of the contract")
        check(face["verdict"]["label"] in LABELS, f"verdict: {face['verdict']['label']}")
        check(face["verdict"]["label"] != "generated", "a photograph is not called generated")
        grid = run(folder, str(SCRIPTS / "whichface"), "robustness", "--grid", "quick", str(portrait))
        check(" conditions." in grid.stdout, "robustness of the portrait")
        evaluated(folder, portrait)
        reported(folder, portrait)
        scanned(folder, portrait)
    heavy = run(folder, sys.executable, "-I", "-c", NO_HEAVY_IMPORTS, str(portrait or "drawn.jpg"))
    check(heavy.returncode == 0, f"examine imports nothing heavy {heavy.stderr[-500:]}")


def main() -> int:
    """All checks; the exit code."""
    portrait = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    try:
        installed()
        with tempfile.TemporaryDirectory() as folder:
            commands(Path(folder), portrait)
    except SmokeError as error:
        print(f"The wheel fails: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
