"""Pages in a real browser: both schemes, both widths, no console message, no axe violation, switches that work."""

from __future__ import annotations

import numpy as np
import pytest

from whichface.forensics.records import Label
from whichface.reports.case import case_page
from whichface.reports.evaluation import page
from whichface.reports.html import thumbnail_uri
from whichface.reports.pdf import print_pdf

DESKTOP, PHONE = 1200, 390
LOOKS = [
    *((page, width, dark) for page in ("case", "evaluation") for width in (DESKTOP, PHONE) for dark in (False, True)),
    ("crowd", PHONE, False),
    ("no-face", DESKTOP, True),
]


@pytest.fixture(scope="module")
def evaluation(evaluation_content):
    uri = thumbnail_uri(np.full((40, 60, 3), 120, np.uint8))
    shown = {m["file"]: uri for side in evaluation_content["mistakes"].values() for m in side}
    return page(evaluation_content, thumbnails=shown, command="whichface evaluate corpus -o out")


@pytest.fixture
def html(request, evaluation, make_case):
    pages = {
        "case": lambda: case_page(make_case(Label.GENERATED, hostile=True)),
        "crowd": lambda: case_page(make_case(Label.REAL, Label.GENERATED, Label.INCONCLUSIVE)),
        "no-face": lambda: case_page(make_case()),
        "evaluation": lambda: evaluation,
    }
    return pages[request.param]()


@pytest.mark.parametrize(("html", "width", "dark"), [LOOKS[0], LOOKS[3], LOOKS[4], LOOKS[7]], indirect=["html"])
def test_drawn_as_it_is(html, width, dark, browser):
    found = browser.visit(html, width=width, dark=dark)
    assert found.console == []
    paper = 0x17 if dark else 255
    assert abs(int(found.shot[2, 2, 1]) - paper) <= 4
    # Nothing runs over the right edge, and every screen's height of the page has something on it.
    assert np.ptp(found.shot[:, -3:].astype(int), axis=(1, 2)).max() <= 60
    assert all(np.ptp(part.astype(int)) > 100 for part in np.array_split(found.shot, 4))


@pytest.mark.parametrize(("html", "width", "dark"), LOOKS, indirect=["html"])
def test_accessible(html, width, dark, browser, axe):
    report = browser.visit(html, width=width, dark=dark, axe=axe).report
    assert report, "the probe did not answer"
    assert report["found"] == []
    assert report["width"] == width and report["wide"] <= 0


@pytest.mark.parametrize("html", ["case"], indirect=True)
def test_every_layer_is_switched_without_a_script_of_the_page(html, browser, axe):
    states = browser.visit(html, axe=axe).report["states"]
    assert len(states) == 4
    assert all({before, after} == {"hidden", "visible"} for before, after in states)


@pytest.mark.parametrize("html", ["case"], indirect=True)
def test_printed(html, browser, tmp_path):
    (tmp_path / "case.html").write_text(html, encoding="utf-8")
    print_pdf(tmp_path / "case.html", tmp_path / "case.pdf", browser.path)
    data = (tmp_path / "case.pdf").read_bytes()
    assert data.startswith(b"%PDF-") and 2 <= data.count(b"/Type /Page\n") + data.count(b"/Type /Page/") <= 12
