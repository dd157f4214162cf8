"""Posterior draws of parameters that were fitted together, kept beside the drugs: `data/posteriors/NAME.csv`.

The first lines of a file begin with ``#`` and say what made it: the rows it rests on, a digest of them, and the
version of the fit. Then one column a parameter, in the unit of its record, and one line a draw.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from spasmlab import streams
from spasmlab.errors import ModelError
from spasmlab.parameter import PACKAGE, Parameter

FOLDER = PACKAGE / "data" / "posteriors"


@dataclass(frozen=True)
class Posterior:
    """Draws (draws, names) of the parameters `names` of a drug, and what the file says of how it was made."""

    drug: str
    names: tuple[str, ...]
    values: np.ndarray
    about: Mapping[str, str]

    def column(self, name: str) -> np.ndarray:
        """The draws of one parameter."""
        return self.values[:, self.names.index(name)]


def names() -> tuple[str, ...]:
    """The drugs that have posterior draws."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.csv")))


@cache
def load(drug: str) -> Posterior | None:
    """The posterior draws of a drug of the program; None where it has none."""
    file = FOLDER / f"{drug}.csv"
    if not file.exists():
        return None
    lines = file.read_text(encoding="utf-8").splitlines()
    head = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    body = list(csv.reader(line for line in lines if not line.startswith("#")))
    values = np.array(body[1:], dtype=float)
    if values.ndim != 2 or not np.all(np.isfinite(values)):
        raise ModelError(f"{file.name}: the draws are not a table of numbers")
    about = dict(line.split(": ", 1) for line in head if ": " in line)
    return Posterior(drug, tuple(body[0]), values, about)


def draws(resolved: Mapping[str, Parameter], count: int, seed: int) -> dict[str, np.ndarray]:
    """Values by path of every parameter that was fitted together with others, `count` draws of them.

    `resolved` holds the records in use by path. A parameter whose record is not the one of the drug's own file
    (a shift, a user's own value) keeps its own doubt. A draw is one line of the file for all parameters of a
    drug, picked by a random stream named by the drug.
    """
    found: dict[str, np.ndarray] = {}
    if count < 2:
        return found
    for drug in {path.split(".")[1] for path in resolved if path.startswith("drugs.")}:
        joint = load(drug)
        if joint is None:
            continue
        lines = streams.stream(seed, "doubt", f"drugs.{drug}", "posterior").integers(
            len(joint.values), size=count - 1
        )
        for name in joint.names:
            path = f"drugs.{drug}.{name}"
            if path in resolved and resolved[path] == _own(drug, name):
                found[path] = np.append(resolved[path].number, joint.column(name)[lines])
    return found


def _own(drug: str, name: str) -> Parameter | None:
    from spasmlab import drug as drugs

    return drugs.load(drug).parameters.get(name) if drug in drugs.names() else None
