"""Endpoints: what a patient, a rater or a diary reports. Each reads the chain's release and occupancy, never a dose.

A module here with `OUTCOMES`, `CONDITIONS`, the outcome that stands for it (`MAIN`, with its `TITLE`) and
`simulate(course, days, chance)` is an endpoint; side effects are files of
`data/adverse` and are named ``adverse.NAME`` (ever so far) and ``present.NAME`` (at the visit). Adding either is adding
a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from spasmlab.errors import unknown

if TYPE_CHECKING:
    from spasmlab.endpoints.outcome import Outcome

_PARTS = {
    "course",
    "outcome",
    "spasticity",
    "adverse",
    "typical",
}  # modules of this folder that are not such endpoints
ADVERSE, PRESENT = "adverse.", "present."


@cache
def names() -> tuple[str, ...]:
    """The names of all endpoints."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _PARTS))


def load(name: str) -> ModuleType:
    """The module of an endpoint; InputError with the nearest match for an unknown name."""
    if name not in names():
        raise unknown("endpoint", name, names())
    return importlib.import_module(f"{__name__}.{name}")


@cache
def outcomes() -> dict[str, tuple[str, Outcome]]:
    """Every outcome by name, with the endpoint it belongs to; side effects as ``adverse.NAME``."""
    from spasmlab.endpoints import adverse
    from spasmlab.endpoints.outcome import Outcome

    found = {o: (name, outcome) for name in names() for o, outcome in load(name).OUTCOMES.items()}
    for name in adverse.names():
        effect = adverse.load(name)
        kind = "continuous" if effect.kind == "weight" else "binary"
        unit = "kg" if effect.kind == "weight" else "1"
        meaning = f"{effect.title.lower()}: {'change' if effect.kind == 'weight' else 'reported so far'}"
        found[ADVERSE + name] = ("adverse", Outcome(unit, meaning, kind=kind, low=-float("inf")))
        if kind == "binary":
            now = f"{effect.title.lower()}: there at the visit, by the drug"
            found[PRESENT + name] = ("adverse", Outcome(unit, now, kind=kind, high=1))
    return found


def find(name: str) -> Outcome:
    """One outcome; InputError with the nearest match for an unknown name."""
    if name not in outcomes():
        raise unknown("outcome", name, outcomes())
    return outcomes()[name][1]


def endpoint_of(outcome: str) -> str:
    """The endpoint an outcome belongs to, ``adverse`` for side effects."""
    if outcome not in outcomes():
        raise unknown("outcome", outcome, outcomes())
    return outcomes()[outcome][0]
