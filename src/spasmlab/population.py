"""Populations: how age, weight, height, sex and creatinine are spread and go together; one file each in
`data/populations`.

    title = "Older people with postherpetic neuralgia"
    clearance = "cockcroft-gault"      # how creatinine becomes clearance; `schwartz` in children

    [covariates.age]                   # a record as any parameter; `between` is the spread between patients
    value = 72
    …
    [correlations."age~creatinine"]    # of the deviates, on the scale of each record
    value = 0.15

A drawn patient outside the bounds of a covariate, or with an impossible body mass index or clearance, is counted
and drawn again from the same patient's own stream: a patient does not depend on the others, nor on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from spasmlab import streams
from spasmlab.errors import InputError, ModelError, unknown
from spasmlab.parameter import PACKAGE, Parameter, beside, parameters_from, read_toml
from spasmlab.patient import Patient, cockcroft_gault

FOLDER = PACKAGE / "data" / "populations"
DEFAULT = "healthy"
DRAWN = ("age", "weight", "height", "creatinine")
CLEARANCES = ("cockcroft-gault", "schwartz")
MOST_TRIES = 200
MOST_PATIENTS = 1_000_000  # of one run
INTERVALS = "low and high are the 5th and 95th percentile of patients, value is the median"
_FIELDS = {"title", "summary", "clearance", "covariates", "correlations"}


@dataclass(frozen=True)
class People:
    """Virtual patients, an array (patients,) for each covariate: age [year], weight [kg], height [cm], `female`,
    creatinine [mg/dL], creatinine clearance [mL/min]. `redrawn` says how often each was implausible first;
    `first` is the number of the first patient."""

    age: np.ndarray
    weight: np.ndarray
    height: np.ndarray
    female: np.ndarray
    creatinine: np.ndarray
    creatinine_clearance: np.ndarray
    redrawn: np.ndarray
    first: int = 0

    def __len__(self) -> int:
        return len(self.age)

    @property
    def numbers(self) -> np.ndarray:
        """The number of each patient in the population."""
        return self.first + np.arange(len(self))

    @property
    def implausible(self) -> int:
        """How many drawn patients were refused and drawn again."""
        return int(self.redrawn.sum())

    def person(self, place: int) -> Patient:
        """One of them as a patient."""
        return Patient(
            age=float(self.age[place]),
            weight=float(self.weight[place]),
            sex="f" if self.female[place] else "m",
            creatinine_clearance=float(self.creatinine_clearance[place]),
            creatinine=float(self.creatinine[place]),
            height=float(self.height[place]),
        )


@dataclass(frozen=True)
class Population:
    """A population: records of its `covariates` and the `correlations` between them, by ``age~weight``."""

    name: str
    title: str
    summary: str
    clearance: str
    covariates: Mapping[str, Parameter]
    correlations: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Every record of the population by path."""
        return {p.path: p for p in (*self.covariates.values(), *self.correlations.values())}

    def people(self, count: int, seed: int, first: int = 0) -> People:
        """Patients `first` … `first + count - 1` of the population; InputError for a count below 1."""
        if count < 1:
            raise InputError(f"the number of patients must be at least 1, not {count}")
        drawn = self._draw(count, seed, first, 0)
        redrawn = np.zeros(count, dtype=int)
        for attempt in range(1, MOST_TRIES + 1):
            wrong = np.flatnonzero(~self._plausible(drawn))
            if not len(wrong):
                return People(**drawn, redrawn=redrawn, first=first)
            again = self._draw(count, seed, first, attempt)
            for name, values in drawn.items():
                values[wrong] = again[name][wrong]
            redrawn[wrong] += 1
        raise ModelError(f"population '{self.name}': no plausible patient in {MOST_TRIES} draws")

    def _draw(self, count: int, seed: int, first: int, attempt: int) -> dict[str, np.ndarray]:
        """One draw of every covariate of each patient, plausible or not."""

        def path(name: str) -> tuple[str | int, ...]:
            return ("population", self.name, name, attempt)

        female = streams.uniforms(seed, *path("sex"), first=first, count=count) < self._number("share_female")
        alone = np.array([streams.normals(seed, *path(name), first=first, count=count) for name in DRAWN])
        found = dict(zip(DRAWN, mixed(self._mixing(), alone), strict=True))
        drawn = {name: self._by_sex(name, found[name], female) for name in DRAWN}
        clearance = _clearance(self.clearance, female=female, **drawn)
        return {**drawn, "female": female, "creatinine_clearance": clearance}

    def _mixing(self) -> np.ndarray:
        return mixing(DRAWN, {name: record.number for name, record in self.correlations.items()}, self.name)

    def _number(self, name: str) -> float:
        return self.covariates[name].number

    def _records(self, name: str) -> tuple[Parameter, Parameter]:
        """The records of a covariate in women and in men."""
        both = self.covariates.get(name)
        if both:
            return both, both
        return self.covariates[f"{name}_f"], self.covariates[f"{name}_m"]

    def _by_sex(self, name: str, deviates: np.ndarray, female: np.ndarray) -> np.ndarray:
        women, men = (_unbounded(record, deviates) for record in self._records(name))
        return np.where(female, women, men)

    def _plausible(self, drawn: Mapping[str, np.ndarray]) -> np.ndarray:
        limits = beside("population")
        within = np.ones(len(drawn["age"]), dtype=bool)
        for name in DRAWN:
            women, men = (record.bounds or (-np.inf, np.inf) for record in self._records(name))
            low, high = (np.where(drawn["female"], women[i], men[i]) for i in (0, 1))
            within &= (drawn[name] >= low) & (drawn[name] <= high)
        index = drawn["weight"] / (drawn["height"] / 100) ** 2
        for name, values in (
            ("body_mass_index", index),
            ("creatinine_clearance", drawn["creatinine_clearance"]),
        ):
            within &= (values >= limits[f"least_{name}"].number) & (values <= limits[f"most_{name}"].number)
        return within


def refuse_count(count: int) -> None:
    """InputError for a number of patients that one run does not take."""
    if not 1 <= count <= MOST_PATIENTS:
        raise InputError(f"--population must be between 1 and {MOST_PATIENTS}, not {count}")


def names() -> tuple[str, ...]:
    """The names of all populations, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def load(name: str | Path = DEFAULT) -> Population:
    """The population called `name`, or the one in the file `name` if that ends in ``.toml``.

    Raises InputError with the nearest match for an unknown name, or naming the file and the wrong field.
    """
    if str(name).endswith(".toml"):
        return _read(Path(name))
    if name not in names():
        raise unknown("population", str(name), names())
    return _own(str(name))


def mixing(names: tuple[str, ...], correlations: Mapping[str, float], whose: str) -> np.ndarray:
    """The matrix that turns independent deviates of `names` into correlated ones (lower Cholesky factor).

    `correlations` by ``first~second``. Raises InputError for a name that is not there, or correlations that no
    set of numbers can have.
    """
    matrix = np.eye(len(names))
    for pair, value in correlations.items():
        first, _, second = pair.partition("~")
        for name in (first, second):
            if name not in names:
                raise unknown(f"name in a correlation of '{whose}'", name, names)
        i, j = names.index(first), names.index(second)
        matrix[i, j] = matrix[j, i] = value
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError as problem:
        told = ", ".join(f"{pair} {value:g}" for pair, value in correlations.items())
        raise InputError(f"the correlations of '{whose}' contradict each other: {told}") from problem


def mixed(factor: np.ndarray, deviates: np.ndarray) -> np.ndarray:
    """The product of a factor of `mixing` and deviates (names, patients).

    Added up name by name: a matrix product rounds differently with another number of patients.
    """
    found = np.zeros_like(deviates)
    for i, row in enumerate(factor.tolist()):
        for j in range(i + 1):
            found[i] += row[j] * deviates[j]
    return found


@cache
def _own(name: str) -> Population:
    return _read(FOLDER / f"{name}.toml")


def _read(file: Path) -> Population:
    table = read_toml(file)
    if stray := sorted(set(table) - _FIELDS):
        raise unknown(f"field in '{file.name}'", stray[0], _FIELDS)
    clearance = str(table.get("clearance", CLEARANCES[0]))
    if clearance not in CLEARANCES:
        raise unknown(f"clearance in '{file.name}'", clearance, CLEARANCES)
    prefix = f"populations.{file.stem}"
    covariates = parameters_from(table.get("covariates", {}), prefix, file.name)
    _require_covariates(covariates, file)
    return Population(
        name=file.stem,
        title=str(table.get("title", file.stem)),
        summary=str(table.get("summary", "")),
        clearance=clearance,
        covariates=covariates,
        correlations=parameters_from(table.get("correlations", {}), prefix, file.name),
    )


def _require_covariates(covariates: Mapping[str, Parameter], file: Path) -> None:
    for name in DRAWN:
        if name not in covariates and not {f"{name}_f", f"{name}_m"} <= set(covariates):
            raise InputError(f"'{file.name}' lacks [covariates.{name}], or {name}_f and {name}_m")
    if "share_female" not in covariates:
        raise InputError(f"'{file.name}' lacks [covariates.share_female]")


def _unbounded(record: Parameter, deviates: np.ndarray) -> np.ndarray:
    return record.model_copy(update={"bounds": None}).at(deviates, record.between)


def _clearance(
    kind: str,
    *,
    age: np.ndarray,
    weight: np.ndarray,
    height: np.ndarray,
    creatinine: np.ndarray,
    female: np.ndarray,
) -> np.ndarray:
    """Creatinine clearance [mL/min] of each patient, by the population's own formula.

    Schwartz: 0.413·height/creatinine per 1.73 m² of body surface, √(height·weight/3600).
    """
    if kind == "schwartz":
        known = beside("population")
        surface = np.sqrt(height * weight / known["mosteller_divisor"].number)
        scaled = known["schwartz_factor"].number * height / creatinine
        return scaled * surface / known["standard_surface"].number
    estimate: Callable[..., Any] = cockcroft_gault  # plain arithmetic: it takes arrays as well as numbers
    women, men = (estimate(age, weight, sex, creatinine) for sex in "fm")
    return np.where(female, women, men)
