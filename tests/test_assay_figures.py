"""Figures of assays: they show what the result holds, with units on every axis."""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.report import assay_figures
from spasmlab.report.theme import svg


def _twitch():
    time = np.arange(0.0, 500.0)
    rates = np.array([1.0, 10.0, 100.0])
    traces = xarray.Dataset(
        {name: (("subject", "time"), np.ones((1, time.size))) for name in ("twitch", "tetanus")},
        coords={"time": time},
    )
    readouts = {"train_torque": np.array([[1.0, 3.0, 9.0]]), "fusion_index": np.array([[0.0, 0.4, 1.0]])}
    return AssayResult("twitch", readouts, {"stimulus_rate": rates}, traces)


def _cramp():
    time = np.arange(0.0, 60.0)
    names = [f"{name}{suffix}" for name in ("torque", "emg") for suffix in ("", "_blocked")]
    traces = xarray.Dataset(
        {
            name: (("subject", "time"), np.full((1, time.size), place + 1.0))
            for place, name in enumerate(names)
        },
        coords={"time": time},
    )
    return AssayResult("cramp", {}, {}, traces)


def test_force_frequency_draws_the_curve_that_was_measured():
    figure = assay_figures.force_frequency(_twitch())
    line = figure.axes[1].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), [1.0, 10.0, 100.0])
    np.testing.assert_array_equal(line.get_ydata(), [1.0, 3.0, 9.0])
    assert "(Hz)" in figure.axes[1].get_xlabel() and "(N·m)" in figure.axes[1].get_ylabel()


def test_cramp_draws_torque_and_emg_of_both_preparations():
    figure = assay_figures.cramp(_cramp())
    heights = [[float(line.get_ydata()[0]) for line in axis.lines] for axis in figure.axes]
    assert heights == [[1.0, 2.0], [3.0, 4.0]]
    assert "(mV)" in figure.axes[1].get_ylabel() and "(s)" in figure.axes[1].get_xlabel()


def test_figures_are_svg_that_repeats():
    for draw, found in ((assay_figures.force_frequency, _twitch()), (assay_figures.cramp, _cramp())):
        text = svg(draw(found), "one")
        assert text == svg(draw(found), "one") and "<svg" in text
