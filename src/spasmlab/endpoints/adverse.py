"""Side effects: who has them when, who ever had them, how weight and oedema build up. One file each in `data/adverse`.

Kinds:

- ``tolerance``: present in a patient where z < b + s·u(t), z logistic, u = (θ(t) − a·T(t))⁺, T' = (θ − T)/τ; θ is
  occupancy while awake. So the chance at any moment is logit⁻¹(b + s·u): an effect on the current level minus a
  tolerance state.
- ``slow``: the same with u the lagged occupancy, which rises over weeks and stays.
- ``weight``: kilograms, gain · lagged occupancy, with a spread between patients.
- ``rate``: a share of patients over the course of a trial with its excess over placebo, from its source (serious and rare).

Reports that have nothing to do with the drug come on top in every arm, at `background` a week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from spasmlab.endpoints.course import Chance, Course, lagged
from spasmlab.errors import InputError, unknown
from spasmlab.parameter import PACKAGE, Parameter, beside, parameters_from, read_toml
from spasmlab.regimen import DAY_H

FOLDER = PACKAGE / "data" / "adverse"
READS = ("occupancy",)
_FIELDS = {"title", "summary", "kind", "advice", "parameters"}
KINDS = {
    "tolerance": ("threshold", "slope", "tolerance", "tolerance_time", "background"),
    "slow": ("threshold", "slope", "build_up_time", "background"),
    "weight": ("gain", "build_up_time", "drift"),
    "rate": ("placebo", "drug"),
}
WEEK_D = 7.0


@dataclass(frozen=True)
class Effect:
    """A side effect: its kind, its numbers by name, and what follows from it for the patient (`advice`)."""

    name: str
    title: str
    summary: str
    kind: str
    advice: str
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True)
class Occurrence:
    """One side effect in N patients at the visits: `present` (N, visits) by the drug or not, `ever` (N, visits) so far, and
    `chance` (N, visits), the probability of the drug's part at that moment, `highest` the highest so far. For weight
    `present` holds kilograms."""

    present: np.ndarray
    ever: np.ndarray
    chance: np.ndarray
    highest: np.ndarray


def names() -> tuple[str, ...]:
    """The side effects there are, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Effect:
    """One side effect; InputError with the nearest match for an unknown name."""
    if name not in names():
        raise unknown("side effect", name, names())
    return read(FOLDER / f"{name}.toml")


def read(file: Path) -> Effect:
    """The side effect of a file; InputError naming the field that is wrong."""
    table = read_toml(file)
    if stray := sorted(set(table) - _FIELDS):
        raise unknown(f"field in '{file.name}'", stray[0], _FIELDS)
    kind = str(table.get("kind", ""))
    if kind not in KINDS:
        raise unknown(f"kind in '{file.name}'", kind, KINDS)
    records = parameters_from(table.get("parameters", {}), f"adverse.{file.stem}", file.name)
    if missing := sorted(set(KINDS[kind]) - set(records)):
        raise InputError(f"'{file.name}' is of kind '{kind}' and lacks the parameter '{missing[0]}'")
    return Effect(
        file.stem,
        table.get("title", file.stem),
        table.get("summary", ""),
        kind,
        table.get("advice", ""),
        records,
    )


def simulate(effect: Effect, course: Course, days: np.ndarray, chance: Chance) -> Occurrence:
    """A side effect in every patient at the visits (days), for any kind."""
    return _SIMULATED[effect.kind](effect.parameters, course, np.asarray(days, float), chance)


def expected(
    effect: Effect, course: Course, days: np.ndarray, chance: Chance
) -> tuple[np.ndarray, np.ndarray]:
    """The expected shares of patients who ever had a side effect, and of those who have it by the drug, (visits,) each."""
    found = simulate(effect, course, np.asarray(days, float), chance)
    other = np.exp(-chance.value(effect.parameters["background"]) * np.asarray(days) / WEEK_D)
    return 1 - ((1 - found.highest) * other).mean(axis=0), found.chance.mean(axis=0)


def _of_tolerance(
    known: Mapping[str, Parameter], course: Course, days: np.ndarray, chance: Chance
) -> Occurrence:
    level = course.signals["occupancy"]
    tolerant = lagged(level, course.step_h, chance.value(known["tolerance_time"]) * DAY_H)
    own = beside("endpoints.adverse")
    awake = course.awake(own["wakes_h"].number, own["sleeps_h"].number)
    drive = np.maximum(level - chance.value(known["tolerance"]) * tolerant, 0.0) * awake
    return _crossed(known, _highest_of_day(drive, course), course, days, chance)


def _highest_of_day(drive: np.ndarray, course: Course) -> np.ndarray:
    """The highest value over the 24 hours up to each point, (N, T): what a patient tells of a day."""
    from scipy.ndimage import maximum_filter1d

    width = max(1, round(DAY_H / course.step_h))
    return maximum_filter1d(drive, width, axis=1, origin=(width - 1) // 2, mode="constant")


def _of_slow(known: Mapping[str, Parameter], course: Course, days: np.ndarray, chance: Chance) -> Occurrence:
    time = chance.value(known["build_up_time"]) * DAY_H
    return _crossed(known, lagged(course.signals["occupancy"], course.step_h, time), course, days, chance)


def _crossed(
    known: Mapping[str, Parameter], drive: np.ndarray, course: Course, days: np.ndarray, chance: Chance
) -> Occurrence:
    """Patients whose threshold the drive crosses, and those who report the same for other reasons."""
    path = known["threshold"].path
    low, slope = chance.value(known["threshold"]), chance.value(known["slope"])
    uniform = chance.uniforms("tolerates", path)[:, None]
    probability = _logistic(low + slope * drive) * (drive > 0)
    highest = np.maximum.accumulate(probability, axis=1)
    now, so_far = course.at(probability, days), course.at(highest, days)
    weeks = chance.value(known["background"]) * days / WEEK_D
    other = chance.uniforms("background", path)[:, None] < 1 - np.exp(-weeks)
    return Occurrence(uniform < now, (uniform < so_far) | other, now, so_far)


def _of_weight(
    known: Mapping[str, Parameter], course: Course, days: np.ndarray, chance: Chance
) -> Occurrence:
    time = chance.value(known["build_up_time"]) * DAY_H
    reached = course.at(lagged(course.signals["occupancy"], course.step_h, time), days)
    gain = chance.of_patients(known["gain"])[:, None]
    drift = chance.of_patients(known["drift"])[:, None] * days / WEEK_D
    kilograms = gain * reached + drift
    return Occurrence(kilograms, np.maximum.accumulate(kilograms, axis=1), gain * reached, gain * reached)


def _of_rate(known: Mapping[str, Parameter], course: Course, days: np.ndarray, chance: Chance) -> Occurrence:
    taken = course.at(np.maximum.accumulate(course.signals["occupancy"], axis=1), days) > 0
    share = np.where(taken, chance.value(known["drug"]), chance.value(known["placebo"]))
    weeks = beside("endpoints.adverse")["rate_weeks"].number
    so_far = 1 - (1 - share) ** (days / WEEK_D / weeks)
    ever = chance.uniforms("rate", known["drug"].path)[:, None] < so_far
    return Occurrence(ever, ever, so_far, so_far)


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


_SIMULATED = {"tolerance": _of_tolerance, "slow": _of_slow, "weight": _of_weight, "rate": _of_rate}
