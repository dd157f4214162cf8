"""The motor pool: order by size, and the pool beside the calibration rows it was or was not brought near to.

Rows that the pool falls outside of stay here as expected failures, so that a change that brings them in is noticed.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import spearmanr

from circuit_help import clamp, known, rheobase
from spasmlab.circuit import scalars
from spasmlab.circuit.electrode import current_clamp
from spasmlab.circuit.motoneuron import build_pool, type_borders
from spasmlab.evidence import calibration

SLOW_UNITS = slice(0, 113)


def outside(*parameters, reason):
    """A case that is known to lie outside its tolerance."""
    return pytest.param(*parameters, marks=pytest.mark.xfail(strict=True, reason=reason))


@cache
def _pool():
    return build_pool(known(), 0)


@cache
def _resistance():
    """Input resistance (MΩ) of every cell by a small hyperpolarising step, as it is measured."""
    return -clamp(_pool(), known(), -1.0, 400.0, sample_every=10.0).soma[-1]


@cache
def _after_spike():
    """Amplitude (mV), half-decay and duration (ms, to a tenth of the amplitude) of every cell's after-hyperpolarisation."""
    pool, dt, sample = _pool(), 0.025, 0.1
    current = np.zeros((round(400 / dt), pool.size))
    current[round(10 / dt) : round(11 / dt)] = 400.0
    response = current_clamp(pool, scalars.numbers(known(), 0, 0), current, sample_every=sample)
    found = []
    for cell in range(pool.size):
        (spike,) = response.spikes[cell]
        after = response.soma[round((spike + 8) / sample) :, cell]
        deepest = after.argmin()
        amplitude = -after[deepest]
        late = after[deepest:]
        half, tenth = (np.flatnonzero(late > -share * amplitude)[0] * sample for share in (0.5, 0.1))
        found.append((amplitude, half, 8 + deepest * sample + tenth))
    return np.array(found).T


@cache
def _rates(multiple):
    """Steady firing rates (Hz) of every cell at a multiple of its rheobase."""
    return clamp(_pool(), known(), multiple * rheobase(), 1500.0, sample_every=10.0).rates(500.0)


def _at(values, percent):
    """A quantity at a place in the pool, in percent from the smallest cell."""
    return float(np.interp(percent / 100, _pool().position, values))


def _at_border(values, border):
    """A quantity at a border between types: 0 smallest, 1 last S, 2 last FR, 3 last FF."""
    return float(np.interp(type_borders(known())[border], _pool().position, values))


# ---- order --------------------------------------------------------------------------------------------------------


def test_input_resistance_falls_and_rheobase_rises_along_the_pool():
    assert np.all(np.diff(1 / _pool().constants["input_conductance"]) < 0)
    order = np.arange(_pool().size)
    assert spearmanr(order, _resistance()).statistic < -0.98
    assert spearmanr(order, rheobase()).statistic > 0.98


def test_after_hyperpolarisation_shortens_from_slow_to_fast_units():
    duration = _after_spike()[2]
    assert spearmanr(np.arange(duration.size), duration).statistic < -0.95
    assert duration[0] > 2.5 * duration[-1]


def test_rate_rises_with_current_and_faster_units_fire_faster():
    table = np.array([_rates(m) for m in (1.2, 2.0, 3.0)])
    assert np.all(np.diff(table, axis=0) > 0)
    assert np.all(table[:, 127] > 3 * table[:, 0])


def test_cells_differ_by_seed_and_draw_and_agree_for_the_same():
    parameters = known()
    again = build_pool(parameters, 0).threshold
    np.testing.assert_array_equal(again, _pool().threshold)
    assert not np.array_equal(build_pool(parameters, 1).threshold, again)
    assert not np.array_equal(build_pool(parameters, 0, 1).threshold, again)


# ---- calibration rows ---------------------------------------------------------------------------------------------

RESISTANCE = [
    (0, "N083"),
    (25, "N086"),
    (50, "N089"),
    outside(75, "N092", reason="1.23 MOhm against 0.85: nine tenths of this pool are slow units"),
    (99, "N095"),
]


@pytest.mark.parametrize(("percent", "row"), RESISTANCE)
def test_input_resistance_within_25_percent_of_the_published_pool(percent, row):
    assert _at(_resistance(), percent) == pytest.approx(calibration(row).number, rel=0.25)


BORDERS = [
    outside(0, "N037.first", reason="2.5 nA against 3.5: the smallest cell fires too easily"),
    (1, "N037.last"),
    (1, "N047.first"),
    (2, "N047.last"),
    (2, "N057.first"),
    (3, "N057.last"),
]


@pytest.mark.parametrize(("border", "row"), BORDERS)
def test_rheobase_at_the_borders_of_types_within_20_percent(border, row):
    assert _at_border(rheobase(), border) == pytest.approx(calibration(row).number, rel=0.20)


LOW = "40 to 50 % below: its rheobase times input resistance is 8 to 9.5 mV, here 5 to 7"
RHEOBASE = [
    outside(0, "N084", reason=LOW),
    outside(25, "N087", reason=LOW),
    outside(50, "N090", reason=LOW),
    outside(75, "N093", reason=LOW),
    outside(99, "N096", reason="23 nA against 18"),
]


@pytest.mark.parametrize(("percent", "row"), RHEOBASE)
def test_rheobase_within_25_percent_of_the_published_cat_like_pool(percent, row):
    assert _at(rheobase(), percent) == pytest.approx(calibration(row).number, rel=0.25)


def test_rheobase_at_a_given_input_resistance_is_that_of_the_human_like_pool():
    """N130: 5.57 nA at 1.32 MΩ; read off this pool at the same resistance."""
    order = np.argsort(_resistance())
    here = np.exp(np.interp(calibration("N129").number, _resistance()[order], np.log(rheobase()[order])))
    assert here == pytest.approx(calibration("N130.with").number, rel=0.15)


@pytest.mark.parametrize("row", ["N085", "N088", "N091", "N094", "N097"])
def test_after_hyperpolarisation_amplitude_within_25_percent(row):
    percent = {"N085": 0, "N088": 25, "N091": 50, "N094": 75, "N097": 99}[row]
    assert _at(_after_spike()[0], percent) == pytest.approx(calibration(f"{row}.amplitude").number, rel=0.25)


def test_after_hyperpolarisation_of_slow_units_lasts_as_long_as_in_human_motoneurons():
    row = calibration("N160")
    assert _after_spike()[2][SLOW_UNITS].mean() == pytest.approx(row.number, abs=2 * row.spread)


@pytest.mark.xfail(
    strict=True, reason="half-decays are 1.5 to 2.4 times the cat-like pool's: set for human durations"
)
def test_after_hyperpolarisation_half_decay_within_25_percent_of_the_cat_like_pool__falls_outside():
    for percent, row in ((0, "N085"), (25, "N088"), (50, "N091"), (75, "N094"), (99, "N097")):
        assert _at(_after_spike()[1], percent) == pytest.approx(
            calibration(f"{row}.half_decay").number, rel=0.25
        )


@pytest.mark.xfail(
    strict=True, reason="2 to 3 Hz just above rheobase; 5 to 9 Hz only from 1.2 times rheobase"
)
def test_slow_units_fire_at_least_at_the_minimal_human_rate__falls_outside():
    row = calibration("N161")
    slowest = _rates(1.02)[SLOW_UNITS]
    assert slowest.mean() == pytest.approx(row.number, abs=row.spread)


def test_slow_units_at_a_fifth_above_rheobase_fire_at_the_minimal_human_rate():
    row = calibration("N161")
    assert _rates(1.2)[SLOW_UNITS].mean() == pytest.approx(row.number, abs=row.spread)
