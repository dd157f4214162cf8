"""The kinds of experiment: one small function each, from a claim's arguments to an effect with its interval."""

from __future__ import annotations

from collections.abc import Callable

from spasmlab.claims import chain, cord, cramps, label, measured, side_effects, trials
from spasmlab.claims.claim import Experiment, Found
from spasmlab.errors import unknown

Kind = Callable[[Experiment], Found]
KINDS: dict[str, Kind] = {
    "measured": measured.rows,
    "measured-trials": measured.trials,
    "bath": chain.bath,
    "regimen": chain.regimen,
    "cord-condition": cord.condition_against_health,
    "cord-drug": cord.drug_against_none,
    "cramp-threshold": cramps.threshold,
    "trial": trials.difference,
    "side-effect": side_effects.share,
    "lessening": side_effects.lessening,
    "label": label.rule,
}


def find(kind: str) -> Kind:
    """An experiment by name; InputError with the nearest match for an unknown one."""
    if kind not in KINDS:
        raise unknown("kind of experiment", kind, KINDS)
    return KINDS[kind]
