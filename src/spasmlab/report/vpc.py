"""The two pictures by which a fit is judged: the visual predictive check and the four panels of goodness of fit.

Usual look: lines are the observed 5th, 50th and 95th percentiles in bins of time, shades the 90 % interval of the
same percentiles of data simulated from the model. With prediction correction both are scaled by the bin's median
population prediction over each level's own (Bergstrand 2011), so that doses and covariates do not widen the bands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from spasmlab.errors import InputError
from spasmlab.fit.data import Subject
from spasmlab.fit.diagnostics import SIMULATED, TINY, npde, simulate
from spasmlab.fit.population import PopulationFit
from spasmlab.report.theme import BAND, BLUE, GREEN, INK, SHADOW, STYLE, VERMILLION

__all__ = ["Stratum", "check", "figure", "goodness_of_fit", "npde", "simulate"]

PERCENTILES = (5.0, 50.0, 95.0)
LOOKS = ((BLUE, (0, (6, 2)), "5th"), (VERMILLION, "-", "50th"), (BLUE, (0, (1.5, 1.5)), "95th"))
FEWEST = 5  # levels in a bin
MOST_BINS = 10


@dataclass(frozen=True)
class Stratum:
    """One panel: middles of the bins [h], observed percentiles (bins, percentiles), the interval of the simulated
    ones (bins, percentiles) `low`, `middle`, `high`, and the levels themselves."""

    name: str
    hours: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    times: np.ndarray
    levels: np.ndarray

    @property
    def inside(self) -> float:
        """Share of observed percentiles within the interval of the simulated ones."""
        return float(np.mean((self.low <= self.observed) & (self.observed <= self.high)))


def check(
    found: PopulationFit,
    *,
    count: int = SIMULATED,
    seed: int = 0,
    corrected: bool = False,
    strata: Callable[[Subject], str] | None = None,
    bins: int | None = None,
) -> list[Stratum]:
    """The numbers of a visual predictive check, a stratum a panel; `corrected` for prediction correction.

    Where levels lie below a limit, observed and simulated ones below the highest limit are both drawn at it.
    """
    limit = max((float(s.observed[s.below].max(initial=0.0)) for s in found.subjects), default=0.0)
    simulated = [np.maximum(drawn, limit) if limit else drawn for drawn in simulate(found, count, seed)]
    predicted = [found.model.predict(s, found.estimates.mean[None])[0] for s in found.subjects]
    named = [strata(subject) if strata else "" for subject in found.subjects]
    panels = []
    for name in sorted(set(named)):
        places = [place for place, own in enumerate(named) if own == name]
        times = np.concatenate([found.subjects[p].times_h for p in places])
        levels = np.maximum(np.concatenate([found.subjects[p].observed for p in places]), limit)
        drawn = np.concatenate([simulated[p] for p in places], axis=1)
        typical = np.concatenate([predicted[p] for p in places])
        panels.append(_stratum(name, times, levels, drawn, typical, corrected, bins))
    return panels


def figure(panels: Sequence[Stratum], corrected: bool = False) -> Figure:
    """Visual predictive check"""
    with rc_context(STYLE):
        drawing = Figure(figsize=(4.6 * len(panels), 3.6), layout="constrained")
        axes = drawing.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axis, panel in zip(axes, panels, strict=True):
            _panel(axis, panel)
        what = "prediction-corrected plasma" if corrected else "plasma"
        axes[0].set_ylabel(f"{what} (mg/L)")
        axes[0].legend(loc="best")
    return drawing


def goodness_of_fit(found: PopulationFit) -> Figure:
    """Goodness of fit: observed against predicted, and residuals over time and prediction"""
    rows = found.diagnostics()
    joined = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    with rc_context(STYLE):
        drawing = Figure(figsize=(8.4, 6.4), layout="constrained")
        (first, second), (third, fourth) = drawing.subplots(2, 2)
        _against(first, joined, "population", "population prediction (mg/L)")
        _against(second, joined, "individual", "individual prediction (mg/L)")
        _residuals(third, joined["time"], joined["cwres"], "time (h)")
        _residuals(fourth, joined["population"], joined["cwres"], "population prediction (mg/L)")
    return drawing


def _stratum(
    name: str,
    times: np.ndarray,
    levels: np.ndarray,
    drawn: np.ndarray,
    typical: np.ndarray,
    corrected: bool,
    bins: int | None,
) -> Stratum:
    which = _bins(times, bins)
    if corrected:
        scale = _correction(typical, which)
        levels, drawn = levels * scale, drawn * scale
    groups = [np.flatnonzero(which == one) for one in range(which.max() + 1)]
    simulated = np.array([np.percentile(drawn[:, g], PERCENTILES, axis=1) for g in groups])
    low, middle, high = np.percentile(simulated, PERCENTILES, axis=2)
    return Stratum(
        name=name,
        hours=np.array([np.median(times[g]) for g in groups]),
        observed=np.array([np.percentile(levels[g], PERCENTILES) for g in groups]),
        low=low,
        middle=middle,
        high=high,
        times=times,
        levels=levels,
    )


def _bins(times: np.ndarray, bins: int | None) -> np.ndarray:
    """The bin of each time: bins hold about as many levels each, and equal times share one."""
    if len(times) < FEWEST:
        raise InputError(f"a predictive check needs at least {FEWEST} levels in a stratum, not {len(times)}")
    count = bins or int(min(MOST_BINS, max(1, len(times) // FEWEST)))
    edges = np.unique(np.quantile(times, np.linspace(0, 1, count + 1)[1:-1]))
    return np.unique(np.searchsorted(edges, times), return_inverse=True)[1]


def _correction(typical: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Median prediction of the bin over each level's own; 1 where nothing is predicted."""
    middle = np.array([np.median(typical[which == one]) for one in range(which.max() + 1)])[which]
    return np.where(typical > TINY, middle / np.maximum(typical, TINY), 1.0)


def _panel(axis, panel: Stratum) -> None:
    axis.plot(panel.times, panel.levels, ".", color=SHADOW, markersize=3, alpha=0.6, label="observed")
    for i, (colour, dash, name) in enumerate(LOOKS):
        axis.fill_between(
            panel.hours, panel.low[:, i], panel.high[:, i], color=colour, alpha=BAND, linewidth=0
        )
        axis.plot(panel.hours, panel.observed[:, i], color=colour, linestyle=dash, label=f"{name} percentile")
    axis.set_xlabel("time (h)")
    axis.set_ylim(bottom=0)
    axis.set_title(panel.name or "lines observed, shades simulated (90 %)")


def _against(axis, rows: Mapping[str, np.ndarray], name: str, label: str) -> None:
    most = 1.05 * float(max(rows[name].max(), rows["observed"].max()))
    axis.plot([0, most], [0, most], color=INK, linewidth=1)
    seen = ~rows["below"]
    axis.plot(rows[name][seen], rows["observed"][seen], "o", color=BLUE, markersize=3.5, alpha=0.7)
    axis.set(xlabel=label, ylabel="observed (mg/L)", xlim=(0, most), ylim=(0, most))


def _residuals(axis, at: np.ndarray, residuals: np.ndarray, label: str) -> None:
    axis.axhline(0, color=INK, linewidth=1)
    for level in (-2, 2):
        axis.axhline(level, color=SHADOW, linewidth=1, linestyle=(0, (6, 2)))
    axis.plot(at, residuals, "o", color=GREEN, markersize=3.5, alpha=0.7)
    axis.set(xlabel=label, ylabel="conditional weighted residual")
