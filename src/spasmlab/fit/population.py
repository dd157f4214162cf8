"""A population: typical parameters, their spread between patients and the residual, by the Laplace approximation.

The likelihood of one subject, ∫ p(y|η)·p(η) dη, is replaced by that of the normal curve at the mode of η
(`individual.mode`), with expected second derivatives: first-order conditional estimation with interaction. The
sum over subjects,

    −2LL = Σ [Φ(η̂) + log|Ω| + log|A|] + n·log 2π,

is brought near its minimum by an EM scheme and to it by BFGS; standard errors come from its second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spasmlab.errors import SolveError
from spasmlab.fit.data import Subject, check
from spasmlab.fit.individual import NORMAL_90, Mode, Prior, Residual, prior_of
from spasmlab.fit.individual import modes as modes_of
from spasmlab.fit.model import ChainModel

EM_ROUNDS = 25
EM_SETTLED = 0.01  # change of every estimate, on its scale, below which BFGS takes over
DIFFERENCE = 1e-3  # of the finite differences of −2LL, on the log scale of spreads and that of estimation
LEAST_SPREAD = 1e-3
TINY = 1e-12
UNLIKELY = 1e9  # −2LL where the model cannot be solved: the line search turns back


@dataclass(frozen=True)
class Estimates:
    """What a population fit estimates, as one vector: `mean` (names,), log spreads (names,), and the logs of the
    residuals that are not held at zero. `correlation` (names, names) between the effects of one patient is held, at
    that of the drug's file; None where they are independent."""

    mean: np.ndarray
    spread: np.ndarray
    residual: Residual
    correlation: np.ndarray | None = None

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the effects of one patient, (names, names)."""
        own = np.eye(len(self.spread)) if self.correlation is None else self.correlation
        return own * np.outer(self.spread, self.spread)

    def vector(self) -> np.ndarray:
        """All of it on scales without limits."""
        kept = [size for size in (self.residual.additive, self.residual.proportional) if size > 0]
        return np.concatenate([self.mean, np.log(self.spread), np.log(kept)])

    def moved(self, vector: np.ndarray) -> Estimates:
        """The estimates that a vector holds."""
        count = len(self.mean)
        logs = list(vector[2 * count :])
        additive = float(np.exp(logs.pop(0))) if self.residual.additive > 0 else 0.0
        proportional = float(np.exp(logs.pop(0))) if self.residual.proportional > 0 else 0.0
        spread, residual = np.exp(vector[count : 2 * count]), Residual(additive, proportional)
        return Estimates(vector[:count], spread, residual, self.correlation)

    def prior(self) -> Prior:
        """As each subject meets it."""
        return Prior(self.mean, self.covariance, self.residual)


def of_prior(given: Prior) -> Estimates:
    """A population as estimates, with its correlations where it has any."""
    spread = np.sqrt(np.diag(given.covariance))
    between = given.covariance / np.outer(spread, spread) if np.all(spread > 0) else np.eye(len(spread))
    alone = np.allclose(between, np.eye(len(spread)))
    return Estimates(given.mean, np.maximum(spread, LEAST_SPREAD), given.residual, None if alone else between)


@dataclass(frozen=True)
class PopulationFit:
    """Estimates in the units of the records, with standard errors and 90 % intervals, and every subject's mode.

    `values`, `low`, `high` (names,); `spread` between patients on the scale of estimation with `spread_low` and
    `spread_high`; `residual`; `covariance` of the estimation vector (mean, log spread, log residual).
    """

    names: tuple[str, ...]
    subjects: tuple[Subject, ...]
    model: ChainModel
    estimates: Estimates
    covariance: np.ndarray
    minus_two_log_likelihood: float
    modes: tuple[Mode, ...]

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of the estimation vector; NaN where the data do not tell."""
        variances = np.diag(self.covariance)
        return np.sqrt(np.where(variances > 0, variances, np.nan))

    @property
    def values(self) -> np.ndarray:
        """Typical values."""
        return self.model.natural(self.estimates.mean)

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """90 % interval of the typical values."""
        half = NORMAL_90 * self.errors[: len(self.names)]
        return self.model.natural(self.estimates.mean - half), self.model.natural(self.estimates.mean + half)

    def spread_interval(self) -> tuple[np.ndarray, np.ndarray]:
        """90 % interval of the spreads between patients."""
        count = len(self.names)
        half = NORMAL_90 * self.errors[count : 2 * count]
        return self.estimates.spread * np.exp(-half), self.estimates.spread * np.exp(half)

    @property
    def eta(self) -> np.ndarray:
        """Every subject's distance from the typical values, (subjects, names)."""
        return np.array([found.eta for found in self.modes])

    @property
    def shrinkage(self) -> np.ndarray:
        """1 − SD(η̂)/ω of each parameter: near 1 where a subject's data say little of it."""
        return 1 - self.eta.std(axis=0, ddof=1) / self.estimates.spread

    @property
    def residual_shrinkage(self) -> float:
        """1 − SD of the weighted residuals at the modes."""
        return float(1 - np.concatenate([row["iwres"] for row in self.diagnostics()]).std())

    def individual(self) -> np.ndarray:
        """Every subject's own values, (subjects, names)."""
        return self.model.natural(self.estimates.mean + self.eta)

    def diagnostics(self) -> list[dict[str, np.ndarray]]:
        """By subject: time, observed, below, population and individual predictions, iwres and cwres (times,)."""
        return [_diagnose(self, *each) for each in zip(self.subjects, self.modes, strict=True)]


def fit(
    subjects: Sequence[Subject],
    model: ChainModel,
    *,
    start: Prior | None = None,
    errors: bool = True,
    progress: Callable[[str], None] | None = None,
) -> PopulationFit:
    """Fit a population. A residual part that is 0 in `start` stays out; without `start` the drug's own file.

    Raises InputError where there is nothing to fit, SolveError where a subject has no mode.
    """
    from scipy.optimize import minimize

    check(subjects)
    tell = progress or (lambda _: None)
    task = _Task(tuple(subjects), model)
    first = start or prior_of(model)
    begun = of_prior(first)
    near = _em(task, begun, tell)

    def least(vector: np.ndarray) -> float:
        try:
            return task.minus_two_log_likelihood(near.moved(vector))
        except SolveError:  # a step of the search to where no curve can be computed
            task.etas = [None] * len(task.subjects)
            return UNLIKELY

    tell("BFGS on the Laplace approximation")
    found = minimize(
        least, near.vector(), jac=lambda v: _gradient(least, v), method="BFGS", options={"gtol": 0.02}
    )
    best = near.moved(found.x)
    covariance = np.full((len(found.x),) * 2, np.nan)
    if errors:
        tell("standard errors")
        covariance = _covariance(least, found.x)
    value = task.minus_two_log_likelihood(best)
    return PopulationFit(model.names, task.subjects, model, best, covariance, value, task.modes(best))


class _Task:
    """Subjects and model, with the last modes kept as the start of the next search."""

    def __init__(self, subjects: tuple[Subject, ...], model: ChainModel) -> None:
        self.subjects, self.model = subjects, model
        self.etas: list[np.ndarray | None] = [None] * len(subjects)
        self.seen = sum(int((~subject.below).sum()) for subject in subjects)

    def modes(self, estimates: Estimates) -> tuple[Mode, ...]:
        found = modes_of(self.subjects, self.model, estimates.prior(), self.etas)
        self.etas = [one.eta for one in found]
        return tuple(found)

    def minus_two_log_likelihood(self, estimates: Estimates) -> float:
        spreads = np.linalg.slogdet(estimates.covariance)[1]
        each = [one.least + np.linalg.slogdet(one.curvature)[1] for one in self.modes(estimates)]
        return float(np.sum(each) + len(each) * spreads + self.seen * np.log(2 * np.pi))


def _em(task: _Task, estimates: Estimates, tell: Callable[[str], None]) -> Estimates:
    """Rounds of: the normal curve at each mode, then the estimates that make these curves most probable."""
    for round in range(EM_ROUNDS):
        tell(f"EM round {round + 1} of {EM_ROUNDS}")
        modes = task.modes(estimates)
        etas, covariances = np.array([m.eta for m in modes]), np.array([m.covariance for m in modes])
        shift = etas.mean(axis=0)
        variances = np.mean((etas - shift) ** 2 + np.array([np.diag(c) for c in covariances]), axis=0)
        spread = np.maximum(np.sqrt(variances), LEAST_SPREAD)
        residual = _residual(task.subjects, modes, estimates.residual)
        task.etas = [eta - shift for eta in etas]
        last, estimates = (
            estimates,
            replace(estimates, mean=estimates.mean + shift, spread=spread, residual=residual),
        )
        if np.max(np.abs(estimates.vector() - last.vector())) < EM_SETTLED:
            break
    return estimates


def _residual(subjects: Sequence[Subject], modes: Sequence[Mode], last: Residual) -> Residual:
    """The residual that makes the levels most probable about the modes, given how doubtful those are."""
    from scipy.optimize import minimize

    apart, predicted = [], []
    for subject, one in zip(subjects, modes, strict=True):
        seen = ~subject.below
        doubt = np.einsum("ij,jk,ik->i", one.sensitivity, one.covariance, one.sensitivity)
        apart.append(((subject.observed - one.predicted) ** 2 + doubt)[seen])
        predicted.append(one.predicted[seen])
    squares, levels = np.concatenate(apart), np.concatenate(predicted)
    parts = [name for name in ("additive", "proportional") if getattr(last, name) > 0]

    def made(logs: np.ndarray) -> Residual:
        return Residual(
            **({"additive": 0.0, "proportional": 0.0} | dict(zip(parts, np.exp(logs).tolist(), strict=True)))
        )

    def least(logs: np.ndarray) -> float:
        variance = made(logs).variance(levels)
        kept = variance > TINY
        return float(np.sum((np.log(variance) + squares / variance)[kept]))

    begun = np.log([getattr(last, name) for name in parts])
    return made(minimize(least, begun, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3}).x)


def _gradient(function: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    steps = DIFFERENCE * np.eye(len(at))
    return np.array([(function(at + step) - function(at - step)) / (2 * DIFFERENCE) for step in steps])


def _covariance(minus_two: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """Twice the inverse of the second derivatives of −2LL, by central differences."""
    step, count = 10 * DIFFERENCE, len(at)
    units, here = step * np.eye(count), minus_two(at)
    single = np.array([minus_two(at + unit) + minus_two(at - unit) for unit in units])
    second = np.diag((single - 2 * here) / step**2)
    for i in range(count):
        for j in range(i):
            both = minus_two(at + units[i] + units[j]) + minus_two(at - units[i] - units[j])
            second[i, j] = second[j, i] = (both - single[i] - single[j] + 2 * here) / (2 * step**2)
    try:
        return 2 * np.linalg.inv(second)
    except np.linalg.LinAlgError:
        return np.full(second.shape, np.nan)


def _diagnose(found: PopulationFit, subject: Subject, one: Mode) -> dict[str, np.ndarray]:
    """Residuals: individual, over the residual SD; conditional, of the model made linear at the mode."""
    estimates = found.estimates
    variance = estimates.residual.variance(one.predicted)
    population = found.model.predict(subject, estimates.mean[None])[0]
    expected = one.predicted - one.sensitivity @ one.eta
    spread = one.sensitivity @ estimates.covariance @ one.sensitivity.T + np.diag(variance)
    sizes, axes = np.linalg.eigh(spread)
    whitened = axes @ np.diag(np.maximum(sizes, TINY) ** -0.5) @ axes.T
    return {
        "time": subject.times_h,
        "observed": subject.observed,
        "below": subject.below,
        "population": population,
        "individual": one.predicted,
        "iwres": (subject.observed - one.predicted) / np.sqrt(variance),
        "cwres": whitened @ (subject.observed - expected),
    }
