"""The figures of a run, one for each level. Each shows the same patient without drug as a grey dashed shadow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.endpoints.spasticity import GRADES
from spasmlab.quantity import INTERVAL
from spasmlab.regimen import DAY_H
from spasmlab.report.theme import BAND, BLUE, GREEN, INK, SERIES, SHADOW, STYLE, VERMILLION

if TYPE_CHECKING:
    from spasmlab.run import Outcome

NO_DRUG = {"color": SHADOW, "linestyle": (0, (4, 2)), "linewidth": 1.5}
DRUG = {"color": BLUE, "linestyle": "-", "linewidth": 1.7}
THIN = 3  # every third time is enough for a whole course
WIDTH = 8.4  # inches; the page scales it


def _figure(height: float, rows: int = 1, columns: int = 1, **kwargs: Any) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **kwargs)


def plasma(outcome: Outcome) -> Figure:
    """Concentrations in plasma, and in cord and spinal fluid."""
    figure, axes = _figure(4.6, 2, 2, sharex="col", sharey="row", width_ratios=(2, 1))
    series = (
        {"plasma_concentration": "plasma"},
        {"isf_concentration": "cord fluid", "csf_concentration": "spinal fluid"},
    )
    for row, names in zip(axes, series, strict=True):
        _courses(row, outcome, names, "concentration (mg/L)", undrugged=0)
    for axis in axes[0]:
        axis.set_xlabel("")
    return figure


def occupancy(outcome: Outcome) -> Figure:
    """Share of α2δ-1 and α2δ-2 that the drug occupies."""
    figure, axes = _figure(2.7, 1, 2, sharey="row", width_ratios=(2, 1))
    _courses(axes[0], outcome, {"occupancy": "α2δ-1", "occupancy_2": "α2δ-2"}, "share occupied", undrugged=0)
    return figure


def calcium(outcome: Outcome) -> Figure:
    """Calcium entry and its two arms."""
    names = {
        "calcium_fast": "fast arm",
        "surface_channels": "surface channels",
        "calcium_entry": "calcium entry",
    }
    figure, axes = _figure(2.7, 1, 2, sharey="row", width_ratios=(2, 1))
    _courses(axes[0], outcome, names, "relative to no drug", undrugged=1)
    return figure


def release(outcome: Outcome) -> Figure:
    """Release by class of terminal."""
    names = {
        "release_ia": "Ia afferents",
        "release_poly": "polysynaptic",
        "release_monoamine": "monoamine",
        "release_inhibitory": "inhibitory",
    }
    figure, axes = _figure(2.7, 1, 2, sharey="row", width_ratios=(2, 1))
    _courses(axes[0], outcome, names, "relative to no drug", undrugged=1)
    return figure


def _courses(row: np.ndarray, outcome: Outcome, names: dict[str, str], label: str, undrugged: float) -> None:
    """Signals over the whole course, and over the last day with the visit marked."""
    hours = outcome.chain["time"].values
    visit, end = outcome.request.visit_h, outcome.request.days * DAY_H
    for axis, scale in zip(row, (DAY_H, 1.0), strict=True):
        kept = np.flatnonzero(hours >= end - DAY_H) if scale == 1 else np.arange(0, hours.size, THIN)
        axis.axhline(undrugged, label="no drug", **NO_DRUG)
        for (name, text), (colour, dash) in zip(names.items(), SERIES, strict=False):
            if name not in outcome.chain:
                continue
            draws = outcome.chain[name].values[:, kept]
            _band(axis, hours[kept] / scale, draws, colour)
            axis.plot(hours[kept] / scale, draws[0], color=colour, linestyle=dash, label=text)
        axis.set_xlabel("time (days)" if scale == DAY_H else "time (h), the last day")
        axis.margins(x=0.01)
    row[1].axvline(visit, color=INK, linewidth=0.8, linestyle=":")
    above = {
        "xycoords": ("data", "axes fraction"),
        "textcoords": "offset points",
        "ha": "center",
        "fontsize": 8,
    }
    row[1].annotate("visit", (visit, 1), xytext=(0, 2), **above)
    row[0].set_ylabel(label)
    row[0].legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=3 if len(names) > 3 else 4, borderaxespad=0.2
    )


def _band(axis: Axes, x: np.ndarray, draws: np.ndarray, colour: str) -> None:
    """The 90 % band over draws (D, X), where there is more than one."""
    if len(draws) > 1:
        low, high = np.percentile(draws, INTERVAL, axis=0)
        axis.fill_between(x, low, high, color=colour, alpha=BAND, linewidth=0)


def stretch(outcome: Outcome) -> Figure:
    """The fastest stretch before and on drug: motor units, EMG, torque (central draw)."""
    figure, axes = _figure(6.0, 4, 2, sharex=True, sharey="row", height_ratios=(0.7, 1.6, 1, 1.2))
    traces = outcome.assays["stretch"].traces.isel(velocity=-1)
    speed = float(traces["velocity"])
    for arm, (column, title) in enumerate(zip(axes.T, ("no drug", "on drug"), strict=True)):
        _one_stretch(column, outcome, traces, arm)
        column[0].set_title(f"{title}, {speed:g} °/s")
    labels = ("angle (°)", "motor unit,\nsmall to large", "EMG (mV)", "torque (N·m)")
    for axis, label in zip(axes[:, 0], labels, strict=True):
        axis.set_ylabel(label)
    axes[3, 0].legend(loc="upper left")
    return figure


def _one_stretch(column: np.ndarray, outcome: Outcome, traces: Any, arm: int) -> None:
    subject, style = arm * outcome.request.draws, (NO_DRUG, DRUG)[arm]
    trace, time = traces.isel(subject=subject), traces["time"].values
    spike_time, unit = outcome.assays["stretch"].rasters[subject]
    column[0].plot(time, trace["angle"], color=INK, linewidth=1.2)
    column[1].plot(spike_time, unit, linestyle="none", marker="|", markersize=3.2, color=style["color"])
    column[2].plot(time, trace["emg"], color=style["color"], linewidth=0.7)
    column[3].plot(time, trace["joint_torque"], label="total", **{**style, "linestyle": "-"})
    column[3].plot(
        time, trace["passive_torque"], color=VERMILLION, linestyle=(0, (1.5, 1.5)), label="passive"
    )
    column[3].set_xlabel("time (ms)")
    column[3].set_xlim(*_around_ramp(time, trace["angle"].values))


def _around_ramp(time: np.ndarray, angle: np.ndarray) -> tuple[float, float]:
    """From 50 ms before the ankle moves to 250 ms after it stops."""
    moving = np.flatnonzero(np.abs(np.diff(angle)) > 1e-6)
    first, last = (time[moving[0]], time[moving[-1]]) if moving.size else (time[0], time[-1])
    return max(float(time[0]), float(first) - 50), min(float(time[-1]), float(last) + 250)


def torque(outcome: Outcome) -> Figure:
    """Torque against velocity: reflex torque in both arms, and all resistance with its passive part."""
    figure, axes = _figure(3.0, 1, 2)
    found = outcome.assays["stretch"]
    speeds, readouts = found.coords["velocity"], found.readouts
    total = sum(readouts[f"{part}_torque"] for part in ("passive", "damping", "reflex"))
    panels = ((readouts["reflex_torque"], "reflex torque"), (total, "all resistance"))
    for axis, (values, title) in zip(axes[0], panels, strict=True):
        _both_arms(axis, speeds, outcome.by_arm(np.asarray(values)), marker=True)
        axis.set_xlabel("stretch velocity (°/s)")
        axis.set_title(title)
        axis.set_ylim(bottom=0)
    passive = outcome.by_arm(readouts["passive_torque"] + readouts["damping_torque"])[0, 0]
    axes[0, 1].plot(speeds, passive, color=VERMILLION, linestyle=(0, (1.5, 1.5)), label="passive and damping")
    axes[0, 0].set_ylabel("torque (N·m)")
    axes[0, 0].legend(loc="upper left")
    axes[0, 1].legend(loc="lower right")
    return figure


def _both_arms(axis: Axes, x: np.ndarray, values: np.ndarray, marker: bool = False) -> None:
    """Curves (arms, draws, X) of both arms, the median over cords, with their 90 % bands."""
    for draws, style, text, shape in zip(values, (NO_DRUG, DRUG), ("no drug", "on drug"), "so", strict=True):
        _band(axis, x, draws, style["color"])
        axis.plot(
            x, np.median(draws, axis=0), label=text, marker=shape if marker else None, markersize=4, **style
        )


def h_reflex(outcome: Outcome) -> Figure:
    """H-reflex recruitment curve: H and M against the current, in both arms."""
    figure, axes = _figure(3.0, 1, 2, sharey=True)
    traces = outcome.assays["h_reflex"].traces
    current = traces["intensity"].values
    for axis, name, title in zip(
        axes[0], ("h", "m"), ("H: reflex response", "M: direct response"), strict=True
    ):
        _both_arms(axis, current, outcome.by_arm(traces[name].values))
        axis.set_title(title)
        axis.set_xlabel("current (× Ia threshold)")
    axes[0, 0].set_ylabel("amplitude, peak to peak (mV)")
    axes[0, 0].legend(loc="upper right")
    return figure


def spasm(outcome: Outcome) -> Figure:
    """Torque of a spasm after a brief train to the skin, in both arms, and the motor units behind it."""
    figure, axes = _figure(3.4, 1, 2, sharex=True)
    _spasm_torque(axes[0, 0], outcome)
    axes[0, 0].set_ylabel("torque (N·m)")
    axes[0, 0].legend(loc="upper right")
    axes[0, 0].set_title("torque of the spasm")
    rasters = [outcome.assays["spasm"].rasters[arm * outcome.request.draws] for arm in (0, 1)]
    height = 1 + max(int(unit.max(initial=0)) for _, unit in rasters)
    for (spike_time, unit), colour, shift in zip(rasters, (SHADOW, BLUE), (0, height), strict=True):
        at, row = spike_time / MILLISECONDS, unit + shift
        axes[0, 1].plot(at, row, linestyle="none", marker="|", markersize=2.5, color=colour)
    axes[0, 1].axhline(height - 0.5, color=INK, linewidth=0.8)
    axes[0, 1].set_yticks([height / 2, 1.5 * height], ["no drug", "on drug"], rotation=90, va="center")
    axes[0, 1].set_ylim(-1, 2 * height)
    axes[0, 1].set_title("motor units, small below large")
    for axis in axes[0]:
        axis.set_xlabel("time after the start of the stimulus (s)")
    return figure


def _spasm_torque(axis: Axes, outcome: Outcome) -> None:
    """Torque of the spasm in both arms, as long as there is any in any draw, and half a second more."""
    traces = outcome.assays["spasm"].traces
    time, torque = traces["time"].values, traces["torque"].values
    active = np.flatnonzero((torque > 0.01 * max(float(torque.max()), 1e-9)).any(axis=0))
    end = time[active[-1]] + 0.5 if active.size else time[-1]
    kept = np.flatnonzero(time <= end)[:: max(1, int((time <= end).sum()) // 400)]
    _both_arms(axis, time[kept], outcome.by_arm(torque[:, kept]))
    axis.set_xlim(float(time[0]), float(min(end, time[-1])))


def scale(outcome: Outcome) -> Figure:
    """Probability of each Ashworth grade in both arms."""
    figure, axes = _figure(2.9)
    axis, place = axes[0, 0], np.arange(len(GRADES))
    probability = outcome.by_arm(outcome.score.probability)
    styles = ((SHADOW, "///", "no drug"), (BLUE, "", "on drug"))
    for arm, (colour, hatch, text) in enumerate(styles):
        at, value = place + (arm - 0.5) * 0.38, probability[arm].mean(axis=0)
        axis.bar(
            at,
            value,
            width=0.36,
            facecolor=colour if arm else "none",
            edgecolor=colour,
            hatch=hatch,
            label=text,
        )
        if probability.shape[1] > 1:
            low, high = np.percentile(probability[arm], INTERVAL, axis=0)
            reach = np.abs(np.stack([np.minimum(low, value), np.maximum(high, value)]) - value)
            axis.errorbar(at, value, yerr=reach, fmt="none", ecolor=INK, elinewidth=1, capsize=2)
    axis.set_xticks(place, GRADES)
    axis.set_xlabel("modified Ashworth grade")
    axis.set_ylabel("probability")
    axis.legend(loc="upper right")
    axis.grid(axis="x", visible=False)
    return figure


def overview(outcome: Outcome) -> Figure:
    """The whole chain at a glance: eight small panels from plasma to scale."""
    figure, axes = _figure(4.3, 2, 4)
    hours = outcome.chain["time"].values
    last = hours >= outcome.request.days * DAY_H - DAY_H
    since = hours[last] - hours[last][0]
    panels = (("plasma_concentration", "plasma (mg/L)", 0), ("occupancy", "α2δ-1 occupied", 0),
              ("calcium_entry", "calcium entry", 1), ("release_poly", "release", 1))  # fmt: skip
    for axis, (name, title, undrugged) in zip(axes[0], panels, strict=True):
        axis.set_title(title)
        axis.set_xlabel("last day (h)")
        if name not in outcome.chain:
            axis.set_axis_off()
            continue
        draws = outcome.chain[name].values[:, last]
        axis.axhline(undrugged, **NO_DRUG)
        _band(axis, since, draws, BLUE)
        axis.plot(since, draws[0], **DRUG)
    _overview_cord(axes[1], outcome)
    if "release_ia" in outcome.chain:
        _both_releases(axes[0, 3], outcome, last, since)
    return figure


def _both_releases(axis: Axes, outcome: Outcome, last: np.ndarray, since: np.ndarray) -> None:
    axis.lines[-1].set_label("polysynaptic")
    ia = outcome.chain["release_ia"].values[:, last]
    axis.plot(since, ia[0], color=GREEN, linestyle=(0, (1.5, 1.5)), label="Ia")
    axis.legend(loc="best")


def _overview_cord(row: np.ndarray, outcome: Outcome) -> None:
    stretched = outcome.assays["stretch"]
    reflex = outcome.by_arm(np.asarray(stretched.readouts["reflex_torque"]))
    _both_arms(row[0], stretched.coords["velocity"], reflex)
    traces = outcome.assays["h_reflex"].traces
    _both_arms(row[1], traces["intensity"].values, outcome.by_arm(traces["h"].values))
    _spasm_torque(row[2], outcome)
    expected = outcome.by_arm(outcome.score.probability)
    for arm, (colour, hatch) in enumerate(((SHADOW, "///"), (BLUE, ""))):
        at = np.arange(len(GRADES)) + (arm - 0.5) * 0.4
        row[3].bar(
            at,
            expected[arm].mean(axis=0),
            0.38,
            facecolor=colour if arm else "none",
            edgecolor=colour,
            hatch=hatch,
        )
    row[3].set_xticks(range(len(GRADES)), GRADES)
    labels = (("stretch reflex (N·m)", "velocity (°/s)"), ("H-reflex (mV)", "current (× threshold)"),
              ("spasm (N·m)", "time (s)"), ("Ashworth (share)", "grade"))  # fmt: skip
    for axis, (title, label) in zip(row, labels, strict=True):
        axis.set_title(title)
        axis.set_xlabel(label)
    row[0].legend(loc="upper left")


FIGURES: dict[str, Callable[[Outcome], Figure]] = {
    "overview": overview,
    "plasma": plasma,
    "occupancy": occupancy,
    "calcium": calcium,
    "release": release,
    "stretch": stretch,
    "torque": torque,
    "h_reflex": h_reflex,
    "spasm": spasm,
    "scale": scale,
}


NEEDED = {
    "occupancy": "occupancy",
    "calcium": "calcium_entry",
    "release": "release_ia",
}  # the signal without which a figure shows nothing


TRACED = {"overview", "stretch", "h_reflex", "spasm"}  # what only the circuit itself can draw


def names(outcome: Outcome) -> tuple[str, ...]:
    """The figures of a run: all but those of levels that its drug does not pass, and, from the surrogate, of traces."""
    drawn = (name for name in FIGURES if NEEDED.get(name, "plasma_concentration") in outcome.chain)
    return tuple(n for n in drawn if outcome.fidelity == "circuit" or n not in TRACED)


def draw(name: str, outcome: Outcome) -> Figure:
    """One figure by its name, in the style of the report."""
    with rc_context(STYLE):
        return FIGURES[name](outcome)


def title(name: str) -> str:
    """A figure in words, as its function says it."""
    return (FIGURES[name].__doc__ or name).strip().rstrip(".")
