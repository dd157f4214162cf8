"""Power: the share of simulated trials of a size in which the primary outcome is significant and in favour of the drug.

Under no effect (the same trial with every drug's effect taken away) the share is the type I error, given beside it with
its Monte Carlo error.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from spasmlab import endpoints, quantity, result
from spasmlab.errors import InputError
from spasmlab.parameter import beside
from spasmlab.progress import Progress, Stages
from spasmlab.trial import analysis, simulate
from spasmlab.trial import result as results
from spasmlab.trial.design import Design
from spasmlab.trial.simulate import Setting

ALPHA = 0.05


@dataclass(frozen=True)
class Point:
    """Power at a size: patients in all, share of trials won, of trials significant either way, mean effect, and how many
    trials had no analysis (they count as not won)."""

    patients: int
    power: float
    significant: float
    effect: float
    failed: int = 0


def primary(design: Design) -> str:
    """The primary outcome: the one marked so, else the first."""
    marked = [name for name, asked in design.outcomes.items() if asked.primary]
    return (marked or list(design.outcomes))[0]


def without_effect(design: Design) -> Design:
    """The same trial of a drug that does nothing: every arm is a placebo, though it keeps its name."""
    arms = tuple(
        arm.model_copy(update={"drug": None, "regimen": None, "stops_on": ()}) for arm in design.arms
    )
    return design.model_copy(update={"arms": arms})


def one(design: Design, setting: Setting) -> tuple[float, float]:
    """Effect (negative where the drug is better) and p of the primary outcome in one simulated trial."""
    outcome = primary(design)
    table = simulate.simulate(design, setting)
    control = analysis.control_of(design)
    arm = next(a.name for a in design.arms if a.name != control)
    found = analysis.effect(design, table, outcome, arm, control, design.outcomes[outcome].analysis)
    sign = 1 if endpoints.find(outcome).better == "lower" else -1
    return sign * found.estimate, found.p


def at(
    design: Design,
    setting: Setting,
    patients: int,
    trials: int,
    pool: ProcessPoolExecutor | None,
    progress: Progress = lambda done, of: None,
) -> Point:
    """Power with as many patients in all."""
    sized = results.resized(design, patients)
    settings = [results.repeated(setting, r + 1) for r in range(trials)]
    mapped = pool.map(one, [sized] * trials, settings) if pool else map(one, [sized] * trials, settings)
    found = []
    for each in mapped:
        found.append(each)
        progress(len(found), trials)
    effects, ps = np.array(found).T
    significant = np.nan_to_num(ps, nan=1.0) < ALPHA
    won = float(np.mean(significant & (effects < 0)))
    failed = int(np.isnan(ps).sum())
    effect = float(np.nanmean(effects)) if failed < trials else math.nan
    return Point(patients, won, float(np.mean(significant)), effect, failed)


def compute(
    design: Design,
    setting: Setting,
    sizes: list[int],
    trials: int | None,
    stages: Stages,
    workers: int | None = None,
) -> dict[str, Any]:
    """The power curve over `sizes` (patients in all), and the type I error at the largest, on `workers` processes (as many
    as cores if None); InputError for a bad size."""
    count = trials or int(beside("trial.power")["trials"].number)
    if not sizes or min(sizes) < 2 * len(design.arms) or max(sizes) > 1_000_000:
        raise InputError(
            f"--patients must name sizes from {2 * len(design.arms)} to 1000000, such as 20,40,80; given: {sizes}"
        )
    if analysis.control_of(design) == design.arms[0].name and len(design.arms) == 1:
        raise InputError(f"'{design.title}' has one arm: there is nothing to compare it with")
    import multiprocessing

    with ProcessPoolExecutor(
        workers or os.cpu_count() or 1, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        points = []
        for size in sizes:
            with stages(f"Power: {size} patients, {count} trials") as progress:
                points.append(at(design, setting, size, count, pool, progress))
        with stages(f"Type I error: {max(sizes)} patients, {count} trials") as progress:
            null = at(without_effect(design), setting, max(sizes), count, pool, progress)
    return {
        **result.head("power"),
        "title": design.title,
        "outcome": primary(design),
        "analysis": design.outcomes[primary(design)].analysis,
        "trials": count,
        "alpha": ALPHA,
        "power": [_point(point, count) for point in points],
        "type_one_error": {
            "patients": null.patients,
            **share_of_trials(null.significant, count),
        },
        "patients_for": {f"{share:.0%}": needed(points, share) for share in (0.8, 0.9)},
        "seconds": result.seconds(stages),
    }


def _point(point: Point, trials: int) -> dict[str, Any]:
    return {
        "patients": point.patients,
        **share_of_trials(point.power, trials),
        "effect": quantity.finite(point.effect),
        "failed": point.failed,
    }


def share_of_trials(share: float, trials: int) -> dict[str, Any]:
    """A share of simulated trials with its 90 % interval by Wilson's score, which none of ten does not make certain.

    The Monte Carlo error is the standard error that a normal interval of the same width would have.
    """
    from scipy import stats

    below, above = (percentile / 100 for percentile in quantity.INTERVAL)
    found = stats.binomtest(round(share * trials), trials)
    low, high = found.proportion_ci(above - below, method="wilson")
    error = (high - low) / (float(stats.norm.ppf(above)) - float(stats.norm.ppf(below)))
    return {
        "value": share,
        "unit": "1",
        "low": float(low),
        "high": float(high),
        "monte_carlo_error": float(error),
    }


def needed(points: list[Point], share: float) -> int | None:
    """Patients for a power, interpolated in the probit of power against the root of n; None where out of reach.

    Power of a test of a mean is Φ(δ√n − z), so that its probit is linear in √n.
    """
    from scipy import stats

    inside = [p for p in points if 0.01 < p.power < 0.995]
    if len(inside) < 2:
        return next((p.patients for p in points if p.power >= share), None)
    slope, start = np.polyfit(
        [math.sqrt(p.patients) for p in inside], [float(stats.norm.ppf(p.power)) for p in inside], 1
    )
    if slope <= 0:
        return None
    root = (float(stats.norm.ppf(share)) - start) / slope
    largest = max(p.patients for p in points)
    found = math.ceil(root**2) if root > 0 else None
    return found if found is not None and found <= 4 * largest else None
