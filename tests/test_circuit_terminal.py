"""Motor terminals: what ions and stretch do to them, their two states, and conditions as shifts of them."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuit_help import bench, known, numbers
from spasmlab import relief
from spasmlab.circuit import isometric, scalars, terminal
from spasmlab.evidence import calibration

UNTIMED = settings(deadline=None, max_examples=40)
SEEDS = (1, 2, 3)
PLAIN = known()


def k(**changes):
    return numbers(known(**changes))


@cache
def after_train(rate, of="healthy", seed=1, pulses=150, watch=2100.0, angle=0.0, changes=(), by=None):
    """Share of units that fire in the second second after a train, and their impulses (ms from its end, unit)."""
    one = bench(of, relief=relief.load(by) if by else None, changes=dict(changes))
    units = one.units[0]
    times = 100 + np.arange(pulses) * 1000 / rate
    shift = terminal.threshold_shifts(one.parameters, units.share.size, seed, 0)
    held = isometric.hold(
        units, one.numbers[0], isometric.together(units, times), times[-1] + watch, shift=shift, key=seed,
        quiet=1000.0, angle=math.radians(angle), room=400_000,
    )  # fmt: skip
    time = held.time - times[-1]
    late = (time >= 1000) & (time < 2000)
    return np.unique(held.unit[late]).size / units.share.size, time[time > 0], held.unit[time > 0]


@cache
def threshold(of="healthy", short=False, **options):
    """Mean over a few muscles of the lowest rate (Hz) after which a tenth of the units goes on."""

    def one(seed):
        low, high = 3, 90
        while high - low > 1:
            rate = (low + high) // 2
            pulses = 2 * rate + 1 if short else 150
            goes_on = after_train(float(rate), of, seed, pulses, **options)[0] >= 0.1
            low, high = (low, rate) if goes_on else (rate, high)
        return high

    return float(np.mean([one(seed) for seed in SEEDS]))


# ---- equations ----------------------------------------------------------------------------------------------------


def test_resting_voltage_is_goldmans():
    wanted = 26.7 * math.log((4 + 0.02 * 140) / (140 + 0.02 * 15))
    assert terminal.membrane_voltage(0.0, 0.0, k()) == pytest.approx(wanted)
    assert -85 < wanted < -75


@UNTIMED
@given(st.floats(0, 20), st.floats(0.01, 5), st.floats(0, 1000), st.floats(1, 500))
def test_potassium_depolarises_and_sodium_hyperpolarises(potassium, more, sodium, pumped):
    here = terminal.membrane_voltage(potassium, sodium, k())
    assert terminal.membrane_voltage(potassium + more, sodium, k()) > here
    assert terminal.membrane_voltage(potassium, sodium + pumped, k()) < here


def test_divalent_ions_and_stretch_raise_the_threshold():
    rest = PLAIN["neutral_length"].number
    here = terminal.threshold_voltage(rest, k())
    assert here == PLAIN["terminal_threshold"].number
    assert terminal.threshold_voltage(rest, k(terminal_calcium=1.0)) < here
    assert terminal.threshold_voltage(rest, k(terminal_magnesium=0.4)) < here
    assert terminal.threshold_voltage(rest + 0.1, k()) == pytest.approx(here + 3)


def test_dilute_fluid_and_less_of_it_narrow_the_space():
    assert terminal.space(k()) == 1.0
    assert terminal.space(k(terminal_osmolality=284)) < 1 < terminal.space(k(terminal_osmolality=296))
    assert terminal.space(k(terminal_space=0.9)) == pytest.approx(0.9)


@UNTIMED
@given(st.floats(-50, 50), st.floats(0, 20))
def test_rate_rises_from_zero_to_its_peak(above, more):
    here, higher = terminal.ectopic_rate(above, k()), terminal.ectopic_rate(above + more, k())
    assert 0 <= here <= higher < PLAIN["terminal_peak_rate"].number
    assert here > 0 or above <= 0


def test_the_loop_tires_with_force_and_comes_back_at_rest():
    quiet = k(terminal_loop_recovery=1e12)
    left = 1.0
    for _ in range(6000):
        left = terminal.tire_loop(left, 0.5, 1.0, quiet)
    assert left == pytest.approx(math.exp(-PLAIN["terminal_loop_tiring"].number * 0.5 * 6), rel=1e-4)
    assert terminal.tire_loop(0.5, 0.0, 1.0, k()) > 0.5 > terminal.tire_loop(0.5, 1.0, 1.0, k())
    assert terminal.tire_loop(1.0, 0.0, 1.0, k()) == 1.0
    assert terminal.afferent_drive(0.4, 0.5, 1.0, k()) == pytest.approx(
        0.5 * terminal.afferent_drive(0.4, 1.0, 1.0, k())
    )


def test_a_contraction_sensitises_the_loop_over_seconds_and_rest_takes_it_away():
    tau, loop, added = PLAIN["terminal_loop_rise"].number, np.array([1.0, 0.0]), []
    untiring = k(terminal_loop_tiring=0.0)
    for _ in range(2 * round(tau)):
        added.append(terminal.advance_loop(loop, 0.5, 1.0, untiring))
    assert added[0] == 0.0
    shares = np.array(added[round(tau) :: round(tau) - 1]) / (PLAIN["terminal_loop"].number * 0.5 * 0.5)
    np.testing.assert_allclose(shares, 1 - np.exp([-1.0, -2.0]), rtol=2e-3)
    assert terminal.advance_loop(loop, 0.0, 1.0, k()) == 0.0
    assert 0 < terminal.sensitise(0.5, 0.0, 1.0, k()) < 0.5


# ---- two states ---------------------------------------------------------------------------------------------------


def test_terminals_are_silent_at_rest_and_below_threshold_and_go_on_above():
    assert after_train(4.0)[0] == 0 and after_train(10.0)[0] == 0
    assert after_train(40.0)[0] > 0.5


def test_a_higher_rate_never_makes_fewer_units_go_on():
    shares = [after_train(float(rate))[0] for rate in (8, 12, 16, 20, 24, 30)]
    assert np.all(np.diff(shares) >= 0)


def test_cramp_ends_by_itself_because_the_pump_catches_up():
    _, time, _ = after_train(20.0, watch=90_000.0)
    assert 3000 < time.max() < 60_000
    _, endless, _ = after_train(20.0, watch=30_000.0, changes=(("terminal_pump", 0.0),))
    assert endless.max() > 29_000


def test_same_key_same_impulses():
    _, first, _ = after_train(20.0)
    assert first.size and np.array_equal(first, after_train.__wrapped__(20.0)[1])


def test_terminals_that_are_not_watched_leave_force_as_it_is():
    one = bench()
    pulses = isometric.together(one.units[0], np.arange(0, 3000, 60.0))
    off = isometric.hold(one.units[0], one.numbers[0], pulses, 4000.0)
    far = isometric.hold(
        one.units[0], one.numbers[0], pulses, 4000.0, shift=np.full(one.pools[0].size, 100.0)
    )
    assert not off.time.size and not far.time.size
    assert np.array_equal(off.force, far.force)


# ---- nerve blocked: calibration rows ------------------------------------------------------------------------------


def test_threshold_frequency_with_the_nerve_blocked():
    row = calibration("D04")
    assert threshold() == pytest.approx(row.number, abs=row.spread)


def test_rate_of_cramping_units_with_the_nerve_blocked():
    row = calibration("D06.blocked")
    rates = []
    for seed in SEEDS:
        _, time, unit = after_train(18.0, seed=seed, watch=20_000.0)
        rates += [1000 / np.diff(time[unit == u]).mean() for u in np.unique(unit) if (unit == u).sum() >= 5]
    assert np.mean(rates) == pytest.approx(row.number, abs=row.spread)


def test_shorter_trains_need_higher_rates():
    assert threshold(short=True) > 1.3 * threshold()


def test_cramp_prone_muscles_cramp_at_the_measured_share_of_the_healthy_threshold():
    prone, others = (calibration(row).number for row in ("D08", "D08.none"))
    assert threshold("cramp-prone", short=True) / threshold(short=True) == pytest.approx(
        prone / others, abs=0.08
    )


def test_loss_of_salt_lowers_the_threshold_as_plain_water_does():
    row, base = calibration("D10"), calibration("D10.baseline")
    assert threshold("electrolyte-loss") / threshold() - 1 == pytest.approx(
        row.number / base.number, abs=0.08
    )


@pytest.mark.slow
def test_overused_muscles_cramp_earlier_and_sodium_left_by_work_makes_it_later():
    healthy = threshold()
    assert threshold("overused") < healthy
    assert threshold(changes=(("terminal_sodium_load", 200.0),)) > healthy


def test_prediction_for_dehydration_is_a_change_of_less_than_a_fifth():
    """A prediction of the assumed shifts (space less, fluid more concentrated): they act against each other."""
    assert abs(threshold("dehydrated") / threshold() - 1) < 0.2


# ---- reliefs ------------------------------------------------------------------------------------------------------


def test_stretching_ends_a_cramp_that_would_go_on():
    held, stretched = (
        after_train(24.0, "cramp-prone", watch=8000.0, angle=angle)[1].max() for angle in (0.0, 20.0)
    )
    assert held > 7000
    assert threshold(angle=20.0) > threshold() + 2
    assert stretched <= held


@pytest.mark.slow
@pytest.mark.parametrize(("by", "of"), [("rest", "overused"), ("water-and-salt", "electrolyte-loss")])
def test_a_relief_puts_back_what_its_condition_moved_and_nothing_else(by, of):
    assert threshold(of, by=by) == pytest.approx(threshold(), abs=0.7)
    assert threshold("cramp-prone", by=by) == threshold("cramp-prone")


def test_reliefs_shift_parameters_to_healthy_values_or_the_limb():
    assert set(relief.names()) == {"rest", "stretching", "water-and-salt"}
    for name in ("rest", "water-and-salt"):
        for target, record in relief.load(name).parameters.items():
            assert record.value == PLAIN[target.rsplit(".", 1)[-1]].value, target


def test_every_terminal_parameter_is_a_field_of_the_record():
    fields = scalars.dtype().names or ()
    assert all(name in fields for name in PLAIN if name.startswith("terminal_"))
