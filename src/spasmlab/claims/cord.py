"""Experiments on the spiking cord: a condition against health, a drug against none, a relief against none."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from spasmlab import circuit_runs, quantity
from spasmlab.circuit_runs import NO_DRUG, Kept, Session
from spasmlab.claims.claim import Experiment, Found
from spasmlab.errors import InputError
from spasmlab.parameter import beside


@cache
def observed(session: Session, doses: tuple[str, ...]) -> dict[str, list[Kept]]:
    """Read-outs of a session by dose: those kept where current and of enough cords, else run now (a minute or so)."""
    kept, notes = circuit_runs.stored().get(session.text, {}), circuit_runs.about().get(session.text, {})
    draws = int(beside("claims.cord")["draws"].number)
    current = notes.get("digest") == circuit_runs.digest(session) and notes["draws"] >= draws
    if current and {NO_DRUG, *doses} <= set(kept):
        return kept
    return circuit_runs.observe(session, doses, draws)


def condition_against_health(experiment: Experiment) -> Found:
    """A read-out in a condition minus that in health, cord by cord: arguments `assay readout at condition against`."""
    asked = experiment.arguments
    session = Session(asked["assay"], asked["condition"], asked.get("changes", ""))
    reference = Session(asked["assay"], asked.get("against", "healthy"), asked.get("changes_against", ""))
    here, unit = values(observed(session, ()), NO_DRUG, asked)
    there, _ = values(observed(reference, ()), NO_DRUG, asked)
    cords = min(len(here), len(there))  # the first of both are the same, however many there are
    return _told(here[:cords] - there[:cords], unit, f"{session.text} minus {reference.text}, the same cords")


def drug_against_none(experiment: Experiment) -> Found:
    """A read-out's change by a drug [%], cord by cord: arguments `assay readout at condition dose`."""
    asked = experiment.arguments
    session = Session(asked["assay"], asked["condition"])
    runs = observed(session, (asked["dose"],))
    (with_drug, unit), (without, _) = (values(runs, dose, asked) for dose in (asked["dose"], NO_DRUG))
    if asked.get("difference"):
        return _told(with_drug - without, unit, f"{session.text}, {asked['dose']} minus no drug")
    there = np.where(without > 0, without, np.nan)
    return _told(100 * (with_drug / there - 1), "%", f"{session.text}, {asked['dose']} against no drug")


def values(runs: dict[str, list[Kept]], dose: str, asked: dict[str, Any]) -> tuple[np.ndarray, str]:
    """A read-out by draw with its unit, of a curve the point nearest `at`; InputError where there is none."""
    named = [one for one in runs[dose] if one.readout == asked["readout"]]
    if not named:
        known = sorted({one.readout for one in runs[dose]})
        raise InputError(f"no read-out '{asked['readout']}'; possible: {', '.join(known)}")
    at = asked.get("at")
    one = named[0] if at is None else min(named, key=lambda k: abs(k.at - float(at)))
    return one.values, one.unit


def _told(draws: np.ndarray, unit: str, detail: str) -> Found:
    seen = draws[np.isfinite(draws)]
    if seen.size < quantity.FEWEST_DRAWS - 2:
        return Found(
            None, unit, detail=detail + f"; only {seen.size} of {draws.size} cords have the read-out"
        )
    low, high = np.quantile(seen, [q / 100 for q in quantity.INTERVAL])
    return Found(float(np.median(seen)), unit, float(low), float(high), detail)
