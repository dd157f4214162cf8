"""Pictures of a fit beside the predictive checks: patients' levels and curves, and NPDE."""

from __future__ import annotations

import math

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from spasmlab.fit.diagnostics import TINY, simulate
from spasmlab.fit.population import PopulationFit
from spasmlab.report.theme import BLUE, GREEN, INK, SHADOW, STYLE, VERMILLION

MOST_PANELS = 12
COLUMNS = 4


def individuals(found: PopulationFit) -> Figure:
    """Levels of the first patients with the population's and their own predictions"""
    rows = found.diagnostics()[:MOST_PANELS]
    columns = min(COLUMNS, len(rows))
    lines = math.ceil(len(rows) / columns)
    with rc_context(STYLE):
        drawing = Figure(figsize=(max(4.2, 2.4 * columns), 0.6 + 2.1 * lines), layout="constrained")
        axes = drawing.subplots(lines, columns, squeeze=False).ravel()
        for axis, row, subject in zip(axes, rows, found.subjects, strict=False):
            order = np.argsort(row["time"], kind="stable")
            for name, colour, dash in (("population", SHADOW, (0, (4, 2))), ("individual", BLUE, "-")):
                axis.plot(row["time"][order], row[name][order], color=colour, linestyle=dash, label=name)
            seen = ~row["below"]
            axis.plot(
                row["time"][seen], row["observed"][seen], "o", color=VERMILLION, markersize=3.5, label="level"
            )
            if row["below"].any():
                axis.plot(
                    row["time"][~seen],
                    row["observed"][~seen],
                    "v",
                    color=GREEN,
                    markersize=4,
                    label="below limit",
                )
            axis.set_title(f"subject {subject.name}")
            axis.set_ylim(bottom=0)
        for axis in axes[len(rows) :]:
            axis.set_visible(False)
        axes[0].legend(loc="best")
        drawing.supxlabel("time (h)")
        drawing.supylabel("plasma (mg/L)")
    return drawing


def npde(found: PopulationFit, errors: np.ndarray) -> Figure:
    """Normalised prediction distribution errors over time, and against a standard normal"""
    from scipy.special import ndtri

    times = np.concatenate(
        [s.times_h[d.std(axis=0) > TINY] for s, d in zip(found.subjects, simulate(found), strict=True)]
    )
    with rc_context(STYLE):
        drawing = Figure(figsize=(8.4, 3.4), layout="constrained")
        first, second = drawing.subplots(1, 2)
        for level in (-2, 0, 2):
            first.axhline(
                level, color=SHADOW if level else INK, linewidth=1, linestyle=(0, (6, 2)) if level else "-"
            )
        first.plot(times, errors, "o", color=GREEN, markersize=3.5, alpha=0.7)
        first.set(xlabel="time (h)", ylabel="NPDE")
        expected = ndtri((np.arange(len(errors)) + 0.5) / len(errors))
        most = 1.05 * float(np.max(np.abs([expected, np.sort(errors)])))
        second.plot([-most, most], [-most, most], color=INK, linewidth=1)
        second.plot(expected, np.sort(errors), "o", color=BLUE, markersize=3.5, alpha=0.7)
        second.set(xlabel="standard normal", ylabel="NPDE, sorted")
    return drawing
