"""One run: when it is scored, which cords the arms meet, and what a level shows."""

import numpy as np
import pytest

from spasmlab import quantity, request, run
from spasmlab.request import build
from spasmlab.shown import Shown


def asked(regimen, **more):
    return build("gabapentin", regimen, condition="ms-spasticity", **more)


@pytest.mark.parametrize(
    ("regimen", "days", "visit"),
    [
        ("600 mg tid", 14, 330),  # last dose at 328 h
        ("600 mg daily", 2, 26),
        ("300 mg once", None, 2),  # a single dose is one day by default
        ("300 mg once", 5, 120),  # no dose on the last day: its end
        ("600 mg tid for 3 days", 10, 240),
        ("300 mg every 1 h", 1, 24),  # never after the end
        ("300 mg at 08:00, 600 mg at 20:00", 2, 38),
    ],
)
def test_scored_two_hours_after_the_last_dose_of_the_last_day(regimen, days, visit):
    assert asked(regimen, days=days).visit_h == pytest.approx(visit)


def test_both_arms_meet_the_same_cords_and_releases_differ():
    state = {name: np.stack([np.ones(4), np.full(4, 0.9)]) for name in run.RELEASES}
    bench = run.make_bench(asked("600 mg tid").condition, state, seed=5)
    assert np.array_equal(bench.seeds[:4], bench.seeds[4:]) and np.array_equal(bench.draws, [0, 1, 2, 3] * 2)
    assert np.array_equal(bench.release_poly, [1] * 4 + [0.9] * 4)
    assert bench.seeds[0] != run.make_bench(bench.condition, state, seed=6).seeds[0]


def test_without_drug_the_chain_is_at_rest():
    from spasmlab.progress import Stages

    chain, metrics = run.run_chain(asked("600 mg tid", days=1, draws=3), Stages())
    state = run.synapse_state(chain, 18.0)
    assert (
        np.array_equal(state["release_ia"][0], np.ones(3)) and (state["plasma_concentration"][0] == 0).all()
    )
    assert (state["release_poly"][1] < 1).all() and metrics["half_life"][1] == "h"
    at_visit = chain["plasma_concentration"].sel(time=18.0).values
    assert np.array_equal(state["plasma_concentration"][1], at_visit)


def test_a_number_knows_its_arms_difference_and_percent():
    both = Shown("h_max", "assays.h_reflex", "mV", "", np.array([[2.0] * 8, [1.0] * 8]))
    assert both.arm("drug") == quantity.Quantity(1, "mV", 1, 1)
    assert both.difference.value == -1 and both.percent.value == -50
    dosed = Shown("c_max", "chain.disposition", "mg/L", "", np.ones((1, 8)), arms=("drug",))
    assert dosed.arm("no_drug") is None and dosed.difference is None and dosed.percent is None
    from_nothing = Shown("occupancy", "chain.binding", "1", "", np.array([[0.0], [0.4]]))
    assert from_nothing.percent is None and from_nothing.difference.value == 0.4
    assert Shown("mas", "endpoints.spasticity", "point", "", np.array([[2.0], [1.5]])).percent is None


def test_doses_per_kg_are_mg_before_the_run():
    assert asked("10 mg/kg tid", patient_text="weight=50").regimen.text == "500 mg tid"


def test_a_request_describes_itself_in_plain_values():
    import json

    described = asked("600 mg tid", patient_text="creatinine=1, age=60, sex=m, weight=72").described()
    json.dumps(described, allow_nan=False)
    assert described["patient"]["creatinine_clearance"]["value"] == pytest.approx(80)
    assert described["days"] == request.DEFAULT_DAYS
