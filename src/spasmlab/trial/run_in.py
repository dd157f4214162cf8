"""The open run-in of a randomised withdrawal: everybody takes the drug, and those who did well are randomised.

Who is randomised: those still in the trial at the end of the run-in who meet every rule of `responder` (so many per cent
better than before the run-in) and of `responder_within` (a score between two numbers), as scored, noise and placebo
response included. An arm that goes on with the run-in's drug and product goes on without a break; in the others what is
left of the run-in's drug washes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spasmlab import endpoints, population
from spasmlab.endpoints.course import Chance, Course
from spasmlab.population import People
from spasmlab.regimen import DAY_H, Regimen, parse
from spasmlab.trial import courses
from spasmlab.trial.design import Arm, Design

if TYPE_CHECKING:
    from spasmlab.trial.simulate import Setting

WEEK_D = 7.0


def days_of(design: Design) -> float:
    """How long the run-in lasts, in days."""
    return design.run_in_weeks * WEEK_D


def open_arm(design: Design) -> Arm:
    """What everybody takes in the run-in, as an arm."""
    assert design.run_in is not None
    return Arm(name="run-in", n=1, **design.run_in.model_dump())


def course(design: Design, arm: Arm, people: People, hours: np.ndarray, setting: Setting) -> Course:
    """The course of `people` from the first day of the run-in, on the arm they are randomised to after it."""
    words: dict[str, Any] = {"seed": setting.seed, "study": setting.study or None, "draw": setting.draw}
    before, length = open_arm(design), days_of(design)
    if goes_on(before, arm):
        written = joined(parse(before.regimen or ""), parse(arm.regimen or ""), length * DAY_H)
        return courses.of_arm(design, arm, people, hours, written=written, **words)
    left = courses.of_arm(design, before, people, hours, dosing_days=length, **words)
    if arm.drug is None:
        return left
    new = courses.of_arm(design, arm, people, hours, start_h=length * DAY_H, **words)
    return courses.together(left, new)


def goes_on(before: Arm, arm: Arm) -> bool:
    """Whether an arm is the run-in's drug in the same product, taken with the same food."""
    return (arm.drug, arm.formulation, arm.fed) == (before.drug, before.formulation, before.fed)


def joined(first: Regimen, then: Regimen, hours: float) -> Regimen:
    """The first regimen for so many hours, then the other."""
    kept, left = [], hours
    for part in first.parts:
        if left <= 0:
            break
        kept.append(replace(part, duration_h=min(part.length_h, left)))
        left -= part.length_h
    return Regimen((*kept, *then.parts))


def randomised(
    design: Design,
    first: int,
    count: int,
    setting: Setting,
    chance: Chance,
    gone: Callable[[Course, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Which of the candidates `first` … are randomised after the run-in, (count,).

    `gone` says from a course, for the days of the run-in, who has left by the last.
    """
    people = population.load(design.population).people(count, setting.seed, first)
    length = days_of(design)
    words: dict[str, Any] = {"seed": setting.seed, "study": setting.study or None, "draw": setting.draw}
    taken = courses.of_arm(
        design, open_arm(design), people, courses.grid(length), dosing_days=length, **words
    )
    found = ~gone(taken, np.arange(0.0, length + 1))
    for name in (*design.responder, *design.responder_within):
        score = endpoints.load(endpoints.endpoint_of(name)).simulate(taken, np.array([0.0, length]), chance)[
            name
        ]
        found &= _does_well(design, name, score[:, 0], score[:, 1])
    return found


def _does_well(design: Design, name: str, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    good = np.ones(before.size, dtype=bool)
    if name in design.responder:
        sign = 1 if endpoints.find(name).better == "lower" else -1
        good &= sign * (before - after) >= design.responder[name] / 100 * np.abs(before)
    if name in design.responder_within:
        low, high = design.responder_within[name]
        good &= (after >= low) & (after <= high)
    return good
