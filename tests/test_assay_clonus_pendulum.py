"""Clonus and the pendulum test as physiology: who beats and how fast, and what load, delay and stiffness do to it."""

from __future__ import annotations

import numpy as np
import pytest

from circuit_help import SPASTIC, assay, bench, mean
from spasmlab.assays import clonus, pendulum
from spasmlab.evidence import calibration
from spasmlab.parameter import beside

MS, SCI = "ms-spasticity", "sci-complete-chronic"
FEW = 3
pytestmark = pytest.mark.slow


def _frequency(*changes):
    """Clonus frequency (Hz) of FEW cords after complete injury, some number changed."""
    return assay("clonus", SCI, FEW, changes=changes).readouts["clonus_frequency"]


@pytest.mark.parametrize("of", ["healthy", MS, "sci-incomplete", "stroke-spasticity"])
def test_only_the_severe_cord_beats(of):
    assert np.all(assay("clonus", of, FEW).readouts["beats"] < beside("assays.clonus")["fewest_beats"].number)
    assert np.all(np.isfinite(_frequency()))


def test_clonus_beats_at_the_published_frequency():
    row = calibration("N339")
    assert np.all(np.abs(_frequency() - row.number) <= row.spread)
    assert 5 <= _frequency().mean() <= 7


def test_clonus_slows_with_inertia_and_with_a_longer_loop_without_retuning():
    known = bench(SCI).parameters
    heavier = (("inertia", 3 * known["inertia"].number),)
    longer = (("nerve_length", 1.4 * known["nerve_length"].number),)
    for changes in (heavier, longer):
        slower = np.nanmean(_frequency(*changes))
        assert slower < _frequency().mean() - 0.1


def test_clonus_needs_the_stretch_reflex():
    result = clonus.run(bench(SCI, 1, release_ia=0.0))
    assert result.readouts["beats"][0] <= 1


def test_bursts_under_a_steady_press_go_on_to_the_end_after_complete_injury():
    assert np.all(assay("clonus", SCI, FEW).readouts["sustained"] == 1)


def test_the_foot_swings_visibly_to_the_end_after_complete_injury():
    """At least 5 deg peak to peak in the last two seconds, less the drift (a mean over the longest beat)."""
    angle = assay("clonus", SCI, FEW).traces["angle"].values
    slow = np.array([np.convolve(one, np.ones(200) / 200, mode="same") for one in angle])
    assert np.all(np.ptp((angle - slow)[:, -2200:-200], axis=1) > 5)


# ---- pendulum -----------------------------------------------------------------------------------------------------


def test_healthy_leg_swings_freely():
    """A relaxation index of 1.6 and more is what the test calls normal."""
    result = assay("pendulum", "healthy", FEW)
    assert mean(result, "relaxation_index") >= 1.6
    assert np.all(result.readouts["swings"] > 5)
    np.testing.assert_allclose(result.readouts["resting_angle"], 90.0, atol=3.0)


@pytest.mark.parametrize("of", SPASTIC)
def test_spastic_leg_stops_short(of):
    healthy, spastic = (assay("pendulum", c, FEW).readouts for c in ("healthy", of))
    for readout in ("relaxation_index", "first_swing", "first_swing_velocity"):
        assert np.all(spastic[readout] < healthy[readout]), readout


def test_first_swing_falls_with_severity():
    swings = [mean(assay("pendulum", of, FEW), "first_swing") for of in ("healthy", MS, SCI)]
    assert swings[0] > swings[1] > swings[2] + 10


def test_passive_stiffness_alone_does_not_stop_the_first_swing():
    """As in the closed-loop trial: what stops the leg is the reflex."""
    stiff = assay("pendulum", "healthy", FEW, changes=(("stiffening", 2.5),))
    lost = mean(assay("pendulum", "healthy", FEW), "first_swing") - mean(stiff, "first_swing")
    spastic = mean(assay("pendulum", "healthy", FEW), "first_swing") - mean(
        assay("pendulum", SCI, FEW), "first_swing"
    )
    assert lost < 0.3 * spastic


def test_turns_of_a_damped_swing_are_found():
    time = np.arange(0, 8000) / 1000
    angle = 90 - 90 * np.exp(-0.4 * time) * np.cos(2 * np.pi * time)
    turns = pendulum._turns(angle, 3.0)
    np.testing.assert_allclose(time[turns][:4], [0.49, 0.99, 1.49, 1.99], atol=0.02)
