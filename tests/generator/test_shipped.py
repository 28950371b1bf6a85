"""The generator that ships: it draws faces on any machine, says that it did, and none is taken for a photograph."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from whichface.detectors import examine
from whichface.forensics.face import find_faces
from whichface.forensics.photo import photo_from_array
from whichface.forensics.records import Label
from whichface.generator.sample import WEIGHTS, draw, open_network

NAME = "faces-32"
SIDE = 256


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """(12, 256, 256, 3) faces of the first seeds, each pixel repeated eight times."""
    drawn = draw(open_network(NAME), range(12), psi=0.7)
    assert drawn.shape == (12, 32, 32, 3) and drawn.dtype == np.uint8
    return drawn.repeat(SIDE // 32, 1).repeat(SIDE // 32, 2)


def test_the_card_tells_what_it_is() -> None:
    card = json.loads((WEIGHTS / NAME / "card.json").read_text(encoding="utf-8"))
    assert {"data", "figures", "licence", "memories", "command"} <= card.keys()
    assert sum(f.stat().st_size for f in (WEIGHTS / NAME).iterdir()) < 7_000_000


def test_most_of_what_it_draws_are_faces(faces: np.ndarray) -> None:
    found = [bool(find_faces(photo_from_array(one))) for one in faces]
    assert sum(found) >= 10


def test_faces_differ_and_a_seed_gives_the_same_again(faces: np.ndarray) -> None:
    again = draw(open_network(NAME), [3], psi=0.7)[0]
    assert np.array_equal(again, faces[3, ::8, ::8])
    spread = faces.astype(float).std(0).mean()
    assert spread > 15, "one face for all seeds"


def test_enlarged_faces_get_no_verdict(faces: np.ndarray) -> None:
    for one in faces[:4]:
        for face in examine(photo_from_array(one)).faces:
            assert face.verdict.label is Label.INCONCLUSIVE and face.verdict.llr == 0.0
            assert not any("compression" in reason for reason in face.verdict.reasons)


def test_the_file_says_what_made_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "whichface.app", "generate", "--network", NAME, "--seeds", "5"]
    done = subprocess.run([*command, "-o", str(tmp_path), "--quiet"], capture_output=True, text=True, check=True)
    (path,) = map(Path, done.stdout.split())
    said = [item.text for item in examine(path).provenance]
    assert any("own generator" in text and NAME in text for text in said)


def test_torch_is_not_needed() -> None:
    code = (
        "import sys\nfrom whichface.generator.sample import draw, open_network\n"
        f"draw(open_network({NAME!r}), [1])\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
