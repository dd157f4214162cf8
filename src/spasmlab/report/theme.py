"""How figures look: Okabe–Ito colours, a dash beside every colour, and SVG that follows the page's light or dark."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

WHITE = "#ffffff"
INK, GRID, SHADOW = "#1b1b1b", "#d9d9d9", "#767676"
BLUE, VERMILLION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#aa3377"
SERIES = ((BLUE, "-"), (VERMILLION, (0, (6, 2))), (GREEN, (0, (1.5, 1.5))), (PURPLE, (0, (6, 2, 1.5, 2))))
# In the page a colour becomes a variable, which its style sheet sets for light and for dark.
VARIABLES = {
    INK: "currentColor",
    GRID: "var(--grid)",
    SHADOW: "var(--shadow)",
    BLUE: "var(--blue)",
    VERMILLION: "var(--vermillion)",
    GREEN: "var(--green)",
    PURPLE: "var(--purple)",
}
BAND = 0.22  # opacity of a 90 % band
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "svg.fonttype": "none",
    "text.color": INK,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "hatch.linewidth": 0.6,
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}


def svg(figure: Figure, name: str) -> str:
    """The figure as an SVG file on a white ground; the same figure gives the same text."""
    buffer = io.StringIO()
    with rc_context({**STYLE, "svg.hashsalt": name, "svg.id": name}):
        figure.savefig(buffer, format="svg", facecolor=WHITE, metadata={"Date": None, "Creator": None})
    bare = re.sub(r"\s*<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
    return _unique_ids(_rounded(bare), name)


def inline(text: str, label: str) -> str:
    """An SVG file's text as an element of the page: no ground, colours of the page, a label for screen readers."""
    element = text[text.index("<svg") :].replace(f"fill: {WHITE}", "fill: none", 1)
    element = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', _opening(label), element, count=1, flags=re.DOTALL
    )
    for colour, variable in VARIABLES.items():
        element = element.replace(colour, variable)
    return element


def _opening(label: str) -> str:
    return rf'<svg viewBox="\1" role="img" aria-label="{escape(label, quote=True)}">'


def _rounded(text: str) -> str:
    """Coordinates (they stand in quotes; labels do not) to a hundredth of a point: half the size."""
    return re.sub(r'"[^"]*"', lambda quoted: re.sub(r"(\d\.\d\d)\d+", r"\1", quoted[0]), text)


def _unique_ids(text: str, name: str) -> str:
    """Ids made unique by the figure's name, since several figures share a page."""
    text = re.sub(r'\bid="', f'id="{name}-', text)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
