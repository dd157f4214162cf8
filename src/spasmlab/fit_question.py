"""What `spasmlab fit` is asked, read and checked before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spasmlab import food, units
from spasmlab import request as requests
from spasmlab.drug import Drug, load
from spasmlab.errors import InputError, ModelError, unknown
from spasmlab.fit import data
from spasmlab.fit.data import Subject, Table
from spasmlab.fit.individual import Residual, prior_of
from spasmlab.fit.model import ChainModel, names_that_vary

METHODS = ("map", "laplace", "nuts")
RESIDUAL_UNITS = {"additive": "mg/L", "proportional": "1"}


@dataclass(frozen=True)
class FitQuestion:
    """A data set and how to fit it. `residual` is where the residual begins (held with `map`)."""

    file: Path
    table: Table
    subjects: tuple[Subject, ...]
    model: ChainModel
    residual: Residual
    method: str
    seed: int = 0
    draws: int = 500
    remarks: tuple[str, ...] = ()

    @property
    def drug(self) -> Drug:
        """The drug whose file gives the model and, with `map`, the population."""
        return self.model.drug


def read(
    file: Path,
    drug: str,
    *,
    subject: str | None = None,
    method: str = "map",
    parameters: str | None = None,
    residual: str | None = None,
    formulation: str = "ir",
    fed: str = "fasted",
    seed: int = 0,
    draws: int | None = None,
) -> FitQuestion:
    """The question of a command line; InputError in one line for what cannot be fitted."""
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if draws is not None and method != "nuts":
        raise InputError("--draws needs --method nuts; possible: give both, or leave --draws out")
    known = load(drug)
    known.formulation(formulation)
    chosen = names_of(parameters, known, formulation)
    model = ChainModel(known, chosen, formulation, food.scale(requests.meal_of(fed)))
    table = data.table(file)
    subjects = list(table.subjects) if subject is None else [data.chosen(table.subjects, subject)]
    data.check(subjects)
    if method != "map" and len(subjects) < 2:
        raise InputError(
            f"--method {method} fits a population, and there is one subject; possible: --method map"
        )
    own = prior_of(model).residual if residual is None else residual_of(residual)
    kept, remarks = usable(subjects, model, own)
    return FitQuestion(
        file, table, tuple(kept), model, own, method, seed, 500 if draws is None else draws,
        (*(r for r in table.remarks if subject is None), *remarks),
    )  # fmt: skip


def names_of(text: str | None, drug: Drug, formulation: str) -> tuple[str, ...]:
    """The parameters to estimate: those named, or those of the drug that differ between patients."""
    if text is None:
        found = names_that_vary(drug, formulation)
        if not found:
            raise InputError(
                f"no parameter of '{drug.name}' has a spread between patients; possible: --parameters clearance,volume, "
                "or `between` in its file"
            )
        return found
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if len(set(found)) < len(found):
        raise InputError(f"--parameters '{text}' names one twice; possible: each once")
    return found


def residual_of(text: str) -> Residual:
    """``additive=0.5 mg/L, proportional=10 %`` as a residual; InputError for what it is not."""
    parts = {"additive": 0.0, "proportional": 0.0}
    for item in text.split(","):
        name, equals, value = (word.strip() for word in item.partition("="))
        if name not in parts or not equals:
            raise unknown("part of --residual", name or item, parts)
        parts[name] = _size(name, value)
    if not any(parts.values()):
        raise InputError(f"--residual '{text}' is nothing; possible: at least one part above 0")
    return Residual(**parts)


def _size(name: str, text: str) -> float:
    parts = re.fullmatch(r"([\d.]+(?:[eE][+-]?\d+)?)\s*(.*)", text)
    try:
        unit = (parts[2] if parts else "").replace("%", "percent") or RESIDUAL_UNITS[name]
        found = float(parts[1]) * units.factor(unit, RESIDUAL_UNITS[name]) if parts else np.nan
    except (ModelError, ValueError):
        found = np.nan
    if not (np.isfinite(found) and found >= 0):
        raise InputError(f"'{text}' is not a size of the {name} residual; possible: as in --residual "
                         "'additive=0.1 mg/L, proportional=15 %'")  # fmt: skip
    return float(found)


def usable(
    subjects: Sequence[Subject], model: ChainModel, residual: Residual
) -> tuple[list[Subject], list[str]]:
    """Subjects without the levels that no residual can explain; InputError for a level where the model has none.

    Without an additive part a predicted 0 admits only a measured 0, which then says nothing; and a measured 0 where
    something is predicted is a level below a limit, not a measurement.
    """
    kept, dropped = [], 0
    for subject in subjects:
        levels = model.predict(subject, model.start[None])[0]
        nothing = levels <= 0
        if residual.additive > 0:
            kept.append(subject)
            continue
        strange = (nothing & (subject.observed > 0) & ~subject.below) | (~nothing & (subject.observed == 0))
        if strange.any():
            _refuse(subject, int(np.flatnonzero(strange)[0]))
        if nothing.all():
            raise InputError(
                f"subject {subject.name} has no level after its first dose; possible: at least one"
            )
        dropped += int(nothing.sum())
        kept.append(subject.only(~nothing) if nothing.any() else subject)
    told = [f"{dropped} levels of 0 before the first dose say nothing and were left out"] if dropped else []
    return kept, told


def _refuse(subject: Subject, place: int) -> None:
    level = subject.observed[place]
    what = (
        f"a level of {level:g} mg/L where nothing was given yet"
        if level > 0
        else "a level of 0 after a dose, which a proportional residual cannot explain"
    )
    possible = "MDV 1, the doses before it" if level > 0 else "BLQ 1 with LLOQ"
    raise InputError(
        f"{subject.row(place)}, column DV: {what}; possible: {possible}, or an additive part (--residual "
        "'additive=0.1 mg/L, proportional=15 %')"
    )


def of_subject(question: FitQuestion, subject: Subject) -> FitQuestion:
    """The same question about one subject."""
    return replace(question, subjects=(subject,))
