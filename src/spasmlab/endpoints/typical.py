"""A run scored as a trial of its condition scores: the outcomes of the endpoint in patients who take what one body takes.

A run follows one body. In each draw of the doubt its course of release is given here to many patients of the condition, who
differ in their complaint, in what the drug does to it, in their placebo response and from week to week; with and without
drug they are the same patients. Their deviates are stratified: each of n equal parts of a distribution comes up once, in an
order of its own name, so that a mean over few patients lies near that over many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from spasmlab import endpoints, streams
from spasmlab.endpoints import cramps
from spasmlab.endpoints.course import RELEASES, Chance, Course
from spasmlab.parameter import beside
from spasmlab.regimen import DAY_H

CORD = {"mas", "h_m_ratio", "reflex_torque"}  # what a run reads off the cord itself
SPASTICITY = "spasticity_scales"


class Scale(NamedTuple):
    """What a condition is scored by: an endpoint, its outcome that stands for it, and a title."""

    endpoint: str
    outcome: str
    title: str


class Asked(NamedTuple):
    """Who is scored and when: the condition at its severity, the day of the visit, the clock time of the first dose, and
    the seed."""

    condition: str
    severity: float
    day: float
    clock_h: float
    seed: int


@dataclass(frozen=True)
class Scored:
    """The outcomes of `endpoint` at the visit by name, (arms, draws, patients) each; none where `problem` says why."""

    endpoint: str | None = None
    outcomes: Mapping[str, np.ndarray] = field(default_factory=dict)
    problem: str | None = None


@cache
def scale_of(condition: str) -> Scale | None:
    """What a condition is scored by; None for health, which has no complaint."""
    from spasmlab import condition as conditions

    for name in endpoints.names():
        module = endpoints.load(name)
        if condition in module.CONDITIONS:
            return Scale(name, module.MAIN, module.TITLE)
    if condition in cramps.PROVOKED:
        return Scale("cramps", "cramp_change", cramps.TITLE)
    if any(path.startswith("circuit.") for path in conditions.load(condition).parameters):
        return Scale(SPASTICITY, "mas", endpoints.load(SPASTICITY).TITLE)
    return None


def outcomes_of(condition: str) -> tuple[str, ...]:
    """The outcomes that a condition's endpoint knows of it, beside those that a run reads off the cord."""
    scale = scale_of(condition)
    if scale is None:
        return ()
    module = endpoints.load(scale.endpoint)
    if condition not in module.CONDITIONS:
        return (scale.outcome,) if scale.outcome not in CORD else ()
    return tuple(name for name in module.OUTCOMES if name not in CORD)


def grid(day: float) -> np.ndarray:
    """The even grid of hours that endpoints read up to a day, (T,)."""
    step = beside("endpoints.typical")["grid"].number
    return np.arange(0.0, day * DAY_H + step, step)


def clock_of(written: float | None) -> float:
    """The clock time of the first dose [h], in the morning where none is written."""
    return beside("endpoints.typical")["first_dose"].number if written is None else written


def score(asked: Asked, course: Callable[[np.ndarray], Mapping[str, np.ndarray]], draws: int) -> Scored:
    """The outcomes without and with drug; `course` gives each release, (draws, T), at the hours it is asked for."""
    wanted = outcomes_of(asked.condition)
    scale = scale_of(asked.condition)
    if scale is None or not wanted:
        return Scored()
    hours = grid(asked.day)
    taken = course(hours)
    drug = [_simulated(asked, {n: v[draw] for n, v in taken.items()}, hours, draw) for draw in range(draws)]
    none = [_untreated(asked, draw) for draw in range(draws)]
    found = {name: np.stack([_stacked(arm, name) for arm in (none, drug)]) for name in wanted}
    return Scored(scale.endpoint, found)


def _stacked(draws: Sequence[Mapping[str, np.ndarray]], name: str) -> np.ndarray:
    return np.stack([draw[name] for draw in draws])


@lru_cache(maxsize=512)
def _untreated(asked: Asked, draw: int) -> dict[str, np.ndarray]:
    hours = grid(asked.day)
    return _simulated(asked, dict.fromkeys(RELEASES, np.ones(hours.size)), hours, draw)


def _simulated(
    asked: Asked, signals: Mapping[str, np.ndarray], hours: np.ndarray, draw: int
) -> dict[str, np.ndarray]:
    """Every outcome of the patients at the visit in one draw, (patients,) each."""
    scale = scale_of(asked.condition)
    assert scale is not None
    count = int(beside("endpoints.typical")["patients"].number)
    shared = {name: np.broadcast_to(values, (count, hours.size)) for name, values in signals.items()}
    course = Course(hours, shared, asked.clock_h, asked.condition, asked.severity)
    found = endpoints.load(scale.endpoint).simulate(
        course, np.array([0.0, asked.day]), Stratified(asked.seed, count, draw=draw)
    )
    return {name: values[:, -1] for name, values in found.items()}


@dataclass(frozen=True)
class Stratified(Chance):
    """Random numbers of patients of whom each stands for an equal part of every distribution."""

    def normals(self, name: str, *more: str | int) -> np.ndarray:
        """Standard normal deviates by patient, (count,)."""
        return _normals(self.seed, self.count, (name, *more))

    def uniforms(self, name: str, *more: str | int) -> np.ndarray:
        """Uniform deviates by patient, (count,)."""
        return _uniforms(self.seed, self.count, (name, *more))


@lru_cache(maxsize=4096)
def _uniforms(seed: int, count: int, path: tuple[str | int, ...]) -> np.ndarray:
    order = streams.stream(seed, "typical", *path).permutation(count)
    found = (order + 0.5) / count
    found.flags.writeable = False
    return found


@lru_cache(maxsize=4096)
def _normals(seed: int, count: int, path: tuple[str | int, ...]) -> np.ndarray:
    from scipy.special import ndtri

    found = ndtri(_uniforms(seed, count, path))
    found.flags.writeable = False
    return found
