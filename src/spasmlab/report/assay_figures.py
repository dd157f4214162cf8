"""Figures of single assays, each a function of the assay's result and of the subject that is drawn."""

from __future__ import annotations

from matplotlib.figure import Figure

from spasmlab.assays.result import AssayResult
from spasmlab.report.theme import BLUE, GREEN, SERIES, VERMILLION

WIDTH = 8.4  # inches; the page scales it


def force_frequency(result: AssayResult, subject: int = 0) -> Figure:
    """Twitch assay: direct twitch and tetanus over time; torque and fusion against the rate of stimulation."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    course, curve = figure.subplots(1, 2)
    time = result.traces["time"].values
    for name, (colour, dash) in zip(("tetanus", "twitch"), SERIES, strict=False):
        course.plot(time, result.traces[name].values[subject], color=colour, linestyle=dash, label=name)
    course.set_xlabel("time from the first pulse (ms)")
    course.set_ylabel("torque (N·m)")
    course.legend()
    rates = result.coords["stimulus_rate"]
    curve.semilogx(
        rates, result.readouts["train_torque"][subject], color=BLUE, marker="o", markersize=3, label="torque"
    )
    curve.set_xlabel("stimulus rate (Hz)")
    curve.set_ylabel("largest torque (N·m)")
    fused = curve.twinx()
    fused.plot(rates, result.readouts["fusion_index"][subject], color=GREEN, linestyle=":", label="fusion")
    fused.set_ylabel("fusion index")
    fused.set_ylim(0, 1.05)
    fused.grid(visible=False)
    figure.legend(loc="outside upper right", ncols=2, handles=[*curve.lines, *fused.lines])
    return figure


def cramp(result: AssayResult, subject: int = 0) -> Figure:
    """Cramp assay: torque and rectified EMG after the train at the threshold, nerve intact and blocked."""
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    time = result.traces["time"].values
    for axis, name, label in zip(
        axes, ("torque", "emg"), ("torque (N·m)", "rectified EMG (mV)"), strict=True
    ):
        for suffix, words, colour, dash in (
            ("", "nerve intact", BLUE, "-"),
            ("_blocked", "nerve blocked", VERMILLION, (0, (6, 2))),
        ):
            values = result.traces[f"{name}{suffix}"].values[subject]
            axis.plot(time, values, color=colour, linestyle=dash, linewidth=1.0, label=words)
        axis.set_ylabel(label)
    axes[0].legend()
    axes[1].set_xlabel("time after the train (s)")
    return figure
