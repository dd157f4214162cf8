"""Doses that differ by patient and parameters that change while time runs, in the batched kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chain_help import every, problem
from spasmlab.chain.check import check
from spasmlab.chain.problem import Change, Problem, run, stream

HOURS = np.arange(0.0, 49.0)


def test_a_patient_s_own_amounts_are_those_of_that_patient_alone() -> None:
    base = problem(*every(8, 600, 4), draws=19, seed=3)
    own = np.random.default_rng(1).uniform(0, 900, (4, 19))
    together = run(replace(base, amounts=own), HOURS)["plasma_concentration"]
    for patient in (0, 7, 18):
        alone = replace(base.take([patient]), amounts=own[:, patient])
        assert np.array_equal(run(alone, HOURS)["plasma_concentration"][0], together[patient])


def cleared(draws: int, values: np.ndarray) -> Problem:
    base = problem([0.0], [600.0], draws=draws)
    return replace(base, changes=(Change("creatinine_clearance", np.array([5.0, 9.5, 20.0]), values),))


@pytest.mark.parametrize("values", [np.array([0.0, 7.0, 1.0]), np.arange(9.0).reshape(3, 3)])
def test_a_parameter_that_changes_is_obeyed_by_both_solvers(values: np.ndarray) -> None:
    changing = cleared(3, values)
    solved = run(changing, HOURS)
    assert not np.allclose(
        solved["plasma_concentration"], run(replace(changing, changes=()), HOURS)["plasma_concentration"]
    )
    for patient in range(3):
        assert max(check(changing, HOURS, solved, patient).values()) < 1e-5


def test_a_change_at_the_start_is_the_same_as_that_parameter_all_along() -> None:
    base = problem([0.0], [600.0])
    changed = replace(
        base, changes=(Change("creatinine_clearance", np.array([-3.0, 0.0]), np.array([9.0, 2.0])),)
    )
    expected = run(base.with_parameter("creatinine_clearance", 2.0), HOURS)["plasma_concentration"]
    assert np.array_equal(run(changed, HOURS)["plasma_concentration"], expected)


def test_streaming_gives_the_numbers_of_one_run() -> None:
    base = replace(problem(*every(8, 600, 4), draws=45, seed=3), amounts=np.full((4, 45), 300.0))
    whole = run(base, HOURS, ["plasma_concentration"])["plasma_concentration"]
    parts = list(stream(base, HOURS, ["plasma_concentration"], at_once=16))
    assert [len(places) for places, _ in parts] == [16, 16, 13]
    assert np.array_equal(np.concatenate([found["plasma_concentration"] for _, found in parts]), whole)


def test_signals_wanted_alone_are_those_of_the_whole_chain() -> None:
    base = problem(*every(8, 600, 4), draws=17, seed=3)
    whole = run(base, HOURS)
    for names in (["plasma_concentration"], ["csf_concentration", "stomach_amount"], ["release_ia"]):
        for name, values in run(base, HOURS, names).items():
            np.testing.assert_allclose(values, whole[name], rtol=1e-13, atol=1e-300)
