"""The figures of one assay, as its field draws them: curves, traces, rasters, EMG, torque against angle.

Each function takes a Measured assay and draws both arms where there are two: no drug grey and dashed, drug blue. Traces,
rasters and EMG are those of the first draw, the central cord.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spasmlab import assays
from spasmlab.assays.result import AssayResult
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench
from spasmlab.circuit.muscle import surface_emg
from spasmlab.quantity import INTERVAL, pretty_unit
from spasmlab.report.theme import BAND, BLUE, GRID, INK, SHADOW, STYLE

ARMS = (
    ("no drug", {"color": SHADOW, "linestyle": (0, (4, 2)), "linewidth": 1.5}, "s"),
    ("on drug", {"color": BLUE, "linestyle": "-", "linewidth": 1.7}, "o"),
)
WIDTH = 8.4  # inches; the page scales it
COLUMNS = 3  # of small panels
POINTS = 1500  # of a drawn trace
RATE_BIN = 50.0  # ms, of a rate histogram
LABEL_DECADES = 0.14  # between two labels of a logarithmic axis
EMG_STEP, EMG_WINDOW, BOUT_SHARE, BOUT_GAP = 0.5, 25.0, 0.1, 100.0  # ms, ms, of the largest envelope, ms


@dataclass(frozen=True)
class Measured:
    """An assay that was run: its result, the bench it was run on, and how many arms its subjects are split into."""

    result: AssayResult
    bench: Bench
    arms: int

    def by_arm(self, values: np.ndarray) -> np.ndarray:
        """Split the subject axis: (arms · draws, …) becomes (arms, draws, …)."""
        return np.reshape(values, (self.arms, -1, *np.shape(values)[1:]))

    @property
    def central(self) -> list[int]:
        """The subject of the first draw in each arm."""
        return [arm * (self.bench.subjects // self.arms) for arm in range(self.arms)]


def curves(measured: Measured) -> Figure:
    """Every read-out that is a curve: the median over cords with its 90 % band."""
    found = _curves_of(measured)
    figure, axes = _panels(len(found), 2.6)
    readouts = assays.load(measured.result.name).READOUTS
    for axis, (name, coordinate) in zip(axes, found, strict=False):
        points = np.asarray(measured.result.coords[coordinate])
        _both_arms(axis, points, measured.by_arm(np.asarray(measured.result.readouts[name], float)))
        if points.min() > 0 and points.max() / points.min() >= 10:
            axis.set_xscale("log")
            axis.set_xticks(points, _labels_apart(points))
            axis.minorticks_off()
        axis.set_title(name.replace("_", " "))
        axis.set_xlabel(_label(coordinate, _unit_of(coordinate)))
        axis.set_ylabel(_label("", readouts[name][0]))
    if found:
        axes[0].legend(loc="best")
    return figure


def recruitment(measured: Measured) -> Figure:
    """Recruitment curve: reflex (H) and direct (M) response against the current."""
    figure, axes = _panels(2, 3.0, sharey=True)
    traces = measured.result.traces
    for axis, name, title in zip(
        axes, ("h", "m"), ("H: reflex response", "M: direct response"), strict=False
    ):
        _both_arms(axis, traces["intensity"].values, measured.by_arm(traces[name].values))
        axis.set_title(title)
        axis.set_xlabel("current (× Ia threshold)")
    axes[0].set_ylabel("amplitude, peak to peak (mV)")
    axes[0].legend(loc="upper right")
    return figure


def depression(measured: Measured) -> Figure:
    """Depression curve: the settled H-reflex against the rate of stimulation, and after a slow stretch."""
    figure, axes = _panels(2, 3.0, sharey=True)
    panels = (("h_at_rate", "rate", "rate (Hz)"), ("h_after_stretch", "interval", "time after a stretch (s)"))
    for axis, (name, coordinate, label) in zip(axes, panels, strict=False):
        values = measured.by_arm(np.asarray(measured.result.readouts[name]))
        _both_arms(axis, np.asarray(measured.result.coords[coordinate]), values)
        axis.axhline(1, color=GRID, linewidth=1)
        axis.set_xlabel(label)
        axis.set_ylim(bottom=0)
    axes[0].set_xscale("log")
    axes[0].set_ylabel("H-reflex over control")
    axes[0].legend(loc="best")
    return figure


def torque_angle(measured: Measured) -> Figure:
    """Torque against angle during each ramp stretch, passive torque included: loops that open as the reflex sets in."""
    traces = measured.result.traces
    speeds = traces["velocity"].values
    chosen = np.unique(np.linspace(0, len(speeds) - 1, COLUMNS).round().astype(int))
    figure, axes = _panels(len(chosen), 2.8, sharey=True)
    for axis, index in zip(axes, chosen, strict=False):
        for subject, (text, style, _) in zip(measured.central, ARMS, strict=False):
            one = traces.isel(subject=subject, velocity=index)
            kept = _thin(one.sizes["time"])
            axis.plot(one["angle"].values[kept], one["joint_torque"].values[kept], label=text, **style)
        axis.set_title(f"{speeds[index]:g} °/s")
        axis.set_xlabel("angle (°, dorsiflexion positive)")
    axes[0].set_ylabel("torque (N·m)")
    axes[0].legend(loc="upper left")
    return figure


def traces(measured: Measured) -> Figure:
    """Every trace over time, in the central cord."""
    names = _traces_of(measured)
    figure, axes = _panels(len(names), 1.9, columns=1, sharex=True)
    dataset = measured.result.traces
    for axis, name in zip(axes, names, strict=False):
        for subject, (text, style, _) in zip(measured.central, ARMS, strict=False):
            one = dataset[name].isel(subject=subject)
            kept = _thin(one.sizes["time"])
            (line,) = axis.plot(dataset["time"].values[kept], one.values[kept], label=text, **style)
            if measured.arms == 1:  # dashes hide an oscillation
                line.set_linestyle("-")
        axis.set_ylabel(_label(name.replace("_", " "), dataset[name].attrs["units"]))
        axis.margins(x=0.01)
    axes[-1].set_xlabel(_label("time", dataset["time"].attrs["units"]))
    axes[0].legend(loc="upper right")
    return figure


def raster(measured: Measured) -> Figure:
    """Spikes of the motor units, coloured by size, over the rate of the pool."""
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots(2, measured.arms, squeeze=False, sharex=True, sharey="row", height_ratios=(2.2, 1))
    size = measured.bench.pools[0].size
    for column, (subject, (text, style, _)) in enumerate(zip(measured.central, ARMS, strict=False)):
        time, unit = measured.result.rasters[subject]
        axes[0, column].scatter(
            time / MILLISECONDS, unit, c=unit, s=2.5, cmap="viridis_r", vmin=0, vmax=size, linewidths=0
        )
        axes[0, column].set_title(text)
        edges = np.arange(min(0.0, time.min(initial=0.0)), time.max(initial=RATE_BIN) + RATE_BIN, RATE_BIN)
        rate = np.histogram(time, edges)[0] / size / RATE_BIN * MILLISECONDS
        axes[1, column].stairs(rate, edges / MILLISECONDS, fill=True, color=style["color"])
        axes[1, column].set_xlabel("time (s)")
    axes[0, 0].set_ylabel("motor unit, small to large")
    axes[1, 0].set_ylabel("spikes/s per unit")
    return figure


def emg(measured: Measured) -> Figure:
    """Raw EMG over its envelope, bouts shaded, with a scale bar."""
    figure, axes = _panels(measured.arms, 2.0, columns=1, sharex=True, sharey=True)
    signals = [emg_of(measured, subject) for subject in measured.central]
    top = max(float(np.abs(raw).max()) for _, raw, _ in signals) or 1.0
    for axis, (clock, raw, envelope), (text, style, _) in zip(axes, signals, ARMS, strict=False):
        for first, last in bouts(clock, envelope):
            axis.axvspan(first / MILLISECONDS, last / MILLISECONDS, color=BLUE, alpha=BAND / 2, linewidth=0)
        low, high = _extremes(raw, POINTS)
        axis.fill_between(
            np.linspace(clock[0], clock[-1], low.size) / MILLISECONDS,
            low,
            high,
            color=style["color"],
            linewidth=0,
        )
        kept = _thin(clock.size)
        axis.plot(clock[kept] / MILLISECONDS, envelope[kept], color=INK, linewidth=1.0)
        axis.set_title(text)
        axis.grid(visible=False)
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        _scale_bar(axis, float(clock[-1]) / MILLISECONDS, top)
    axes[-1].set_xlabel("time (s)")
    return figure


def bouts(clock: np.ndarray, envelope: np.ndarray) -> list[tuple[float, float]]:
    """Begin and end (ms) of each stretch of time in which the envelope exceeds a share of its maximum; short gaps joined."""
    above = np.flatnonzero(envelope > BOUT_SHARE * envelope.max()) if envelope.max() > 0 else np.zeros(0, int)
    if not above.size:
        return []
    breaks = np.flatnonzero(np.diff(clock[above]) > BOUT_GAP)
    first, last = np.r_[above[0], above[breaks + 1]], np.r_[above[breaks], above[-1]]
    return [(float(clock[a]), float(clock[b])) for a, b in zip(first, last, strict=True)]


def emg_of(measured: Measured, subject: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clock (ms), raw EMG and envelope (mV) of a subject, from its raster."""
    time, unit = measured.result.rasters[subject]
    units = measured.bench.units[measured.bench.cord_of(subject)]
    reach = time + units.delay_from_cord[unit]
    clock = np.arange(min(0.0, reach.min(initial=0.0)), reach.max(initial=MILLISECONDS) + 200.0, EMG_STEP)
    raw = surface_emg(reach, units.emg_amplitude[unit], units.emg_duration[unit], clock)
    width = round(EMG_WINDOW / EMG_STEP)
    return clock, raw, np.convolve(np.abs(raw), np.ones(width) / width, mode="same")


def _extremes(values: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest of each of about `points` parts: the outline of a fast signal."""
    width = max(1, values.size // points)
    parts = values[: values.size // width * width].reshape(-1, width)
    return parts.min(axis=1), parts.max(axis=1)


def _scale_bar(axis: Axes, end: float, top: float) -> None:
    """A vertical bar of a round number of millivolts (or microvolts) at the right end."""
    height = 10 ** np.floor(np.log10(top))
    axis.plot([end, end], [0, height], color=INK, linewidth=2, solid_capstyle="butt", clip_on=False)
    text = f"{height:g} mV" if height >= 0.1 else f"{1000 * height:g} µV"
    axis.annotate(text, (end, height / 2), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)


def _both_arms(axis: Axes, x: np.ndarray, values: np.ndarray) -> None:
    """Curves (arms, draws, X), the median over cords with numbers, and their 90 % bands."""
    for draws, (text, style, marker) in zip(values, ARMS, strict=False):
        there = np.isfinite(draws).any(axis=0)
        if not there.any():
            continue
        kept = draws[:, there]
        if len(draws) > 1:
            low, high = np.nanpercentile(kept, INTERVAL, axis=0)
            axis.fill_between(x[there], low, high, color=style["color"], alpha=BAND, linewidth=0)
        axis.plot(x[there], np.nanmedian(kept, axis=0), label=text, marker=marker, markersize=3.5, **style)
    if not axis.lines:
        axis.text(0.5, 0.5, "no response", transform=axis.transAxes, ha="center", color=INK)
        axis.plot([], [], label="no drug", **ARMS[0][1])


def _labels_apart(points: np.ndarray) -> list[str]:
    """Labels of ticks on a logarithmic axis, left out where the one before is too near."""
    found, last = [], -np.inf
    for place, point in zip(np.log10(points), points, strict=True):
        shown = place - last >= LABEL_DECADES
        found.append(f"{point:g}" if shown else "")
        last = place if shown else last
    return found


def _panels(count: int, height: float, columns: int = COLUMNS, **kwargs: Any) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, `columns` in a row, each row `height` inches; spare panels are hidden."""
    across = min(columns, max(count, 1))
    rows = -(-max(count, 1) // across)
    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, across, squeeze=False, **kwargs).flat)
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[: max(count, 1)]


def _thin(samples: int) -> np.ndarray:
    return np.arange(0, samples, max(1, samples // POINTS))


def _label(name: str, unit: str) -> str:
    inside = "" if unit == "1" else f"({pretty_unit(unit)})"
    return f"{name} {inside}".strip()


def _unit_of(coordinate: str) -> str:
    from spasmlab.shown import COORDINATE_UNITS

    return COORDINATE_UNITS.get(coordinate, "1")


def _curves_of(measured: Measured) -> list[tuple[str, str]]:
    """The read-outs that are curves, each with its coordinate."""
    found = []
    for name, values in measured.result.readouts.items():
        if np.ndim(values) == 2:
            size = np.shape(values)[1]
            found.append((name, next(c for c, p in measured.result.coords.items() if len(p) == size)))
    return found


def _traces_of(measured: Measured) -> list[str]:
    """The traces that run over time and nothing else."""
    dataset = measured.result.traces
    return [str(name) for name, v in dataset.data_vars.items() if v.dims == ("subject", "time")]


def _has_spikes(measured: Measured) -> bool:
    return (
        any(measured.result.rasters[s][0].size for s in measured.central)
        if measured.result.rasters
        else False
    )


FIGURES: dict[str, Callable[[Measured], Figure]] = {
    "recruitment": recruitment,
    "depression": depression,
    "torque_angle": torque_angle,
    "curves": curves,
    "traces": traces,
    "raster": raster,
    "emg": emg,
}


def of(measured: Measured) -> Iterable[str]:
    """The names of the figures that this assay has something to show in."""
    dataset = measured.result.traces
    shown = {
        "recruitment": {"h", "m"} <= set(dataset.data_vars),
        "depression": "h_at_rate" in measured.result.readouts,
        "torque_angle": {"angle", "joint_torque"} <= set(dataset.data_vars) and "velocity" in dataset.dims,
        "curves": bool(_curves_of(measured)),
        "traces": bool(_traces_of(measured)),
        "raster": _has_spikes(measured),
        "emg": _has_spikes(measured)
        and "intensity" not in dataset.dims,  # a sweep holds direct responses too
    }
    return [name for name in FIGURES if shown[name]]


def draw(name: str, measured: Measured) -> Figure:
    """One figure by its name, in the style of the report."""
    with rc_context(STYLE):
        return FIGURES[name](measured)


def title(name: str) -> str:
    """A figure in words, as its function says it."""
    return (FIGURES[name].__doc__ or name).strip().rstrip(".")
