"""Conditions: healthy, MS spasticity, spinal cord injury, stroke. Each is one file in `data/conditions`."""

from __future__ import annotations

from functools import cache, partial

from spasmlab import shift
from spasmlab.shift import Shift

Condition = Shift
names = partial(shift.names, "condition")


@cache
def load(name: str) -> Condition:
    """The condition called `name`; InputError with the nearest match where there is none."""
    return shift.load("condition", name)
