"""Regimens as people write them: ``300 mg once``, ``600 mg tid``, ``300 mg daily x1, then 300 mg tid``.

What the words mean:

- Time 0 is the first dose. Of clock times (``300 mg at 08:00, 600 mg at 20:00``) the first one *listed* is
  time 0; they come back every day.
- ``daily`` is every 24 h, ``bid`` 12 h, ``tid`` 8 h, ``qid`` 6 h, from the start of their part.
- ``x3`` and ``for 3 days`` say how long a part lasts (also ``x6 doses``, ``for 12 h``, ``for 2 weeks``).
  Every part but the last needs it. ``once`` lasts a day where another part follows.
- ``600 mg tid missing 4 and 7`` leaves out the fourth and seventh dose of the part; ``600 mg tid with dose 5 late
  by 3 h`` delays one. A titration or a taper is parts that follow one another.
- ``25 mg/kg/day tid`` is the day's amount, shared equally by its doses; it needs a weight
  (`Regimen.for_weight`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spasmlab.errors import InputError

if TYPE_CHECKING:
    import numpy as np

DAY_H = 24.0
NAMED_INTERVALS = {"daily": 24.0, "bid": 12.0, "tid": 8.0, "qid": 6.0}


@dataclass(frozen=True)
class Amount:
    """One written amount in mg; `per_kg` and `per_day` say that it still waits for a weight."""

    mg: float
    per_kg: bool = False
    per_day: bool = False

    @property
    def text(self) -> str:
        """The amount as it is written, e.g. ``25 mg/kg/day``."""
        return f"{number(self.mg)} mg" + ("/kg" if self.per_kg else "") + ("/day" if self.per_day else "")


@dataclass(frozen=True)
class Part:
    """One part of a regimen: a dose once, every `interval_h`, or at clock times each day.

    `clocks` are minutes after midnight; `duration_h` is how long the part lasts, None for ever. `missed` are the
    numbers of doses not taken, from 1 in order of time; `late` the numbers and delays [h] of doses taken late.
    """

    amounts: tuple[Amount, ...]
    interval_h: float | None = None
    clocks: tuple[int, ...] = ()
    duration_h: float | None = None
    missed: tuple[int, ...] = ()
    late: tuple[tuple[int, float], ...] = ()

    @property
    def repeats(self) -> bool:
        """Whether the part goes on for ever."""
        return self.interval_h is not None and self.duration_h is None

    @property
    def length_h(self) -> float:
        """Hours until the next part begins: infinite where it never ends; a single dose holds a day."""
        if self.duration_h is not None:
            return self.duration_h
        return DAY_H if self.interval_h is None else math.inf

    @property
    def text(self) -> str:
        """The part as it is written."""
        lasting = "" if self.duration_h is None else f" for {_duration_text(self.duration_h)}"
        if self.missed:
            lasting += f" missing {' and '.join(map(str, self.missed))}"
        lasting += "".join(f" with dose {dose} late by {number(hours)} h" for dose, hours in self.late)
        if self.clocks:
            pairs = zip(self.amounts, self.clocks, strict=True)
            return ", ".join(f"{amount.text} at {_clock_text(clock)}" for amount, clock in pairs) + lasting
        return f"{self.amounts[0].text} {_interval_text(self.interval_h)}{lasting}"

    def doses(self, length_h: float, clock_start: int) -> Iterator[tuple[float, float]]:
        """(hours since the part began, mg) of each dose taken before `length_h`; `clock_start` in minutes."""
        planned = self._planned(length_h, clock_start)
        if not self.missed and not self.late:
            yield from planned
            return
        delays = dict(self.late)
        for count, (time, mg) in enumerate(sorted(planned), 1):
            if count not in self.missed:
                yield time + delays.get(count, 0.0), mg

    def _planned(self, length_h: float, clock_start: int) -> Iterator[tuple[float, float]]:
        if self.interval_h is None:
            yield 0.0, self.amounts[0].mg
            return
        for amount, offset in zip(self.amounts, self._offsets(clock_start), strict=True):
            for count in range(_doses_before(length_h, offset, self.interval_h)):
                yield offset + count * self.interval_h, amount.mg

    def _offsets(self, clock_start: int) -> tuple[float, ...]:
        if not self.clocks:
            return (0.0,)
        return tuple(((clock - clock_start) % (24 * 60)) / 60 for clock in self.clocks)


@dataclass(frozen=True)
class Regimen:
    """Parts that follow one another. Equal regimens have equal parts, however they were written."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The regimen in its plainest spelling; parsing it gives the regimen back."""
        return " then ".join(part.text for part in self.parts)

    @property
    def repeats(self) -> bool:
        """Whether the last part goes on for ever, so that there is a steady state."""
        return self.parts[-1].repeats

    @property
    def interval_h(self) -> float | None:
        """Dosing interval of the last part (24 h for clock times), None where the regimen ends."""
        return self.parts[-1].interval_h if self.repeats else None

    @property
    def single(self) -> bool:
        """Whether the regimen is one dose."""
        return len(self.parts) == 1 and self.parts[0].interval_h is None

    @property
    def maintenance(self) -> Regimen:
        """The last part alone, from time 0: what a steady state is the steady state of."""
        return Regimen((replace(self.parts[-1], missed=(), late=()),))

    @property
    def needs_weight(self) -> bool:
        """Whether a dose is written per kg of body weight."""
        return any(amount.per_kg for part in self.parts for amount in part.amounts)

    def for_weight(self, weight_kg: float) -> Regimen:
        """The same regimen with doses per kg turned into mg for this body weight."""
        return Regimen(tuple(_weighed(part, weight_kg) for part in self.parts))

    def doses(self, days: float) -> tuple[np.ndarray, np.ndarray]:
        """Times [h] and amounts [mg] of all doses with 0 <= time < days·24, sorted; both of shape (doses,).

        Raises InputError where a dose per kg has not met a weight, or `days` is not positive.
        """
        import numpy as np

        if not 0 < days < math.inf:
            raise InputError(f"the number of days must be positive, not {number(days)}")
        if self.needs_weight:
            raise InputError(
                f"the regimen '{self.text}' is per kg of body weight and needs the patient's weight"
            )
        found = sorted(self._timeline(days * DAY_H))
        return np.array([time for time, _ in found]), np.array([mg for _, mg in found])

    @property
    def clock_h(self) -> float | None:
        """The time of day of time 0 [h after midnight]; None where no clock time is written."""
        return self._clock_at_zero() / 60 if any(part.clocks for part in self.parts) else None

    def _timeline(self, end_h: float) -> Iterator[tuple[float, float]]:
        start, clock_zero = 0.0, self._clock_at_zero()
        for part in self.parts:
            if start >= end_h:
                return
            clock = round(clock_zero + start * 60) % (24 * 60)
            for time, mg in part.doses(min(part.length_h, end_h - start), clock):
                if start + time < end_h or not part.late:
                    yield start + time, mg
            start += part.length_h

    def _clock_at_zero(self) -> int:
        start = 0.0
        for part in self.parts:
            if part.clocks:
                return round(part.clocks[0] - start * 60) % (24 * 60)
            start += part.length_h
        return 0


def parse(text: str) -> Regimen:
    """Read a regimen as people write it (module docstring); InputError where it cannot be read."""
    from spasmlab import regimen_text

    return regimen_text.read(text)


def number(value: float) -> str:
    """A number as briefly as it reads back: ``600``, ``0.3``."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _weighed(part: Part, weight_kg: float) -> Part:
    amounts = (replace(a, mg=a.mg * weight_kg, per_kg=False) if a.per_kg else a for a in part.amounts)
    if part.interval_h is None or part.clocks:
        return replace(part, amounts=tuple(amounts))
    return replace(part, amounts=tuple(_per_dose(a, part.interval_h) for a in amounts))


def _per_dose(amount: Amount, interval_h: float) -> Amount:
    return Amount(amount.mg * interval_h / DAY_H) if amount.per_day and not amount.per_kg else amount


def _doses_before(length_h: float, offset: float, interval_h: float) -> int:
    """How many of offset, offset + interval, … lie before `length_h`; rounding decides nothing."""
    count = max(0, math.ceil((length_h - offset) / interval_h))
    while count and offset + (count - 1) * interval_h >= length_h:
        count -= 1
    return count


def _interval_text(interval_h: float | None) -> str:
    if interval_h is None:
        return "once"
    names = {hours: name for name, hours in NAMED_INTERVALS.items()}
    return names.get(interval_h) or f"every {number(interval_h)} h"


def _duration_text(hours: float) -> str:
    days = hours / DAY_H
    if days.is_integer():
        return f"{number(days)} day" + ("" if days == 1 else "s")
    return f"{number(hours)} h"


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
