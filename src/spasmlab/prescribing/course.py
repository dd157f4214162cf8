"""A regimen day by day, as prescribed: doses missed or late are the patient's, not the prescriber's.

A dose followed by a gap of more than a day counts evenly for the days until the next (300 mg every other day is
150 mg a day).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from spasmlab.errors import InputError
from spasmlab.regimen import DAY_H, Part, Regimen, number

ALMOST = 1e-6  # share of a number that is rounding
MOST_DOSES = 200_000


@dataclass(frozen=True)
class Course:
    """Doses at `times` [h] of `amounts` [mg], their `days` [mg/day], and whether treatment goes on after them.

    `doses_a_day` is that of the maintenance: the last part where the regimen repeats, else the first day with the
    highest dose. `maintenance` is its dose [mg/day].
    """

    times: tuple[float, ...]
    amounts: tuple[float, ...]
    days: tuple[float, ...]
    repeats: bool
    doses_a_day: float
    maintenance: float
    missed_or_late: bool

    @property
    def single(self) -> bool:
        """Whether there is one dose."""
        return len(self.times) == 1

    @property
    def peak(self) -> float:
        """The highest dose of a day [mg/day]."""
        return max(self.days)

    @property
    def gaps(self) -> tuple[float, ...]:
        """Hours from each dose to the next."""
        return tuple(b - a for a, b in pairwise(self.times))

    @property
    def largest(self) -> float:
        """The largest single dose [mg]."""
        return max(self.amounts)

    def first_above(self, days: Sequence[int], limits: Sequence[float]) -> tuple[int, float, float] | None:
        """(day, dose, limit) of the first day above its limit: limit i holds from `days[i]` until the next of them."""
        for first, end, limit in zip(days, days[1:], limits, strict=False):
            for day in range(first, min(end, len(self.days) + 1)):
                if above(self.days[day - 1], limit):
                    return day, self.days[day - 1], limit
        return None

    def taper_days(self, least: float) -> int:
        """Days at the end on which the dose was already below that of the plateau it was lowered from.

        The dose never rises within them. A last plateau of more than twice the `least` taper is a dose of its own.
        """
        start = len(self.days) - 1
        while start and not above(self.days[start], self.days[start - 1]):
            start -= 1
        falling = self.days[start:]
        held = sum(1 for day in falling if not above(falling[0], day))
        last = sum(1 for day in falling if not above(day, falling[-1]))
        return 0 if last > 2 * least else len(falling) - held


def of(regimen: Regimen) -> Course:
    """The course of a regimen whose doses are in mg; InputError where it is too long to judge."""
    prescribed = Regimen(tuple(replace(part, missed=(), late=()) for part in regimen.parts))
    _require_short(prescribed)
    times, amounts = prescribed.doses(_days(prescribed))
    days = _by_day(times.tolist(), amounts.tolist())
    doses_a_day, maintenance = _maintenance(prescribed, times.tolist(), days)
    return Course(
        times=tuple(times.tolist()),
        amounts=tuple(amounts.tolist()),
        days=tuple(days),
        repeats=prescribed.repeats,
        doses_a_day=doses_a_day,
        maintenance=maintenance,
        missed_or_late=prescribed != regimen,
    )


def above(value: float, limit: float) -> bool:
    """Whether a number is above a limit by more than rounding."""
    return value > limit * (1 + ALMOST) + ALMOST


def _days(regimen: Regimen) -> float:
    """The length that is looked at: all that ends, and two cycles of at least a day of what does not."""
    ended = sum(part.length_h for part in regimen.parts if not part.repeats)
    cycle = max(regimen.interval_h or 0.0, DAY_H) if regimen.repeats else 0.0
    return math.ceil((ended + 2 * cycle) / DAY_H - ALMOST) or 1


def _require_short(regimen: Regimen) -> None:
    doses = sum(_count(part) for part in regimen.parts)
    if doses > MOST_DOSES:
        raise InputError(
            f"the regimen has about {number(round(doses))} doses; possible to judge: up to {MOST_DOSES}"
        )


def _count(part: Part) -> float:
    if part.interval_h is None or part.repeats:
        return 1.0
    return len(part.amounts) * part.length_h / part.interval_h


def _by_day(times: list[float], amounts: list[float]) -> list[float]:
    gaps = [b - a for a, b in pairwise(times)]
    gaps.append(gaps[-1] if gaps else DAY_H)
    found: dict[int, float] = {}
    for time, mg, gap in zip(times, amounts, gaps, strict=True):
        first, length = math.floor(time / DAY_H + ALMOST), max(1, round(gap / DAY_H))
        for day in range(first, first + length):
            found[day] = found.get(day, 0.0) + mg / length
    return [found.get(day, 0.0) for day in range(max(found) + 1)]


def _maintenance(regimen: Regimen, times: list[float], days: list[float]) -> tuple[float, float]:
    last = regimen.parts[-1]
    if regimen.repeats and last.interval_h:
        a_day = len(last.amounts) * DAY_H / last.interval_h
        return a_day, sum(amount.mg for amount in last.amounts) * DAY_H / last.interval_h
    day = days.index(max(days))
    taken = sum(1 for time in times if math.floor(time / DAY_H + ALMOST) == day)
    return float(max(taken, 1)), days[day]
