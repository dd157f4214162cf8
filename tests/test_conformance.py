"""Every dosing scenario by two solvers against its closed form; a wrong rule or answer would be seen."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from spasmlab.conformance import closed_form, score

SCENARIOS = score.scenarios()


def named(words: str) -> dict:
    """A copy of the one scenario whose name begins so."""
    return copy.deepcopy(next(s for s in SCENARIOS if s["name"].startswith(words)))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s["name"])
def test_scenario(scenario: dict) -> None:
    assert score.score(scenario).passed


def test_there_are_enough_scenarios_for_every_rule() -> None:
    answered = [s for s in SCENARIOS if "answer" in s]
    assert len(answered) >= 30
    assert len({s["name"] for s in SCENARIOS}) == len(SCENARIOS)
    cells = [row.split(",") for s in answered for row in s["rows"]]
    assert {row[2] for row in cells} == {"0", "1", "2", "3", "4"}
    assert {row[6] for row in cells} == {"0", "1", "2"}
    assert {"-1", "-2"} < {row[7] for row in cells}


@pytest.mark.parametrize(
    "words", ["a bolus into plasma", "SS 1 by mouth", "modelled duration (", "lag applies", "a body weight"]
)
def test_a_wrong_answer_fails(words: str) -> None:
    scenario = named(words)
    term = scenario["answer"][-1]
    term["rate" if "rate" in term else "amount"] *= 1.00001
    found = score.score(scenario)
    assert not found.passed
    assert found.error_adaptive == pytest.approx(1e-5, rel=0.99)


def test_the_closed_form_of_two_compartments_conserves_what_is_given() -> None:
    body = closed_form.Body(4.0, 20.0, 1.3, 0.2, 30.0)
    for into in ("gut", "plasma"):
        area = sum(a / rate for a, rate in body.of(into))
        assert area == pytest.approx(1 / body.clearance, rel=1e-12)
    assert sum(a for a, _ in body.of("gut")) == pytest.approx(0, abs=1e-15)
    assert sum(a for a, _ in body.of("plasma")) == pytest.approx(1 / body.volume, rel=1e-12)


def test_a_steady_state_is_the_limit_of_many_doses() -> None:
    body = closed_form.Body(5.0, 40.0, 1.1)
    steady = {"kind": "steady", "at": 0.0, "amount": 100.0, "every": 8.0, "into": "gut"}
    doses = [{"kind": "bolus", "at": -8.0 * n, "amount": 100.0, "into": "gut"} for n in range(1, 60)]
    for time in (0.0, 3.0):
        assert closed_form.level(body, [steady], time, 0) == pytest.approx(
            closed_form.level(body, doses, time, 0), rel=1e-12
        )


def test_the_two_solvers_are_two() -> None:
    scenario = named("a dose by mouth, two")
    first, second = (score.solved(scenario, solver) for solver in score.SOLVERS)
    assert not np.array_equal(first, second)
