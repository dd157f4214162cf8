"""Structural rivals of the spastic cord: each is one part of a condition, and the page says what tells two apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spasmlab import assays, circuit_runs, condition, rivals, rivals_page
from spasmlab.circuit import scalars
from spasmlab.circuit_runs import NO_DRUG, Kept, Session
from spasmlab.errors import ModelError

ALL = rivals.rivals()
DRAWS = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8).map(np.array)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_a_rival_sets_numbers_that_the_healthy_cord_has_and_moves_each(one: rivals.Rival) -> None:
    healthy = scalars.parameters(condition.load("healthy"))
    for name, value in Session("h_reflex", "healthy", one.changes).values.items():
        assert name in healthy and value != healthy[name].number


def test_no_number_belongs_to_two_rivals() -> None:
    every = [path for one in ALL for path in one.records]
    assert len(every) == len(set(every))


def test_a_rival_of_a_parameter_that_the_condition_leaves_alone_is_refused() -> None:
    with pytest.raises(ModelError, match="does not set"):
        rivals._records("x", {"parameters": ["circuit.motoneuron.nothing"]})


def test_every_column_is_a_readout_of_an_assay() -> None:
    for column in rivals.columns():
        assert column.readout in assays.load(column.assay).READOUTS


def test_distance_by_hand() -> None:
    """Means 1 and 3, variances 0.25 and 0.25, floor a tenth of 3: 2/√((0.25 + 0.25 + 0.09)/2)."""
    first, second = np.array([0.5, 1.5]), np.array([2.5, 3.5])
    assert rivals.distance(first, second, np.ones(2)) == pytest.approx(2 / np.sqrt(0.59 / 2))
    assert rivals.distance(first, np.array([np.nan]), np.ones(2)) == 0
    assert rivals.distance(np.zeros(3), np.zeros(3), np.zeros(3)) == 0


@given(DRAWS, DRAWS, DRAWS)
def test_distance_is_symmetric_without_a_unit_and_zero_to_itself(first, second, healthy) -> None:
    there = rivals.distance(first, second, healthy)
    assert there == pytest.approx(rivals.distance(second, first, healthy))
    assert there == pytest.approx(rivals.distance(7 * first, 7 * second, 7 * healthy), rel=1e-6, abs=1e-6)
    assert rivals.distance(first, first, healthy) == 0


def test_the_readout_that_two_rivals_move_apart_is_the_one_named() -> None:
    """All cords alike but for ΔF of one rival: every pair with it is told apart by ΔF, the others by nothing."""
    kept = {}
    for of, changes in rivals.cords().values():
        for column in rivals.columns():
            odd = column.readout == "delta_f" and changes == ALL[0].changes
            values = np.array([9.0, 9.5]) if odd else np.array([3.0, 3.5])
            arm = kept.setdefault(Session(column.assay, of, changes).text, {}).setdefault(NO_DRUG, [])
            arm.append(Kept(column.readout, "1", "", column.at, values))
    for pair in rivals.told_apart(kept):
        if ALL[0].name in (pair.first.name, pair.second.name):
            (column, far), second = pair.separating[0], pair.ranked[1]
            assert column.readout == "delta_f" and far > 5 and second[1] == 0
        else:
            assert not pair.separating


def test_the_page_is_current_with_the_runs_that_are_kept() -> None:
    assert rivals_page.main(["--check"]) == 0
    kept = circuit_runs.stored()
    for column in rivals.columns():
        assert all(rivals.seen(column, cord, kept) is not None for cord in rivals.cords().values())


def told(readout: str) -> dict[str, np.ndarray]:
    """A read-out of every cord that is kept, by the rival's name (or health), one value a draw."""
    kept, column = circuit_runs.stored(), next(c for c in rivals.columns() if c.readout == readout)
    named = {"health": ("healthy", ""), **{one.name: ("healthy", one.changes) for one in ALL}}
    found = {name: rivals.seen(column, cord, kept) for name, cord in named.items()}
    return {name: one.values for name, one in found.items() if one is not None}


def test_rivals_leave_the_signs_that_the_field_gives_them() -> None:
    """The current shows in ΔF and not in rate depression; lost depression the other way round; reciprocal inhibition
    goes with inhibition alone."""
    delta_f, rate, reciprocal = told("delta_f"), told("h_at_rate"), told("reciprocal_inhibition")
    assert delta_f["current"].min() > delta_f["health"].max()
    assert delta_f["depression"] == pytest.approx(delta_f["health"], rel=0.02)
    assert rate["depression"].mean() > 1.3 * rate["health"].mean()
    assert reciprocal["disinhibition"].max() < 0.5 * reciprocal["health"].mean()
    assert reciprocal["depression"].mean() > 0.5 * reciprocal["health"].mean()
