"""Fit of the endpoints to the calibration rows of trials: ``python -m spasmlab.fit.endpoints [NAME]``.

Each study is simulated as it was done, many times over, at a trial of the parameters: its statistics have a mean μ and a
covariance Σ, which hold the chance of its patients, of placebo responses and effects that differ between trials, and
what its arms share. The likelihood of what was printed is normal with these (a synthetic likelihood, Wood 2010). The
same random numbers serve every trial of the parameters. Priors are normal on each parameter's own scale
(`fit/endpoints.toml`); the spread is that of the curvature at the best point.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from spasmlab import endpoints, evidence, parameter, streams, studies
from spasmlab.endpoints import ADVERSE, adverse
from spasmlab.endpoints.course import Chance, Course
from spasmlab.parameter import Parameter
from spasmlab.trial import courses, simulate, statistic
from spasmlab.trial.design import Design, Published

STEP = 0.05


@dataclass(frozen=True)
class Target:
    """A printed number that may be fitted to."""

    published: Published
    value: float


@dataclass(frozen=True)
class Found:
    """The best values by path, their standard deviations on their own scale, and how each target was met."""

    best: Mapping[str, float]
    spread: Mapping[str, float]
    targets: tuple[tuple[str, str, float, float, float], ...]  # row, statistic, printed, mean, SD


def fitted(name: str) -> dict[str, Parameter]:
    """The parameters that a fit moves, by path: those that `fit/endpoints.toml` has a prior for."""
    records = adverse.load(name).parameters if name in adverse.names() else endpoints.load(name).parameters()
    asked = {p for p in parameter.beside("fit.endpoints") if p.startswith(_prefix(name))}
    return {r.path: r for n, r in records.items() if _prefix(name) + n in asked}


def _prefix(name: str) -> str:
    return name.replace("-", "_") + "__"


def targets(name: str, design: Design) -> list[Target]:
    """The calibration rows of a study that measure an endpoint or a side effect, through `evidence.calibration`."""
    found = []
    for published in design.published:
        belongs = endpoints.endpoint_of(published.outcome)
        measured = published.outcome.removeprefix(ADVERSE) if belongs == "adverse" else belongs
        if measured != name or studies.role(published) != "calibration":
            continue
        evidence.calibration(published.row)
        value = studies.number(published)
        if value is not None and published.statistic != statistic.DIRECTION:
            found.append(Target(published, value))
    return _independent(found)


def _independent(found: list[Target]) -> list[Target]:
    """Without differences that the arms' own values already say: they would count twice and leave Σ singular."""
    alone = {(t.published.outcome, t.published.arm) for t in found if t.published.against is None}
    return [
        t
        for t in found
        if t.published.against is None
        or (t.published.outcome, t.published.arm) not in alone
        or (t.published.outcome, t.published.against) not in alone
    ]


def single(design: Design) -> bool:
    """Whether a design is one trial. A pooled analysis repeats what its trials printed: fitted to as well, they would
    count twice; it is predicted, not fitted to."""
    return design.trials == 1


class Study:
    """A study made ready: courses of its patients solved once, statistics at any parameters."""

    def __init__(self, name: str, study: str) -> None:
        self.design = studies.load(study)
        self.name, self.study = name, study
        self.targets = targets(name, self.design)
        self.observed = np.array([t.value for t in self.targets])

    @cached_property
    def blocks(self) -> list[tuple[simulate.Block, Course]]:
        """One trial's patients and their courses on the regimen as written, with nobody turned away or stopped.

        The repeats of a study share these courses: they differ in placebo response, sensitivity and noise.
        """
        found, first = [], 0
        most = int(parameter.beside("fit.endpoints")["most_courses"].number)
        for sequence, size in zip(simulate.sequences(self.design), simulate.sizes(self.design), strict=True):
            count = min(size, most)
            block = simulate.Block(first, size, sequence, size)
            setting = simulate.Setting(self.design.seed)
            people = simulate.population.load(self.design.population).people(count, setting.seed, first)
            found.append((block, simulate.whole_course(self.design, block, people, setting)))
            first += size
        return found

    def statistics(self, overrides: Mapping[str, float]) -> np.ndarray:
        """Every target's statistic in each repeat of the study, (repeats, targets)."""
        repeats = range(int(parameter.beside("fit.endpoints")["repeats"].number))
        return np.array([self._repeat(repeat, overrides) for repeat in repeats])

    @cached_property
    def seen(self) -> list[tuple[simulate.Block, int, Course]]:
        """Block, period and the course seen in it, of what the endpoint reads alone."""
        reads = adverse.READS if self.name in adverse.names() else endpoints.load(self.name).READS
        found = []
        for block, course in self.blocks:
            rows = np.arange(block.count) % course.patients
            signals = {n: course.signals[n][rows] for n in reads}
            for period in range(len(block.sequence)):
                seen = simulate.seen_in(self.design, replace(course, signals=signals), period)
                found.append((block, period, seen))
        return found

    def _repeat(self, repeat: int, overrides: Mapping[str, float]) -> list[float]:
        arms: dict[str, list[dict[str, np.ndarray]]] = {}
        for block, period, seen in self.seen:
            first = block.first + repeat * self.design.patients
            chance = Chance(
                self.design.seed, block.count, first, f"{self.study} {repeat}", overrides=overrides
            )
            found = simulate.measure(self.design, seen, period, chance, only=self.name)
            arms.setdefault(self.design.arms[block.sequence[period]].name, []).append(found)
        scores = {
            arm: {o: np.concatenate([b[o] for b in parts]) for o in parts[0]} for arm, parts in arms.items()
        }
        return [self._one(scores, t.published) for t in self.targets]

    def _one(self, scores: Mapping[str, Mapping[str, np.ndarray]], p: Published) -> float:
        def seen(arm: str | None, outcome: str = p.outcome) -> statistic.Seen | None:
            if arm is None:
                return None
            values = scores[arm][outcome]
            place = -1 if p.day is None else self.design.visits.index(p.day)
            return statistic.Seen(values[:, 0], values[:, place], np.arange(len(values)))

        first = seen(p.arm)
        assert first is not None
        persists = p.statistic == statistic.PERSISTING
        now = seen(p.arm, p.outcome.replace(ADVERSE, endpoints.PRESENT)) if persists else None
        return statistic.of(p.statistic, p.outcome, first, seen(p.against), now)

    def moments(self, overrides: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Mean (targets,) and covariance of the statistics; of a side effect's share in closed form."""
        if self.name in adverse.names() and adverse.load(self.name).kind != "weight":
            return self._moments_of_shares(overrides)
        drawn = self.statistics(overrides)
        return drawn.mean(axis=0), np.atleast_2d(np.cov(drawn, rowvar=False))

    def _moments_of_shares(self, overrides: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Expected shares [%] and their binomial variances, with what differs between studies on the logit."""
        effect, days = adverse.load(self.name), courses.visit_days(self.design)
        between = parameter.beside("fit.endpoints")["share_between_study"].number
        expected = {}
        for block, course in self.blocks:
            chance = Chance(self.design.seed, course.patients, block.first, overrides=overrides)
            arm = self.design.arms[block.sequence[0]].name
            expected[arm] = adverse.expected(effect, course, days, chance)
        means, variances = [], []
        for target in self.targets:
            ever, now = (v[-1] for v in expected[target.published.arm])
            n = self.design.arm(target.published.arm).n
            persisting = target.published.statistic == statistic.PERSISTING
            share, n = (now / ever, n * ever) if persisting else (ever, n)
            spread = share * (1 - share)
            means.append(100 * share)
            variances.append(100**2 * (spread / n + (between * spread) ** 2))
        return np.array(means), np.diag(variances)

    def log_likelihood(self, overrides: Mapping[str, float]) -> float:
        """log N(printed; μ, Σ); printed numbers have the error of their rounding and source too."""
        mean, covariance = self.moments(overrides)
        if not (np.all(np.isfinite(mean)) and np.all(np.isfinite(covariance))):
            return -math.inf
        rough = parameter.beside("fit.endpoints")["row_error"].number * np.maximum(np.abs(self.observed), 1.0)
        covariance = covariance + np.diag(rough**2)
        root = np.linalg.cholesky(covariance)
        miss = np.linalg.solve(root, self.observed - mean)
        return float(-0.5 * miss @ miss - np.log(np.diag(root)).sum())


class Problem:
    """The posterior of one endpoint or side effect over z, its parameters on their own scales."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.records = fitted(name)
        own = parameter.beside("fit.endpoints")
        self.priors = [own[_prefix(name) + r.name] for r in self.records.values()]
        self.studies = [
            s for s in map(partial(Study, name), studies.names()) if s.targets and single(s.design)
        ]
        self.centre = np.array([_to(p, p.number) for p in self.priors])
        self.width = np.array([p.spread or 1.0 for p in self.priors])

    def values(self, z: np.ndarray) -> dict[str, float]:
        """Parameters by path."""
        return {path: _back(p, float(v)) for path, p, v in zip(self.records, self.priors, z, strict=True)}

    def cost(self, z: np.ndarray) -> float:
        """−log posterior up to a constant."""
        far = (z - self.centre) / self.width
        if np.max(np.abs(far)) > parameter.beside("fit.endpoints")["farthest"].number:
            return 1e6 * float(np.max(np.abs(far)))
        likelihood = sum(study.log_likelihood(self.values(z)) for study in self.studies)
        return 0.5 * float(far @ far) - likelihood if math.isfinite(likelihood) else 1e6


def _to(record: Parameter, value: float) -> float:
    if record.transform == "linear":
        return value
    return math.log(value / (1 - value)) if record.transform == "logit" else math.log(value)


def _back(record: Parameter, z: float) -> float:
    if record.transform == "linear":
        return z
    return 1 / (1 + math.exp(-z)) if record.transform == "logit" else math.exp(z)


def fit(name: str) -> Found:
    """The best point by Nelder and Mead's simplex, and the spread from the curvature there."""
    from scipy.optimize import minimize

    problem = Problem(name)
    size = len(problem.centre)
    start = np.vstack([problem.centre, problem.centre + 0.5 * np.diag(problem.width)])
    options = {"initial_simplex": start, "xatol": 0.01, "fatol": 0.02, "maxfev": 60 * size}
    z = minimize(problem.cost, problem.centre, method="Nelder-Mead", options=options).x
    best = problem.values(z)
    spread = np.sqrt(np.diag(np.linalg.inv(_curvature(problem, z))))
    met = []
    for study in problem.studies:
        means, covariance = study.moments(best)
        for place, target in enumerate(study.targets):
            p, mean, sd = target.published, float(means[place]), math.sqrt(covariance[place, place])
            met.append((p.row, f"{p.outcome} {p.statistic} {p.arm}", target.value, mean, sd))
    return Found(best, dict(zip(best, spread.tolist(), strict=True)), tuple(met))


def _curvature(problem: Problem, z: np.ndarray) -> np.ndarray:
    """The second derivatives of the cost by a quadratic through points about z, kept at least the prior's."""
    rng = streams.stream(0, "fit", "endpoints", problem.name)
    size = len(z)
    points = rng.normal(size=(3 * (size + 1) * (size + 2) // 2, size)) * problem.width * 0.3
    costs = np.array([problem.cost(z + p) for p in points])
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    design = np.column_stack([np.ones(len(points)), points, *(points[:, i] * points[:, j] for i, j in pairs)])
    kept = costs < np.median(costs) + 10
    terms = np.linalg.lstsq(design[kept], costs[kept], rcond=None)[0][1 + size :]
    found = np.zeros((size, size))
    for (i, j), term in zip(pairs, terms, strict=True):
        found[i, j] += term
        found[j, i] += term
    values, vectors = np.linalg.eigh(found)
    least = 1 / np.max(problem.width) ** 2
    return vectors @ np.diag(np.maximum(values, least)) @ vectors.T


def main(arguments: Sequence[str]) -> int:
    """Print the fit of each named endpoint or side effect (all without a name)."""
    for name in arguments or sorted(
        {k.split("__")[0] for k in parameter.beside("fit.endpoints") if "__" in k}
    ):
        found = fit(name.replace("_", "-") if name.replace("_", "-") in adverse.names() else name)
        print(f"== {name}")
        for path, value in found.best.items():
            print(f"{path:45} {value:9.4g}  spread {found.spread[path]:.3g}")
        for row, what, printed, mean, sd in found.targets:
            print(f"  {row:26} {what:55} printed {printed:8.3g}  mean {mean:8.3g}  SD {sd:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
