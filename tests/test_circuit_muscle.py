"""Twitches and their sum, the Hill-type muscle, surface EMG, the ankle's ramp and the spindle."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from circuit_help import MUSCLE, bench, known, numbers
from spasmlab.circuit import cord, joint, muscle, scalars, spindle
from spasmlab.circuit.bench import Run, Stimulus
from spasmlab.evidence import calibration

UNTIMED = settings(deadline=None)  # the first call compiles
STEP = 0.1  # ms, of the limb


@cache
def _numbers():
    return numbers(known())


@cache
def _bend():
    return np.array(known()["lengthening_force"].values)


# ---- twitches -----------------------------------------------------------------------------------------------------


@njit
def _activation(times, gains, h, steps, share, time):
    """Activation of a muscle when its first unit alone gets impulses of given gain at given steps."""
    drive, twitches = np.zeros(share.size), np.zeros(share.size)
    trace, next_one = np.zeros(steps), 0
    for step in range(steps):
        if next_one < times.size and step == times[next_one]:
            drive[0] += gains[next_one]
            next_one += 1
        trace[step] = muscle.sum_twitches(drive, twitches, h, share, time)
    return trace


TIME = 60.0  # ms, of the one unit


def _unit(times, gains, steps):
    """Force of a single unit of twitch force 1, every STEP ms."""
    return _activation(np.array(times), np.array(gains, float), STEP, steps, np.ones(1), np.full(1, TIME))


def test_twitch_is_its_closed_form_and_peaks_at_its_time_with_gain_one():
    """P (t/T) exp(1 − t/T), solved exactly: the step does not matter."""
    trace = _unit([0], [1.0], 4000)
    t = STEP * np.arange(1, trace.size + 1)
    np.testing.assert_allclose(trace, t / TIME * np.exp(1 - t / TIME), rtol=1e-6)
    assert t[trace.argmax()] == pytest.approx(TIME, abs=STEP)
    assert trace.max() == pytest.approx(1.0, abs=1e-5)


def test_twitches_add():
    both = _unit([0, 300], [1.0, 0.7], 3000)
    np.testing.assert_allclose(both, _unit([0], [1.0], 3000) + _unit([300], [0.7], 3000), atol=1e-15)


def test_shares_of_all_units_in_fused_tetanus_make_activation_one():
    parameters = known()
    units = muscle.build_units(parameters, bench().pools[0].position)
    assert units.share.sum() * muscle.tetanus_to_twitch(parameters) == pytest.approx(1.0, rel=1e-12)
    assert np.all(np.diff(units.share) > 0) and np.all(np.diff(units.twitch_time) < 0)


@pytest.mark.parametrize("rate", [4.0, 8.0])
def test_tetanus_to_twitch_is_that_of_a_simulated_fused_tetanus(rate):
    """A unit driven `rate` impulses a twitch time: mean force over the twitch, against the closed form."""
    interval = round(TIME / rate / STEP)
    gain = muscle.twitch_gain(interval * STEP, TIME, _numbers())
    trace = _unit(np.arange(200) * interval, np.full(200, gain), 200 * interval)
    settled = trace[-20 * interval :]
    assert np.ptp(settled) < 0.02 * settled.mean(), "fused"
    assert settled.mean() == pytest.approx(muscle.tetanus_to_twitch(known()), rel=0.02)


def test_direct_tetanus_of_the_whole_muscle_reaches_full_activation():
    """100 Hz through the whole cord: activation within 5 % of 1 (the slowest twitches are fused, the fastest nearly)."""
    pulses = tuple(Stimulus(50.0 + 10.0 * i, MUSCLE, 1.0) for i in range(60))
    trace = bench().simulate([Run(0, "tetanus", 650.0, stimuli=pulses)])[0].trace
    assert trace[500:640, cord.ACTIVATION].mean() == pytest.approx(1.0, abs=0.05)


@UNTIMED
@given(st.floats(1, 1000), st.floats(20, 200))
def test_gain_is_one_at_low_rates_and_falls_as_fuglevand_describes(interval, time):
    k = _numbers()
    gain, x = muscle.twitch_gain(interval, time, k), time / interval
    if x <= k.gain_threshold:
        assert gain == 1.0
    else:

        def shape(at):
            return (1 - math.exp(-k.gain_steepness * at**k.gain_power)) / at

        assert gain == pytest.approx(shape(x) / shape(k.gain_threshold), rel=1e-12)
    assert gain > 0


def test_gain_is_continuous_where_it_begins_and_hyperbolic_at_high_rates():
    k, time = _numbers(), 100.0
    edge = time / k.gain_threshold
    assert muscle.twitch_gain(edge * (1 - 1e-9), time, k) == pytest.approx(1.0, abs=1e-6)
    fast = [muscle.twitch_gain(time / x, time, k) * x for x in (5.0, 10.0, 50.0)]
    np.testing.assert_allclose(fast, fast[0], rtol=1e-6)


# ---- muscle -------------------------------------------------------------------------------------------------------


def test_force_length_is_one_at_optimal_length():
    assert muscle.force_length(1.0, _numbers()) == 1.0


@UNTIMED
@given(st.floats(0, 2))
def test_force_length_lies_between_zero_and_one_and_falls_away_from_optimal_length(length):
    k = _numbers()
    here = muscle.force_length(length, k)
    assert 0 <= here <= 1
    nearer = 1 + 0.9 * (length - 1)
    assert muscle.force_length(nearer, k) >= here - 1e-12


@pytest.mark.parametrize("length", [0.7, 0.95, 1.0, 1.2])
def test_force_velocity_is_one_and_continuous_at_rest(length):
    k, bend = _numbers(), _bend()
    assert muscle.force_velocity(length, 0.0, bend, k) == 1.0
    for velocity in (-1e-9, 1e-9):
        assert muscle.force_velocity(length, velocity, bend, k) == pytest.approx(1.0, abs=1e-6)


def test_force_velocity_vanishes_at_the_unloaded_speed_and_stays_zero_beyond():
    k = _numbers()
    for velocity in (-k.shortening_velocity, -3 * k.shortening_velocity):
        assert muscle.force_velocity(1.0, velocity, _bend(), k) == 0.0


@UNTIMED
@given(st.floats(0.7, 1.2), st.floats(-20, 20), st.floats(0, 5))
def test_force_velocity_rises_with_velocity_and_stays_bounded(length, velocity, more):
    k, bend = _numbers(), _bend()
    low, high = (muscle.force_velocity(length, v, bend, k) for v in (velocity, velocity + more))
    ceiling = -(bend[0] + bend[1] * length + bend[2] * length * length)  # as velocity grows without limit
    assert high >= low - 1e-12
    assert 0 <= low <= ceiling


def _lagged(angular_velocity, step, k):
    """The fibres' velocity (L0/s) at every step (ms) of the joint's (rad/s), from rest."""
    found, now = [], 0.0
    for velocity in angular_velocity:
        now = muscle.driven_velocity(now, velocity, step, k)
        found.append(now)
    return np.array(found)


def _share(k):
    """Velocity of the fibres (L0/s) for one rad/s of the joint, once the tendon follows."""
    return k.tendon_slack_share * k.moment_arm / k.optimal_length


@pytest.mark.parametrize("step", [0.1, 1.0, 7.0])
def test_fibres_reach_the_velocity_of_the_joint_exponentially_whatever_the_step(step):
    k = _numbers()
    time = step * np.arange(1, 60)
    expected = 2.0 * _share(k) * (1 - np.exp(-time / k.tendon_lag))
    np.testing.assert_allclose(_lagged(np.full(59, 2.0), step, k), expected, rtol=1e-9)


def test_without_a_lag_the_fibres_move_as_the_joint_does():
    k = numbers(known(tendon_lag=0.0))
    np.testing.assert_array_equal(_lagged(np.array([1.0, -2.0]), 0.1, k), np.array([1.0, -2.0]) * _share(k))


@pytest.mark.parametrize("frequency", [0.5, 3.0, 6.0, 12.0, 50.0])
def test_muscle_behind_its_tendon_takes_energy_from_a_swing_and_never_gives_it(frequency):
    """Work at constant activation and length round one cycle of the joint: lag turns damping down, not into drive."""
    k, bend, step = _numbers(), _bend(), 1 / frequency  # ms: a thousandth of a cycle
    time = np.arange(3000) * step
    turning = 3.0 * np.sin(2 * np.pi * frequency * time / 1000)
    force = [muscle.fibre_force(0.3, 1.0, v, bend, k) for v in _lagged(turning, step, k)]
    last = time >= 2 * 1000 / frequency
    assert (np.array(force) * turning)[last].sum() > 0


def test_fibre_length_at_rest_and_under_load():
    k = _numbers()
    assert muscle.fibre_length(0.0, 0.0, k) == k.neutral_length
    assert muscle.fibre_length(0.0, 1.0, k) == pytest.approx(k.neutral_length - k.tendon_stretch)


@pytest.mark.parametrize("joint_name", scalars.parts("joints"))
def test_turning_a_joint_stretches_one_muscle_and_shortens_the_other(joint_name):
    runs = [Run(0, "held", 20.0, ramp_start=angle) for angle in (0.5, 0.9)]
    low, high = (r.trace[10] for r in bench(joint=joint_name).simulate(runs))
    assert high[cord.LENGTH] > low[cord.LENGTH] and high[cord.FLEXOR_LENGTH] < low[cord.FLEXOR_LENGTH]


# ---- surface EMG --------------------------------------------------------------------------------------------------


CLOCK = np.arange(0, 60, 0.1)


def _emg(times, amplitude=0.05, duration=0.7):
    times = np.asarray(times, float)
    return muscle.surface_emg(times, np.full(times.size, amplitude), np.full(times.size, duration), CLOCK)


def test_potential_is_the_first_hermite_function_and_peaks_at_its_amplitude():
    y = (CLOCK - 30.0) / 0.7
    np.testing.assert_allclose(_emg([30.0]), 0.05 * math.sqrt(2 * math.e) * y * np.exp(-(y**2)), atol=1e-7)
    fine = np.arange(25, 35, 0.001)
    wave = muscle.surface_emg(np.array([30.0]), np.array([0.05]), np.array([0.7]), fine)
    assert wave.max() == pytest.approx(0.05, rel=1e-5) and wave.min() == pytest.approx(-0.05, rel=1e-5)
    assert abs(fine[wave.argmax()] - 30.0) == pytest.approx(0.7 / math.sqrt(2), abs=0.002)


@UNTIMED
@given(st.lists(st.floats(5, 55), min_size=1, max_size=6), st.lists(st.floats(5, 55), min_size=1, max_size=6))
def test_surface_emg_is_a_linear_sum(first, second):
    np.testing.assert_allclose(_emg(first + second), _emg(first) + _emg(second), atol=1e-12)
    np.testing.assert_allclose(_emg(first, amplitude=0.1), 2 * _emg(first), atol=1e-12)


def test_no_potential_no_emg_and_potentials_off_the_clock_leave_it_alone():
    assert not _emg([]).any()
    assert not _emg([-50.0, 200.0]).any()


def test_potential_at_the_edge_of_the_clock_keeps_the_part_that_lies_within():
    y = (CLOCK - 0.3) / 0.7
    np.testing.assert_allclose(_emg([0.3]), 0.05 * math.sqrt(2 * math.e) * y * np.exp(-(y**2)), atol=1e-7)


# ---- ankle --------------------------------------------------------------------------------------------------------


RAMPS = [(-0.4, 0.2, 5.0, 15.0), (0.2, -0.4, 5.0, 15.0), (-0.4, 0.2, 0.35, 15.0), (0.0, 0.02, 5.0, 15.0)]


@pytest.mark.parametrize(("start", "end", "speed", "rise"), RAMPS)
def test_ramp_reaches_its_end_with_the_speed_and_acceleration_declared(start, end, speed, rise):
    clock = np.arange(0, 3000, 0.05)
    path = np.array([joint.ramp(t, 100.0, start, end, speed, rise) for t in clock])
    angle, velocity = path.T
    assert np.all(path[clock <= 100.0] == (start, 0.0)) and tuple(path[-1]) == (end, 0.0)
    assert np.all(np.sign(velocity) * np.sign(end - start) >= 0)
    np.testing.assert_allclose(np.gradient(angle, clock / 1000)[2:-2], velocity[2:-2], atol=0.02 * speed)
    top = np.abs(velocity).max()
    travel = abs(end - start)
    if speed * rise / 1000 <= travel:
        acceleration = np.abs(np.diff(velocity)).max() / 5e-5
        assert top == pytest.approx(speed, rel=1e-9)
        assert acceleration == pytest.approx(speed / (rise / 1000), rel=1e-6)
    else:
        assert top <= speed * (1 + 1e-9)
    area = np.trapezoid(velocity, clock / 1000)
    assert area == pytest.approx(end - start, rel=1e-3)


@UNTIMED
@given(st.floats(-0.5, 0.5), st.floats(0, 3000), st.floats(0, 10))
def test_ankle_that_is_not_moved_stays(angle, time, speed):
    assert joint.ramp(time, 100.0, angle, angle, speed, 15.0) == (angle, 0.0)


def test_resting_ankle_gives_no_torque_and_no_energy():
    """No elastic torque up to the slack angle, none viscous at rest; round a closed slow path no work is left."""
    k = _numbers()
    for angle in (k.slack_angle - 0.3, k.slack_angle):
        assert joint.passive_torque(angle, k) == 0.0
    assert joint.damping_torque(0.0, k) == 0.0
    path = np.concatenate([np.linspace(-0.5, 0.3, 2001), np.linspace(0.3, -0.5, 2001)])
    torque = np.array([joint.passive_torque(a, k) for a in path])
    assert np.trapezoid(torque, path) == pytest.approx(0.0, abs=1e-9)
    assert np.all([joint.damping_torque(v, k) * v >= 0 for v in (-3.0, 0.5, 4.0)]), (
        "damping takes energy, never gives"
    )


def test_healthy_muscle_at_rest_makes_no_force_and_keeps_its_length():
    trace = bench().simulate([Run(0, "rest", 500.0)])[0].trace
    assert not trace[:, cord.FORCE].any() and not trace[:, cord.ACTIVATION].any()
    assert np.all(trace[:, cord.LENGTH] == _numbers().neutral_length)


# ---- spindle ------------------------------------------------------------------------------------------------------


def test_spindle_is_silent_when_slack_and_in_shortening():
    k = _numbers()
    assert spindle.velocity_response(-2.0, k) == 0.0
    assert spindle.ia_rate(k.ia_length_threshold - 0.1, 0.0, 0.0, k) == 0.0
    assert spindle.ii_rate(k.ii_length_threshold - 0.1, 0.0, k) == 0.0


@UNTIMED
@given(st.floats(0.5, 1.5), st.floats(0, 5), st.floats(0, 5))
def test_rates_rise_with_length_and_velocity_and_never_pass_the_peak(length, velocity, more):
    k = _numbers()

    def rates(at, moving):
        dynamic = spindle.velocity_response(moving, k)
        secondary = spindle.ii_velocity_response(moving, k)
        return np.array([spindle.ia_rate(at, dynamic, dynamic, k), spindle.ii_rate(at, secondary, k)])

    here = rates(length, velocity)
    assert np.all(rates(length + more, velocity) >= here) and np.all(rates(length, velocity + more) >= here)
    assert np.all(here >= 0) and np.all(rates(10.0, 100.0) == k.peak_rate)


def test_onset_burst_lifts_the_rate_by_its_gain_and_dies_with_the_running_mean():
    k = _numbers()
    dynamic = spindle.velocity_response(1.0, k)
    onset, later = (spindle.ia_rate(0.9, dynamic, mean, k) for mean in (0.0, dynamic))
    assert onset / later == pytest.approx(1 + k.ia_burst_gain, rel=1e-12)


@pytest.mark.parametrize(("row", "velocity"), [("N349", 0.11), ("N355", 1.55)])
def test_dynamic_response_of_the_primary_ending_within_20_percent_of_the_oracle(row, velocity):
    """Peak less hold without fusimotor drive, at two velocities (L0/s)."""
    expected = calibration(f"{row}.ia.peak").number - calibration(f"{row}.ia.hold").number
    k = _numbers()
    dynamic = spindle.velocity_response(velocity, k)
    got = spindle.ia_rate(1.0, dynamic, dynamic, k) - spindle.ia_rate(1.0, 0.0, 0.0, k)
    assert got == pytest.approx(expected, rel=0.20)


@pytest.mark.parametrize(("row", "velocity"), [("N349", 0.11), ("N355", 1.55)])
def test_dynamic_response_of_the_secondary_ending_within_10_percent_of_the_oracle(row, velocity):
    expected = calibration(f"{row}.ii.peak").number - calibration(f"{row}.ii.hold").number
    k = _numbers()
    got = spindle.ii_rate(1.0, spindle.ii_velocity_response(velocity, k), k) - spindle.ii_rate(1.0, 0.0, k)
    assert got == pytest.approx(expected, rel=0.10)


def test_secondary_ending_holds_the_rates_of_the_oracle_before_and_after_its_ramp():
    """From 0.95 to 1.08 L0, without fusimotor drive."""
    for length, when in ((0.95, "base"), (1.08, "hold")):
        rate = spindle.ii_rate(length, 0.0, _numbers())
        assert rate == pytest.approx(calibration(f"N349.ii.{when}").number, abs=0.2)
