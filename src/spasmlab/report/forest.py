"""The forest plot: what studies published beside the prediction interval of their own statistic, by condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spasmlab.report.theme import BLUE, INK, SHADOW, STYLE, VERMILLION

Entry = Mapping[str, Any]
MARKERS = {"calibration": ("o", INK), "validation": ("D", VERMILLION)}
ROW, HEAD, WIDTH, COLUMNS = (
    0.17,
    0.62,
    14.0,
    2,
)  # inches a row, a panel's own height, figure width; columns of panels
SIDE_EFFECTS, RELATIVE_RISKS = "side effects", "relative risks [log scale]"
UNITS = {"point": "points", "1": "ratio"}
LEAST = 0.1  # where an interval of relative risks ends that reaches 0
LABELS = 6.6  # point size of the names of rows


def panels(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Rows with an interval by panel: condition and unit, side effects apart; directions have none."""
    found: dict[str, list[Entry]] = {}
    for e in entries:
        if e["predicted"]["low"] is None:
            continue
        side = e["endpoint"].startswith("adverse.")
        of = (
            f"{e['condition'].replace('-', ' ')}, {SIDE_EFFECTS}"
            if side
            else e["condition"].replace("-", " ")
        )
        unit = e["predicted"]["unit"]
        name = RELATIVE_RISKS if e["statistic"] == "relative risk" else f"{of} [{UNITS.get(unit, unit)}]"
        found.setdefault(name, []).append(e)
    return dict(sorted(found.items()))


def arranged(found: Mapping[str, Sequence[Entry]]) -> list[list[str]]:
    """Panels in columns of about the same height, the tallest first."""
    columns: list[list[str]] = [[] for _ in range(COLUMNS)]
    heights = [0.0] * COLUMNS
    for name in sorted(found, key=lambda n: -len(found[n])):
        place = heights.index(min(heights))
        columns[place].append(name)
        heights[place] += _height(found[name])
    return [sorted(column) for column in columns]


def draw(entries: Sequence[Entry]) -> Figure:
    """The figure: intervals in blue with their median, published numbers by role, rows outside named in bold."""
    found = panels(entries)
    columns = [column for column in arranged(found) if column]
    tall = max(sum(_height(found[name]) for name in column) for column in columns) + HEAD
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, tall), layout="constrained")
        parts = figure.subfigures(1, len(columns), squeeze=False)[0]
        for part, column in zip(parts, columns, strict=True):
            grid = part.add_gridspec(len(column), 1, height_ratios=[_height(found[n]) for n in column])
            for place, name in enumerate(column):
                _panel(part.add_subplot(grid[place]), name, found[name])
        figure.legend(handles=_handles(), loc="outside upper center", ncols=4)
    return figure


def _height(rows: Sequence[Entry]) -> float:
    return HEAD + ROW * len(rows)


def _panel(axis: Axes, name: str, rows: Sequence[Entry]) -> None:
    ratio = name == RELATIVE_RISKS
    axis.axvline(1 if ratio else 0, color=SHADOW, linewidth=0.8)
    if ratio:
        axis.set_xscale("log")
    for place, e in enumerate(rows):
        told = e["predicted"]
        low = max(told["low"], LEAST) if ratio else told["low"]
        axis.plot([low, told["high"]], [place, place], color=BLUE, linewidth=2.6, alpha=0.55)
        axis.plot(told["value"], place, marker="|", color=BLUE, markersize=7, markeredgewidth=1.4)
        marker, colour = MARKERS[e["role"]]
        axis.plot(e["published"]["value"], place, marker=marker, color=colour, markersize=3.8, linestyle="")
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_yticks(range(len(rows)), [label(e) for e in rows], fontsize=LABELS)
    for tick, e in zip(axis.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("normal" if e["verdict"] == "inside" else "bold")
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    axis.set_title(name, loc="right")  # to the right, since names of rows take the left


def label(e: Entry) -> str:
    """Study, arm and, for a comparison, what it is compared with."""
    what = e["endpoint"].removeprefix("adverse.").replace("-", " ").replace("_", " ")
    against = f" − {e['against']}" if e["against"] else ""
    return f"{e['title'].split(',')[0].split(':')[0]}: {e['arm']}{against}; {what}, {_short(e['statistic'])}"


def _short(statistic: str) -> str:
    return statistic.removeprefix("difference of ").replace("relative median difference", "median, relative")


def _handles() -> list[Line2D]:
    interval = Line2D([], [], color=BLUE, linewidth=2.6, alpha=0.55, marker="|", markersize=8)
    interval.set_label("predicted: median, 90 % interval")
    made = [interval]
    for role, (marker, colour) in MARKERS.items():
        made.append(
            Line2D(
                [], [], color=colour, marker=marker, linestyle="", markersize=5, label=f"published, {role}"
            )
        )
    return [*made, Line2D([], [], linestyle="", label="bold: outside the interval")]
