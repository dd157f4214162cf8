"""Patients of every age and kidney: estimates of filtration, size, and what they do to exposure."""

from __future__ import annotations

import numpy as np
import pytest

from spasmlab import drug, exposure, patient, regimen
from spasmlab.chain.solve import solve
from spasmlab.errors import InputError

GABAPENTIN = drug.load("gabapentin")
ONCE = regimen.parse("300 mg once")


def measured(person: str, name: str = "gabapentin") -> dict[str, float]:
    solved = solve(drug.load(name), ONCE, patient.parse(person), days=1, checked=0, times_h=[0.0])
    return {key: float(values[0]) for key, values in exposure.metrics(solved, ONCE).items()}


def test_a_child_by_the_bedside_schwartz_formula() -> None:
    # 0.413 * 130 / 0.5 = 107.38 per 1.73 m2; surface sqrt(28 * 130 / 3600) = 1.00554 m2
    found = patient.parse("age=8, weight=28, height=130, creatinine=0.5")
    assert found.creatinine_clearance == pytest.approx(107.38 * 1.00554 / 1.73, rel=1e-4)
    assert found.clearance_from == "Schwartz"
    with pytest.raises(InputError, match="give height"):
        patient.parse("age=8, weight=28, creatinine=0.5")


def test_kidneys_mature_and_grow_then_age() -> None:
    sizes = {0: 3.4, 0.5: 7.5, 2: 12, 6: 20, 12: 40, 17: 65}
    young = [patient.parse(f"age={a}, weight={w}").creatinine_clearance for a, w in sizes.items()]
    assert young == sorted(young)
    assert young[0] < 0.05 * 121 and 100 < young[-1] < 121
    old = [patient.parse(f"age={a}, weight=70, sex=m").creatinine_clearance for a in (20, 40, 60, 80, 95)]
    assert old == sorted(old, reverse=True)
    assert old[-1] < 0.5 * old[0]


def test_half_of_filtration_is_mature_at_the_half_age() -> None:
    age = (47.7 - 40) / 52.18
    assert patient.usual_clearance(age, 70, "f") == pytest.approx(121 / 2)


def test_a_child_of_whom_only_the_age_is_given_is_no_adult() -> None:
    weights = [patient.parse(f"age={age}").weight for age in (0.1, 1, 3, 9, 17.9, 18, 80)]
    assert weights == sorted(weights) and weights[0] < 5 and 12 < weights[2] < 17 and weights[4] < weights[5]
    assert weights[5] == weights[6] == patient.default().weight
    assert patient.parse("age=3, weight=20").weight == 20
    child = patient.parse("age=3")
    assert child.creatinine_clearance == pytest.approx(patient.usual_clearance(3, child.weight, "f"))


def test_what_is_said_of_the_clearance_is_where_it_came_from() -> None:
    assert patient.default().clearance_from == "default"
    assert patient.parse("weight=80").clearance_from == "default"
    assert patient.parse("age=75").clearance_from == "usual for age"
    assert patient.parse("age=75, crcl=60").clearance_from == "given"
    assert "usual for age" in patient.parse("age=75").describe()
    assert patient.parse("age=48, weight=70, sex=f").creatinine_clearance == pytest.approx(95, rel=1e-3)


@pytest.mark.parametrize("name", ["gabapentin", "pregabalin", "baclofen"])
def test_what_the_kidney_clears_stays_longer_as_it_fails(name: str) -> None:
    areas = [measured(f"crcl={crcl}", name)["auc_inf"] for crcl in (120, 90, 60, 30, 15, 5, 0)]
    assert areas == sorted(areas)
    assert np.isfinite(areas[-1]) and areas[-1] > 3 * areas[0]


@pytest.mark.parametrize("name", ["tizanidine", "dantrolene", "diazepam"])
def test_what_the_liver_clears_does_not_see_the_kidney(name: str) -> None:
    assert measured("crcl=10", name)["auc_inf"] == measured("crcl=100", name)["auc_inf"]


def test_a_child_clears_more_for_each_kilogram_than_an_adult() -> None:
    def per_kg(person: str) -> float:
        who = patient.parse(person)
        found = measured(person)
        return 300 * found["bioavailability"] / found["auc_inf"] / who.weight

    assert 1.1 < per_kg("age=6, weight=20") / per_kg("age=30, weight=70, sex=m") < 2.5


def test_total_clearance_is_linear_in_filtration_and_follows_size() -> None:
    def clearance(person: str) -> float:
        return float(solve(GABAPENTIN, None, patient.parse(person), days=0.1)["total_clearance"][0, 0])

    none, half, full = (clearance(f"crcl={c}") for c in (0, 50, 100))
    assert half - none == pytest.approx(full - half)
    assert clearance("crcl=0, weight=20") == pytest.approx(none * (20 / 70) ** 0.75)
