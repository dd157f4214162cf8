"""Voluntary contraction: force and steadiness rise with the drive; lost paths weaken, and a drug on inputs does not."""

from __future__ import annotations

import numpy as np
import pytest

from circuit_help import DRUG, assay, bench, mean
from spasmlab.assays import voluntary
from spasmlab.circuit import cord
from spasmlab.circuit.bench import Run
from spasmlab.evidence import calibration

FEW = 2


def contraction(of="healthy", **options):
    return assay("voluntary", of, FEW, **options)


def test_intervals_of_a_regular_and_an_irregular_unit_by_hand():
    """Intervals 50 ms, and 40 and 60 ms in turn: 20 Hz each, variability 0 and 20 %."""
    regular, irregular = np.arange(0, 401, 50.0), np.cumsum([0.0, *[40.0, 60.0] * 4])
    time = np.concatenate([regular, irregular])
    unit = np.repeat([3, 5], [regular.size, irregular.size])
    assert voluntary._firing(time, unit, 6) == pytest.approx((20.0, 10.0))
    assert np.isnan(voluntary._firing(time[:3], unit[:3], 6)).all()


@pytest.mark.slow
def test_torque_rates_and_steadiness_rise_with_the_drive():
    found = contraction()
    for readout, sign in (
        ("voluntary_torque", 1), ("motor_unit_rate", 1), ("torque_variability", -1), ("interval_variability", -1),
    ):  # fmt: skip
        assert np.all(sign * np.diff(found.readouts[readout], axis=1) > 0), readout
    assert np.all(np.diff(found.readouts["recruited"], axis=1) >= 0)


@pytest.mark.slow
def test_a_maximal_contraction_has_the_rates_of_soleus_and_less_torque_than_a_tetanus():
    found = contraction()
    assert mean(found, "motor_unit_rate")[-1] == pytest.approx(calibration("N252").number, rel=0.25)
    tetanus = mean(assay("twitch", "healthy", FEW), "tetanus_torque")
    assert 0.8 < mean(found, "maximal_torque") / tetanus < 1


@pytest.mark.slow
def test_power_falls_with_the_paths_that_are_lost_and_none_is_left_after_complete_injury():
    power = [mean(contraction(of), "maximal_torque") for of in ("healthy", "ms-spasticity", "sci-incomplete")]
    assert power[0] > power[1] > power[2] > 0
    assert not contraction("sci-complete-chronic").readouts["voluntary_torque"].any()


@pytest.mark.slow
def test_a_drug_on_inputs_leaves_power_and_less_calcium_in_the_muscle_does_not():
    before = mean(contraction(), "maximal_torque")
    assert mean(contraction(releases=DRUG), "maximal_torque") == pytest.approx(before, rel=0.05)
    weak = mean(contraction(changes=(("calcium_release", 0.7),)), "maximal_torque")
    assert weak < 0.9 * before


@pytest.mark.slow
def test_torque_at_rest_is_none():
    torque = contraction().traces["torque"]
    assert not torque.sel(time=slice(None, 0)).values.any()
    resting = bench().simulate([Run(0, "rest", 500.0)])[0]
    assert not resting.trace[:, cord.FORCE].any()
