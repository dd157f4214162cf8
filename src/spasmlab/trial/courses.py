"""The course of the chain's signals in the patients of a trial, arm by arm and period by period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spasmlab import cohort as cohorts
from spasmlab import condition, dialysis, drug, food, hypothesis, interaction, population, regimen
from spasmlab.cohort import Cohort
from spasmlab.drug import Drug
from spasmlab.endpoints.course import RELEASES, Course, changes_release
from spasmlab.errors import InputError
from spasmlab.parameter import beside
from spasmlab.population import People
from spasmlab.regimen import DAY_H, Regimen
from spasmlab.request import meal_of
from spasmlab.trial.design import Arm, Design, clock_hours
from spasmlab.variability import Setting

UNTOUCHED = dict.fromkeys(RELEASES, 1.0) | {"occupancy": 0.0, "plasma_concentration": 0.0}
SIGNALS = tuple(UNTOUCHED)


def grid(days: float) -> np.ndarray:
    """The even grid of hours on which endpoints read a course that lasts `days`, (T,)."""
    step = beside("trial.courses")["grid"].number
    return np.arange(0.0, days * DAY_H + step, step)


def without_drug(design: Design, count: int, hours: np.ndarray) -> Course:
    """The course of patients who take nothing."""
    signals = {name: np.full((count, hours.size), value) for name, value in UNTOUCHED.items()}
    return Course(hours, signals, clock_hours(design.first_dose_at), design.condition, design.severity)


def of_arm(
    design: Design,
    arm: Arm,
    people: People,
    hours: np.ndarray,
    *,
    seed: int,
    study: str | None = None,
    draw: int = 0,
    start_h: float = 0.0,
    dosing_days: float | None = None,
    written: Regimen | None = None,
) -> Course:
    """The course of `people` on an arm's regimen, begun at `start_h` and ended after `dosing_days` (None: never).

    Before the start the signals are those without drug. `written` stands in for the arm's regimen (a titration cut
    short).
    """
    if arm.drug is None:
        return without_drug(design, len(people), hours)
    began = hours >= start_h
    asked = cohort_of(design, arm, seed, study, draw, dosing_days or hours[-1] / DAY_H + 1, written)
    since = hours[began] - start_h
    known = asked.pathway().signals
    solved = cohorts.solve(asked, people, since, tuple(n for n in SIGNALS if n in known), threads=1)
    course = without_drug(design, len(people), hours)
    for name, values in solved.items():
        course.signals[name][:, began] = values
    return course


def cohort_of(
    design: Design,
    arm: Arm,
    seed: int,
    study: str | None,
    draw: int,
    days: float,
    written: Regimen | None,
) -> Cohort:
    """The cohort that an arm asks of the slow chain; InputError where its drug changes no release."""
    assert arm.drug is not None and arm.regimen is not None
    found = drug.load(arm.drug)
    _require_release(found, arm.formulation)
    return Cohort(
        population.load(design.population),
        found,
        written or regimen.parse(arm.regimen),
        days,
        fed=food.scale(meal_of(arm.fed)),
        formulation=arm.formulation,
        seed=seed,
        adherence=design.adherence,
        setting=Setting(study=study, draw=draw),
        overrides=interaction.overrides(
            [name for name in design.background if name in interaction.names()], found, arm.formulation
        ),
        condition=condition.load(design.condition, 1.0 if design.severity is None else design.severity),
        hypothesis=hypothesis.load(design.hypothesis or hypothesis.DEFAULT),
        dialysis=dialysis.parse(design.dialysis) if design.dialysis else None,
    )


def _require_release(found: Drug, formulation: str) -> None:
    """InputError for a drug that changes no release: endpoints read release, so that it would seem to do nothing."""
    if changes_release(found, formulation):
        return
    able = [name for name in drug.names() if changes_release(drug.load(name), "ir")]
    raise InputError(
        f"'{found.name}' changes no release of a terminal, which endpoints read; possible in trials: {', '.join(able)}, "
        f'or background = ["{found.name}"] in every arm; what it does to a cord: spasmlab run --drug {found.name}'
    )


def together(first: Course, second: Course) -> Course:
    """Two drugs in the same patients: releases multiply, and a site free of both is (1 − θ₁)(1 − θ₂)."""
    signals = {name: first.signals[name] * second.signals[name] for name in RELEASES}
    free = (1 - first.signals["occupancy"]) * (1 - second.signals["occupancy"])
    levels = first.signals["plasma_concentration"] + second.signals["plasma_concentration"]
    return replace(first, signals=signals | {"occupancy": 1 - free, "plasma_concentration": levels})


def part(course: Course, start_h: float, end_h: float) -> Course:
    """The course between two hours of its grid, counted from the first of them."""
    inside = (course.hours >= start_h) & (course.hours <= end_h)
    signals = {name: values[:, inside] for name, values in course.signals.items()}
    clock = (course.clock_h + start_h) % DAY_H
    return replace(course, hours=course.hours[inside] - start_h, signals=signals, clock_h=clock)


def visit_days(design: Design) -> np.ndarray:
    """The visits within a period, in days after its first dose, at the clock time of scoring; the first is 0."""
    clock = (clock_hours(design.scored_at) - clock_hours(design.first_dose_at)) % DAY_H / DAY_H
    return np.array([0.0, *(day - 1 + clock if clock > 0 else day for day in design.visits[1:])])


def capped(written: Regimen, parts: int) -> Regimen:
    """A titration that goes no further than its first `parts` parts: the last of them goes on for ever."""
    kept = written.parts[: max(1, parts)]
    return Regimen((*kept[:-1], replace(kept[-1], duration_h=None)))
