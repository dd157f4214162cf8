"""Twitch, tetanus and force–frequency: what acts on the muscle fibre, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from circuit_help import assay
from spasmlab.evidence import calibration
from spasmlab.parameter import beside

RATES = np.array(beside("assays.twitch")["rates"].values)
BLOCKED = (("calcium_release", 0.70),)  # a dose of dantrolene as oral treatment gives it (row M03)


def twitch(of="healthy", releases=(1.0, 1.0), changes=()):
    return assay("twitch", of, 1, releases, changes=changes).readouts


def change(readout, **options):
    before, after = twitch()[readout], twitch(**options)[readout]
    return (after / before - 1)[0]


def test_less_calcium_release_takes_64_percent_of_the_twitch_and_spares_the_50_hz_tetanus():
    row = calibration("M03")
    assert 100 * change("twitch_torque", changes=BLOCKED) == pytest.approx(row.number, abs=2)
    assert abs(change("tetanus_torque", changes=BLOCKED)) < 0.02
    assert change("twitch_tetanus_ratio", changes=BLOCKED) < -0.6
    assert 100 * change("nerve_twitch_torque", changes=BLOCKED) == pytest.approx(row.number, abs=4)


def test_gabapentin_leaves_everything_direct_bitwise_unchanged():
    before, after = twitch(), twitch(releases=(0.8, 0.4))
    for readout in before:
        if not readout.startswith("nerve"):
            assert np.array_equal(before[readout], after[readout]), readout


def test_a_motor_unit_contracts_in_the_measured_time_and_the_muscle_sooner():
    """N162 is of single units; the muscle's own twitch is that of its strong units, which are fast."""
    row = calibration("N162")
    assert twitch()["unit_twitch_time"][0] == pytest.approx(row.number, abs=row.spread)
    assert twitch()["twitch_time"][0] < twitch()["unit_twitch_time"][0]


def test_force_rises_with_rate_to_a_plateau_and_twitches_fuse():
    torque, fusion = twitch()["train_torque"][0], twitch()["fusion_index"][0]
    assert np.all(np.diff(torque[RATES <= 30]) > 0)
    assert np.ptp(torque[RATES >= 50]) < 0.03 * torque.max()
    assert np.all(np.diff(fusion) > -1e-9)
    assert fusion[0] < 0.05 and fusion[-1] > 0.95
    half = np.interp(0.5, torque / torque.max(), RATES)
    assert 8 < half < 20, "soleus reaches half of its force near 12 Hz"


def test_a_calcium_blocker_shifts_the_force_frequency_curve_to_the_right():
    free, blocked = (twitch(changes=c)["train_torque"][0] for c in ((), BLOCKED))
    half = [np.interp(0.5, t / t.max(), RATES) for t in (free, blocked)]
    assert half[1] / half[0] == pytest.approx(1 / 0.70, rel=0.1)
    lost = 1 - blocked / free
    assert np.all(np.diff(lost) < 1e-9)


def test_series_and_trials_through_the_cord_agree():
    found = twitch()
    at = {rate: found["train_torque"][0, list(RATES).index(rate)] for rate in (1.0, 50.0)}
    assert at[1.0] == pytest.approx(found["twitch_torque"][0], rel=0.02)
    assert at[50.0] == pytest.approx(found["tetanus_torque"][0], rel=0.02)


def test_tetanus_through_the_nerve_is_near_that_of_the_muscle():
    found = twitch()
    assert found["nerve_tetanus_torque"][0] == pytest.approx(found["tetanus_torque"][0], rel=0.05)


def test_a_muscle_without_calcium_makes_no_torque_and_has_no_ratio():
    found = twitch(changes=(("calcium_release", 0.0),))
    assert not found["twitch_torque"].any() and not found["train_torque"].any()
    assert np.isnan(found["twitch_tetanus_ratio"]).all() and np.isnan(found["half_relaxation_time"]).all()
