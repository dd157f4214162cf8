"""Haemodialysis as a calendar: ``4 h every 48 h``, ``4 h on Mon, Wed, Fri``, with ``, then 125 mg`` after each session.

Hours count from the first dose. While a session runs the drug's `dialysis_clearance` is added to its clearance
(the covariate `dialysis` of the chain is 1, and 0 between sessions).

    4 h every 48 h                     sessions at 0, 48, 96 h, …
    4 h every 48 h from 20 h           at 20, 68, 116 h, …
    4 h on Mon, Wed, Fri               at 0, 48, 96, 168 h, …: the first dose is taken on the first day named
    4 h on Mon, Wed, Fri from 5 h      the same days, 5 h after the hour of the first dose
    4 h on Mon, Wed, Fri, first dose Sat    the first dose is taken on a Saturday: at 48, 96, 144, 216 h, …
    3.5 h at 10, 58, 106               at these hours only
    4 h every 48 h, then 125 mg        with a supplemental dose at the end of each session
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from spasmlab.errors import InputError
from spasmlab.regimen import DAY_H, number

if TYPE_CHECKING:
    import numpy as np

EXAMPLE = "4 h every 48 h"
NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = tuple(name[:3] for name in NAMES)
WEEK_H = len(DAYS) * DAY_H
_NUMBER = r"\d+(?:\.\d+)?"
_DAY = rf"(?:{'|'.join(DAYS)})[a-z]*"
_FORM = re.compile(
    rf"(?P<length>{_NUMBER})\s*h\s+"
    rf"(?:every\s+(?P<every>{_NUMBER})\s*h(?:\s+from\s+(?P<start>{_NUMBER})\s*h)?"
    rf"|on\s+(?P<days>{_DAY}(?:(?:\s*,\s*|\s+and\s+|\s+){_DAY})*)(?:\s+from\s+(?P<hour>{_NUMBER})\s*h)?"
    rf"(?:\s*,?\s*first dose\s+(?:on\s+)?(?P<first>{_DAY}))?"
    rf"|at\s+(?P<at>{_NUMBER}(?:\s*h)?(?:\s*,\s*{_NUMBER}(?:\s*h)?)*))"
    rf"(?:\s*,?\s*then\s+(?P<supplement>{_NUMBER})\s*mg)?"
)


@dataclass(frozen=True)
class Calendar:
    """Sessions of `length_h` each, and `supplement_mg` after each: every `every_h` from `start_h`; or on `weekdays`
    (0 is Monday) `start_h` after the hour of the first dose, which falls on weekday `first_day`; or at the hours `at_h`.
    """

    length_h: float
    every_h: float | None = None
    start_h: float = 0.0
    at_h: tuple[float, ...] = ()
    supplement_mg: float = 0.0
    weekdays: tuple[int, ...] = ()
    first_day: int = 0

    @property
    def cycle_h(self) -> float | None:
        """Hours after which the calendar repeats; None where it does not."""
        return WEEK_H if self.weekdays else self.every_h

    @property
    def begins_h(self) -> tuple[float, ...]:
        """Hours at which sessions begin, rising: those of the first cycle, or all where the calendar does not repeat."""
        if self.weekdays:
            days = sorted((day - self.first_day) % len(DAYS) for day in self.weekdays)
            return tuple(DAY_H * day + self.start_h for day in days)
        return self.at_h if self.every_h is None else (self.start_h,)

    @property
    def shortest_gap_h(self) -> float:
        """The shortest time from the beginning of a session to that of the next; infinite with one session."""
        first, cycle = self.begins_h, self.cycle_h
        again = [*first, first[0] + cycle] if cycle else first
        return min((b - a for a, b in pairwise(again)), default=math.inf)

    def sessions(self, end_h: float) -> list[tuple[float, float]]:
        """(start, end) [h] of every session that begins before `end_h`."""
        first, cycle = self.begins_h, self.cycle_h
        count = max(0, math.ceil((end_h - first[0]) / cycle)) if cycle else 1
        starts = [start + i * (cycle or 0.0) for i in range(count) for start in first]
        return [(start, start + self.length_h) for start in starts if start < end_h]

    def switches(self, end_h: float) -> tuple[np.ndarray, np.ndarray]:
        """Hours at which the covariate `dialysis` changes, from 0 h on, and the value it takes there (0 or 1)."""
        import numpy as np

        times, values = [0.0], [0.0]
        for start, end in self.sessions(end_h):
            if times[-1] == start:
                values[-1] = 1.0
            else:
                times, values = [*times, start], [*values, 1.0]
            times, values = [*times, end], [*values, 0.0]
        return np.array(times), np.array(values)

    def supplements(self, end_h: float) -> tuple[np.ndarray, np.ndarray]:
        """Hours and amounts [mg] of the supplemental doses before `end_h`; empty where there are none."""
        import numpy as np

        ends = [end for _, end in self.sessions(end_h) if end < end_h] if self.supplement_mg else []
        return np.array(ends, dtype=float), np.full(len(ends), self.supplement_mg)

    @property
    def text(self) -> str:
        """The calendar as `parse` reads it."""
        extra = f", then {number(self.supplement_mg)} mg" if self.supplement_mg else ""
        return f"{number(self.length_h)} h {self._when}{extra}"

    @property
    def _when(self) -> str:
        start = f" from {number(self.start_h)} h" if self.start_h else ""
        if self.weekdays:
            named = ", ".join(DAYS[day].capitalize() for day in self.weekdays)
            usual = self.first_day == self.weekdays[0]
            return f"on {named}{start}" + (
                "" if usual else f", first dose {DAYS[self.first_day].capitalize()}"
            )
        if self.every_h is None:
            return "at " + ", ".join(number(hour) for hour in self.at_h)
        return f"every {number(self.every_h)} h{start}"


def parse(text: str) -> Calendar:
    """Read a calendar (module docstring); InputError in one line where it cannot be read."""
    found = _FORM.fullmatch(" ".join(text.lower().replace("hours", "h").replace("hour", "h").split()))
    if not found:
        raise InputError(
            f"'{text}' is not a dialysis calendar; possible: '{EXAMPLE}', '4 h every 48 h from 20 h', "
            "'4 h on Mon, Wed, Fri', '4 h on Mon, Wed, Fri from 5 h, first dose Sat', '4 h at 10, 58, 106', "
            "each with ', then 125 mg' for a dose after each session"
        )
    weekdays = tuple(_weekday(day) for day in re.findall(_DAY, found["days"] or ""))
    at = tuple(float(hour.strip(" h")) for hour in (found["at"] or "").split(",") if hour.strip(" h"))
    made = Calendar(
        length_h=float(found["length"]),
        every_h=None if found["every"] is None else float(found["every"]),
        start_h=float(found["start"] or found["hour"] or 0),
        at_h=at,
        supplement_mg=float(found["supplement"] or 0),
        weekdays=weekdays,
        first_day=_weekday(found["first"]) if found["first"] else (weekdays or (0,))[0],
    )
    _require_possible(made, text)
    return made


def _weekday(word: str) -> int:
    """0 for Monday; InputError for a word that is no beginning of a day's name."""
    place = DAYS.index(word[:3])
    if not NAMES[place].startswith(word) and word not in ("tues", "weds", "thur", "thurs"):
        raise InputError(f"'{word}' is not a day; possible: {', '.join(NAMES)}, or their first three letters")
    return place


def _require_possible(made: Calendar, text: str) -> None:
    if made.length_h <= 0:
        raise InputError(f"a dialysis session of 0 h in '{text}' does nothing; possible: more than 0 h")
    if len(set(made.weekdays)) < len(made.weekdays):
        raise InputError(f"a day is named twice in '{text}'; possible: each day once")
    if made.weekdays and made.start_h >= DAY_H:
        raise InputError(f"'from {made.start_h:g} h' in '{text}' is another day; possible: less than 24 h")
    if made.shortest_gap_h <= made.length_h:
        raise InputError(
            f"sessions of {made.length_h:g} h cannot begin {made.shortest_gap_h:g} h apart, as in '{text}'; "
            f"possible: more than {made.length_h:g} h, in rising order"
        )
