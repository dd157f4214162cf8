"""The report of a run: one self-contained HTML page, and its figures as SVG files. No network, no scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spasmlab.run import Outcome


def write(folder: Path, outcome: Outcome, found: Mapping[str, Any]) -> None:
    """Write report.html and figures/*.svg into `folder`; `found` is the result as JSON holds it."""
    from spasmlab.report import figures, page, theme

    drawn = {name: theme.svg(figures.draw(name, outcome), name) for name in figures.names(outcome)}
    (folder / "figures").mkdir()
    for name, text in drawn.items():
        (folder / "figures" / f"{name}.svg").write_text(text, encoding="utf-8")
    inline = {name: theme.inline(text, figures.title(name)) for name, text in drawn.items()}
    (folder / "report.html").write_text(page.render(outcome, found, inline), encoding="utf-8")
