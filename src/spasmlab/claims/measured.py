"""What was measured: rows of evidence as votes on a statement."""

from __future__ import annotations

import numpy as np

from spasmlab import evidence
from spasmlab.claims.claim import Experiment, Found, side
from spasmlab.evidence import Row
from spasmlab.parameter import beside


def rows(experiment: Experiment) -> Found:
    """Each row votes by the side of the threshold its value is on; the effect is the median, where all have one unit."""
    found = [evidence.row(name) for name in experiment.rows]
    votes = [side(experiment, row.number) for row in found]
    return _counted(found, [row.number for row in found], votes)


def trials(experiment: Experiment) -> Found:
    """Rows of randomised trials: a difference from placebo that is significant (5 %) votes by its sign.

    One on the other side is against, significant or not, and so is a printed "no difference"; one that is on the claimed
    side and not significant is undecided, as is a row that prints no test: a small trial that sees nothing does not show
    that there is nothing. Trials with fewer patients together than `least_patients` cannot carry a statement alone: it is
    mixed at best.
    """
    found = [evidence.row(name) for name in experiment.rows]
    differences = [_difference(row) for row in found]
    votes = [_vote(experiment, row, d) for row, d in zip(found, differences, strict=True)]
    counted = _counted(found, differences, votes)
    studies = {row.extra["study"]: row.n or 0 for row in found}
    patients, least = sum(studies.values()), int(beside("claims.measured")["least_patients"].number)
    thin = f"{patients} patients in all, fewer than {least}" if patients < least else ""
    return Found(**{**vars(counted), "thin": thin, "detail": counted.detail + (f"; {thin}" if thin else "")})


def _difference(row: Row) -> float:
    text = row.extra.get("placebo_adjusted", "")
    return float(text) if text else row.number


def _vote(experiment: Experiment, row: Row, difference: float) -> int:
    if side(experiment, difference) == -1:
        return -1
    return 1 if _significant(row, experiment.threshold) else 0


def _significant(row: Row, null: float) -> bool | None:
    """Whether a row's difference is significant, by its interval or its p; None where neither is printed."""
    low, high, p = (row.extra.get(name, "") for name in ("ci_low", "ci_high", "p"))
    if low and high:
        return not float(low) <= null <= float(high)
    if p:
        return row.extra["p_relation"] != ">" and float(p) <= beside("claims.measured")["alpha"].number
    return None


def _counted(found: list[Row], values: list[float], votes: list[int]) -> Found:
    units = {_unit(row) for row in found}
    votes_of = (votes.count(1), votes.count(-1), votes.count(0))
    words = {1: "for", -1: "against", 0: "undecided"}
    parts = {
        row.id: f"{row.quantity}: {value:g} {_unit(row)} ({words[vote]}; {row.role}, grade {row.grade})"
        for row, value, vote in zip(found, values, votes, strict=True)
    }
    detail = (
        f"{votes_of[0]} of {len(found)} rows for, {votes_of[1]} against, {votes_of[2]} undecided; effect: "
    )
    if len(units) > 1:
        return Found(
            votes_of[0] / len(found), "1", None, None, detail + "share of rows for", votes_of, "", parts
        )
    low, high = (min(values), max(values)) if len(values) > 1 else (None, None)
    middle = float(np.median(values))
    return Found(middle, units.pop(), low, high, detail + "median and range of rows", votes_of, "", parts)


def _unit(row: Row) -> str:
    return "1" if row.extra.get("adjusted_kind") == "relative risk" else row.unit
