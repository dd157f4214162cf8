"""A run scored as a trial of its condition scores: which scale, which numbers, and where nothing can be scored."""

from __future__ import annotations

import numpy as np
import pytest

from spasmlab import condition, endpoints, request, result, run, scored, shown
from spasmlab.endpoints import cramps, typical
from spasmlab.endpoints.course import Chance, Course
from spasmlab.levels import Behind

SCALES = {
    "healthy": None,
    "ms-spasticity": "mas",
    "stroke-spasticity": "mas",
    "sci-incomplete": "mas",
    "sci-complete-chronic": "mas",
    "sci-complete-acute": "mas",
    "postherpetic-neuralgia": "pain",
    "diabetic-neuropathy": "pain",
    "restless-legs": "irls",
    "partial-seizures": "seizures",
    "cramp-prone": "cramps",
    "dehydrated": "cramp_change",
    "electrolyte-loss": "cramp_change",
    "overused": "cramp_change",
}
SCORED = sorted({n for n, s in SCALES.items() if s in {"pain", "irls", "seizures", "cramps", "cramp_change"}})


def asked(name: str, regimen: str = "600 mg tid", drug: str = "gabapentin", **more):
    return request.build(drug, regimen, condition=name, days=7, draws=4, **more)


def test_every_condition_has_its_scale_or_none() -> None:
    found = {n: typical.scale_of(n) for n in condition.names()}
    assert {n: scale.outcome if scale else None for n, scale in found.items()} == SCALES


@pytest.mark.parametrize("name", endpoints.names())
def test_the_outcome_that_stands_for_an_endpoint_is_one_of_its_own(name: str) -> None:
    module = endpoints.load(name)
    assert module.TITLE and module.MAIN in module.OUTCOMES


@pytest.mark.parametrize("name", SCORED)
def test_a_condition_is_scored_without_and_with_drug(name: str) -> None:
    found = scored.of_request(asked(name), {}, "surrogate")
    scale = typical.scale_of(name)
    assert scale is not None and found.problem is None and found.endpoint == scale.endpoint
    values = found.outcomes[scale.outcome]
    assert values.shape[:2] == (2, 4) and np.isfinite(values).all()
    none, drug = values.mean(axis=2)
    assert (drug < none).all()  # lower is better, in every draw


@pytest.mark.parametrize(
    "name", ["postherpetic-neuralgia", "restless-legs", "partial-seizures", "cramp-prone"]
)
def test_the_mean_is_that_of_many_patients(name: str) -> None:
    """Few stratified patients against thousands of plain ones, on the same course: within the error of the many."""
    asked_of, scale = typical.Asked(name, 1.0, 14.0, 8.0, 0), typical.scale_of(name)
    assert scale is not None
    hours = typical.grid(14.0)
    release = {n: np.full(hours.size, 0.9) for n in typical.RELEASES}
    few = typical._simulated(asked_of, release, hours, 0)[scale.outcome]
    count = 4000
    course = Course(
        hours, {n: np.broadcast_to(v, (count, hours.size)) for n, v in release.items()}, 8.0, name, 1.0
    )
    many = endpoints.load(scale.endpoint).simulate(course, np.array([0.0, 14.0]), Chance(5, count))[
        scale.outcome
    ][:, -1]
    error = many.std() / np.sqrt(count)
    assert abs(few.mean() - many.mean()) < 4 * error + 0.02 * many.std()


def test_a_provoked_cramp_is_known_by_its_change_alone() -> None:
    found = scored.of_request(asked("dehydrated"), {}, "surrogate")
    assert set(found.outcomes) == {"cramp_change"}
    none, drug = found.outcomes["cramp_change"]
    assert (none == 0).all() and (drug > -100).all() and (drug < 0).all()
    assert set(cramps.PROVOKED).isdisjoint(cramps.CONDITIONS)


@pytest.mark.parametrize(
    ("name", "drug", "regimen", "says"),
    [
        ("healthy", "gabapentin", "600 mg tid", "no complaint"),
        ("postherpetic-neuralgia", "baclofen", "20 mg tid", "Baclofen, oral acts elsewhere"),
        ("ms-spasticity", "baclofen", "20 mg tid", "acts elsewhere"),
    ],
)
def test_where_nothing_is_scored_it_says_why(name: str, drug: str, regimen: str, says: str) -> None:
    found = scored.of_request(asked(name, regimen, drug), {}, "surrogate")
    assert not found.outcomes and says in (found.problem or "")


def test_scales_of_spasticity_are_not_scored_beside_the_circuit_nor_where_the_cord_is_moved() -> None:
    of_run = asked("ms-spasticity")
    assert scored.of_request(of_run, {}, "circuit").problem == scored.CORD_ALONE
    assert scored.of_request(of_run, {"pic": np.full((2, 4), 0.9)}, "surrogate").problem == scored.CORD_ALONE
    known = scored.of_request(of_run, {}, "surrogate").outcomes
    assert {"spasm_frequency", "spasticity_nrs", "penn"} <= set(known) and "mas" not in known


def test_a_run_shows_its_scale_last_and_what_it_rests_on() -> None:
    outcome = run.run(asked("restless-legs"), fidelity="surrogate")
    numbers = shown.of_run(outcome)
    irls = next(n for n in numbers if n.name == "irls")
    assert irls.unit == "point" and irls.percent is None and irls.difference.value < 0
    told = result.of_run(outcome)
    assert told["scale"] == {"name": "irls", "title": "Restless legs (IRLS)", "problem": None}
    assert told["arms"]["drug"]["irls"]["value"] == irls.arm("drug").value
    behind = Behind(outcome.request.drug, outcome.request.condition, outcome.request.hypothesis)
    paths = set(behind.level(irls.level))
    assert "endpoints.restless_legs.sensory_half" in paths and not [
        p for p in paths if p.startswith("circuit.")
    ]
    share = next(n for n in numbers if n.name == "irls_half")
    assert share.percent is None and 0 <= share.arm("drug").value <= 1


def test_the_time_of_day_of_the_first_dose_is_that_of_the_regimen() -> None:
    late, early = (asked("restless-legs", f"300 mg at {hour}:00").regimen.clock_h for hour in ("20", "08"))
    assert (late, early) == (20, 8)
    assert asked("restless-legs").regimen.clock_h is None
    falls = [
        scored.of_request(asked("restless-legs", f"300 mg at {hour}:00"), {}, "surrogate")
        .outcomes["irls"][1]
        .mean()
        for hour in ("20", "08")
    ]
    assert falls[0] < falls[1]  # what is taken in the evening is there at night
