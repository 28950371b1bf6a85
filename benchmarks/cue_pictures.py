"""Pictures of the field guide: the scenes of the analyzers' tests, and what the analyzer marks in them.

    python benchmarks/cue_pictures.py

Every fault is drawn, or painted into NASA's public-domain portrait of an astronaut (scikit-image's), by the code of
tests/forensics/analyzers; so the pictures show what the tests test. Writes docs/images/cues/NAME.png.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from PIL import Image
from skimage import data

from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.records import Evidence
from whichface.forensics.view import FaceView

ROOT = Path(__file__).parents[1]
WIDTH = 420
MARK = (240, 228, 66)


def scenes_of(name: str) -> ModuleType:
    """The test module of that path below tests/."""
    path = ROOT / "tests" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def scene(name: str) -> Any:
    """The test module of an analyzer."""
    return scenes_of(f"forensics/analyzers/test_{name}")


def fixture(function: object) -> Callable[..., Any]:
    """What a pytest fixture wraps."""
    return inspect.unwrap(function)  # type: ignore[arg-type]


def views() -> dict[str, FaceView]:
    """One planted fault an analyzer."""
    factories: Any = scenes_of("conftest")
    photo, face = factories._photo, factories._face
    splotches, bleed, asymmetry, eyes = (scene(n) for n in ("splotches", "bleed", "asymmetry", "eyes"))
    hair, teeth, background, spectrum = (scene(n) for n in ("hair", "teeth", "background", "spectrum"))
    mixed = np.asarray(data.astronaut()).copy()
    mixed[:, :256] = spectrum._generated(mixed, 0.15)[:, :256]
    return {
        "splotches": fixture(splotches.view_of)(splotches._head(), photo, face)(splotches._droplet(190, 420)),
        "background": fixture(background.see)(photo, face)(background._shelf(22, 0.1)),
        "asymmetry": asymmetry.Scene().earring(0, asymmetry.GOLD).view(),
        "hair": hair.drawn(face, "natural", (*hair.FLOATING, *hair.MORE)),
        "bleed": fixture(bleed.view_of)(bleed._head(), photo, face)(bleed.bled(1.0)),
        "teeth": teeth.drawn(face, teeth.Mouth(denture=4.25)),
        "eyes": eyes.view_of(eyes.painted(((*eyes.LIGHTS, (0.1, 0.0, 0.12)), ((0.4, 0.35, 0.2),)))),
        "spectrum": fixture(spectrum.see)(face)(mixed),
    }


def picture(view: FaceView, found: Evidence) -> np.ndarray:
    """The scene beside itself with map and findings, cut to the findings' surroundings."""
    pixels = view.photo.pixels
    marked = pixels.copy()
    if found.heatmap is not None:
        heat = cv2.resize(found.heatmap, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
        marked = (marked * (1 - 0.5 * heat) + np.array([255, 60, 0]) * 0.5 * heat).astype(np.uint8)
    thick = max(2, pixels.shape[1] // 250)
    for finding in found.findings:
        if finding.box is not None:
            low, high = np.array(finding.box).reshape(2, 2).round().astype(int)
            cv2.rectangle(marked, tuple(map(int, low)), tuple(map(int, high)), MARK, thick)
    x0, y0, x1, y1 = part(found, pixels.shape[1], pixels.shape[0])
    sides = [image[y0:y1, x0:x1] for image in (pixels, marked)]
    height = round(WIDTH * (y1 - y0) / (x1 - x0))
    return np.hstack([cv2.resize(side, (WIDTH, height), interpolation=cv2.INTER_AREA) for side in sides])


def part(found: Evidence, width: int, height: int) -> tuple[int, int, int, int]:
    """A square of at least 40 % of the picture around the findings; the whole picture without places."""
    boxes = np.array([f.box for f in found.findings if f.box is not None])
    if not len(boxes):
        return 0, 0, width, height
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    side = int(min(max(1.6 * (high - low).max(), 0.4 * width), width, height))
    x, y = np.clip(((low + high) / 2 - side / 2).round().astype(int), 0, (width - side, height - side))
    return int(x), int(y), int(x) + side, int(y) + side


def main() -> None:
    folder = ROOT / "docs/images/cues"
    folder.mkdir(parents=True, exist_ok=True)
    made = views()
    for cue in ANALYZERS:
        if cue.name not in made:
            continue
        found = cue.look(made[cue.name])
        if not isinstance(found, Evidence) or not found.findings:
            raise ValueError(f"{cue.name} found nothing in its own scene: {found}")
        image = Image.fromarray(picture(made[cue.name], found))
        small = image.quantize(160, dither=Image.Dither.NONE)
        small.save(folder / f"{cue.name}.png", optimize=True)


if __name__ == "__main__":
    main()
