"""Many virtual patients on one regimen: solved in chunks, with missed doses, whole or as a running summary.

A patient's numbers depend on the seed and on the patient's own number: not on how many others there are, on the
chunks, or on the threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import streams, variability
from spasmlab.chain import body, resolve
from spasmlab.chain.problem import Problem, run
from spasmlab.chain.solve import achieved_errors, dialysed
from spasmlab.errors import InputError
from spasmlab.parameter import beside
from spasmlab.population import People, Population
from spasmlab.regimen import DAY_H
from spasmlab.variability import Setting

if TYPE_CHECKING:
    import xarray

    from spasmlab.chain.pathway import Pathway
    from spasmlab.dialysis import Calendar
    from spasmlab.drug import Drug
    from spasmlab.parameter import Parameter
    from spasmlab.progress import Progress
    from spasmlab.regimen import Regimen
    from spasmlab.shift import Shift

CHUNK = 512  # patients solved and then forgotten, in a summary
CHECK_TIMES = 9  # over the whole run, at which a sample is solved again
PERCENTILES = (5.0, 50.0, 95.0)
LEVELS = ("plasma_concentration", "isf_concentration", "csf_concentration")


@dataclass(frozen=True)
class Cohort:
    """What is asked of many patients. `adherence` is the share of doses that is taken, each on its own; the doses
    after sessions of `dialysis` are given where the sessions are, and always taken."""

    population: Population
    drug: Drug
    regimen: Regimen
    days: float
    fed: float = 0.0
    formulation: str = "ir"
    seed: int = 0
    adherence: float = 1.0
    setting: Setting = field(default_factory=Setting)
    overrides: Mapping[str, float] = field(default_factory=dict)
    condition: Shift | None = None
    hypothesis: Shift | None = None
    dialysis: Calendar | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.adherence <= 1:
            raise InputError(f"adherence is the share of doses taken, 0 to 1, not {self.adherence:g}")
        self.drug.formulation(self.formulation)

    def pathway(self) -> Pathway:
        """The body the drug goes through."""
        return body.of(self.drug, self.formulation)

    def resolved(self) -> dict[str, tuple[str, Parameter]]:
        """The record behind each parameter of the pathway."""
        return resolve.records(self.pathway(), self.drug, self.condition, self.hypothesis, self.formulation)


def problem(cohort: Cohort, people: People) -> Problem:
    """The patients of a chunk, each with parameters and doses of its own."""
    pathway, resolved = cohort.pathway(), cohort.resolved()
    values = variability.values(
        pathway, resolved, cohort.drug, people, fed=cohort.fed, seed=cohort.seed, setting=cohort.setting,
        overrides=cohort.overrides,
    )  # fmt: skip
    times, amounts = dose_amounts(cohort, people)
    longest = resolve.bounds(pathway, resolved, "lag")[1]
    found = Problem(pathway, values, times, np.ascontiguousarray(amounts.T), longest)
    if cohort.dialysis is None:
        return found
    return dialysed(found, cohort.dialysis, cohort.drug, cohort.days * DAY_H)


def dose_amounts(cohort: Cohort, people: People) -> tuple[np.ndarray, np.ndarray]:
    """Dose times [h], (doses,), and what each patient takes of each [mg], (patients, doses); 0 where missed."""
    one_weight = not cohort.regimen.needs_weight
    weights = people.weight[:1] if one_weight else people.weight
    written = [cohort.regimen.for_weight(float(weight)).doses(cohort.days) for weight in weights]
    times = written[0][0]
    amounts = np.array([found[1] for found in written])
    taken = np.array([_taken(cohort, people, dose) for dose in range(len(times))]).T
    return times, np.broadcast_to(amounts, (len(people), len(times))) * taken.reshape(len(people), len(times))


def _taken(cohort: Cohort, people: People, dose: int) -> np.ndarray:
    if cohort.adherence == 1:
        return np.ones(len(people), dtype=bool)
    chance = streams.uniforms(cohort.seed, "adherence", dose, first=people.first, count=len(people))
    return chance < cohort.adherence


def solve(
    cohort: Cohort,
    people: People,
    times_h: np.ndarray,
    signals: Sequence[str] = LEVELS,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Signals of each patient, an array (patients, times) each; `times_h` sorted and distinct."""
    return run(problem(cohort, people), times_h, signals, threads or os.cpu_count() or 1)


def simulate(
    cohort: Cohort, count: int, times_h: np.ndarray | Sequence[float], signals: Sequence[str] = LEVELS
) -> xarray.Dataset:
    """Every patient kept: signals (patient, time) with units, and covariates by patient."""
    import xarray

    times = output_times(cohort, times_h)
    people = cohort.population.people(count, cohort.seed)
    solved, units = solve(cohort, people, times, signals), cohort.pathway().signals
    variables = {
        name: (("patient", "time"), values, {"unit": units[name]}) for name, values in solved.items()
    }
    coordinates = {"patient": people.numbers, "time": ("time", times, {"unit": "h"})}
    for name, unit in COVARIATES.items():
        coordinates[name] = ("patient", getattr(people, name), {"unit": unit})
    attrs = {"population": cohort.population.name, "drug": cohort.drug.name, "regimen": cohort.regimen.text}
    attrs |= {"seed": cohort.seed, "implausible": people.implausible, "adherence": cohort.adherence}
    return xarray.Dataset(variables, coordinates, attrs)


COVARIATES = {
    "age": "year",
    "weight": "kg",
    "height": "cm",
    "female": "1",
    "creatinine": "mg/dL",
    "creatinine_clearance": "mL/min",
}


def output_times(cohort: Cohort, times_h: np.ndarray | Sequence[float]) -> np.ndarray:
    """Sorted, distinct output times; InputError where they leave the days simulated."""
    times, end = np.unique(np.asarray(times_h, dtype=float)), cohort.days * DAY_H
    if not len(times) or times[0] < 0 or not times[-1] <= end:
        raise InputError(f"output times must lie within 0 to {end:g} h (the {cohort.days:g} days simulated)")
    return times


class Quantiles:
    """Running quantiles of many curves in constant memory: counts in bins that are even on a log scale.

    `within` is the largest relative error of a quantile, half the width of a bin. Counts are whole numbers, so
    the order in which patients come changes nothing.
    """

    def __init__(self, points: int) -> None:
        known = {name: record.number for name, record in beside("population").items()}
        self.bins = int(known["quantile_bins"])
        self.low, self.high = np.log(known["quantile_low"]), np.log(known["quantile_high"])
        self.counts = np.zeros((points, self.bins + 1), dtype=np.int64)
        self.count = 0

    @property
    def within(self) -> float:
        """Relative error that no quantile exceeds."""
        return float(np.expm1(0.5 * (self.high - self.low) / self.bins))

    def add(self, values: np.ndarray) -> None:
        """Take in curves, an array (patients, points) of numbers of at least 0."""
        with np.errstate(divide="ignore"):
            place = (np.log(values) - self.low) / (self.high - self.low) * self.bins
        bins = np.clip(np.floor(np.where(np.isfinite(place), place, -1.0)) + 1, 0, self.bins).astype(np.int64)
        for point in range(values.shape[1]):
            self.counts[point] += np.bincount(bins[:, point], minlength=self.bins + 1)
        self.count += len(values)

    def at(self, percentiles: Sequence[float]) -> np.ndarray:
        """The percentiles at each point, (points, percentiles); 0 below the smallest bin."""
        cumulated = np.cumsum(self.counts, axis=1)
        ranks = np.maximum(1, np.ceil(np.asarray(percentiles) / 100 * self.count))
        place = np.array([np.searchsorted(row, ranks) for row in cumulated])
        middle = np.exp(self.low + (place - 0.5) * (self.high - self.low) / self.bins)
        return np.where(place == 0, 0.0, middle)


@dataclass(frozen=True)
class Summary:
    """Percentiles of a population: `quantiles` by signal (draws, times, percentiles), `metrics` by name
    (draws, percentiles) with their `units`; draw 0 has the central values of all parameters, the others sample
    the doubt about them. `within` is the largest relative error of a percentile, `achieved_error` that of the
    curves themselves against the adaptive solver."""

    times_h: np.ndarray
    percentiles: tuple[float, ...]
    quantiles: dict[str, np.ndarray]
    metrics: dict[str, np.ndarray]
    units: dict[str, str]
    count: int
    implausible: int
    within: float
    achieved_error: float


def summarise(
    cohort: Cohort,
    count: int,
    times_h: np.ndarray | Sequence[float],
    *,
    signals: Sequence[str] = LEVELS,
    percentiles: Sequence[float] = PERCENTILES,
    draws: int = 1,
    metrics: bool = True,
    threads: int | None = None,
    checked: int = 1,
    progress: Progress | None = None,
) -> Summary:
    """Percentiles over `count` patients, in constant memory: chunks are solved, counted and forgotten.

    With `draws` above 1 the same patients are met again under each draw of the doubt about the values, so that
    the spread between patients and the doubt about it stay apart.
    """
    times = output_times(cohort, times_h)
    found, described, implausible, within = [], [], 0, 0.0
    for draw in range(draws):
        one = replace(cohort, setting=replace(cohort.setting, draw=draw))
        curves = {name: Quantiles(len(times)) for name in signals}
        numbers: dict[str, Quantiles] = {}
        implausible = 0
        for people in chunks(one, count):
            implausible += people.implausible
            if progress:
                progress(draw * count + people.first, draws * count)
            for name, values in solve(one, people, times, signals, threads).items():
                curves[name].add(np.maximum(values, 0.0))
            for name, values in exposure_of(one, people).items() if metrics else ():
                numbers.setdefault(name, Quantiles(1)).add(values[:, None])
        found.append({name: quantiles.at(percentiles) for name, quantiles in curves.items()})
        described.append({name: quantiles.at(percentiles)[0] for name, quantiles in numbers.items()})
        within = next(iter(curves.values())).within
    units = cohort.pathway().signals
    return Summary(
        times_h=times,
        percentiles=tuple(percentiles),
        quantiles={name: np.array([one[name] for one in found]) for name in signals},
        metrics={name: np.array([one[name] for one in described]) for name in described[0]},
        units={name: units[name] for name in signals} | _metric_units(),
        count=count,
        implausible=implausible,
        within=within,
        achieved_error=achieved_error(cohort, count, times, signals, checked),
    )


def chunks(cohort: Cohort, count: int) -> Iterator[People]:
    """The patients of a cohort, a chunk at a time."""
    for first in range(0, count, CHUNK):
        yield cohort.population.people(min(CHUNK, count - first), cohort.seed, first)


def exposure_of(cohort: Cohort, people: People) -> dict[str, np.ndarray]:
    """c_max, c_min, auc_tau and the other metrics of `exposure.metrics` of each patient, (patients,) each.

    They are those of the regimen as written (every dose taken). On dialysis c_max, t_max and c_min are those of
    the last cycle of sessions, and only what does not depend on when sessions are stands beside them.
    """
    import xarray

    from spasmlab import exposure, exposure_course

    pathway, parameters = cohort.pathway(), problem(cohort, people).parameters
    alone = cohort.regimen.needs_weight  # each weight has doses of its own
    parts = np.split(np.arange(len(people)), len(people) if alone else 1)
    found: list[dict[str, np.ndarray]] = []
    for places in parts:
        coordinates = {
            "parameter": list(pathway.params),
            "parameter_value": (("parameter", "draw"), parameters[:, places]),
        }
        body = {"body": cohort.drug.body_of(cohort.formulation)}
        found.append(exposure.metrics(xarray.Dataset({}, coordinates, body), cohort.regimen))
    usual = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    if cohort.dialysis is None:
        return usual
    times = exposure_course.times_of(cohort.dialysis, cohort.days)
    seen = solve(replace(cohort, adherence=1.0), people, times, exposure_course.NEEDED)
    return exposure_course.over_last_cycle(times, seen, usual)


def _metric_units() -> dict[str, str]:
    from spasmlab import exposure

    return dict(exposure.UNITS)


def achieved_error(
    cohort: Cohort, count: int, times: np.ndarray, signals: Sequence[str] = LEVELS, checked: int = 1
) -> float:
    """The largest error of a random sample of `checked` patients against the adaptive solver, as a share of each
    signal's largest value."""
    # also between and beyond the times asked for: at time 0 alone every solver is right
    times = np.union1d(times, np.linspace(0, cohort.days * DAY_H, CHECK_TIMES))
    sample = streams.stream(cohort.seed, "checked", "population").integers(count, size=checked)
    worst = 0.0
    for number in sample.tolist():
        one = problem(cohort, cohort.population.people(1, cohort.seed, number))
        errors = achieved_errors(one, times, 1, cohort.seed)
        worst = max(worst, *(errors[name] for name in signals))
    return worst
