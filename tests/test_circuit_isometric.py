"""Motor units against Fuglevand's model, calcium release, fatigue: a muscle held without a cord."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fuglevand
from circuit_help import MUSCLE, bench, known
from spasmlab.circuit import cord, isometric, muscle, scalars
from spasmlab.circuit.bench import Run, Stimulus
from spasmlab.evidence import calibration

UNITS = 40
RIGID = {"tendon_stretch": 0.0, "neutral_length": 1.0}  # fibres at optimal length: force is activation
RATES = (1, 2, 4, 6, 8, 10, 15, 20, 30, 50, 80)


@cache
def _numbers(**changes: float) -> np.ndarray:
    return scalars.numbers(known(**changes), 0, 0)


def numbers(**changes: float) -> np.ndarray:
    return _numbers(**changes)


@cache
def fuglevand_pool() -> tuple[muscle.MotorUnits, np.ndarray]:
    """Our motor units with the forces and times of the paper (rows N255, N256), and the twitch forces."""
    span, longest, time_span = (calibration(row).number for row in ("N255", "N256.longest", "N256.rt"))
    forces = fuglevand.twitch_forces(UNITS, span)
    times = fuglevand.contraction_times(forces, longest, time_span, span)
    like = bench().units[0]
    share = forces / forces.sum() / muscle.tetanus_to_twitch(known())
    none = np.zeros(UNITS)
    return replace(like, share=share, twitch_time=times, fatigability=none), forces


def ours(trains, duration, **changes):
    units, _ = fuglevand_pool()
    return isometric.hold(units, numbers(**RIGID, **changes), trains, duration).force


def theirs(trains, duration):
    units, forces = fuglevand_pool()
    clock = np.arange(round(duration)) * 1.0 + isometric.STEP
    parts = [
        fuglevand.unit_force(s, p, t, clock)
        for s, p, t in zip(trains, forces, units.twitch_time, strict=True)
    ]
    return np.sum(parts, axis=0) * units.share[0] / forces[0]


def alone(unit, times):
    return [times if i == unit else np.zeros(0) for i in range(UNITS)]


@pytest.mark.parametrize("unit", [0, UNITS // 2, UNITS - 1])
@pytest.mark.parametrize("rate", RATES)
def test_force_of_a_unit_against_stimulus_rate_is_fuglevands(unit, rate):
    times = np.arange(100.0, 2000.0, np.ceil(1000 / rate))
    got, wanted = (f(alone(unit, times), 2200.0) for f in (ours, theirs))
    np.testing.assert_allclose(got, wanted, atol=0.002 * wanted.max())


@pytest.mark.parametrize("excitation", [0.05, 0.2, 0.4, 0.7, 1.0])
def test_force_of_the_pool_against_excitation_is_fuglevands(excitation):
    trains = fuglevand.excited(UNITS, excitation, 2000.0, np.random.default_rng(7))
    on_grid = [isometric.STEP * np.unique(np.round(t / isometric.STEP)) for t in trains]
    got, wanted = (f(on_grid, 2000.0) for f in (ours, theirs))
    settled = slice(700, None)
    assert got[settled].mean() == pytest.approx(wanted[settled].mean(), rel=0.002)
    np.testing.assert_allclose(got, wanted, atol=0.004 * wanted.max())


def test_isolated_muscle_gives_the_force_that_the_cord_gives_under_direct_stimulation():
    pulses = 50.0 + np.arange(0, 400, 25.0)
    stimuli = tuple(Stimulus(float(t), MUSCLE, 1.0) for t in pulses)
    one = bench()
    through_cord = one.simulate([Run(0, "direct", 600.0, stimuli=stimuli, curare=True)])[0].trace[
        :, cord.FORCE
    ]
    held = isometric.hold(one.units[0], one.numbers[0], isometric.together(one.units[0], pulses), 600.0).force
    np.testing.assert_allclose(held, through_cord, atol=0.02 * through_cord.max())


# ---- calcium released per impulse ---------------------------------------------------------------------------------


def direct(rate, **changes):
    units = bench().units[0]
    pulses = 50 + np.arange(0, 1000, 1000 / rate)
    return isometric.hold(units, numbers(**changes), isometric.together(units, pulses), 1100.0).force


def test_less_calcium_takes_the_twitch_and_leaves_the_tetanus():
    """One number, set to the published loss of the twitch, gives the spared tetanus at 50 Hz (rows M03, M05)."""
    for row, release in (("M03", 0.70), ("M05", 0.62)):
        twitch, tetanus = (direct(r, calcium_release=release).max() / direct(r).max() - 1 for r in (1, 50))
        assert 100 * twitch == pytest.approx(calibration(row).number, abs=1)
        assert -0.03 < tetanus <= 0


@settings(deadline=None, max_examples=15)
@given(st.floats(0.05, 0.95), st.floats(0.01, 0.05), st.sampled_from([1, 10, 20, 50]))
def test_force_never_rises_as_less_calcium_is_released(release, less, rate):
    assert direct(rate, calcium_release=release - less).max() <= direct(rate, calcium_release=release).max()


def test_no_calcium_no_force_and_all_of_it_is_the_bitwise_default():
    assert not direct(20, calcium_release=0.0).any()
    assert np.array_equal(direct(20, calcium_release=1.0), direct(20))


def test_the_share_that_is_lost_falls_as_the_rate_rises():
    lost = [1 - direct(r, calcium_release=0.7).max() / direct(r).max() for r in (1, 10, 20, 30, 50, 100)]
    assert np.all(np.diff(lost) <= 1e-9) and lost[0] > 0.6 and lost[-1] < 0.01


# ---- fatigue ------------------------------------------------------------------------------------------------------


def tiring(rate, seconds, rest=0.0):
    """Force of the whole muscle stimulated at `rate`, then rested, then once more for a second."""
    units, k = bench().units[0], numbers()
    first = np.arange(0, 1000 * seconds, 1000 / rate)
    again = 1000 * (seconds + rest) + np.arange(0, 1000, 1000 / rate)
    given_to = isometric.together(units, np.concatenate([first, again]))
    tetanus = muscle.tetanus_to_twitch(known())
    return isometric.hold(units, k, given_to, 1000 * (seconds + rest + 1), tetanus=tetanus).force


def test_fatigue_of_a_unit_in_fused_tetanus_is_that_of_potvin_and_fuglevand():
    """q = 1 − λt, λ = 0.0225·180^(position − 1) per second: slope over ten seconds, most and least tiring unit."""
    of, k = bench(), known()
    units, tetanus = of.units[0], muscle.tetanus_to_twitch(k)
    fast = np.arange(0, 10_000, 10.0)
    for unit in (0, units.share.size - 1):
        impulses = [fast if i == unit else np.zeros(0) for i in range(units.share.size)]
        force = isometric.hold(units, numbers(**RIGID), impulses, 10_000.0, tetanus=tetanus).force
        wanted = k["fatigue_rate"].number * 180.0 ** (of.pools[0].position[unit] - 1)
        assert units.fatigability[unit] == pytest.approx(wanted)
        lost = 1 - force[9000:].mean() / force[1000:2000].mean()
        assert lost == pytest.approx(8 * wanted / (1 - 1.5 * wanted), rel=0.1, abs=5e-4)


def test_muscle_tires_faster_at_higher_rates_and_recovers_with_rest():
    lost = [1 - f[19_000:20_000].max() / f[:1500].max() for f in (tiring(10, 20), tiring(40, 20))]
    assert 0 < lost[0] < lost[1] < 1
    at_once, later = (tiring(40, 20, rest)[-900:].max() for rest in (0.0, 40.0))
    assert at_once < later < tiring(40, 20)[:1500].max()


def test_without_fatigue_force_is_that_of_a_muscle_that_cannot_tire():
    units, k = bench().units[0], numbers()
    rested = replace(units, fatigability=np.zeros_like(units.fatigability))
    pulses = isometric.together(units, np.arange(0, 2000, 40.0))
    off = isometric.hold(units, k, pulses, 2000.0).force
    never = isometric.hold(rested, k, pulses, 2000.0, tetanus=muscle.tetanus_to_twitch(known())).force
    np.testing.assert_allclose(off, never, rtol=1e-12)
