"""The contrast matrix: what each drug at a usual dose does to each read-out, beside what the rows of evidence say.

Columns, doses, expectations and statements are data (`data/predicted/contrast.toml`); the numbers are those kept by
`circuit_runs`. Columns of an assay that does not exist yet are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from spasmlab import assays, condition
from spasmlab.circuit_runs import NO_DRUG, Arms, Kept, Session, picked
from spasmlab.parameter import PACKAGE, beside, read_toml
from spasmlab.quantity import INTERVAL, Quantity

FILE = PACKAGE / "data" / "predicted" / "contrast.toml"
SIGNS = {-1: "falls", 0: "does not change", 1: "rises"}


@dataclass(frozen=True)
class Column:
    """A read-out of a session, at a place `at` of its curve (NaN: a plain number), and the drugs it is run with."""

    name: str
    title: str
    session: Session
    readout: str
    at: float
    drugs: tuple[str, ...]

    @property
    def exists(self) -> bool:
        """Whether the assay, its read-out and the condition exist."""
        known = self.session.assay in assays.names() and self.session.condition in condition.names()
        return known and self.readout in assays.load(self.session.assay).READOUTS

    def of(self, kept: list[Kept]) -> Kept | None:
        """The read-out among those of an arm: at the nearest place of a curve; None where there is none."""
        return picked(kept, self.readout, self.at)


@dataclass(frozen=True)
class Expected:
    """What rows of evidence say of a column under a drug: -1 falls, 0 does not change, 1 rises."""

    drug: str
    column: str
    sign: int
    rows: tuple[str, ...]


@cache
def table() -> dict[str, Any]:
    """The file as it is."""
    return read_toml(FILE)


def doses() -> dict[str, str]:
    """A usual dose of each drug, as `circuit_runs` writes it: ``baclofen 20 mg tid``."""
    return {drug: f"{drug} {regimen}" for drug, regimen in table()["doses"].items()}


def columns(existing: bool = True) -> dict[str, Column]:
    """The columns by name; with `existing` those that can be run."""
    found = {
        name: Column(
            name,
            given["title"],
            Session(given["assay"], given["condition"], given.get("changes", "")),
            given["readout"],
            float(given.get("at", np.nan)),
            tuple(given.get("drugs", doses())),
        )
        for name, given in table()["columns"].items()
    }
    return {name: column for name, column in found.items() if column.exists or not existing}


def expected() -> list[Expected]:
    """Every expectation, one for each column."""
    return [
        Expected(given["drug"], column, sign, tuple(given["rows"]))
        for given in table()["expected"]
        for column, sign in given["signs"].items()
    ]


def wanted() -> Iterator[tuple[Session, str]]:
    """What has to be run: sessions with doses."""
    for column in columns().values():
        yield column.session, NO_DRUG
        yield from ((column.session, doses()[drug]) for drug in column.drugs)


def change(before: np.ndarray, after: np.ndarray) -> Quantity:
    """Change in per cent of no drug, within each draw; of the mean where a draw without drug is 0; nothing where all are.

    Draws in which one of the two has no value (a threshold out of reach, an H-reflex that is not there) are left out.
    """
    there = np.isfinite(before) & np.isfinite(after)
    before, after = before[there], after[there]
    if not before.size or not np.any(before):
        return Quantity(None, "percent")
    scale = np.abs(before) if (before != 0).all() else np.abs(before).mean()
    return summary(100 * (after - before) / scale, "percent")


def summary(draws: np.ndarray, unit: str) -> Quantity:
    """Median and 90 % interval of draws that all have a value."""
    low, high = np.percentile(draws, INTERVAL)
    return Quantity(float(np.median(draws)), unit, float(low), float(high))


def cell(column: Column, drug: str, kept: Mapping[str, Arms]) -> Quantity:
    """What a drug does to a column; a quantity without value where it is not kept or has no answer."""
    arms = kept.get(column.session.text, {})
    pair = [column.of(arms.get(dose, [])) for dose in (NO_DRUG, doses()[drug])]
    if pair[0] is None or pair[1] is None:
        return Quantity(None, "percent")
    return change(pair[0].values, pair[1].values)


def undrugged(column: Column, kept: Mapping[str, Arms]) -> Quantity:
    """The column without drug."""
    one = column.of(kept.get(column.session.text, {}).get(NO_DRUG, []))
    if one is None or not one.finite.size:
        return Quantity(None, one.unit if one else "1")
    return summary(one.finite, one.unit)


def verdict(sign: int, found: Quantity) -> str:
    """The rule: a change below `no_effect` per cent is none; else its sign counts."""
    if found.value is None:
        return "no answer"
    limit = beside("predicted_circuit")["no_effect"].number
    seen = 0 if abs(found.value) < limit else int(np.sign(found.value))
    if seen == sign:
        return "as expected"
    if seen == 0:
        return "too small"
    return "moves" if sign == 0 else "opposite"


def within(value: float | None, low: float, high: float) -> bool | None:
    """Whether a value lies from `low` to `high`; None where there is none."""
    return None if value is None else low <= value <= high


def holds(statement: Mapping[str, Any], kept: Mapping[str, Arms]) -> tuple[str, list[str]]:
    """Whether a statement holds (``yes``, ``no``, or ``no answer`` where a column is not there), and what was found."""
    known = columns()
    needed = [part[1] for part in statement.get("changes", [])]
    needed += [part[0] for part in statement.get("between", [])]
    needed += [name for pair in statement.get("lower", []) for name in pair]
    if not set(needed) <= set(known):
        return "no answer", []
    right: list[bool | None] = []
    told = []
    for drug, name, low, high in statement.get("changes", []):
        found = cell(known[name], drug, kept)
        right.append(within(found.value, low, high))
        told.append(f"{known[name].title}: {found.text}")
    for name, low, high in statement.get("between", []):
        found = undrugged(known[name], kept)
        right.append(within(found.value, low, high))
        told.append(f"{known[name].title}: {found.text}")
    for first, second in statement.get("lower", []):
        pair = [undrugged(known[name], kept) for name in (first, second)]
        right.append(
            None
            if pair[0].value is None
            else within(pair[1].value, -np.inf, np.nextafter(pair[0].value, -np.inf))
        )
        told.append(" then ".join(one.text for one in pair))
    return ("no answer" if None in right else "yes" if all(right) else "no"), told
