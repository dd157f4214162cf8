"""Conditions: healthy, MS spasticity, spinal cord injury, stroke. Each is one file in `data/conditions`."""

from __future__ import annotations

from functools import cache, partial

from spasmlab import shift
from spasmlab.shift import Shift

Condition = Shift
names = partial(shift.names, "condition")


@cache
def load(name: str, severity: float = 1.0) -> Condition:
    """The condition called `name` at a severity from 0 (healthy) to 1 (the file as written).

    InputError with the nearest match where there is none of that name, or for a severity outside 0 to 1.
    """
    return shift.load("condition", name).at(severity)
