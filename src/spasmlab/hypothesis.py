"""Hypotheses of mechanism: how occupancy of α2δ becomes less release. Each is one file in `data/hypotheses`."""

from __future__ import annotations

from functools import cache, partial

from spasmlab import shift
from spasmlab.shift import Shift

Hypothesis = Shift
names = partial(shift.names, "hypothesis")
DEFAULT = "both"


@cache
def load(name: str) -> Hypothesis:
    """The hypothesis called `name`; InputError with the nearest match where there is none."""
    return shift.load("hypothesis", name)
