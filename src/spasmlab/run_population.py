"""The result of `spasmlab run --population N`: the whole chain in many patients, with and without the drug.

The slow chain is solved for each patient; the circuit answers by its surrogate, at each patient's own severity. Every number
is the median of patients, its low and high their 5th and 95th percentile; effects are taken within a patient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spasmlab import endpoints, quantity, result
from spasmlab import population as populations
from spasmlab.errors import InputError
from spasmlab.progress import Stages
from spasmlab.quantity import Quantity
from spasmlab.regimen import DAY_H
from spasmlab.request import Request

PERCENTILES = (5.0, 50.0, 95.0)
SIGNALS = {
    "plasma_concentration": "mg/L", "occupancy": "1", "release_ia": "1", "release_poly": "1",
}  # fmt: skip
POPULATIONS = {"ms": "ms", "sci": "sci", "postherpetic": "older-phn"}


def compute(request: Request, count: int, name: str | None, fidelity: str, stages: Stages) -> dict[str, Any]:
    """Percentiles between patients of signals and outcomes at the visit; InputError where the circuit itself is asked."""
    _refuse(request, count, fidelity)
    from spasmlab.trial.simulate import Setting

    population = name or population_of(request.condition.name)
    design = _design(request, population, count)
    setting = Setting(request.seed)
    with stages(f"Patients: {count}"):
        arms = {arm.name: _seen(design, place, setting) for place, arm in enumerate(design.arms)}
    none, drug = arms["no_drug"], arms["drug"]
    return {
        **result.head("run"),
        **{k: v for k, v in request.described().items() if k not in {"patient", "draws"}},
        "population": population,
        "patients": count,
        "fidelity": fidelity,
        "intervals": populations.INTERVALS,
        "arms": {arm: {n: _of(v, _unit(n)) for n, v in values.items()} for arm, values in arms.items()},
        "effects": {n: {"difference": _of(drug[n] - none[n], _unit(n))} for n in drug},
        "seconds": result.seconds(stages),
    }


def population_of(condition: str) -> str:
    """The population that goes with a condition; healthy adults where none does."""
    return next((p for start, p in POPULATIONS.items() if condition.startswith(start)), "healthy")


def _refuse(request: Request, count: int, fidelity: str) -> None:
    populations.refuse_count(count)
    if fidelity != "surrogate":
        raise InputError(
            "--population runs the circuit of every patient by its surrogate; possible: add --fidelity surrogate"
        )
    if request.taken:
        raise InputError("--with and --population cannot be combined; possible: one of them")


def _design(request: Request, population: str, count: int) -> Any:
    """The run as a trial of two arms that the same patients enter."""
    from spasmlab.trial import design

    outcomes = _outcomes(request.condition.name)
    visit = request.visit_h / DAY_H
    arms: list[dict[str, Any]] = [
        {"name": "no_drug", "n": count},
        {
            "name": "drug",
            "n": count,
            "drug": request.drug.name,
            "regimen": request.regimen.text,
            "formulation": request.formulation,
            "fed": request.meal if request.fed else False,
        },
    ]
    table = {
        "title": "run",
        "condition": request.condition.name,
        "population": population,
        "weeks": request.days / 7 + 1 / 7,
        "visits": [0, visit],
        "scored_at": "08:00",
        "severity": request.condition.severity if request.condition.severity < 1 else None,
        "hypothesis": request.hypothesis.name,
        "dialysis": request.dialysis.text if request.dialysis else None,
        "arms": arms,
        "outcomes": {name: {} for name in outcomes},
    }
    return design.of_table({k: v for k, v in table.items() if v is not None}, "run")


def _outcomes(condition: str) -> list[str]:
    """The outcomes of the endpoints that belong to a condition; of side effects where none does."""
    own = [n for n in endpoints.names() if condition in endpoints.load(n).CONDITIONS]
    return [o for n in own for o in endpoints.load(n).OUTCOMES] or ["adverse.dizziness", "adverse.somnolence"]


def _seen(design: Any, place: int, setting: Any) -> dict[str, np.ndarray]:
    """Signals and outcomes of every patient at the visit, in one arm; the same patients in each."""
    from spasmlab.trial import courses, simulate

    most = int(simulate.beside("trial.simulate")["block"].number)
    total = design.arms[place].n
    parts: list[dict[str, np.ndarray]] = []
    for first in range(0, total, most):
        block = simulate.Block(first, min(most, total - first), (place,), min(most, total - first))
        people = simulate.population.load(design.population).people(block.count, setting.seed, first)
        course = simulate.whole_course(design, block, people, setting)
        chance = simulate.chance_of(setting, first, block.count)
        day = courses.visit_days(design)[-1:]
        found = {n: course.at(course.signals[n], day)[:, 0] for n in SIGNALS}
        found |= {n: v[:, -1] for n, v in simulate.measure(design, course, 0, chance).items()}
        parts.append(found)
    return {n: np.concatenate([part[n] for part in parts]) for n in parts[0]}


def _unit(name: str) -> str:
    return SIGNALS[name] if name in SIGNALS else endpoints.find(name).unit


def _of(values: np.ndarray, unit: str) -> dict[str, Any]:
    low, middle, high = (quantity.finite(float(v)) for v in np.percentile(values, PERCENTILES))
    return {**Quantity(middle, unit, low, high).as_dict(), "mean": quantity.finite(float(np.mean(values)))}
