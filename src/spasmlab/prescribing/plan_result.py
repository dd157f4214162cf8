"""The result of `spasmlab plan`: JSON, a table (CSV) and a calendar (iCalendar), made from one plan."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spasmlab.errors import InputError
from spasmlab.prescribing import check, diary
from spasmlab.prescribing.case import described
from spasmlab.quantity import Quantity
from spasmlab.regimen import DAY_H, number

if TYPE_CHECKING:
    from icalendar import Calendar, Event

    from spasmlab.prescribing.plan import Plan, Step

LIMITS = (
    "A plan is the label's own way up and down for what was said of a patient, in products that exist. It is a "
    "start for a prescriber's judgement: response and side effects decide every step."
)
CALENDAR, TABLE = "plan.ics", "plan.csv"
DOSE_MINUTES = 5  # how long a dose stands in a calendar


def result(plan: Plan, start: date | None) -> dict[str, Any]:
    """The plan as one JSON object; dates are null where no start was given."""
    from spasmlab import result as results

    return {
        **results.head("plan"),
        **described(plan.case),
        "start": None if start is None else start.isoformat(),
        "target": Quantity(plan.target, "mg/day").as_dict(),
        "ladder": {"rule": plan.ladder.id, "note": plan.ladder.note},
        "length": Quantity(float(plan.days), "day").as_dict(),
        "steps": [_step(plan, step, start) for step in plan.steps],
        "days": _days(plan, start),
        "monitoring": [_look(look, start) for look in diary.looks(plan)],
        "findings": [one.as_dict() for one in check.findings(plan.case)],
        "limits": LIMITS,
    }


def read_start(text: str | None) -> date | None:
    """``2026-12-01`` as a date; InputError where it is none."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as problem:
        raise InputError(
            f"--start '{text}' is no date; possible: year-month-day, as in 2026-12-01"
        ) from problem


def write(plan: Plan, start: date, folder: Path) -> None:
    """Write the plan as a table and a calendar into `folder`."""
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as target:
        rows = csv.writer(target, lineterminator="\n")
        rows.writerow(["day", "date", "time", "dose_mg", "take", "step"])
        for one in diary.intakes(plan):
            rows.writerow([one.day, diary.on(start, one.day), one.clock, number(one.mg), one.taken, one.kind])
        for look in diary.looks(plan):
            rows.writerow(
                [look.day, diary.on(start, look.day), "", "", f"look at: {look.text}", "monitoring"]
            )
    (folder / CALENDAR).write_bytes(calendar(plan, start).to_ical())


def calendar(plan: Plan, start: date) -> Calendar:
    """The plan as an iCalendar: a repeating event for each dose of a step, and a whole day for what is looked at.

    Times are those of the clock wherever the patient is (floating). The same plan and start give the same bytes.
    """
    from icalendar import Calendar

    found = Calendar()
    found.add("prodid", "-//Spasmlab//plan//EN")
    found.add("version", "2.0")
    for place, step in enumerate(plan.steps):
        for event in _dose_events(plan, step, start, place):
            found.add_component(event)
    for place, event in enumerate(_supplement_events(plan, start)):
        found.add_component(_named(event, f"supplement-{place}", start))
    for place, look in enumerate(diary.looks(plan)):
        found.add_component(_look_event(look, start, place))
    return found


def _dose_events(plan: Plan, step: Step, start: date, place: int) -> list[Event]:
    """One repeating event for each clock time of a step."""
    a_day = max(1, round(DAY_H / step.interval_h))
    every = max(1, round(step.interval_h / DAY_H))
    events = []
    for dose in range(a_day):
        begins = _moment(plan, start, (step.day - 1) * DAY_H + dose * step.interval_h)
        event = _event(plan, begins, step.dose)
        event.add("rrule", {"freq": "daily", "interval": every, "count": math.ceil(step.days / every)})
        events.append(_named(event, f"step-{place}-dose-{dose}", start))
    return events


def _supplement_events(plan: Plan, start: date) -> list[Event]:
    dialysis = plan.case.dialysis
    if dialysis is None or not dialysis.supplement_mg:
        return []
    hours, amounts = dialysis.supplements(plan.days * DAY_H)
    return [
        _event(plan, _moment(plan, start, h), mg)
        for h, mg in zip(hours.tolist(), amounts.tolist(), strict=True)
    ]


def _event(plan: Plan, begins: datetime, mg: float) -> Event:
    from icalendar import Event

    event = Event()
    event.add("summary", f"{plan.case.label.drug.capitalize()} {number(mg)} mg: {diary.made(plan, mg)}")
    event.add("dtstart", begins)
    event.add("duration", timedelta(minutes=DOSE_MINUTES))
    return event


def _look_event(look: diary.Look, start: date, place: int) -> Event:
    from icalendar import Event

    event = Event()
    event.add("summary", f"Look at: {look.text}")
    event.add("dtstart", start + timedelta(days=look.day - 1))
    event.add("description", f"Source: {look.source}")
    return _named(event, f"look-{place}", start)


def _named(event: Event, name: str, start: date) -> Event:
    """With the identifier and time stamp that a calendar wants of each event; both follow from the plan."""
    event.add("uid", f"{start.isoformat()}-{name}@spasmlab")
    event.add("dtstamp", datetime.combine(start, time(), tzinfo=UTC))
    return event


def _moment(plan: Plan, start: date, hours: float) -> datetime:
    return datetime.combine(start, time()) + timedelta(minutes=plan.clock_minutes, hours=hours)


def _step(plan: Plan, step: Step, start: date | None) -> dict[str, Any]:
    last = step.day + step.days - 1
    return {
        "kind": step.kind,
        "first_day": step.day,
        "last_day": last,
        "from": diary.on(start, step.day),
        "to": diary.on(start, last),
        "dose": Quantity(step.dose, "mg").as_dict(),
        "interval": Quantity(step.interval_h, "h").as_dict(),
        "daily": Quantity(step.daily, "mg/day").as_dict(),
        "take": diary.made(plan, step.dose),
    }


def _days(plan: Plan, start: date | None) -> list[dict[str, Any]]:
    by_day: dict[int, list[diary.Intake]] = {}
    for one in diary.intakes(plan):
        by_day.setdefault(one.day, []).append(one)
    return [
        {
            "day": day,
            "date": diary.on(start, day),
            "doses": [
                {"time": one.clock, "mg": one.mg, "take": one.taken, "step": one.kind} for one in found
            ],
        }
        for day, found in sorted(by_day.items())
    ]


def _look(look: diary.Look, start: date | None) -> Mapping[str, Any]:
    return {"day": look.day, "date": diary.on(start, look.day), "what": look.what, "text": look.text,
            "source": look.source}  # fmt: skip
