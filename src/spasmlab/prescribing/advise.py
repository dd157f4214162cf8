"""Advice for one patient: what each lawful regimen would do, with intervals, before and after something was measured.

Regimens come from `grid`; one that the check blocks is named, never computed and never ranked. Each is followed in the
same cloud of draws of the patient (`person`), so that differences between regimens are differences within a draw:
exposure and engagement of the site on the full dose, and, where an endpoint model describes the condition, the complaint
and the side effects after the titration and some weeks on the dose (`outlook`). Levels and scores that were measured
weigh and move the draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import food, interaction
from spasmlab.chain.problem import run
from spasmlab.errors import InputError
from spasmlab.parameter import beside
from spasmlab.prescribing import grid, outlook, person, plan
from spasmlab.prescribing.course import of as course_of
from spasmlab.regimen import DAY_H, Regimen

if TYPE_CHECKING:
    from spasmlab.drug import Drug
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.grid import Candidate
    from spasmlab.prescribing.outlook import Outlook, Score
    from spasmlab.prescribing.person import Level, Person
    from spasmlab.quantity import Quantity
    from spasmlab.shift import Shift

SIGNALS = ("plasma_concentration", "occupancy", "release_ia", "release_poly")
FEWEST_DRAWS, MOST_DRAWS = 64, 16_384
MINUTES = 60.0


@dataclass(frozen=True)
class Question:
    """What advice is asked for: the patient's case (its regimen is ignored), the state of the synapses, and what was
    measured on the regimen `taken`. `endpoint` is the model of the complaint, None where there is none;
    `benefit` is its outcome that is compared, `response` the one that says who responds."""

    case: Case
    drug: Drug
    condition: Shift
    hypothesis: Shift
    draws: int
    seed: int
    days: float
    endpoint: str | None = None
    benefit: str | None = None
    response: str | None = None
    taken: Regimen | None = None
    levels: tuple[Level, ...] = ()
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True)
class Prospect:
    """What one regimen would do: quantities of its last day by name, and its outlook."""

    candidate: Candidate
    numbers: Mapping[str, Quantity]
    outlook: Outlook


@dataclass(frozen=True)
class Advice:
    """Prospects of the lawful regimens in order of dose, those that are blocked, the cloud they were computed in, the
    weight of its draws, and the day of treatment of the outlook."""

    question: Question
    person: Person
    prospects: tuple[Prospect, ...]
    blocked: tuple[Candidate, ...]
    weight: np.ndarray
    day: float


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
    started = [_started(one, question) for one in lawful]
    day = question.days + max((up for _, up in started), default=0.0)
    weight = _weight(question, cloud)
    without = outlook.untreated(cloud, question.endpoint, day, _clock_h(question)) if lawful else {}
    prospects = tuple(
        Prospect(
            one, _numbers(one, cloud, question.days, weight), _outlook(case, cloud, question, day, without)
        )
        for one, (case, _) in zip(lawful, started, strict=True)
    )
    return Advice(question, cloud, prospects, tuple(one for one in found if one.blocks), weight, day)


def _started(candidate: Candidate, question: Question) -> tuple[Case, float]:
    """A regimen with the titration before it, and how many days that takes."""
    part = candidate.case.regimen.parts[0]
    steps = plan.way_up(question.case, part.amounts[0].mg, part.interval_h or DAY_H)
    regimen = Regimen((*(step.part for step in steps), part))
    whole = replace(candidate.case, regimen=regimen, course=course_of(regimen))
    return whole, float(sum(step.days for step in steps))


def _outlook(
    case: Case, cloud: Person, question: Question, day: float, without: Mapping[str, np.ndarray]
) -> Outlook:
    course = outlook.course(cloud, case, day, _clock_h(question))
    return outlook.look(cloud, question.endpoint, course, day, without)


def _weight(question: Question, cloud: Person) -> np.ndarray:
    """The weight of each draw, (draws,): equal without a score."""
    if not question.scores or question.endpoint is None:
        return np.full(cloud.draws, 1 / cloud.draws)
    if question.taken is None:
        raise InputError("--score needs the regimen it was observed on; possible: --regimen '600 mg tid'")
    last = max(score.day for score in question.scores)
    case = replace(question.case, regimen=question.taken, course=course_of(question.taken))
    course = outlook.course(cloud, case, max(last, 1.0), _clock_h(question))
    return outlook.weights(cloud, question.endpoint, course, question.scores)


def _clock_h(question: Question) -> float:
    return plan.clock_minutes(plan.ladder_of(plan.setting_of(question.case))) / MINUTES


def _numbers(candidate: Candidate, cloud: Person, days: float, weight: np.ndarray) -> dict[str, Quantity]:
    """Read-outs of the last day of a regimen, over the draws."""
    step = beside("prescribing.advise")["step"].number
    hours = np.arange(0.0, DAY_H + step, step) + (days - 1) * DAY_H
    problem = cloud.problem(candidate.case, days)
    solved = run(problem, hours[hours <= days * DAY_H], SIGNALS)
    level = solved["plasma_concentration"]
    values = {"c_average": level.mean(axis=1), "c_max": level.max(axis=1), "c_min": level.min(axis=1)}
    found = {name: outlook.summary(value, weight, "mg/L") for name, value in values.items()}
    found["occupancy"] = outlook.summary(solved["occupancy"].mean(axis=1), weight, "1")
    for name in ("release_ia", "release_poly"):
        found[f"{name}_loss"] = outlook.summary(1 - solved[name].mean(axis=1), weight, "1")
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
