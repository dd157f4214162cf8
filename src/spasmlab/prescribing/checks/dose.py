"""How much, how often, how fast: start, titration, maintenance, maximum and spacing of doses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spasmlab.prescribing.checks.registry import Hit, check
from spasmlab.prescribing.course import above

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.label import Rule

DAILY, PER_KG = "mg/day", "mg/kg/day"


@check("regimen", "above")
def steps(rule: Rule, case: Case) -> Iterator[Hit]:
    """The dose of each day against the titration; the step of `use.days` i holds until day i + 1 of the list."""
    if case.has("established"):
        return
    limits = rule.use.get("limits", rule.numbers)
    if found := case.course.first_above(rule.use["days"], limits):
        day, given, limit = found
        yield Hit("above", {"day": (day, "day"), "given": (given, DAILY), "limit": (limit, DAILY)})


@check("regimen", "above", "below")
def start(rule: Rule, case: Case) -> Iterator[Hit]:
    """The dose of the first day against the label's start dose; per kg where `use.per_kg` says so."""
    if case.has("established"):
        return
    per_kg = rule.use.get("per_kg", False)
    given = case.course.days[0] / (case.patient.weight if per_kg else 1)
    low, high, unit = rule.numbers[0], rule.numbers[-1], PER_KG if per_kg else DAILY
    if above(given, high):
        yield Hit("above", {"given": (given, unit), "limit": (high, unit)})
    elif above(low, given) and not case.course.single:
        yield Hit("below", {"given": (given, unit), "limit": (low, unit)})


@check("regimen", "soft", "hard")
def daily_maximum(rule: Rule, case: Case) -> Iterator[Hit]:
    """The highest dose of a day against a soft and a hard upper bound; `use.per_kg`: per kg of body weight."""
    per_kg = rule.use.get("per_kg", False)
    unit, given = PER_KG if per_kg else DAILY, case.course.peak / (case.patient.weight if per_kg else 1)
    limits = rule.use.get("limits", rule.numbers)
    soft, hard = limits[0], limits[-1]
    if above(given, hard):
        yield Hit("hard", {"given": (given, unit), "limit": (hard, unit)})
    elif above(given, soft):
        yield Hit("soft", {"given": (given, unit), "limit": (soft, unit)})


@check("regimen", "above", "below", "within")
def maintenance(rule: Rule, case: Case) -> Iterator[Hit]:
    """The maintenance dose of a day against the label's range; `use.per_kg`: per kg of body weight."""
    if case.course.single:
        return
    per_kg = rule.use.get("per_kg", False)
    unit, given = (
        PER_KG if per_kg else DAILY,
        case.course.maintenance / (case.patient.weight if per_kg else 1),
    )
    low, high = rule.numbers[0], rule.numbers[-1]
    numbers = {"given": (given, unit), "low": (low, unit), "high": (high, unit)}
    yield Hit("above" if above(given, high) else "below" if above(low, given) else "within", numbers)


@check("regimen", "fewer", "more")
def doses_a_day(rule: Rule, case: Case) -> Iterator[Hit]:
    """The number of doses a day at maintenance against the label's (its number, or `use.doses`)."""
    wanted = float(rule.use.get("doses", rule.numbers[0] if rule.numbers else 0))
    given = case.course.doses_a_day
    if case.course.single or not (above(given, wanted) or above(wanted, given)):
        return
    yield Hit(
        "more" if above(given, wanted) else "fewer", {"given": (given, "1/day"), "limit": (wanted, "1/day")}
    )


@check("regimen", "above", "yields")
def longest_gap(rule: Rule, case: Case) -> Iterator[Hit]:
    """The longest interval between doses against a limit; below `use.clearance_from` the renal table wins."""
    given, limit = max(case.course.gaps, default=0.0), rule.numbers[0]
    if above(given, limit):
        threshold = rule.use["clearance_from"]
        numbers = {"given": (given, "h"), "limit": (limit, "h"), "clearance": (case.clearance, "mL/min")}
        yield Hit("above" if case.clearance >= threshold else "yields", numbers)


@check("regimen", "above", "often")
def dose_every(rule: Rule, case: Case) -> Iterator[Hit]:
    """Each dose against the label's, and the shortest interval against `use.hours`."""
    limit, hours = rule.numbers[0], float(rule.use["hours"])
    shortest = min(case.course.gaps, default=hours)
    if above(case.course.largest, limit):
        yield Hit("above", {"given": (case.course.largest, "mg"), "limit": (limit, "mg")})
    if above(hours, shortest):
        yield Hit("often", {"given": (shortest, "h"), "limit": (hours, "h")})


@check("regimen", "slips")
def missed_doses(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether the regimen holds doses missed or late: they are the patient's, and are not judged."""
    if case.course.missed_or_late:
        yield Hit("slips")
