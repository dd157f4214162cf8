"""What a drug is given for: names and their synonyms, one table in `data/indications.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from spasmlab.errors import InputError, nearest
from spasmlab.parameter import PACKAGE, read_toml


@cache
def known() -> Mapping[str, Any]:
    """Every indication by its plain name."""
    return read_toml(PACKAGE / "data" / "indications.toml")


def named(text: str) -> str:
    """The plain name of an indication by any of its names; InputError with the nearest match."""
    word = text.strip().lower().replace(" ", "-").replace("_", "-")
    found = _of_alias().get(word)
    if found is None:
        match = nearest(word, _of_alias())
        hint = f"did you mean '{match}'? " if match else ""
        raise InputError(f"unknown indication '{text}'; {hint}possible: {', '.join(sorted(known()))}")
    return found


def of_condition(condition: str) -> str | None:
    """The indication that a condition of this program is; None for volunteers and for what has none."""
    return _of_alias().get(condition)


def conditions() -> tuple[str, ...]:
    """The conditions of this program that are an indication."""
    from spasmlab import condition

    return tuple(name for name in condition.names() if of_condition(name))


def condition_of(name: str | None) -> str:
    """The condition whose synapses stand for an indication; `healthy` where no file here describes it."""
    from spasmlab import condition

    found = known()[name].get("condition", "healthy") if name else "healthy"
    return found if found in condition.names() else "healthy"


def of_code(code: str) -> str | None:
    """The indication with a diagnosis code (ICD-10-CM or SNOMED CT); None where none has it."""
    return next((name for name, entry in known().items() if code in entry["codes"]), None)


@cache
def _of_alias() -> dict[str, str]:
    return {alias: name for name, entry in known().items() for alias in (name, *entry["aliases"])}
