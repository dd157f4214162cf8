"""Exposure where dialysis makes every day unlike the last: over the last cycle of sessions of the course."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from spasmlab.dialysis import WEEK_H
from spasmlab.exposure import FINE_PER_HOUR, highest
from spasmlab.regimen import DAY_H

if TYPE_CHECKING:
    import xarray

    from spasmlab.dialysis import Calendar
    from spasmlab.regimen import Regimen

NEEDED = ("plasma_concentration", "plasma_rise")
JUST_BEFORE_H = 1e-6
KEPT = ("half_life", "terminal_half_life", "bioavailability")  # these do not depend on when sessions are


def window(dialysis: Calendar, end_h: float) -> tuple[float, float]:
    """The hours looked at: the last cycle of the calendar (a week where it has none), or all of a shorter course."""
    length = dialysis.cycle_h or WEEK_H
    return max(0.0, end_h - length), end_h


def metrics(
    solve: Callable[[np.ndarray], xarray.Dataset],
    dialysis: Calendar,
    regimen: Regimen,
    days: float,
) -> dict[str, np.ndarray]:
    """c_max, t_max (hours after time 0) and c_min in the window, and what does not depend on dialysis; (draw,).

    `solve` gives the course at times; half-lives are those between sessions, bioavailability that of the regimen.
    """
    from spasmlab import exposure

    times = times_of(dialysis, days)
    seen = solve(times)
    return over_last_cycle(times, {n: seen[n].values for n in NEEDED}, exposure.metrics(seen, regimen))


def over_last_cycle(
    times: np.ndarray, seen: Mapping[str, np.ndarray], usual: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The same from the signals `NEEDED`, (curves, times) each, at `times_of` the calendar, and the `usual` metrics."""
    levels, rises = (seen[name] for name in NEEDED)
    peak, at = highest(times, levels, rises)
    # The lowest is where a session ends or a dose begins to be absorbed, and there a cubic would undershoot.
    found = {"c_max": peak, "t_max": at, "c_min": levels.min(axis=1)}
    return found | {name: usual[name] for name in KEPT}


def times_of(dialysis: Calendar, days: float) -> np.ndarray:
    """Points of the window, two at each end of a session: the slope jumps there, and a cubic holds on one side only."""
    start, end = window(dialysis, days * DAY_H)
    even = np.linspace(start, end, int(np.ceil((end - start) * FINE_PER_HOUR)) + 1)
    switches = dialysis.switches(end)[0]
    inside = switches[(switches > start) & (switches <= end)]
    return np.union1d(even, np.concatenate([inside - JUST_BEFORE_H, inside]))
