"""The motor pool: order by size, and the pool beside the calibration rows it was or was not brought near to.

The cat-like published pool spreads its resistances over a hundred units otherwise than a soleus, nine tenths of whose
units are slow: its rows are read off here at the same input resistance, not at the same place in the pool.
Rows that the pool falls outside of stay here as expected failures, so that a change that brings them in is noticed.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import spearmanr

from circuit_help import known
from spasmlab.circuit import motor_pool, scalars
from spasmlab.circuit.motoneuron import build_pool, type_borders
from spasmlab.evidence import calibration

SLOW_UNITS, LOW_THRESHOLD = slice(0, 113), slice(0, 40)
CAT_LIKE = {  # input resistance, rheobase and after-hyperpolarisation of units 0, 25, 50, 75 and 99 of 100
    "N083": ("N084", "N085"),
    "N086": ("N087", "N088"),
    "N089": ("N090", "N091"),
    "N092": ("N093", "N094"),
    "N095": ("N096", "N097"),
}
HUMAN_LIKE = {
    "N129": ("N130", "N131"),
    "N132": ("N133", "N134"),
}  # resistance; rheobase and rate at its double


def outside(*parameters, reason):
    """A case that is known to lie outside its tolerance."""
    return pytest.param(*parameters, marks=pytest.mark.xfail(strict=True, reason=reason))


@cache
def _pool():
    return build_pool(known(), 0)


@cache
def _dish(**changes):
    parameters = known(**changes)
    return motor_pool.Dish(build_pool(parameters, 0), scalars.numbers(parameters, 0, 0))


@cache
def _measured():
    return motor_pool.readouts(_dish())


@cache
def _rates(multiple):
    """Steady firing rates (Hz) of every cell at a multiple of its rheobase."""
    return motor_pool.steady_rate(_dish(), multiple * _measured()["rheobase"])


def _at_resistance(row, values):
    """A quantity of the cell whose input resistance is that of a row: interpolated, on a logarithmic scale."""
    order = np.argsort(_measured()["input_resistance"])
    resistance = _measured()["input_resistance"][order]
    return float(np.exp(np.interp(calibration(row).number, resistance, np.log(values[order]))))


def _at_border(values, border):
    """A quantity at a border between types: 0 smallest, 1 last S, 2 last FR, 3 last FF."""
    return float(np.interp(type_borders(known())[border], _pool().position, values))


# ---- order --------------------------------------------------------------------------------------------------------


def test_input_resistance_falls_and_rheobase_rises_along_the_pool():
    assert np.all(np.diff(1 / _pool().constants["input_conductance"]) < 0)
    order = np.arange(_pool().size)
    assert spearmanr(order, _measured()["input_resistance"]).statistic < -0.98
    assert spearmanr(order, _measured()["rheobase"]).statistic > 0.97


def test_slow_drive_recruits_by_size():
    first = np.array([s[0] if s.size else np.inf for s in motor_pool.triangle(_dish())])
    assert np.isfinite(first).mean() > 0.9
    assert spearmanr(np.arange(first.size), first).statistic > 0.9


def test_after_hyperpolarisation_shortens_from_slow_to_fast_units():
    duration = _measured()["ahp_duration"]
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


def test_pool_covers_the_published_input_resistances_but_the_tibialis_cell_of_3_megohm():
    found = _measured()["input_resistance"]
    for row in (*CAT_LIKE, "N129"):
        assert found.min() < calibration(row).number < found.max(), row


BORDERS = [
    (0, "N037.first"),
    (1, "N037.last"),
    (1, "N047.first"),
    (2, "N047.last"),
    (2, "N057.first"),
    (3, "N057.last"),
]


@pytest.mark.parametrize(("border", "row"), BORDERS)
def test_rheobase_at_the_borders_of_types_within_20_percent(border, row):
    assert _at_border(_measured()["rheobase"], border) == pytest.approx(calibration(row).number, rel=0.20)


@pytest.mark.parametrize("row", CAT_LIKE)
def test_rheobase_at_the_same_resistance_within_25_percent_of_the_cat_like_pool(row):
    expected = calibration(CAT_LIKE[row][0]).number
    assert _at_resistance(row, _measured()["rheobase"]) == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("row", CAT_LIKE)
def test_after_hyperpolarisation_at_the_same_resistance_within_25_percent_of_the_cat_like_pool(row):
    for quantity in ("amplitude", "half_decay"):
        expected = calibration(f"{CAT_LIKE[row][1]}.{quantity}").number
        assert _at_resistance(row, _measured()[f"ahp_{quantity}"]) == pytest.approx(expected, rel=0.25), (
            quantity
        )


def test_rheobase_at_a_given_input_resistance_is_that_of_the_human_like_pool():
    found = _at_resistance("N129", _measured()["rheobase"])
    assert found == pytest.approx(calibration("N130.with").number, rel=0.15)


def test_calcium_current_lowers_rheobase_as_in_the_human_like_pool():
    without = motor_pool.rheobase(_dish().without_calcium())
    found = _at_resistance("N129", without)
    assert found == pytest.approx(calibration("N130.without").number, rel=0.15)
    lowered = 1 - _measured()["rheobase"] / without
    assert lowered[0] > 0.2 and abs(lowered[-1]) < 0.05, "small cells lose a third, the largest hardly any"


@pytest.mark.parametrize(
    "row",
    [
        outside("N129", reason="24 Hz against 11: the f-I line is steeper than that of cat cells too (N166)"),
        outside("N132", reason="59 Hz against 27: the f-I line is steeper than that of cat cells too (N166)"),
    ],
)
def test_rate_at_twice_rheobase_within_40_percent_of_the_human_like_pool(row):
    expected = calibration(HUMAN_LIKE[row][1]).number
    assert _at_resistance(row, _measured()["rate_at_double"]) == pytest.approx(expected, rel=0.4)


@pytest.mark.xfail(strict=True, reason="2.8 Hz a nA against 1.9 in cells of 1.05 MOhm")
def test_gain_of_the_firing_rate_is_that_of_cat_cells_within_25_percent__falls_outside():
    assert _at_resistance("N164", _measured()["rate_gain"]) == pytest.approx(
        calibration("N166").number, rel=0.25
    )


def test_after_hyperpolarisation_of_low_threshold_units_lasts_as_long_as_in_human_motoneurons():
    """N160 is read from the intervals of units that fire in weak contractions: the first third of the pool."""
    row = calibration("N160")
    assert _measured()["ahp_duration"][LOW_THRESHOLD].mean() == pytest.approx(row.number, abs=2 * row.spread)


def test_slow_units_start_at_the_minimal_human_rate():
    row = calibration("N161")
    assert np.nanmean(_measured()["minimal_rate"][SLOW_UNITS]) == pytest.approx(row.number, abs=row.spread)


def test_pool_fires_at_soleus_rates_of_a_maximal_contraction_when_nine_tenths_are_recruited():
    """N252: 16 Hz. The drive is the smallest whole millivolt that recruits nine tenths of the units."""
    found = motor_pool.full_pool_rate(_dish())
    assert found == pytest.approx(calibration("N252").number, rel=0.25)
