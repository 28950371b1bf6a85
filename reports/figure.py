"""matplotlib figures as SVG for inlining: colours become CSS variables, so that one drawing serves light and dark.

Blue and orange (Okabe & Ito) stay apart for every kind of colour vision; line style or marker tells them apart too.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

INK, MUTED, GRID, REAL, FAKE, THIRD = (f"#0{n}0{n}0{n}" for n in range(1, 7))
"""Stand-ins that the page replaces by its own colours: text, small text, lines, photographs, fakes, a third thing."""
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", REAL: "real", FAKE: "fake", THIRD: "third"}
WIDTH, HEIGHT = 5.4, 3.7
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One figure of the page."""

    title: str
    """Its heading."""
    svg: str
    """The SVG element; safe to inline."""
    caption: str
    """What it shows and how to read it."""


@contextmanager
def canvas(width: float = WIDTH, height: float = HEIGHT, **grid: Any) -> Iterator[tuple[Any, Any]]:
    """A figure and its axes in the page's style; the figure is on no screen and needs no pyplot."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(**grid)


def drawing(figure: Any, name: str, title: str, alt: str, caption: str) -> Drawing:
    """The figure as SVG with `alt` as its text for screen readers; `name` keeps ids of several drawings apart."""
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Drawing(title, inline(stream.getvalue(), alt), caption)


def inline(svg: str, alt: str) -> str:
    """The SVG element alone: no prologue, no fixed size, no names that several drawings share."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r' id="[A-Za-z0-9.]+_[0-9]+"', "", body)
    body = re.sub(r' xmlns:\w+="[^"]*"', "", body)
    body = body.replace(' xmlns="http://www.w3.org/2000/svg"', "").replace("xlink:href", "href")
    for stand_in, name in VARIABLES.items():
        body = body.replace(stand_in, f"var(--{name})")
    body = re.sub(r'font-family: [^;"]*', "font-family: var(--sans)", body)
    body = re.sub(r"(\d+\.\d{2})\d{4,}", r"\1", body)
    head, rest = body.split(">", 1)
    view = re.search(r'viewBox="[^"]*"', head)
    box = view.group() if view else ""
    return f'<svg {box} role="img" aria-label="{escape(alt, quote=True)}"><title>{escape(alt)}</title>{rest}'.strip()
