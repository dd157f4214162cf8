"""One patient as a cloud: draws of what the patient's own body could be, before and after levels were measured.

The spread between patients is that of the drug's file. With levels, it becomes the posterior of the patient's own
parameters: normal on the scale of estimation, about the most probable values (`fit.individual`). What lies beyond the
blood has its doubt about the parameters, by the same draws as everywhere. Draw 0 is the centre.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import streams, units
from spasmlab.chain import resolve
from spasmlab.chain.problem import Problem
from spasmlab.chain.solve import prepare
from spasmlab.errors import InputError, SpasmlabError
from spasmlab.fit import data, individual
from spasmlab.fit.individual import PatientFit
from spasmlab.fit.model import ChainModel, names_that_vary
from spasmlab.regimen import DAY_H, number

if TYPE_CHECKING:
    from spasmlab.drug import Drug
    from spasmlab.patient import Patient
    from spasmlab.prescribing.case import Case
    from spasmlab.regimen import Regimen
    from spasmlab.shift import Shift

_LEVEL = re.compile(
    r"(?P<value>\S+)\s*(?P<unit>[a-zµμ]+/[a-zµμ]+)\s+at\s+(?P<hours>\S+)\s*(?P<span>h|d|days?)", re.I
)
LEVEL_EXAMPLE = "'5.2 mg/L at 170 h'"
_SPANS_H = {"h": 1.0, "d": DAY_H, "day": DAY_H, "days": DAY_H}


@dataclass(frozen=True)
class Level:
    """A measured level [mg/L], and when [h after the first dose]."""

    hours: float
    value: float


@dataclass(frozen=True)
class Person:
    """A patient's cloud for one drug and product: `values` (draws, names) of the parameters that differ between patients;
    `overrides` are what drugs taken along do to others."""

    drug: Drug
    patient: Patient
    condition: Shift
    hypothesis: Shift
    formulation: str
    fed: float
    names: tuple[str, ...]
    values: np.ndarray
    seed: int
    fit: PatientFit | None = None
    overrides: Mapping[str, float] = field(default_factory=dict)

    @property
    def draws(self) -> int:
        """How many draws."""
        return len(self.values)

    def problem(self, case: Case, days: float) -> Problem:
        """The chain of every draw on a regimen, for `chain.problem.run`."""
        made = prepare(
            self.drug, case.regimen, self.patient, self.condition, self.hypothesis, days=days,
            formulation=self.formulation, fed=self.fed, draws=self.draws, seed=self.seed, dialysis=case.dialysis,
            overrides=self.overrides,
        )  # fmt: skip
        records = resolve.records(made.pathway, self.drug, self.condition, self.hypothesis, self.formulation)
        for place, name in enumerate(self.names):
            record, unit = records[name][1], made.pathway.params[name]
            column = self.values[:, place]
            kept = np.clip(column, *record.bounds) if record.bounds else column
            made = made.with_parameter(name, kept * units.factor(record.unit, unit))
        return made


def of(
    drug: Drug,
    patient: Patient,
    condition: Shift,
    hypothesis: Shift,
    *,
    formulation: str,
    fed: float,
    draws: int,
    seed: int,
    taken: Regimen | None = None,
    levels: Sequence[Level] = (),
    overrides: Mapping[str, float] | None = None,
) -> Person:
    """A patient's cloud; with `levels`, measured on the regimen `taken`, the posterior.

    Raises InputError where levels have no regimen, or lie before its first dose.
    """
    names = names_that_vary(drug, formulation)
    model = ChainModel(drug, names, formulation, fed)
    prior = individual.prior_of(model)
    mean, covariance, found = prior.mean, prior.covariance, None
    if levels:
        found = individual.fit(_subject(patient, taken, levels), model, prior)
        mean, covariance = prior.mean + found.mode.eta, found.mode.covariance
    deviates = streams.stream(seed, "advice", "person").standard_normal((draws, len(names)))
    deviates[0] = 0.0
    values = model.natural(mean + deviates @ np.linalg.cholesky(covariance).T)
    return Person(
        drug, patient, condition, hypothesis, formulation, fed, names, values, seed, found, overrides or {}
    )


def read_levels(text: str | None) -> tuple[Level, ...]:
    """``5.2 mg/L at 170 h, 3100 ng/mL at 8 d`` as levels; InputError for what is none."""
    return () if text is None else tuple(_level(word) for word in text.split(","))


def _level(text: str) -> Level:
    found = _LEVEL.fullmatch(" ".join(text.split()))
    try:
        value, hours = (float(found[name]) for name in ("value", "hours")) if found else (np.nan, np.nan)
        factor = units.factor(found["unit"], "mg/L") if found else 1.0
    except (ValueError, SpasmlabError) as problem:
        raise InputError(f"'{text.strip()}' is no measured level; possible: {LEVEL_EXAMPLE}") from problem
    if found is None or not (np.isfinite(value) and value > 0 and np.isfinite(hours) and hours >= 0):
        raise InputError(
            f"'{text.strip()}' is no measured level; possible: {LEVEL_EXAMPLE}, more than 0, after the first dose"
        )
    return Level(hours * _SPANS_H[found["span"].lower()], value * factor)


def _subject(patient: Patient, taken: Regimen | None, levels: Sequence[Level]) -> data.Subject:
    if taken is None:
        raise InputError(
            "--level needs the regimen on which it was measured; possible: --regimen '600 mg tid'"
        )
    last = max(level.hours for level in levels)
    times, amounts = taken.doses(last / DAY_H + 1)
    before = times <= last
    doses = list(zip(times[before].tolist(), amounts[before].tolist(), strict=True))
    told = {"age": number(patient.age), "weight": number(patient.weight), "sex": patient.sex}
    told |= {"crcl": number(patient.creatinine_clearance)}
    measured = [(level.hours, level.value) for level in levels]
    return data.subject("the patient", doses, measured, None, **told)
