"""A trial simulated patient by patient, a block of candidates at a time.

A patient is a number: everything random about it is named by that number, so that it meets every arm with the same
body, the same placebo response and the same day-to-day noise, and its results depend neither on the block nor on the
number of workers. Candidates who do not meet the inclusion criteria are not enrolled, as in a trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from spasmlab import endpoints, population
from spasmlab.endpoints import ADVERSE, PRESENT, adverse
from spasmlab.endpoints.course import Chance, Course
from spasmlab.errors import InputError, SolveError
from spasmlab.parameter import beside
from spasmlab.population import People
from spasmlab.regimen import DAY_H, Regimen, parse
from spasmlab.trial import courses, run_in
from spasmlab.trial.design import Arm, Design
from spasmlab.trial.statistic import PERSISTING

WEEK_D = 7.0
COVARIATES = ("age", "weight", "creatinine_clearance")
KEYS = ("patient", "arm", "sequence", "period", "day")


@dataclass(frozen=True)
class Block:
    """Candidates `first` … `first + count − 1`, all of whom would enter `sequence` (the arm of each period)."""

    first: int
    count: int
    sequence: tuple[int, ...]
    enrolled: int  # how many of them meet the inclusion criteria and are taken


@dataclass(frozen=True)
class Setting:
    """One run of a trial: its seed, its name among its repeats (a trial of its own), the draw of the doubt, values of
    parameters by path that a fit tries, and the number of its first candidate."""

    seed: int
    study: str = ""
    draw: int = 0
    overrides: Mapping[str, float] = field(default_factory=dict)
    first: int = 0


def sequences(design: Design) -> list[tuple[int, ...]]:
    """The orders of arms: one arm each for a parallel trial, a Latin square repeated over the periods else."""
    arms = len(design.arms)
    if design.kind != "crossover":
        return [(arm,) for arm in range(arms)]
    periods = max(design.periods, arms)
    return [tuple((start + p) % arms for p in range(periods)) for start in range(arms)]


def sizes(design: Design) -> list[int]:
    """How many patients each sequence takes."""
    if design.kind != "crossover":
        return [arm.n for arm in design.arms]
    share, rest = divmod(design.patients, len(design.arms))
    return [share + (place < rest) for place in range(len(design.arms))]


def blocks(design: Design, setting: Setting) -> Iterator[Block]:
    """The candidates in blocks of `block` patients, until every sequence is full."""
    own = beside("trial.simulate")
    most, first = int(own["block"].number), setting.first
    for sequence, size in zip(sequences(design), sizes(design), strict=True):
        left, tried = size, 0
        while left:
            enrolled = np.cumsum(eligible(design, first, most, setting))
            # The last block ends with the patient who fills the sequence: blocks of any size give the same patients.
            count = int(np.argmax(enrolled >= left)) + 1 if enrolled[-1] >= left else most
            taken = int(enrolled[count - 1])
            if taken:
                yield Block(first, count, sequence, taken)
            first, left, tried = first + count, left - taken, tried + count
            if not taken and tried > own["most_candidates"].number:
                raise InputError(
                    f"nobody of {tried} candidates meets the inclusion criteria of '{design.title}': {_said(design)}"
                )


def _said(design: Design) -> str:
    return ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in design.inclusion.items())


def eligible(design: Design, first: int, count: int, setting: Setting) -> np.ndarray:
    """Which candidates meet the inclusion criteria (a covariate, or an outcome at baseline), and, in a withdrawal trial,
    are randomised after the run-in, (count,)."""
    found = np.ones(count, dtype=bool)
    if design.inclusion:
        found = _included(design, first, count, setting)
    if design.kind == "withdrawal":
        chance = chance_of(setting, first, count)
        gone = lambda seen, days: np.isfinite(_gone(design, seen, days, chance, "run-in"))
        found &= run_in.randomised(design, first, count, setting, chance, gone)
    return found


def _included(design: Design, first: int, count: int, setting: Setting) -> np.ndarray:
    people = population.load(design.population).people(count, setting.seed, first)
    chance = chance_of(setting, first, count)
    untreated = courses.without_drug(design, count, courses.grid(1))
    found = np.ones(count, dtype=bool)
    baseline: dict[str, np.ndarray] = {}
    for name, (low, high) in design.inclusion.items():
        if name in COVARIATES:
            value = getattr(people, name)
        else:
            endpoint = endpoints.endpoint_of(name)
            if name not in baseline:
                baseline |= endpoints.load(endpoint).simulate(untreated, np.zeros(1), chance)
            value = baseline[name][:, 0]
        found &= (value >= low) & (value <= high)
    return found


def run_block(design: Design, block: Block, setting: Setting) -> pd.DataFrame:
    """Every visit of the enrolled patients of a block: a row each, with a column for each outcome; NaN where missed."""
    people = population.load(design.population).people(block.count, setting.seed, block.first)
    chance = chance_of(setting, block.first, block.count)
    chosen = np.flatnonzero(eligible(design, block.first, block.count, setting))[: block.enrolled]
    course = whole_course(design, block, people, setting)
    tables = []
    gone_at = np.full(block.count, np.inf)
    for period, arm in enumerate(block.sequence):
        seen = seen_in(design, course, period)
        values = measure(design, seen, period, chance)
        gone_at = np.minimum(gone_at, leaves(design, seen, period, chance))
        tables.append(_rows(design, block, people, chosen, period, arm, values, gone_at))
    return pd.concat(tables, ignore_index=True)


def run_safely(design: Design, block: Block, setting: Setting) -> pd.DataFrame:
    """`run_block`, with a `code` for each patient: 0 done, 1 where the body could not be solved (outcomes NaN).

    A block in which one fails is cut in halves until the patient stands alone; the others are unharmed.
    """
    try:
        return run_block(design, block, setting).assign(code=0)
    except SolveError:
        if block.count == 1:
            return _failed(design, block)
    halves = []
    left = block.enrolled
    for first, count in (
        (block.first, block.count // 2),
        (block.first + block.count // 2, block.count - block.count // 2),
    ):
        taken = min(left, int(eligible(design, first, count, setting).sum()))
        left -= taken
        if taken:
            halves.append(run_safely(design, Block(first, count, block.sequence, taken), setting))
    return pd.concat(halves, ignore_index=True)


def _failed(design: Design, block: Block) -> pd.DataFrame:
    people = population.load(design.population).people(1, design.seed, block.first)
    missing = {name: np.full((1, len(design.visits)), np.nan) for name in asked(design)}
    rows = [
        _rows(design, block, people, np.zeros(1, int), period, arm, missing, np.full(1, np.inf))
        for period, arm in enumerate(block.sequence)
    ]
    return pd.concat(rows, ignore_index=True).assign(code=1)


def period_hours(design: Design, period: int) -> tuple[float, float]:
    """Where a period begins and ends, in hours from the start (of the run-in, where there is one)."""
    start = design.run_in_weeks + period * (design.weeks + design.washout_weeks)
    return start * WEEK_D * DAY_H, (start + design.weeks) * WEEK_D * DAY_H


def seen_in(design: Design, course: Course, period: int) -> Course:
    """What is seen of a course in a period: all of it in a withdrawal, whose run-in goes on acting, else its part."""
    return course if design.kind == "withdrawal" else courses.part(course, *period_hours(design, period))


def _before(design: Design) -> float:
    """Days of the run-in that a withdrawal's course begins with."""
    return run_in.days_of(design) if design.kind == "withdrawal" else 0.0


def whole_course(design: Design, block: Block, people: People, setting: Setting) -> Course:
    """The course over all periods: drugs of different periods come together, so that carry-over is there."""
    end = period_hours(design, len(block.sequence) - 1)[1]
    hours = courses.grid(end / DAY_H)
    if design.kind == "withdrawal":
        return run_in.course(design, design.arms[block.sequence[0]], people, hours, setting)
    whole = courses.without_drug(design, len(people), hours)
    for period, number in enumerate(block.sequence):
        arm = design.arms[number]
        if arm.drug is None:
            continue
        start, stop = period_hours(design, period)
        course = _titrated(design, arm, people, hours, setting, start, (stop - start) / DAY_H)
        whole = courses.together(whole, course)
    return whole


def _titrated(
    design: Design, arm: Arm, people: People, hours: np.ndarray, setting: Setting, start: float, days: float
) -> Course:
    """The course on the arm's regimen; where it `stops_on` side effects, a patient who has one goes back to the part
    before and stays there."""
    words: dict[str, Any] = {"seed": setting.seed, "study": setting.study or None, "draw": setting.draw}

    def of(written: Regimen | None = None) -> Course:
        return courses.of_arm(
            design, arm, people, hours, start_h=start, dosing_days=days, written=written, **words
        )

    full = of()
    written = parse(arm.regimen or "")
    if not arm.stops_on or len(written.parts) < 2:
        return full
    part_of = _first_part_not_borne(design, arm, full, written, setting, people, start)
    for parts in sorted(set(part_of[part_of < len(written.parts)])):
        rows = part_of == parts
        cut = of(courses.capped(written, int(parts)))
        for name, values in full.signals.items():
            values[rows] = cut.signals[name][rows]
    return full


def _first_part_not_borne(
    design: Design, arm: Arm, course: Course, written: Regimen, setting: Setting, people: People, start: float
) -> np.ndarray:
    """How many parts of the titration each patient keeps, (N,): those before the first with a side effect."""
    parts = written.parts
    ends = np.cumsum([part.length_h for part in parts])
    ends[-1] = course.hours[-1]
    since = courses.part(course, start, course.hours[-1])
    days = np.minimum(ends, since.hours[-1]) / DAY_H
    chance = chance_of(setting, people.first, len(people))
    kept = np.full(len(people), len(parts))
    for name in arm.stops_on:
        present = adverse.simulate(adverse.load(name), since, days, chance).present.astype(bool)
        first = np.where(present.any(axis=1), present.argmax(axis=1), len(parts))
        kept = np.minimum(kept, np.maximum(first, 1))
    return kept


def measure(
    design: Design, seen: Course, period: int, chance: Chance, only: str | None = None
) -> dict[str, np.ndarray]:
    """Every asked outcome at the visits of a period, an array (N, visits) each; `only` one endpoint's or side effect's.

    In a withdrawal the endpoints' own baseline is the first day of the run-in, and side effects are counted from it.
    """
    before = _before(design)
    days = courses.visit_days(design)
    if before:
        days = np.concatenate([[0.0], before + days])
    names = [
        name for name in asked(design) if only in (None, endpoints.endpoint_of(name), name.split(".")[-1])
    ]
    wanted = {endpoints.endpoint_of(name) for name in names}
    found: dict[str, np.ndarray] = {}
    for name in sorted(wanted - {"adverse"}):
        found |= endpoints.load(name).simulate(seen, days, _in_period(chance, period))
    for name in {n.split(".", 1)[1] for n in names if endpoints.endpoint_of(n) == "adverse"}:
        effect = adverse.load(name)
        occurrence = adverse.simulate(effect, seen, days, chance)
        found[PRESENT + name] = occurrence.present.astype(float)
        found[ADVERSE + name] = (
            found[PRESENT + name] if effect.kind == "weight" else occurrence.ever.astype(float)
        )
    return {name: found[name][:, 1:] if before else found[name] for name in names}


def _in_period(chance: Chance, period: int) -> Chance:
    """The patient is the same in every period; the noise of days and raters is another (period 0 has plain names)."""
    return chance if period == 0 else chance.at_occasion(f"period {period}")


def asked(design: Design) -> tuple[str, ...]:
    """The outcomes of a design: those it analyses and those it publishes."""
    published = (p.outcome for p in design.published)
    persisting = (
        PRESENT + p.outcome.removeprefix(ADVERSE) for p in design.published if p.statistic == PERSISTING
    )
    return tuple(dict.fromkeys((*design.outcomes, *published, *persisting)))


def leaves(design: Design, seen: Course, period: int, chance: Chance) -> np.ndarray:
    """The day of the trial on which each patient leaves, (N,), infinite for those who stay.

    The hazard is `dropout` a week in every arm, and that of `leaves_on` for each week with a side effect.
    """
    start, before = period_hours(design, period)[0] / DAY_H, _before(design)
    days = before + np.arange(0.0, design.weeks * WEEK_D + 1)
    return _gone(design, seen, days, chance, period) + start


def _gone(design: Design, seen: Course, days: np.ndarray, chance: Chance, phase: int | str) -> np.ndarray:
    """How many days after the first of `days` each patient leaves, (N,), infinite for those who stay."""
    hazard = np.full((seen.patients, days.size), -np.log1p(-design.dropout) / WEEK_D)
    for name, share in design.leaves_on.items():
        present = adverse.simulate(adverse.load(name), seen, days, chance).present
        hazard = hazard - np.log1p(-share) / WEEK_D * present
    survived = np.exp(-np.concatenate([np.zeros((seen.patients, 1)), np.cumsum(hazard, axis=1)], axis=1))
    uniform = chance.uniforms("leaves", phase)[:, None]
    out = survived[:, 1:] < uniform
    return np.where(out.any(axis=1), out.argmax(axis=1), np.inf)


def _rows(
    design: Design,
    block: Block,
    people: People,
    chosen: np.ndarray,
    period: int,
    arm: int,
    values: dict[str, np.ndarray],
    gone_at: np.ndarray,
) -> pd.DataFrame:
    days = courses.visit_days(design)
    start = period_hours(design, period)[0] / DAY_H
    missed = (start + days[None, :] > gone_at[chosen][:, None]).ravel()
    repeated = len(days)
    table = {
        "patient": np.repeat(people.numbers[chosen], repeated),
        "arm": np.full(len(chosen) * repeated, design.arms[arm].name, dtype=object),
        "sequence": np.full(len(chosen) * repeated, "".join(str(a) for a in block.sequence), dtype=object),
        "period": np.full(len(chosen) * repeated, period),
        "day": np.tile(np.asarray(design.visits, float), len(chosen)),
    }
    for name in COVARIATES:
        table[name] = np.repeat(getattr(people, name)[chosen], repeated)
    for name, found in values.items():
        table[name] = np.where(missed, np.nan, found[chosen].ravel())
    return pd.DataFrame(table)


def chance_of(setting: Setting, first: int, count: int) -> Chance:
    """The random numbers of the patients `first` … of a run of a trial."""
    return Chance(setting.seed, count, first, setting.study, setting.draw, overrides=setting.overrides)


def simulate(design: Design, setting: Setting | None = None) -> pd.DataFrame:
    """The whole trial in memory: a row for each visit of each enrolled patient."""
    setting = setting or Setting(design.seed)
    return pd.concat(
        [run_block(design, block, setting) for block in blocks(design, setting)], ignore_index=True
    )
