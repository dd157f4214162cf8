"""Exposure where dialysis makes every day unlike the last: over the last cycle of sessions of the course."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from spasmlab.exposure import FINE_PER_HOUR, highest
from spasmlab.regimen import DAY_H

if TYPE_CHECKING:
    import xarray

    from spasmlab.dialysis import Calendar
    from spasmlab.regimen import Regimen

KEPT = ("half_life", "terminal_half_life", "bioavailability")  # these do not depend on when sessions are


def window(dialysis: Calendar, end_h: float) -> tuple[float, float]:
    """The hours looked at: the last cycle of the calendar (a week where it has none), or all of a shorter course."""
    length = dialysis.every_h or 7 * DAY_H
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

    start, end = window(dialysis, days * DAY_H)
    times = np.linspace(start, end, int(np.ceil((end - start) * FINE_PER_HOUR)) + 1)
    seen = solve(times)
    levels, rises = (seen[name].values for name in ("plasma_concentration", "plasma_rise"))
    peak, at = highest(times, levels, rises)
    usual = exposure.metrics(seen, regimen)
    found = {"c_max": peak, "t_max": at, "c_min": -highest(times, -levels, -rises)[0]}
    return found | {name: usual[name] for name in KEPT}
