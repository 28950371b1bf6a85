"""What pages share: colours that stay apart for every kind of colour vision, one policy, texts made safe."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from skimage.color import rgb2lab

from whichface.reports.html import TEMPLATES, cleaned, environment
from whichface.reports.overlay_cues import PALETTE

# Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency".
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
CSS = (TEMPLATES / "page.css").read_text(encoding="utf-8")


def seen(colour, vision):
    """CIELAB of an sRGB colour, 0 to 255, as seen with a kind of colour vision."""
    value = np.asarray(colour, float) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(VISIONS[vision]) @ linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded[None, None])[0, 0]


def schemes():
    """The colours of the light, the dark and the printed page by name."""
    found = [dict(re.findall(r"--(real|fake|third): (#\w{6})", block)) for block in re.findall(r":root \{[^}]*\}", CSS)]
    return [{name: [int(value[i : i + 2], 16) for i in (1, 3, 5)] for name, value in one.items()} for one in found]


@pytest.mark.parametrize("vision", VISIONS)
def test_labels_have_colours_that_stay_apart(vision):
    assert len(schemes()) == 3
    for colours in schemes():
        assert np.linalg.norm(seen(colours["real"], vision) - seen(colours["fake"], vision)) > 25


@pytest.mark.parametrize("vision", VISIONS)
def test_cues_have_colours_that_stay_apart(vision):
    for one, other in combinations(PALETTE, 2):
        assert np.linalg.norm(seen(one, vision) - seen(other, vision)) > 10


def test_there_is_one_stylesheet_and_no_page_makes_its_own_environment():
    assert [path.name for path in TEMPLATES.glob("*.css")] == ["page.css"]
    pages = [path for path in TEMPLATES.glob("*.html.j2") if "macros" not in path.name and path.name != "base.html.j2"]
    assert len(pages) >= 3
    assert all('{% extends "base.html.j2" %}' in path.read_text(encoding="utf-8") for path in pages)
    assert environment().autoescape is True


def test_texts_are_cleaned_wherever_they_are():
    assert cleaned({"a\x1b": ["b\u202e", {"c": ("d\x07", 1, None)}]}) == {"a�": ["b�", {"c": ["d�", 1, None]}]}
