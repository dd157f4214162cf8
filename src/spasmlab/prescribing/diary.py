"""A plan day by day: every dose with its hour and its tablets, and what is looked at on which day."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from spasmlab import evidence
from spasmlab.prescribing import tablets
from spasmlab.prescribing.course import ALMOST
from spasmlab.regimen import DAY_H, number

if TYPE_CHECKING:
    from spasmlab.prescribing.label import Monitoring
    from spasmlab.prescribing.plan import Plan, Step


@dataclass(frozen=True)
class Intake:
    """One dose [mg] on a day (1 is the first) at a clock time, as it is taken."""

    day: int
    clock: str
    mg: float
    taken: str
    kind: str


@dataclass(frozen=True)
class Look:
    """Something to look at on a day, and the source that asks for it."""

    day: int
    what: str
    text: str
    source: str


def intakes(plan: Plan) -> list[Intake]:
    """Every dose of the plan, and every one after a dialysis, in order of time."""
    found = [(hour, intake) for step in plan.steps for hour, intake in _of_step(plan, step)]
    calendar = plan.case.dialysis
    if calendar is not None and calendar.supplement_mg:
        hours, amounts = calendar.supplements(plan.days * DAY_H)
        supplements = zip(hours.tolist(), amounts.tolist(), strict=True)
        found += [(hour, _intake(plan, hour, mg, "after dialysis")) for hour, mg in supplements]
    return [intake for _, intake in sorted(found, key=lambda pair: pair[0])]


def looks(plan: Plan) -> list[Look]:
    """What is looked at while the plan lasts, in order of days."""
    found = [
        Look(day, entry.id, entry.text, evidence.row(entry.row).source)
        for entry in plan.case.label.monitoring
        if _concerns(entry, plan)
        for day in _days_of(entry, plan)
    ]
    return sorted(found, key=lambda look: (look.day, look.what))


def made(plan: Plan, mg: float) -> str:
    """A dose as it is taken, in capsules, tablets or millilitres."""
    found = tablets.compose(mg, plan.case.label.strengths[plan.case.product])
    return found.text if found else f"{number(mg)} mg"


def on(start: date | None, day: int) -> str | None:
    """The date of a day of the plan as ISO text; None where no start was given."""
    return None if start is None else (start + timedelta(days=day - 1)).isoformat()


def _of_step(plan: Plan, step: Step) -> Iterator[tuple[float, Intake]]:
    count = math.ceil(step.days * DAY_H / step.interval_h - ALMOST)
    for place in range(count):
        hour = (step.day - 1) * DAY_H + place * step.interval_h
        yield hour, _intake(plan, hour, step.dose, step.kind)


def _intake(plan: Plan, hour: float, mg: float, kind: str) -> Intake:
    minutes = round(plan.clock_minutes + 60 * hour)
    clock = f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
    return Intake(1 + minutes // (60 * 24), clock, mg, made(plan, mg), kind)


def _concerns(entry: Monitoring, plan: Plan) -> bool:
    age, history = plan.case.patient.age, plan.case.history or frozenset()
    of_age = entry.age is None or entry.age[0] <= age < entry.age[1]
    return of_age and (not entry.history or bool(history & set(entry.history)))


def _days_of(entry: Monitoring, plan: Plan) -> list[int]:
    if entry.at == "each step":
        found = [step.day for step in plan.steps if step.kind != "taper"]
    elif entry.at == "end":
        found = [plan.days + 1]
    else:
        found = [day for day in entry.days if day <= plan.days]
    if entry.every_days:
        first = max(entry.days, default=0) if entry.days and max(entry.days) > 1 else 0
        found += range(first + entry.every_days, plan.days + 1, entry.every_days)
    return sorted(set(found))
