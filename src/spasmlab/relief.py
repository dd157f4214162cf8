"""Reliefs without a drug: stretching, rest, water and salt. Each is one file in `data/reliefs`.

A relief is a shift that acts on what a condition has left: it may put a number back to its healthy value, or change how
the limb is held.
"""

from __future__ import annotations

from functools import cache, partial

from spasmlab import shift
from spasmlab.shift import Shift

names = partial(shift.names, "relief")


@cache
def load(name: str) -> Shift:
    """The relief called `name`; InputError with the nearest match where there is none."""
    return shift.load("relief", name)
