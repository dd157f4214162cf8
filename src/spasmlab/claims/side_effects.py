"""Side effects in patients on a regimen: how many have them, and how many still."""

from __future__ import annotations

from typing import Any

import numpy as np

from spasmlab import population, quantity, studies
from spasmlab.claims.claim import Experiment, Found
from spasmlab.endpoints import adverse
from spasmlab.endpoints.course import Chance, Course
from spasmlab.parameter import beside
from spasmlab.trial import courses


def share(experiment: Experiment) -> Found:
    """Share of patients [%] who ever had a side effect, over that under placebo: arguments `study arm effect day`.

    The interval is over draws of the doubt about the side effect's numbers; of a weight it is the mean in kg.
    """
    asked = experiment.arguments
    effect = adverse.load(asked["effect"])
    found = []
    for draw in range(_number("draws")):
        taken, untreated = (_at(asked, effect, course, draw) for course in _courses(asked))
        found.append(taken - untreated)
    unit = "kg" if effect.kind == "weight" else "%"
    told = quantity.from_draws(np.array(found), unit)
    detail = f"{asked['study']}, {asked['arm']}, day {asked['day']}: drug minus placebo"
    return Found(told.value, unit, told.low, told.high, detail)


def lessening(experiment: Experiment) -> Found:
    """Of those who ever had a side effect, the share [%] who have it at the day: arguments as of `share`."""
    asked = experiment.arguments
    effect = adverse.load(asked["effect"])
    course, found = _courses(asked)[0], []
    for draw in range(_number("draws")):
        ever, now = adverse.expected(effect, course, np.array([float(asked["day"])]), _chance(course, draw))
        found.append(100 * now[-1] / ever[-1])
    told = quantity.from_draws(np.array(found), "%")
    detail = f"{asked['study']}, {asked['arm']}: of those who had it, who have it on day {asked['day']}"
    return Found(told.value, "%", told.low, told.high, detail)


def _courses(asked: dict[str, Any]) -> tuple[Course, Course]:
    """The course of the study's patients on the arm's regimen, and without drug."""
    design = studies.load(asked["study"])
    people = population.load(design.population).people(_number("patients"), 0)
    hours = courses.grid(7 * design.weeks)
    taken = courses.of_arm(design, design.arm(asked["arm"]), people, hours, seed=0)
    return taken, courses.without_drug(design, len(people), hours)


def _at(asked: dict[str, Any], effect: adverse.Effect, course: Course, draw: int) -> float:
    days = np.array([float(asked["day"])])
    chance = _chance(course, draw)
    if effect.kind in {"weight", "rate"}:
        occurrence = adverse.simulate(effect, course, days, chance)
        return float(np.mean(occurrence.chance)) * (1 if effect.kind == "weight" else 100)
    return 100 * float(adverse.expected(effect, course, days, chance)[0][-1])


def _chance(course: Course, draw: int) -> Chance:
    return Chance(0, course.patients, draw=draw)


def _number(name: str) -> int:
    return int(beside("claims.side_effects")[name].number)
