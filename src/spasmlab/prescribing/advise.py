"""Advice for one patient: what each lawful regimen would do, with intervals, before and after something was measured.

Regimens come from `grid`; one that the check blocks is named and never computed. Each is followed in the same cloud of
draws of the patient (`person`), so that differences between regimens are differences within a draw. What is compared is
exposure, engagement of the site, and the loss of transmitter release at the end of `days` on the dose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import food, interaction
from spasmlab.chain.problem import run
from spasmlab.errors import InputError
from spasmlab.parameter import beside
from spasmlab.prescribing import grid, person
from spasmlab.quantity import Quantity, from_draws
from spasmlab.regimen import DAY_H

if TYPE_CHECKING:
    from spasmlab.drug import Drug
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.grid import Candidate
    from spasmlab.prescribing.person import Level, Person
    from spasmlab.regimen import Regimen
    from spasmlab.shift import Shift

SIGNALS = ("plasma_concentration", "occupancy", "release_ia", "release_poly")
FEWEST_DRAWS, MOST_DRAWS = 16, 4096


@dataclass(frozen=True)
class Question:
    """What advice is asked for: the patient's case (its regimen is ignored), the state of the synapses, and what was
    measured on the regimen `taken`."""

    case: Case
    drug: Drug
    condition: Shift
    hypothesis: Shift
    draws: int
    seed: int
    days: float
    taken: Regimen | None = None
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True)
class Prospect:
    """What one regimen would do on its last day: quantities by name."""

    candidate: Candidate
    numbers: Mapping[str, Quantity]


@dataclass(frozen=True)
class Advice:
    """Prospects of the lawful regimens in order of dose, those that are blocked, and the cloud they were computed in."""

    question: Question
    person: Person
    prospects: tuple[Prospect, ...]
    blocked: tuple[Candidate, ...]


def advise(question: Question) -> Advice:
    """Follow every lawful regimen; InputError where a part of the question has no answer."""
    _refuse_bad(question)
    found = grid.candidates(question.case)
    cloud = person.of(
        question.drug, question.case.patient, question.condition, question.hypothesis,
        formulation=question.case.product, fed=food.scale(question.case.meal), draws=question.draws,
        seed=question.seed, taken=question.taken, levels=question.levels, overrides=_along(question),
    )  # fmt: skip
    lawful = [one for one in found if not one.blocks]
    prospects = tuple(Prospect(one, _numbers(one, cloud, question.days)) for one in lawful)
    return Advice(question, cloud, prospects, tuple(one for one in found if one.blocks))


def _numbers(candidate: Candidate, cloud: Person, days: float) -> dict[str, Quantity]:
    """Read-outs of the last day of a regimen, over the draws."""
    hours = np.arange(0.0, DAY_H + _record("step"), _record("step")) + (days - 1) * DAY_H
    problem = cloud.problem(candidate.case, days)
    wanted = tuple(name for name in SIGNALS if name in problem.pathway.signals)
    solved = run(problem, hours[hours <= days * DAY_H], wanted)
    level = solved["plasma_concentration"]
    found = {
        "c_average": from_draws(level.mean(axis=1), "mg/L"),
        "c_max": from_draws(level.max(axis=1), "mg/L"),
        "c_min": from_draws(level.min(axis=1), "mg/L"),
    }
    if "occupancy" in solved:
        found["occupancy"] = from_draws(solved["occupancy"].mean(axis=1), "1")
    for name in ("release_ia", "release_poly"):
        if name in solved:
            found[f"{name}_loss"] = from_draws(1 - solved[name].mean(axis=1), "1")
    return found


def _along(question: Question) -> dict[str, float]:
    """What drugs taken along do to the chain, where a size is known; InputError beside measured levels."""
    sized = [one.name for one in question.case.taken if one.name in interaction.names()]
    found = interaction.overrides(sized, question.drug)
    if found and question.levels:
        raise InputError(
            f"levels measured with {sized[0]} taken along cannot be used here; possible: leave --with or --level out"
        )
    return found


def _refuse_bad(question: Question) -> None:
    if not FEWEST_DRAWS <= question.draws <= MOST_DRAWS:
        raise InputError(
            f"the number of draws must be between {FEWEST_DRAWS} and {MOST_DRAWS}, not {question.draws}"
        )
    if question.levels and question.case.dialysis is not None:
        raise InputError("levels of a patient on dialysis cannot be used here; possible: leave --level out")


def _record(name: str) -> float:
    return beside("prescribing.advise")[name].number
