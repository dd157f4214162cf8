"""What an endpoint reads: the course of the chain's signals in each patient of a trial arm.

Endpoints never see a dose. They read release and occupancy (and levels, for side effects) on an even grid of hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import streams
from spasmlab.parameter import Parameter
from spasmlab.regimen import DAY_H

if TYPE_CHECKING:
    from spasmlab.drug import Drug

RELEASES = ("release_ia", "release_poly", "release_monoamine", "release_inhibitory")


def changes_release(drug: Drug, formulation: str) -> bool:
    """Whether the chain follows a drug to a release, which endpoints read."""
    from spasmlab.chain import body

    return "release_poly" in body.of(drug, formulation).signals


@dataclass(frozen=True)
class Course:
    """Signals of N patients on an even grid of T hours: `signals` maps a name to an array (N, T).

    `clock_h` is the time of day of hour 0 (the first dose), in hours after midnight. `condition` is the patients', and
    `severity` theirs where a design sets one for all.
    """

    hours: np.ndarray
    signals: Mapping[str, np.ndarray]
    clock_h: float = 8.0
    condition: str = "healthy"
    severity: float | None = None

    @property
    def patients(self) -> int:
        """How many patients."""
        return len(next(iter(self.signals.values())))

    @property
    def step_h(self) -> float:
        """Hours between two points of the grid."""
        return float(self.hours[1] - self.hours[0])

    def loss(self, terminal: str) -> np.ndarray:
        """1 − release of a class of terminals (`ia`, `poly`, `monoamine`), (N, T): 0 without drug."""
        return 1 - self.signals[f"release_{terminal}"]

    def at(self, values: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Values (N, T) at the given days, (N, days): those of the grid point next before each."""
        place = np.floor(np.asarray(days) * DAY_H / self.step_h + 1e-9).astype(int)
        return values[:, np.clip(place, 0, self.hours.size - 1)]

    def awake(self, wakes_h: float, sleeps_h: float) -> np.ndarray:
        """Whether a patient who gets up and goes to bed at these clock times is awake, (T,)."""
        clock = (self.hours + self.clock_h) % DAY_H
        return (clock >= wakes_h) & (clock < sleeps_h)


def lagged(values: np.ndarray, step_h: float, time_h: float) -> np.ndarray:
    """First-order lag y' = (x − y)/τ with y(0) = 0, exact where x is constant over each step; `values` (N, T), τ in h."""
    from scipy.signal import lfilter

    keep = float(np.exp(-step_h / time_h))
    return np.asarray(lfilter([0.0, 1 - keep], [1.0, -keep], values, axis=1))


@dataclass(frozen=True)
class Chance:
    """Named random numbers of patients `first` … `first + count − 1` in one run of a trial.

    A patient's numbers depend on seed, name and number alone, so that the same patient meets every arm. `study` names
    what all patients of one trial share; `occasion` renews the noise of visits alone; `draw` 0 has the central values
    of all parameters, others lie within doubt.
    """

    seed: int
    count: int
    first: int = 0
    study: str = ""
    draw: int = 0
    occasion: str = ""
    overrides: Mapping[str, float] = field(default_factory=dict)

    def normals(self, name: str, *more: str | int) -> np.ndarray:
        """Standard normal deviates by patient, (count,)."""
        return streams.normals(self.seed, "endpoint", name, *more, first=self.first, count=self.count)

    def uniforms(self, name: str, *more: str | int) -> np.ndarray:
        """Uniform deviates by patient, (count,)."""
        return streams.uniforms(self.seed, "endpoint", name, *more, first=self.first, count=self.count)

    def value(self, parameter: Parameter) -> float:
        """The parameter's value in this draw of its doubt, or what `overrides` has for its path."""
        if parameter.path in self.overrides:
            return self.overrides[parameter.path]
        if self.draw == 0 or not parameter.spread:
            return parameter.number
        z = streams.stream(self.seed, "doubt", parameter.path, self.draw).standard_normal()
        return float(parameter.at(np.array(z), parameter.spread))

    def of_patients(self, parameter: Parameter, between_study: float = 0.0) -> np.ndarray:
        """The parameter of each patient, (count,): its value in this draw moved by the study's deviate and by the
        patient's own, on the parameter's own scale."""
        moved = parameter.model_copy(update={"value": self.value(parameter)})
        deviate = parameter.between * self.normals("between", parameter.path)
        if between_study and self.study:
            path = ("endpoint", "study", self.study, parameter.path)
            deviate = deviate + between_study * streams.stream(self.seed, *path).standard_normal()
        return moved.at(deviate, 1.0)

    def noise(self, name: str, visits: int) -> np.ndarray:
        """Standard normal deviates by patient and visit, (count, visits)."""
        when = (self.occasion,) if self.occasion else ()
        return np.stack([self.normals(name, *when, "visit", v) for v in range(visits)], axis=1)

    def chances(self, name: str, visits: int) -> np.ndarray:
        """Uniform deviates by patient and visit, (count, visits)."""
        when = (self.occasion,) if self.occasion else ()
        return np.stack([self.uniforms(name, *when, "visit", v) for v in range(visits)], axis=1)

    def at_occasion(self, name: str) -> Chance:
        """The same patients with other noise: a second period, another rater."""
        return replace(self, occasion=name)
