"""How well a population fit describes its data: simulated levels, NPDE, and residuals by dose and kidney class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spasmlab import streams
from spasmlab.fit.data import Subject
from spasmlab.fit.population import PopulationFit

SIMULATED = 500
TINY = 1e-9
MOST_DOSES = 4
KIDNEYS = ((90.0, "normal"), (60.0, "mild"), (30.0, "moderate"), (15.0, "severe"), (0.0, "failure"))


@dataclass(frozen=True)
class Class:
    """Residuals of one class of subjects: conditional weighted ones, mean and standard deviation, of `levels` levels in
    `subjects` subjects. Near 0 and 1 where the model holds."""

    name: str
    subjects: int
    levels: int
    mean: float
    spread: float


@dataclass(frozen=True)
class Normality:
    """NPDE against a standard normal: mean, variance, and the probabilities of such a mean (t), variance (χ²) and shape
    (Shapiro–Wilk) where the model holds; `together` is the least times three (Bonferroni)."""

    count: int
    mean: float
    variance: float
    p_mean: float
    p_variance: float
    p_shape: float

    @property
    def together(self) -> float:
        """The least of the three, corrected for looking thrice."""
        return min(1.0, 3 * min(self.p_mean, self.p_variance, self.p_shape))


def simulate(found: PopulationFit, count: int = SIMULATED, seed: int = 0) -> list[np.ndarray]:
    """Levels of each subject of a fit in `count` simulated data sets, (data sets, times) each.

    Patients' effects are drawn with the correlations that the fit took them to have.
    """
    estimates, drawn = found.estimates, []
    root = np.linalg.cholesky(estimates.covariance)
    for place, subject in enumerate(found.subjects):
        random = streams.stream(seed, "vpc", place)
        etas = random.standard_normal((count, len(found.names))) @ root.T
        levels = found.model.predict(subject, estimates.mean + etas)
        noise = random.standard_normal(levels.shape) * np.sqrt(estimates.residual.variance(levels))
        drawn.append(levels + noise)
    return drawn


def npde(found: PopulationFit, count: int = SIMULATED, seed: int = 0) -> np.ndarray:
    """Normalised prediction distribution errors of every level: standard normal and independent if the model holds.

    Levels of a subject are made independent with the covariance of the simulated ones (Cholesky) before they are
    ranked among them (Brendel 2006). A level below the limit is first replaced by a draw from the simulated ones that
    lie there too.
    """
    from scipy.special import ndtri

    found_errors = []
    for place, (subject, drawn) in enumerate(zip(found.subjects, simulate(found, count, seed), strict=True)):
        seen = _filled(subject, drawn, streams.stream(seed, "below", place))
        moving = drawn.std(axis=0) > TINY
        drawn, seen = drawn[:, moving], seen[moving]
        mean, spread = drawn.mean(axis=0), np.atleast_2d(np.cov(drawn, rowvar=False))
        root = np.linalg.inv(np.linalg.cholesky(spread + TINY * np.eye(len(spread))))
        free, own = (drawn - mean) @ root.T, root @ (seen - mean)
        share = np.mean(free < own, axis=0)
        found_errors.append(ndtri(np.clip(share, 0.5 / count, 1 - 0.5 / count)))
    return np.concatenate(found_errors)


def _filled(subject: Subject, drawn: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Levels, those below the limit drawn from simulated ones below it (or the limit, where there are none)."""
    seen = subject.observed.copy()
    for place in np.flatnonzero(subject.below):
        there = drawn[drawn[:, place] < seen[place], place]
        seen[place] = random.choice(there) if len(there) else seen[place]
    return seen


def normality(errors: np.ndarray) -> Normality:
    """The three tests of NPDE (Brendel 2006)."""
    from scipy import stats

    count, variance = len(errors), float(errors.var(ddof=1))
    mean_test: Any = stats.ttest_1samp(errors, 0.0)
    below = stats.chi2.cdf((count - 1) * variance, count - 1)
    return Normality(
        count=count,
        mean=float(errors.mean()),
        variance=variance,
        p_mean=float(mean_test.pvalue),
        p_variance=float(2 * min(below, 1 - below)),
        p_shape=float(stats.shapiro(errors).pvalue),
    )


def by_dose(found: PopulationFit) -> list[Class]:
    """Residuals by the first dose of each subject, to two figures [mg]; above four doses, in four classes of about as
    many subjects."""
    doses = np.array([_rounded_dose(subject) for subject in found.subjects])
    edges = np.unique(doses)
    if len(edges) > MOST_DOSES:
        edges = np.unique(np.quantile(doses, (0.25, 0.5, 0.75, 1.0)))

    def named(subject: Subject) -> str:
        inside = doses[np.searchsorted(edges, doses) == np.searchsorted(edges, _rounded_dose(subject))]
        low, high = inside.min(), inside.max()
        return f"{low:g} mg" if low == high else f"{low:g} to {high:g} mg"

    return _classes(found, named)


def _rounded_dose(subject: Subject) -> float:
    return float(f"{subject.amounts_mg[0]:.2g}")


def by_kidney(found: PopulationFit) -> list[Class]:
    """Residuals by creatinine clearance [mL/min]: normal 90, mild 60, moderate 30, severe 15, failure below; of
    subjects whose table says nothing of their kidneys, as one class."""
    return _classes(found, kidney)


def kidney(subject: Subject) -> str:
    """The kidney class of a subject."""
    if not {"crcl", "creatinine"} & set(subject.covariates):
        return "not told"
    clearance = subject.person().creatinine_clearance
    return next(name for least, name in KIDNEYS if clearance >= least)


def _classes(found: PopulationFit, named: Callable[[Subject], str]) -> list[Class]:
    rows: dict[str, list[np.ndarray]] = {}
    first: dict[str, float] = {}
    for subject, row in zip(found.subjects, found.diagnostics(), strict=True):
        name = named(subject)
        rows.setdefault(name, []).append(row["cwres"][~row["below"]])
        first[name] = min(first.get(name, np.inf), float(subject.amounts_mg[0]))
    return [_class(name, rows[name]) for name in sorted(rows, key=lambda name: (first[name], name))]


def _class(name: str, rows: Sequence[np.ndarray]) -> Class:
    joined = np.concatenate(rows)
    spread = float(joined.std(ddof=1)) if len(joined) > 1 else float("nan")
    mean = float(joined.mean()) if len(joined) else float("nan")
    return Class(name, len(rows), len(joined), mean, spread)
