"""What a regimen would do to one patient's complaint and which side effects it would bring, from the endpoint models.

The draws of the patient's body (`person`) are shared out over groups. Each group has its own draw of the doubt about the
endpoint's parameters and its own deviate between studies; each draw in it is another way in which this patient could
respond. The same draw meets every regimen and none, so that a benefit is a difference within a draw.

A score that was observed weighs the draws by how near they came to it: with simulated scores s and observed ones o,
weight ∝ exp(−½ Σ ((s − o)/h)²), h a share of the spread of s (approximate Bayesian computation with a kernel). How many
draws that leaves is `effective`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import endpoints
from spasmlab.chain.problem import run
from spasmlab.endpoints import adverse
from spasmlab.endpoints.course import Chance, Course
from spasmlab.errors import InputError, unknown
from spasmlab.parameter import beside
from spasmlab.quantity import Quantity
from spasmlab.regimen import DAY_H

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.person import Person

UNTOUCHED = {"occupancy": 0.0, "release_ia": 1.0, "release_poly": 1.0}
SCORE_EXAMPLE = "'pain=7 at day 0, pain=4 at day 28'"
_SCORE = re.compile(r"(?P<name>[a-z_]+)\s*=\s*(?P<value>\S+)\s+at\s+day\s+(?P<day>\S+)", re.I)
LOW, HIGH = 0.05, 0.95  # quantiles of a 90 % interval


@dataclass(frozen=True)
class Score:
    """An outcome that was observed on a day of treatment (0: before the first dose)."""

    name: str
    value: float
    day: float


@dataclass(frozen=True)
class Outlook:
    """One regimen in every draw on the day it is looked at: outcomes with it and without any drug, (draws,) each; of each
    side effect the chance that it is there by the drug, and that it ever was (kilograms for weight)."""

    with_drug: Mapping[str, np.ndarray]
    without: Mapping[str, np.ndarray]
    present: Mapping[str, np.ndarray]
    ever: Mapping[str, np.ndarray]


def endpoint_of(condition: str) -> str | None:
    """The endpoint that describes a condition; None where no model here does."""
    return next((name for name in endpoints.names() if condition in endpoints.load(name).CONDITIONS), None)


def read_scores(text: str | None, endpoint: str | None) -> tuple[Score, ...]:
    """``pain=7 at day 0, pain=4 at day 28`` as scores; InputError for what is none, or has no model."""
    if text is None:
        return ()
    if endpoint is None:
        raise InputError("--score: no endpoint model here describes this condition; possible: leave it out")
    return tuple(_score(word, endpoint) for word in text.split(","))


def _score(text: str, endpoint: str) -> Score:
    found = _SCORE.fullmatch(" ".join(text.split()))
    known = endpoints.load(endpoint).OUTCOMES
    if found is not None and found["name"] not in known:
        raise unknown(f"score of {endpoint}", found["name"], known)
    try:
        value, day = (float(found["value"]), float(found["day"])) if found else (np.nan, np.nan)
    except ValueError:
        value = day = np.nan
    if found is None or not (np.isfinite(value) and np.isfinite(day) and 0 <= day <= 366):
        raise InputError(f"'{text.strip()}' is no observed score; possible: {SCORE_EXAMPLE}")
    outcome = known[found["name"]]
    if not outcome.low <= value <= outcome.high:
        raise InputError(
            f"'{text.strip()}': {found['name']} lies between {outcome.low:g} and {outcome.high:g}"
        )
    return Score(found["name"], value, day)


def course(cloud: Person, case: Case, days: float, clock_h: float) -> Course:
    """The chain of every draw on a regimen, on the grid that endpoints read."""
    hours = _grid(days)
    problem = cloud.problem(case, days + 1)
    return Course(hours, run(problem, hours, tuple(UNTOUCHED)), clock_h, cloud.condition.name)


def untreated(cloud: Person, endpoint: str | None, day: float, clock_h: float) -> dict[str, np.ndarray]:
    """Every outcome without any drug on a day, (draws,) each: the same for all regimens."""
    hours = _grid(day)
    signals = {name: np.full((cloud.draws, hours.size), value) for name, value in UNTOUCHED.items()}
    return _on_day(cloud, endpoint, Course(hours, signals, clock_h, cloud.condition.name), day)


def look(
    cloud: Person, endpoint: str | None, taken: Course, day: float, without: Mapping[str, np.ndarray]
) -> Outlook:
    """The outlook of a course on a day of treatment, beside the outcomes without drug on that day."""
    visits = np.array([0.0, day])
    sides = {name: _side(cloud, name, taken, visits) for name in adverse.names()}
    present, ever = ({name: pair[i] for name, pair in sides.items()} for i in (0, 1))
    return Outlook(_on_day(cloud, endpoint, taken, day), without, present, ever)


def _on_day(cloud: Person, endpoint: str | None, taken: Course, day: float) -> dict[str, np.ndarray]:
    found = _outcomes(cloud, endpoint, taken, np.array([0.0, day]))
    return {name: values[:, -1] for name, values in found.items()}


def weights(cloud: Person, endpoint: str, taken: Course, scores: Sequence[Score]) -> np.ndarray:
    """The weight of each draw given observed scores, (draws,), summing to 1; InputError where hardly a draw comes near."""
    days = np.unique([0.0, *(score.day for score in scores)])
    found = _outcomes(cloud, endpoint, taken, days)
    misfit = np.zeros(cloud.draws)
    for score in scores:
        simulated = found[score.name][:, int(np.searchsorted(days, score.day))]
        width = _record("score_width") * float(np.std(simulated)) or 1.0
        misfit += ((simulated - score.value) / width) ** 2
    weight = np.exp(-0.5 * (misfit - misfit.min()))
    weight /= weight.sum()
    if effective(weight) < _record("fewest_effective") or misfit.min() > _record("worst_misfit") * len(
        scores
    ):
        raise InputError(
            f"only {effective(weight):.1f} of {cloud.draws} draws of the patient come near the scores; "
            "possible: more --draws, or scores that the model can have"
        )
    return weight


def effective(weight: np.ndarray) -> float:
    """The effective number of draws of a set of weights."""
    return float(1 / np.sum(weight**2))


def summary(values: np.ndarray, weight: np.ndarray, unit: str, interval: bool = True) -> Quantity:
    """The expectation over weighted draws, and their 90 % interval, widened where needed to hold it."""
    mean = float(weight @ values)
    if not interval:
        return Quantity(mean, unit)
    order = np.argsort(values)
    places = np.cumsum(weight[order])
    low, high = (
        float(values[order][min(int(np.searchsorted(places, q)), len(order) - 1)]) for q in (LOW, HIGH)
    )
    return Quantity(mean, unit, min(low, mean), max(high, mean))


def _outcomes(cloud: Person, endpoint: str | None, taken: Course, days: np.ndarray) -> dict[str, np.ndarray]:
    if endpoint is None:
        return {}
    simulate: Callable[..., dict[str, np.ndarray]] = endpoints.load(endpoint).simulate
    found = [simulate(part, days, chance) for part, chance in _groups(cloud, taken)]
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def _side(cloud: Person, name: str, taken: Course, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    effect = adverse.load(name)
    found = [adverse.simulate(effect, part, days, chance) for part, chance in _groups(cloud, taken)]
    return tuple(
        np.concatenate([getattr(one, what)[:, -1] for one in found]) for what in ("chance", "highest")
    )  # type: ignore[return-value]


def _groups(cloud: Person, taken: Course) -> Iterator[tuple[Course, Chance]]:
    """The draws in groups, each with its own draw of the doubt about the endpoints; the first has their centre."""
    groups = min(round(_record("groups")), cloud.draws)
    for place, rows in enumerate(np.array_split(np.arange(cloud.draws), groups)):
        signals = {name: values[rows] for name, values in taken.signals.items()}
        study = "" if place == 0 else f"advice {place}"
        chance = Chance(cloud.seed, len(rows), first=int(rows[0]), study=study, draw=place)
        yield replace(taken, signals=signals), chance


def _grid(days: float) -> np.ndarray:
    step = _record("grid")
    return np.arange(0.0, days * DAY_H + step, step)


def _record(name: str) -> float:
    return beside("prescribing.outlook")[name].number
