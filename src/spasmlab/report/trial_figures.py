"""Figures of a trial: the forest plot of its effects, a panel for each scale, and the power curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spasmlab import endpoints
from spasmlab.quantity import pretty_unit, short
from spasmlab.report.theme import BAND, BLUE, INK, SHADOW, STYLE, VERMILLION

WIDTH, ROW, HEAD = 8.4, 0.34, 0.75  # inches: the figure, a row, what a panel needs beside its rows
TICKS = 5
WANTED = 0.8  # the power that trials are usually planned for

Effect = Mapping[str, Any]


def panels(effects: Sequence[Effect]) -> dict[str, list[Effect]]:
    """Effects with an estimate by scale and unit, in the order they come."""
    found: dict[str, list[Effect]] = {}
    for effect in effects:
        if effect["value"] is not None:
            unit = pretty_unit(effect["unit"]) or ("points" if effect["unit"] == "point" else "")
            found.setdefault(f"{effect['scale']}{f' ({unit})' if unit else ''}", []).append(effect)
    return found


def ends(effects: Sequence[Effect]) -> tuple[float, float]:
    """Where the axis of a panel ends: around every interval, and zero."""
    low, high = min(0.0, *(e["low"] for e in effects)), max(0.0, *(e["high"] for e in effects))
    ticks = MaxNLocator(TICKS).tick_values(low, high)
    return float(min(low, ticks[0])), float(max(high, ticks[-1]))


def ticks(effects: Sequence[Effect]) -> list[float]:
    """Round numbers along the axis of a panel."""
    low, high = ends(effects)
    return [float(tick) for tick in MaxNLocator(TICKS).tick_values(low, high) if low <= tick <= high]


def better(effect: Effect) -> str:
    """Which way an effect is in favour of the arm: lower or higher."""
    return endpoints.find(effect["outcome"]).better


def forest(found: Mapping[str, Any]) -> Figure:
    """The forest plot: estimates with 95 % intervals about a zero line, a panel for each scale."""
    groups = panels(found["effects"])
    heights = [HEAD + ROW * len(rows) for rows in groups.values()]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, max(1.2, sum(heights))), layout="constrained")
        axes = figure.subplots(max(1, len(groups)), 1, squeeze=False, height_ratios=heights or None)[:, 0]
        for axis, (scale, rows) in zip(axes, groups.items(), strict=False):
            _panel(axis, scale, rows)
        figure.suptitle(f"{found['title']}: seed {found['seed']}", fontsize=9, x=0.01, ha="left")
    return figure


def _panel(axis: Axes, scale: str, rows: Sequence[Effect]) -> None:
    axis.axvline(0, color=SHADOW, linewidth=0.9)
    for place, effect in enumerate(rows):
        axis.plot([effect["low"], effect["high"]], [place, place], color=BLUE, linewidth=2)
        axis.plot(effect["value"], place, marker="s", color=BLUE, markersize=5)
        said = f"{short(effect['value'])} ({short(effect['low'])} to {short(effect['high'])})".replace(
            "-", "−"
        )
        axis.annotate(
            said,
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
    axis.set_xlim(*ends(rows))
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_yticks(range(len(rows)), [f"{e['outcome']}: {e['arm']} − {e['control']}" for e in rows])
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(scale)


def power(found: Mapping[str, Any]) -> Figure:
    """Power against the number of patients with its 90 % Monte Carlo interval, and the type I error."""
    points, null = found["power"], found["type_one_error"]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH * 0.7, 3.4), layout="constrained")
        axis = figure.subplots()
        patients = [p["patients"] for p in points]
        axis.axhline(WANTED, color=SHADOW, linewidth=0.9, linestyle=":")
        axis.fill_between(
            patients,
            [p["low"] for p in points],
            [p["high"] for p in points],
            color=BLUE,
            alpha=BAND,
            linewidth=0,
        )
        axis.plot(patients, [p["value"] for p in points], color=BLUE, marker="o", label="power")
        reach = [[null["value"] - null["low"]], [null["high"] - null["value"]]]
        axis.errorbar(
            [null["patients"]], [null["value"]], yerr=reach, color=VERMILLION, marker="D", linestyle="",
            label="type I error", ecolor=INK, elinewidth=1,
        )  # fmt: skip
        axis.set_ylim(0, 1.02)
        axis.set_xlabel("patients in all")
        axis.set_ylabel("share of trials")
        axis.legend(loc="best")
        axis.set_title(f"{found['outcome']}, {found['analysis']}, {found['trials']} trials a size")
    return figure
