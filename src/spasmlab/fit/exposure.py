"""Joint fit of gabapentin's absorption and disposition to its calibration rows: ``python -m spasmlab.fit.exposure``.

Each row is a published mean y of a study: log y = log f(θ) + u + e, with u normal between studies (SD τ, shared by
the rows of one study that measure one kind of quantity) and e the error of the row itself (its standard error, and
`model_error`). Priors are log-normal (`fit/exposure.toml`). The best fit is found by least squares, the posterior
drawn by adaptive importance sampling that starts from the curvature there. `--write FILE` keeps the draws; the
best fit stands in the drug's own file, and a test fits again and compares.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from spasmlab import evidence, parameter, predicted, streams
from spasmlab.errors import InputError

DRUG = "gabapentin"
PARAMETERS = (
    "emptying_rate",
    "uptake_vmax",
    "uptake_half",
    "non_saturable",
    "volume",
    "peripheral_volume",
    "peripheral_rate",
    "renal_clearance_slope",
    "nonrenal_clearance",
)
BETWEEN = "between_study"
VERSION = "2"
BRAIN = "csf"  # measures of spinal fluid, which these parameters do not enter alone
STEP = 1e-3
ROUNDS = 40
FARTHEST = 4.0  # prior standard deviations within which the model is run at all


@dataclass(frozen=True)
class Datum:
    """A calibration row: its number, the standard error of its log, and the group that shares a study's deviation."""

    scenario: predicted.Scenario
    unit: str
    observed: float
    error: float
    group: tuple[str, str]


@dataclass(frozen=True)
class Fit:
    """Best values by name (τ among them), posterior `draws` (draws, names), and the effective sample size."""

    names: tuple[str, ...]
    best: Mapping[str, float]
    draws: np.ndarray
    effective: float
    data: tuple[Datum, ...]


def data() -> tuple[Datum, ...]:
    """The calibration rows of the drug that the fit reads, through `evidence.calibration` alone."""
    found = []
    for id, scenario in predicted.scenarios().items():
        if scenario.drug != DRUG or scenario.why or scenario.measure.startswith(BRAIN):
            continue
        try:
            row = evidence.calibration(id)
        except InputError:
            continue  # a validation row: predicted, never fitted
        if row.spread_kind in {"upper bound", "lower bound"}:
            continue
        kind = predicted.MEASURES[scenario.measure][1]
        found.append(Datum(scenario, row.unit, row.number, row_error(row), (scenario.study, kind)))
    return tuple(found)


def digest(rows: Sequence[Datum]) -> str:
    """A hash of what was fitted to: ids, numbers, errors, scenarios and priors."""
    parts = [repr(row) for row in rows] + [repr(record) for record in _prior().values()]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _prior() -> Mapping[str, parameter.Parameter]:
    return parameter.beside("fit.exposure")


def row_error(row: evidence.Row) -> float:
    """The standard error of the log of a row's mean, from its spread and n where it has them; `model_error` on top."""
    own = _prior()
    root = math.sqrt(row.n or own["row_subjects"].number)
    spread, kind, value = row.spread, row.spread_kind, abs(row.number)
    if spread is None or kind in {"upper bound", "lower bound"} or not value:
        found = own["row_error"].number
    elif kind == "SD":
        found = spread / value / root
    elif kind == "half-range":
        found = 0.5 * spread / value
    elif kind == "90% CI half-width":
        found = spread / value / parameter.beside("predicted")["wide_90"].number
    elif kind.startswith("IIV variance"):
        found = math.sqrt(spread) / root
    elif kind in {"CV%", "IIV CV%"}:
        found = spread / 100 / root
    else:
        found = spread / 100  # relative standard errors
    return math.hypot(found, own["model_error"].number)


class _Problem:
    """The posterior over z, the parameters on their own scales (log, or logit for a share), τ on the log."""

    def __init__(self, rows: Sequence[Datum]) -> None:
        self.rows = rows
        self.names = (*PARAMETERS, BETWEEN)
        self.records = [_prior()[name] for name in self.names]
        self.centre = np.array([_to(record, record.number) for record in self.records])
        self.width = np.array([record.spread or 1.0 for record in self.records])
        self.observed = np.log([row.observed for row in rows])
        self.errors = np.array([row.error for row in rows])

    @cached_property
    def same(self) -> np.ndarray:
        """1 where two rows share a study's deviation."""
        return np.array([[a.group == b.group for b in self.rows] for a in self.rows], dtype=float)

    def values(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Parameters by name from z (points, names)."""
        return {r.name: _back(r, z[:, i]) for i, r in enumerate(self.records)}

    def predictions(self, z: np.ndarray) -> np.ndarray:
        """Log predictions (points, rows)."""
        fitted = {name: value for name, value in self.values(z).items() if name != BETWEEN}
        seen = [predicted.values(row.scenario, row.unit, draws=len(z), fitted=fitted) for row in self.rows]
        return np.log(np.array(seen).T)

    def covariance(self, z: np.ndarray) -> np.ndarray:
        """Covariance of the rows at one point: between studies, and of each row itself."""
        tau = math.exp(z[-1])
        return tau**2 * self.same + np.diag(self.errors**2)

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Log posterior (points,) up to a constant."""
        far = np.abs(z - self.centre) / self.width
        possible = np.max(far, axis=1) < FARTHEST
        z = np.where(possible[:, None], z, self.centre)
        misses = self.observed - self.predictions(z)
        prior = np.where(possible, -0.5 * np.sum(far**2, axis=1), -np.inf)
        return prior + np.array(
            [_normal(miss, self.covariance(at)) for miss, at in zip(misses, z, strict=True)]
        )


def _to(record: parameter.Parameter, value: float) -> float:
    return math.log(value / (1 - value)) if record.transform == "logit" else math.log(value)


def _back(record: parameter.Parameter, z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z)) if record.transform == "logit" else np.exp(z)


def _normal(miss: np.ndarray, covariance: np.ndarray) -> float:
    root = np.linalg.cholesky(covariance)
    scaled = np.linalg.solve(root, miss)
    return float(-0.5 * scaled @ scaled - np.sum(np.log(np.diag(root))))


def best(problem: _Problem) -> tuple[np.ndarray, np.ndarray]:
    """The posterior mode z and the precision (curvature) there.

    Alternates Gauss–Newton steps of the parameters, with derivatives by central differences, and the best τ.
    """
    z, size = problem.centre.copy(), len(problem.names)
    precision = np.eye(size)
    for _ in range(ROUNDS):
        jacobian, now = _jacobian(problem, z)
        weight = np.linalg.inv(problem.covariance(z))
        gradient = (
            jacobian.T @ weight @ (problem.observed - now) - ((z - problem.centre) / problem.width**2)[:-1]
        )
        precision[:-1, :-1] = jacobian.T @ weight @ jacobian + np.diag(1 / problem.width[:-1] ** 2)
        move = np.linalg.solve(precision[:-1, :-1], gradient)
        z[:-1] += move * min(1.0, 1 / np.max(np.abs(move)))
        z[-1], precision[-1, -1] = _best_between(problem, z, problem.observed - now)
        if np.max(np.abs(move)) < STEP / 10:
            break
    return z, precision


def _jacobian(problem: _Problem, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the log predictions by the parameters, (rows, parameters), and the predictions."""
    moves = np.zeros((2 * len(PARAMETERS) + 1, len(z)))
    for i in range(len(PARAMETERS)):
        moves[1 + 2 * i, i], moves[2 + 2 * i, i] = STEP, -STEP
    seen = problem.predictions(z + moves)
    return (seen[1::2] - seen[2::2]).T / (2 * STEP), seen[0]


def _best_between(problem: _Problem, z: np.ndarray, miss: np.ndarray) -> tuple[float, float]:
    """The best log τ given the misses, and the curvature there."""
    from scipy.optimize import minimize_scalar

    def cost(log_tau: float) -> float:
        point = np.append(z[:-1], log_tau)
        prior = 0.5 * ((log_tau - problem.centre[-1]) / problem.width[-1]) ** 2
        return prior - _normal(miss, problem.covariance(point))

    centre = problem.centre[-1]
    found = minimize_scalar(cost, bounds=(centre - 2, centre + 2), method="bounded")
    at, wide = float(found.x), 0.05  # pyright: ignore[reportAttributeAccessIssue]
    return at, (cost(at + wide) - 2 * cost(at) + cost(at - wide)) / wide**2


def fit(say: Callable[[str], None] = lambda _: None, seed: int = 0) -> Fit:
    """Best fit and posterior draws."""
    problem = _Problem(data())
    z, precision = best(problem)
    say("best fit found; drawing the posterior")
    rng = streams.stream(seed, "fit", DRUG)
    proposed, shares = _sample(problem, z, np.linalg.inv(precision), rng, say)
    picked = rng.choice(len(shares), int(_prior()["draws"].number), replace=True, p=shares)
    drawn = problem.values(proposed[picked])
    return Fit(
        names=problem.names,
        best={name: float(value[0]) for name, value in problem.values(z[None]).items()},
        draws=np.column_stack([drawn[name] for name in problem.names]),
        effective=float(1 / np.sum(shares**2)),
        data=tuple(problem.rows),
    )


def _sample(
    problem: _Problem,
    centre: np.ndarray,
    covariance: np.ndarray,
    rng: np.random.Generator,
    say: Callable[[str], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Adaptive importance sampling (Cornuet 2012): the proposals (points, names) of all rounds and their shares.

    Each round proposes from a t distribution; every point so far is weighed by the mixture of all proposals so far,
    and the next proposal takes its centre and covariance from them. While few points carry the weights these are
    flattened for that, and in the end taken as they are.
    """
    own = _prior()
    count, freedom = int(own["proposals"].number), own["proposal_freedom"].number
    covariance = covariance * own["proposal_width"].number ** 2
    proposals: list[tuple[np.ndarray, np.ndarray]] = []
    points, densities, shares = np.zeros((0, len(centre))), np.zeros(0), np.zeros(0)
    for turn in range(int(own["rounds"].number)):
        proposals.append((centre, np.linalg.cholesky(covariance)))
        deviates = rng.standard_normal((count, len(centre)))
        deviates *= np.sqrt(freedom / rng.chisquare(freedom, count))[:, None]
        made = centre + deviates @ proposals[-1][1].T
        points = np.concatenate([points, made])
        densities = np.concatenate([densities, problem.log_density(made)])
        weights = densities - _mixture(points, proposals, freedom)
        shares = _shares(weights)
        say(f"round {turn + 1}: effective sample size {1 / np.sum(shares**2):.0f} of {len(points)}")
        soft = _flattened(weights, own["least_effective"].number * count)
        centre = soft @ points
        covariance = (points - centre).T @ (soft[:, None] * (points - centre))
    return points, shares


def _mixture(
    points: np.ndarray, proposals: Sequence[tuple[np.ndarray, np.ndarray]], freedom: float
) -> np.ndarray:
    """Log density of the points under the even mixture of t distributions (centre, root), up to a constant."""
    each = []
    for centre, root in proposals:
        deviates = np.linalg.solve(root, (points - centre).T)
        tail = 0.5 * (freedom + len(centre)) * np.log1p(np.sum(deviates**2, axis=0) / freedom)
        each.append(-tail - np.sum(np.log(np.diag(root))))
    return np.logaddexp.reduce(each, axis=0) - math.log(len(each))


def _shares(weights: np.ndarray) -> np.ndarray:
    found = np.exp(weights - weights.max())
    return found / found.sum()


def _flattened(weights: np.ndarray, least: float) -> np.ndarray:
    """Shares with the weights raised to the largest power up to 1 that leaves an effective size of `least`."""
    power = 1.0
    while 1 / np.sum(_shares(power * weights) ** 2) < least:
        power *= 0.9
    return _shares(power * weights)


def best_values() -> dict[str, float]:
    """The best fit alone, τ among it."""
    problem = _Problem(data())
    z, _ = best(problem)
    return {name: float(value[0]) for name, value in problem.values(z[None]).items()}


def text(result: Fit) -> str:
    """The draws as a file that `spasmlab.posterior` reads."""
    own = _prior()
    about = {
        "drug": DRUG,
        "rows": " ".join(row.scenario.row for row in result.data),
        "digest": digest(result.data),
        "fit": f"spasmlab.fit.exposure {VERSION}",
        "effective sample size": f"{result.effective:.0f} of {int(own['proposals'].number * own['rounds'].number)}",
    }
    lines = [f"# {key}: {value}" for key, value in about.items()]
    lines.append(",".join(result.names))
    lines += [",".join(f"{value:.6g}" for value in draw) for draw in result.draws]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Print the fit; with ``--write FILE`` keep the draws."""
    result = fit(lambda line: print(line, file=sys.stderr))
    for place, name in enumerate(result.names):
        low, high = np.quantile(result.draws[:, place], [0.05, 0.95])
        print(f"{name:22} {result.best[name]:9.4g}  90 % {low:.4g} to {high:.4g}")
    print(
        f"{len(result.data)} rows; effective sample size {result.effective:.0f}; digest {digest(result.data)}"
    )
    if "--write" in arguments:
        Path(arguments[list(arguments).index("--write") + 1]).write_text(text(result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
