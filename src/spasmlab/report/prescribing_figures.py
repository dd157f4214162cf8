"""Figures of what is prescribed: the daily dose of a plan, and what lawful regimens gain beside their side effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spasmlab.quantity import pretty_unit
from spasmlab.report.theme import BLUE, SHADOW, STYLE, VERMILLION

Told = Mapping[str, Any]
WIDTH, HEIGHT, ROW, HEAD = (
    8.4,
    2.9,
    0.34,
    1.1,
)  # inches: the figure, a plan, a row of advice, what stands around rows
RISKS = 3  # side effects drawn, the commonest
PERCENT = 100.0


def plan(found: Told) -> Figure:
    """What is taken a day, from the first day to the last, and the days on which something is looked at."""
    days = found["days"]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axis = figure.subplots()
        place = [one["day"] for one in days]
        axis.step(place, [sum(d["mg"] for d in one["doses"]) for one in days], where="mid", color=BLUE)
        looks = [look["day"] for look in found["monitoring"] if look["day"] is not None]
        axis.plot(looks, [0] * len(looks), "D", color=VERMILLION, markersize=4, label="something to look at")
        axis.set_xlabel("day of the plan")
        axis.set_ylabel("mg a day")
        axis.set_title(f"{found['drug']}, up to {found['target']['value']:g} mg a day")
        axis.set_ylim(bottom=-0.03 * axis.get_ylim()[1])
        axis.legend(loc="upper right")
    return figure


def advice(found: Told) -> Figure:
    """Each lawful regimen by dose: its benefit against no drug, and the chance of the commonest side effects."""
    regimens = sorted(found["regimens"], key=lambda one: one["daily"]["value"])
    shares = {n: t for n, t in regimens[0]["risks"].items() if t["present"]["unit"] == "1"}
    most = lambda name: max(one["risks"][name]["present"]["value"] for one in regimens)
    risks = sorted(shares, key=most, reverse=True)[:RISKS]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEAD + ROW * len(regimens)), layout="constrained")
        axes = figure.subplots(1, len(risks) + bool(found["benefit"]), squeeze=False, sharey=True)[0]
        if found["benefit"]:
            told = found["benefit"]
            unit = pretty_unit(told["unit"]) or "points"
            gains = [one["outcomes"][told["name"]]["difference"] for one in regimens]
            _column(axes[0], gains, 1.0, BLUE, f"benefit ({unit}; {told['better']} is better)")
        for axis, name in zip(axes[-len(risks) :], risks, strict=True):
            _column(axis, [one["risks"][name]["present"] for one in regimens], PERCENT, VERMILLION,
                    f"{shares[name]['title'].lower()} (%)")  # fmt: skip
        axes[0].set_yticks(range(len(regimens)), [one["regimen"] for one in regimens])
        axes[0].invert_yaxis()
    return figure


def _column(axis: Axes, told: Sequence[Told], scale: float, colour: str, label: str) -> None:
    axis.axvline(0, color=SHADOW, linewidth=0.8)
    for place, one in enumerate(told):
        if one["low"] is not None:
            axis.plot(
                [scale * one["low"], scale * one["high"]],
                [place, place],
                color=colour,
                linewidth=2,
                alpha=0.6,
            )
        axis.plot(scale * one["value"], place, "s", color=colour, markersize=4)
    axis.set_xlabel(label)
    axis.grid(axis="y", visible=False)
