"""Haemodialysis as a calendar: ``4 h every 48 h``, ``4 h at 24, 72, 120``, with ``, then 125 mg`` after each session.

Hours count from the first dose. While a session runs the drug's `dialysis_clearance` is added to its clearance
(the covariate `dialysis` of the chain is 1, and 0 between sessions).

    4 h every 48 h                     sessions at 0, 48, 96 h, …
    4 h every 48 h from 20 h           at 20, 68, 116 h, …
    3.5 h at 10, 58, 106               at these hours only
    4 h every 48 h, then 125 mg        with a supplemental dose at the end of each session
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spasmlab.errors import InputError

if TYPE_CHECKING:
    import numpy as np

EXAMPLE = "4 h every 48 h"
_NUMBER = r"\d+(?:\.\d+)?"
_FORM = re.compile(
    rf"(?P<length>{_NUMBER})\s*h\s+"
    rf"(?:every\s+(?P<every>{_NUMBER})\s*h(?:\s+from\s+(?P<start>{_NUMBER})\s*h)?"
    rf"|at\s+(?P<at>{_NUMBER}(?:\s*h)?(?:\s*,\s*{_NUMBER}(?:\s*h)?)*))"
    rf"(?:\s*,?\s*then\s+(?P<supplement>{_NUMBER})\s*mg)?"
)


@dataclass(frozen=True)
class Calendar:
    """Sessions of `length_h` each: every `every_h` from `start_h`, or at the hours `at_h`; `supplement_mg` after each."""

    length_h: float
    every_h: float | None = None
    start_h: float = 0.0
    at_h: tuple[float, ...] = ()
    supplement_mg: float = 0.0

    def sessions(self, end_h: float) -> list[tuple[float, float]]:
        """(start, end) [h] of every session that begins before `end_h`."""
        if self.every_h is None:
            starts: Sequence[float] = [hour for hour in self.at_h if hour < end_h]
        else:
            count = max(0, math.ceil((end_h - self.start_h) / self.every_h))
            starts = [self.start_h + i * self.every_h for i in range(count)]
        return [(start, start + self.length_h) for start in starts]

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
        from spasmlab.regimen import number

        if self.every_h is None:
            when = "at " + ", ".join(number(hour) for hour in self.at_h)
        else:
            start = f" from {number(self.start_h)} h" if self.start_h else ""
            when = f"every {number(self.every_h)} h{start}"
        extra = f", then {number(self.supplement_mg)} mg" if self.supplement_mg else ""
        return f"{number(self.length_h)} h {when}{extra}"


def parse(text: str) -> Calendar:
    """Read a calendar (module docstring); InputError in one line where it cannot be read."""
    found = _FORM.fullmatch(" ".join(text.lower().replace("hours", "h").replace("hour", "h").split()))
    if not found:
        raise InputError(
            f"'{text}' is not a dialysis calendar; possible: '{EXAMPLE}', '4 h every 48 h from 20 h', "
            "'4 h at 10, 58, 106', each with ', then 125 mg' for a dose after each session"
        )
    length = float(found["length"])
    at = tuple(float(hour.strip(" h")) for hour in (found["at"] or "").split(",") if hour.strip(" h"))
    every = None if found["every"] is None else float(found["every"])
    made = Calendar(length, every, float(found["start"] or 0), at, float(found["supplement"] or 0))
    _require_possible(made, text)
    return made


def _require_possible(made: Calendar, text: str) -> None:
    if made.length_h <= 0:
        raise InputError(f"a dialysis session of 0 h in '{text}' does nothing; possible: more than 0 h")
    gaps = [b - a for a, b in zip(made.at_h, made.at_h[1:], strict=False)]
    shortest = made.every_h if made.every_h is not None else min(gaps, default=math.inf)
    if shortest <= made.length_h:
        raise InputError(
            f"sessions of {made.length_h:g} h cannot begin {shortest:g} h apart, as in '{text}'; "
            f"possible: more than {made.length_h:g} h, in rising order"
        )
