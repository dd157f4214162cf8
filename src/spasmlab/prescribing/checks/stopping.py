"""How treatment ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spasmlab.prescribing.checks.registry import Hit, check
from spasmlab.prescribing.course import above

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.label import Rule


@check("regimen", "short", "goes on", "too short a course")
def taper(rule: Rule, case: Case) -> Iterator[Hit]:
    """Days of lowered dose at the end against the least; a peak of at most `use.free_up_to` mg/day needs none."""
    least, course = rule.numbers[0], case.course
    if course.repeats:
        yield Hit("goes on", {"limit": (least, "day")})
        return
    if course.single or not above(course.peak, rule.use.get("free_up_to", 0.0)):
        return
    given = course.taper_days(least)
    numbers = {"given": (given, "day"), "limit": (least, "day")}
    if given < least:
        yield Hit("too short a course" if len(course.days) <= least else "short", numbers)


@check("regimen", "abrupt")
def abrupt_stop(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether treatment of more than one dose ends without any lowered dose."""
    course = case.course
    least = rule.use["days"]
    if not course.repeats and len(course.days) > least and not course.taper_days(least):
        yield Hit("abrupt", {"given": (course.days[-1], "mg/day")})
