"""The statistics that papers print, from the table of a trial: means, changes, shares, ratios, directions.

Each takes the table (rows of visits), an outcome, an arm, an arm to compare with (or None) and a day, and gives one
number. Scores are those present at the day; a patient without one is left out, or, with `locf`, counts with the last
score seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from spasmlab import endpoints
from spasmlab.errors import InputError, unknown

ALPHA = 0.05


@dataclass(frozen=True)
class Seen:
    """One outcome in one arm: baseline and score at the day asked, a number per patient (no NaN), and patient numbers."""

    base: np.ndarray
    score: np.ndarray
    patient: np.ndarray


def where(table: pd.DataFrame, kept: Any) -> pd.DataFrame:
    """The rows of a table for which the column of truth values `kept` holds."""
    return cast(pd.DataFrame, table[kept])


def p_value(test: Any) -> float:
    """The p of a test of scipy.stats, whose result types name no `pvalue`."""
    return float(test.pvalue)


def seen(table: pd.DataFrame, outcome: str, arm: str, day: float | None = None, locf: bool = False) -> Seen:
    """The scores of one arm at a day (None: the last visit of the period)."""
    rows = where(table, table["arm"] == arm)
    if rows.empty:
        raise unknown("arm", arm, sorted(table["arm"].unique()))
    if outcome not in table:
        raise unknown("outcome", outcome, [c for c in table if c in endpoints.outcomes()])
    wide = rows.pivot_table(index="patient", columns="day", values=outcome, aggfunc="mean", dropna=False)
    if locf:
        wide = wide.ffill(axis=1)
    at = wide.columns[-1] if day is None else day
    if at not in wide.columns:
        raise InputError(f"no visit on day {at:g}; possible: " + ", ".join(f"{d:g}" for d in wide.columns))
    base, score = wide[wide.columns[0]].to_numpy(), wide[at].to_numpy()
    kept = np.isfinite(base) & np.isfinite(score)
    return Seen(base[kept], score[kept], wide.index.to_numpy()[kept])


def _mean_change(a: Seen) -> float:
    return float(np.mean(a.score - a.base))


def _percent_change(a: Seen) -> float:
    return float(100 * (np.mean(a.score) / np.mean(a.base) - 1))


def _share(a: Seen) -> float:
    return float(100 * np.mean(a.score))


ALONE: dict[str, Callable[[Seen], float]] = {
    "mean value": lambda a: float(np.mean(a.score)),
    "mean change": _mean_change,
    "percent change": _percent_change,
    "median": lambda a: float(np.median(a.score)),
    "median change": lambda a: float(np.median(a.score - a.base)),
    "share": _share,
}


def _relative_risk(a: Seen, b: Seen) -> float:
    other = np.mean(b.score)
    return float(np.mean(a.score) / other) if other > 0 else float("nan")


def _relative_median(a: Seen, b: Seen) -> float:
    """Difference of the medians in per cent of that of the second arm."""
    other = float(np.median(b.score))
    return 100 * (float(np.median(a.score)) - other) / other if other else float("nan")


def _difference(alone: Callable[[Seen], float]) -> Callable[[Seen, Seen], float]:
    return lambda a, b: alone(a) - alone(b)


AGAINST: dict[str, Callable[[Seen, Seen], float]] = {
    **{f"difference of {name}": _difference(alone) for name, alone in ALONE.items()},
    "relative risk": _relative_risk,
    "relative median difference": _relative_median,
}
DIRECTION = "direction"
PERSISTING = "persisting"
STATISTICS = (*ALONE, *AGAINST, DIRECTION, PERSISTING)
_PERCENT = ("percent change", "share", PERSISTING)


def unit(statistic: str, outcome: str) -> str:
    """The unit of a statistic of an outcome; InputError for an unknown one."""
    if statistic not in STATISTICS:
        raise unknown("statistic", statistic, STATISTICS)
    if statistic == DIRECTION:
        return "direction"
    if statistic == "relative risk":
        return "1"
    if statistic == "relative median difference" or statistic.removeprefix("difference of ") in _PERCENT:
        return "%"
    return endpoints.find(outcome).unit


def compute(
    table: pd.DataFrame,
    statistic: str,
    outcome: str,
    arm: str,
    against: str | None = None,
    day: float | None = None,
    locf: bool = False,
) -> float:
    """One statistic; InputError for an unknown one, or one that needs an arm to compare with and has none.

    ``direction`` is the sign of the difference of severity where it is significant (two-sided, 5 %), else 0; without an
    arm to compare with, of the change from baseline. ``persisting`` is the share [%] of those who ever had a side effect
    who have it at the day.
    """
    if statistic in AGAINST and against is None:
        raise InputError(f"the statistic '{statistic}' compares two arms; possible: give 'against'")
    first = seen(table, outcome, arm, day, locf)
    other = seen(table, outcome, against, day, locf) if against is not None else None
    now = None
    if statistic == PERSISTING:
        now = seen(table, outcome.replace(endpoints.ADVERSE, endpoints.PRESENT), arm, day, locf)
    return of(statistic, outcome, first, other, now)


def of(statistic: str, outcome: str, a: Seen, b: Seen | None = None, now: Seen | None = None) -> float:
    """One statistic of the scores of an arm, of one to compare with, and, for ``persisting``, of who has it now."""
    if statistic in ALONE:
        return ALONE[statistic](a)
    if statistic == DIRECTION:
        return direction(outcome, a, b)
    if statistic == PERSISTING and now is not None:
        return _persisting(a, now)
    if statistic in AGAINST and b is not None:
        return AGAINST[statistic](a, b)
    raise unknown("statistic", statistic, STATISTICS)


def _persisting(ever: Seen, now: Seen) -> float:
    had = float(ever.score.sum())
    return 100 * float((now.score * ever.score).sum()) / had if had else float("nan")


def direction(outcome: str, a: Seen, b: Seen | None) -> float:
    """−1 where severity is significantly less in `a` (than in `b`, or than at baseline), 1 where more, else 0."""
    from scipy import stats

    better = endpoints.find(outcome).better
    if b is None:
        differences = a.score - a.base
    else:
        both = np.intersect1d(a.patient, b.patient)
        if both.size == a.patient.size == b.patient.size and both.size:  # a crossover: the same patients
            differences = a.score[np.argsort(a.patient)] - b.score[np.argsort(b.patient)]
        else:
            if np.ptp(np.concatenate([a.score, b.score])) == 0:
                return 0.0
            p = p_value(stats.mannwhitneyu(a.score, b.score))
            return _signed(float(np.mean(a.score) - np.mean(b.score)), p, better)
    if not np.any(differences):
        return 0.0
    return _signed(float(np.mean(differences)), p_value(stats.wilcoxon(differences)), better)


def _signed(difference: float, p: float, better: str) -> float:
    if not p < ALPHA:
        return 0.0
    return float(np.sign(difference)) * (1 if better == "lower" else -1)
