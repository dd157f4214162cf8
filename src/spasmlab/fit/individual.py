"""One patient: the most probable parameters given some levels and a population (maximum a posteriori).

With φ the parameters on the scale of estimation, φ = μ + η and η ~ N(0, Ω), and levels y about their predictions f
with variance v = a² + (p·f)², the mode minimises

    Φ(η) = Σ [log v + (y − f)²/v] + η'Ω⁻¹η

(a level below the limit L adds −2·log of the normal probability of lying below it). Its curvature A, with the
expected second derivatives of the levels, gives the interval, and what the levels could not tell stays what the
population said: `remaining` is the posterior over the prior standard deviation, 1 where nothing was learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spasmlab import variability
from spasmlab.errors import SolveError
from spasmlab.fit.data import Subject, check
from spasmlab.fit.model import ChainModel, names_that_vary
from spasmlab.parameter import Parameter, beside

MOST_STEPS = 60
SETTLED = 1e-9  # expected fall of Φ at which the mode is found
GOOD_FALL = 0.7  # share of the expected fall of Φ with which a full step is good enough
SHORTER = 0.5 ** np.arange(8)
NORMAL_90 = 1.6448536269514722  # half width of a 90 % interval in standard deviations


@dataclass(frozen=True)
class Residual:
    """How levels lie about their predictions: standard deviation √(additive² + (proportional·f)²), [mg/L] and [1]."""

    additive: float
    proportional: float

    def variance(self, predicted: np.ndarray) -> np.ndarray:
        """Variance of a level about its prediction; never quite zero."""
        return self.additive**2 + (self.proportional * predicted) ** 2 + np.finfo(float).tiny


@dataclass(frozen=True)
class Prior:
    """What a population says of one patient: centre `mean` (names,) and `covariance` on the scale of estimation,
    and the residual."""

    mean: np.ndarray
    covariance: np.ndarray
    residual: Residual


@dataclass(frozen=True)
class Mode:
    """The most probable η of one subject, the curvature A there (half the second derivative of Φ), and the
    predictions (times,) with their derivatives (times, names)."""

    eta: np.ndarray
    curvature: np.ndarray
    least: float
    predicted: np.ndarray
    sensitivity: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """Posterior covariance of η."""
        return np.linalg.inv(self.curvature)


@dataclass(frozen=True)
class PatientFit:
    """A patient's parameters with a 90 % interval, arrays (names,) in the units of the records."""

    names: tuple[str, ...]
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    population: np.ndarray
    remaining: np.ndarray
    predicted: np.ndarray
    mode: Mode

    @property
    def shrinkage(self) -> np.ndarray:
        """Share of the prior variance that the levels left: 1 where they told nothing."""
        return self.remaining**2


def prior_of(model: ChainModel) -> Prior:
    """The population of the drug's own file: `between`, correlations and residual of its variability; what these
    lack is as usual (`fit/individual.toml`)."""
    known = variability.load(model.drug.name)
    spread = np.array([record.between or _usual_spread(record) for record in model.records])
    matrix = np.eye(len(model.names))
    for pair, record in known.correlations.items():
        first, _, second = pair.partition("~")
        if first in model.names and second in model.names:
            i, j = model.names.index(first), model.names.index(second)
            matrix[i, j] = matrix[j, i] = record.number
    parts = {name: record.number for name, record in known.residual.items()}
    if not parts:
        parts = {"proportional": beside("fit.individual")["usual_residual"].number}
    residual = Residual(parts.get("additive", 0.0), parts.get("proportional", 0.0))
    return Prior(model.start, matrix * np.outer(spread, spread), residual)


def _usual_spread(record: Parameter) -> float:
    """What stands for the spread between patients where the record has none, on its scale."""
    usual = beside("fit.individual")["usual_between"].number
    return usual * (abs(record.number) or 1.0) if record.transform == "linear" else usual


def fit(subject: Subject, model: ChainModel, prior: Prior | None = None) -> PatientFit:
    """The most probable parameters of one patient; SolveError where no mode is found."""
    check([subject])
    given = prior or prior_of(model)
    found = mode(subject, model, given)
    centre = given.mean + found.eta
    spread = np.sqrt(np.diag(found.covariance))
    return PatientFit(
        names=model.names,
        values=model.natural(centre),
        low=model.natural(centre - NORMAL_90 * spread),
        high=model.natural(centre + NORMAL_90 * spread),
        population=model.natural(given.mean),
        remaining=spread / np.sqrt(np.diag(given.covariance)),
        predicted=found.predicted,
        mode=found,
    )


def of_drug(
    subject: Subject, drug, names: Sequence[str] | None = None, formulation: str = "ir", fed: float = 0.0
):
    """`fit` with the parameters of a drug that differ between patients, or those named."""
    chosen = tuple(names) if names else names_that_vary(drug, formulation)
    return fit(subject, ChainModel(drug, chosen, formulation, fed))


def mode(subject: Subject, model: ChainModel, prior: Prior, start: np.ndarray | None = None) -> Mode:
    """The minimum of Φ by Newton steps with expected second derivatives, shortened until Φ falls."""
    return modes([subject], model, prior, [start])[0]


def modes(
    subjects: Sequence[Subject], model: ChainModel, prior: Prior, starts: Sequence[np.ndarray | None]
) -> list[Mode]:
    """The mode of each subject, all searched for at once; SolveError names a subject that has none."""
    search = _Search(model, prior, np.linalg.inv(prior.covariance))
    begun = [np.zeros(len(model.names)) if start is None else start for start in starts]
    here = dict(enumerate(search.at(subjects, begun)))
    moving = list(here)
    for _ in range(MOST_STEPS):
        steps = {place: here[place].newton() for place in moving}
        moving = [place for place in moving if steps[place][1] >= SETTLED]
        if not moving:
            return [here[place].mode() for place in range(len(subjects))]
        there = search.at([subjects[p] for p in moving], [here[p].eta + steps[p][0] for p in moving])
        for place, ahead in zip(tuple(moving), there, strict=True):
            step, expected_fall = steps[place]
            if not ahead.least < here[place].least - GOOD_FALL * expected_fall:
                ahead = search.shortened(subjects[place], here[place], step)
            if not ahead.least < here[place].least:
                moving.remove(place)  # nothing falls any more: rounding
            else:
                here[place] = ahead
    raise SolveError(f"no mode of subject {subjects[moving[0]].name} after {MOST_STEPS} steps")


@dataclass(frozen=True)
class _Point:
    """Φ at one η, with half its gradient and half its expected second derivative."""

    eta: np.ndarray
    least: float
    slope: np.ndarray
    curvature: np.ndarray
    predicted: np.ndarray
    sensitivity: np.ndarray

    def newton(self) -> tuple[np.ndarray, float]:
        """The step to where the parabola is least, and how far Φ is expected to fall."""
        step = -np.linalg.solve(self.curvature, self.slope)
        return step, float(-self.slope @ step)

    def mode(self) -> Mode:
        return Mode(self.eta, self.curvature, self.least, self.predicted, self.sensitivity)


@dataclass(frozen=True)
class _Search:
    """Model and population, with the inverse of the population's covariance."""

    model: ChainModel
    prior: Prior
    inverse: np.ndarray

    def at(self, subjects: Sequence[Subject], etas: Sequence[np.ndarray]) -> list[_Point]:
        """Φ and its derivatives of each subject at its own η."""
        found = self.model.sensitivities(subjects, [self.prior.mean + eta for eta in etas])
        return [self._point(*each) for each in zip(subjects, etas, found, strict=True)]

    def shortened(self, subject: Subject, here: _Point, step: np.ndarray) -> _Point:
        """The best of the step, half of it, a quarter, …"""
        tried = here.eta + SHORTER[:, None] * step
        levels = self.model.predict(subject, self.prior.mean + tried)
        found = misfit(subject, levels, self.prior.residual)
        found = found + np.einsum("ij,jk,ik->i", tried, self.inverse, tried)
        return self.at([subject], [tried[int(np.argmin(found))]])[0]

    def _point(self, subject: Subject, eta: np.ndarray, found: tuple[np.ndarray, np.ndarray]) -> _Point:
        predicted, slopes = found
        slope, curvature = _local(subject, predicted, slopes, self.prior.residual)
        least = misfit(subject, predicted[None], self.prior.residual)[0] + eta @ self.inverse @ eta
        pull = self.inverse @ eta
        return _Point(eta, float(least), slope + pull, curvature + self.inverse, predicted, slopes)


def misfit(subject: Subject, predicted: np.ndarray, residual: Residual) -> np.ndarray:
    """−2 log likelihood of the levels, without the constant, for each row of predictions (sets, times)."""
    from scipy.special import log_ndtr

    variance = residual.variance(predicted)
    apart = subject.observed - predicted
    seen = np.log(variance) + apart**2 / variance
    return np.where(subject.below, -2 * log_ndtr(apart / np.sqrt(variance)), seen).sum(axis=1)


def _local(
    subject: Subject, predicted: np.ndarray, slopes: np.ndarray, residual: Residual
) -> tuple[np.ndarray, np.ndarray]:
    """Half the gradient of the misfit, and half its expected second derivative."""
    from scipy.special import log_ndtr

    variance = residual.variance(predicted)
    apart = subject.observed - predicted
    moving = 2 * residual.proportional**2 * predicted  # dv/df
    gradient = 0.5 * moving / variance - apart / variance - 0.5 * apart**2 * moving / variance**2
    weight = 1 / variance + 0.5 * moving**2 / variance**2
    z = apart / np.sqrt(variance)
    turning = -1 / np.sqrt(variance) - 0.5 * z * moving / variance  # dz/df
    hazard = np.exp(-0.5 * z**2 - log_ndtr(z)) / np.sqrt(2 * np.pi)
    gradient = np.where(subject.below, -hazard * turning, gradient)
    weight = np.where(subject.below, hazard * (hazard + z) * turning**2, weight)
    return slopes.T @ gradient, (slopes * weight[:, None]).T @ slopes
