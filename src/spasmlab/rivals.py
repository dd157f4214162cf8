"""Structural rivals of the spastic cord: one change at a time on the healthy cord, and the read-out that tells two apart.

Rivals and read-outs are data (`data/predicted/rivals.toml`); their runs are kept by `circuit_runs`, on the same cords for
every rival. Two rivals are told apart best by the read-out in which they lie furthest from each other, in standard
deviations over cords and draws of doubt:

    d = |mean(a) − mean(b)| / √((var(a) + var(b) + floor²)/2)

where `floor` is what an experiment could not tell anyway (a share of the healthy value, or of the larger one where health
has none), so that a read-out without any spread is not taken for an endlessly sharp one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from spasmlab import condition, hypothesis
from spasmlab.circuit_runs import NO_DRUG, Arms, Kept, Session, picked
from spasmlab.errors import ModelError
from spasmlab.parameter import PACKAGE, Parameter, beside, read_toml

FILE = PACKAGE / "data" / "predicted" / "rivals.toml"
HEALTHY = "healthy"


@dataclass(frozen=True)
class Rival:
    """A part of what makes a cord spastic; `records` are the numbers it sets, by the parameter's path."""

    name: str
    title: str
    says: str
    records: Mapping[str, Parameter]

    @property
    def changes(self) -> str:
        """The numbers as a session writes them: ``pic=18.4 constitutive_serotonin=0.6``."""
        return " ".join(
            f"{path.rsplit('.', 1)[1]}={record.number:g}" for path, record in self.records.items()
        )


@dataclass(frozen=True)
class Column:
    """A read-out of an assay, at a place `at` of its curve (NaN: a plain number)."""

    title: str
    assay: str
    readout: str
    at: float


@dataclass(frozen=True)
class Apart:
    """Two rivals and how far apart each read-out puts them, in standard deviations, the furthest first."""

    first: Rival
    second: Rival
    ranked: tuple[tuple[Column, float], ...]

    @property
    def separating(self) -> list[tuple[Column, float]]:
        """The read-outs that tell the two apart, with the distance."""
        least = beside("rivals")["separates"].number
        return [(column, distance) for column, distance in self.ranked if distance >= least]


@cache
def table() -> dict[str, Any]:
    """The file as it is."""
    return read_toml(FILE)


def spastic() -> str:
    """The condition whose parts the rivals are."""
    return str(table()["condition"])


def rivals() -> list[Rival]:
    """Every rival. ModelError where one names a parameter that neither its condition nor its hypothesis sets."""
    return [
        Rival(name, given["title"], given["says"], _records(name, given))
        for name, given in table()["rivals"].items()
    ]


def _records(name: str, given: Mapping[str, Any]) -> dict[str, Parameter]:
    if "hypothesis" in given:
        return dict(hypothesis.load(given["hypothesis"]).parameters)
    known = condition.load(spastic()).parameters
    if strange := [path for path in given["parameters"] if path not in known]:
        raise ModelError(f"rival '{name}': {spastic()} does not set {', '.join(strange)}")
    return {path: known[path] for path in given["parameters"]}


def columns() -> list[Column]:
    """Every read-out."""
    return [
        Column(given["title"], given["assay"], given["readout"], float(given.get("at", np.nan)))
        for given in table()["columns"].values()
    ]


def cords() -> dict[str, tuple[str, str]]:
    """Condition and changes of every cord that is shown, by its title: health, each rival, and all of the condition."""
    alone = {one.title: (HEALTHY, one.changes) for one in rivals()}
    return {"health": (HEALTHY, ""), **alone, condition.load(spastic()).title: (spastic(), "")}


def wanted() -> Iterator[tuple[Session, str]]:
    """What has to be run: sessions with doses."""
    for of, changes in cords().values():
        for assay in dict.fromkeys(column.assay for column in columns()):
            yield Session(assay, of, changes), NO_DRUG


def seen(column: Column, cord: tuple[str, str], kept: Mapping[str, Arms]) -> Kept | None:
    """The read-out of a cord, one value a draw; None where it is not kept."""
    return picked(kept.get(Session(column.assay, *cord).text, {}).get(NO_DRUG, []), column.readout, column.at)


def distance(first: np.ndarray, second: np.ndarray, healthy: np.ndarray) -> float:
    """How far two rivals lie apart in one read-out, in standard deviations (see the module); 0 where one has no value."""
    first, second, healthy = (np.asarray(x)[np.isfinite(x)] for x in (first, second, healthy))
    if not first.size or not second.size:
        return 0.0
    scale = max(abs(first.mean()), abs(second.mean()), abs(healthy.mean()) if healthy.size else 0.0)
    floor = beside("rivals")["resolution"].number * scale
    spread = np.sqrt((first.var() + second.var() + floor**2) / 2)
    return float(abs(first.mean() - second.mean()) / spread) if spread > 0 else 0.0


def told_apart(kept: Mapping[str, Arms]) -> list[Apart]:
    """Every pair of rivals, with the read-outs by how well they separate the two."""
    found = []
    for first, second in combinations(rivals(), 2):
        apart = [(column, _between(column, first, second, kept)) for column in columns()]
        found.append(Apart(first, second, tuple(sorted(apart, key=lambda pair: -pair[1]))))
    return found


def _between(column: Column, first: Rival, second: Rival, kept: Mapping[str, Arms]) -> float:
    three = [seen(column, (HEALTHY, changes), kept) for changes in (first.changes, second.changes, "")]
    if three[0] is None or three[1] is None or three[2] is None:
        return 0.0
    return distance(three[0].values, three[1].values, three[2].values)
