"""Our own parts in the browser, and what they are fed: a chart (uPlot, vendored), inputs, and the shell.

`dependency` is every script and style of the page. `chart` is an output: a function that returns a `Drawing` as a dict,
drawn by ``static/chart.js``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from htmltools import HTMLDependency, Tag, tags
from shiny.render.renderer import Renderer

from spasmlab import __version__
from spasmlab.app import tabs
from spasmlab.quantity import INTERVAL

STATIC = Path(__file__).parents[1] / "static"
SCRIPTS = ("uplot/uPlot.iife.min.js", "field.js", "person.js", "chart.js", "shell.js")
STYLES = ("uplot/uPlot.min.css", "app.css")
DIGITS = 5  # figures of a curve's largest value: more than a screen can show
POINTS = 400  # of a drawn curve


@cache
def dependency() -> HTMLDependency:
    """Scripts and styles of the page, those of tabs where there are any; their address changes with their content."""
    own = [n for n in tabs.NAMES if (STATIC / f"{n}.js").exists()]
    scripts = [*SCRIPTS, *(f"{n}.js" for n in own)]
    styles = [*STYLES, *(f"{n}.css" for n in tabs.NAMES if (STATIC / f"{n}.css").exists())]
    content = b"".join((STATIC / name).read_bytes() for name in ("theme.js", *scripts, *styles))
    version = f"{__version__}.{int(hashlib.sha256(content).hexdigest()[:8], 16)}"
    return HTMLDependency(
        "spasmlab",
        version,
        source={"subdir": str(STATIC)},
        script=[{"src": "theme.js"}, *({"src": name, "defer": ""} for name in scripts)],
        stylesheet=[{"href": name} for name in styles],
        all_files=True,
    )


class chart(Renderer[dict[str, Any]]):
    """An output that is a chart; the function returns what `drawing` makes, or None for an empty one."""

    def auto_output_ui(self) -> Tag:
        return chart_output(self.output_id, "")

    async def transform(self, value: dict[str, Any]) -> Any:
        return value


def chart_output(place: str, label: str, *, height: int = 150, group: str | None = None) -> Tag:
    """Where a chart is drawn; `label` says what it shows, charts of one `group` share their cursor."""
    return tags.div(
        id=place,
        class_="spasmlab-chart",
        role="img",
        aria_label=label,
        data_label=label,
        data_height=height,
        data_group=group,
    )


def drawing(
    x: Sequence[float] | np.ndarray,
    curves: Sequence[dict[str, Any]],
    *,
    x_label: str,
    y_label: str,
    summary: str = "",
    marks: Sequence[dict[str, Any]] = (),
    y_range: tuple[float | None, float | None] = (None, None),
    ticks: Sequence[str] | None = None,
    kind: str = "line",
) -> dict[str, Any]:
    """A chart: `curves` of `curve` over `x`; `marks` are vertical lines ``{"x": …, "label": …}``.

    `summary` is what a screen reader says of it. `y_range` bounds the axis where not None. `ticks` name the places of x
    (0, 1, …); `kind` is line or bars.
    """
    return {
        "x": rounded(x),
        "curves": list(curves),
        "xLabel": x_label,
        "yLabel": y_label,
        "summary": summary,
        "marks": list(marks),
        "yRange": list(y_range),
        "ticks": list(ticks) if ticks is not None else None,
        "kind": kind,
    }


def curve(
    label: str,
    values: np.ndarray | Sequence[float],
    look: str,
    *,
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
) -> dict[str, Any]:
    """One curve with its band; `look` is shadow (grey, dashed: no drug), first, second, third or fourth."""
    found: dict[str, Any] = {"label": label, "look": look, "values": rounded(values)}
    if low is not None and high is not None:
        found |= {"low": rounded(low), "high": rounded(high)}
    return found


def rounded(values: Any, digits: int = DIGITS) -> list[float | None]:
    """Numbers for the way to the page, to a few figures of the largest; None where not finite."""
    found = np.asarray(values, dtype=float)
    finite = np.isfinite(found)
    whole = bool(finite.all())
    most = float(np.max(np.abs(found if whole else found[finite]), initial=0.0))
    places = digits - 1 - math.floor(math.log10(most)) if most > 0 else 0
    short = np.round(found, places).tolist()
    return short if whole else [v if ok else None for v, ok in zip(short, finite.tolist(), strict=True)]


def band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the 90 % interval over draws (draws, …), as `np.percentile` has them, in less time."""
    ordered = np.sort(values, axis=0)
    ends = []
    for percent in INTERVAL:
        place = percent / 100 * (len(ordered) - 1)
        first = min(int(place), len(ordered) - 1)
        last = min(first + 1, len(ordered) - 1)
        ends.append(ordered[first] + (place - first) * (ordered[last] - ordered[first]))
    return ends[0], ends[1]
