"""Non-compartmental analysis of one curve: areas by trapezoids, and a straight line through the end of its logarithm.

No established library of Python does this; the rules are those of the field, checked against closed forms and
against another program (tests/test_nca.py):

- area: linear where the curve rises or is level, logarithmic where it falls (``linear-up-log-down``), or linear
  throughout (``linear``);
- the last phase: least squares on the logarithm of the last 3 or more points after the peak, up to and including
  the last one above zero; of all such lines the one with the highest adjusted R², or, within 0.0001 of it, the one
  of the most points. No line that rises, and none from fewer than 3 points: the half-life is then not known;
- levels of zero (below the limit) count as zero up to the last level above zero and are left out after it; missing
  levels are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spasmlab.errors import InputError, unknown

METHODS = ("linear-up-log-down", "linear")
FEWEST_POINTS = 3
LEVEL = 1e-6  # two levels closer than this share of each other are level: the linear rule is then as good
TOLERANCE = 1e-4  # of adjusted R²: among lines as good as the best within this, the one of the most points
UNITS: Mapping[str, str] = {
    "c_max": "mg/L",
    "t_max": "h",
    "c_last": "mg/L",
    "t_last": "h",
    "terminal_rate": "1/h",
    "half_life": "h",
    "adjusted_r2": "1",
    "points": "1",
    "auc_last": "mg*h/L",
    "auc_inf": "mg*h/L",
    "extrapolated": "1",
    "aumc_inf": "mg*h^2/L",
    "mean_residence_time": "h",
    "clearance": "L/h",
    "terminal_volume": "L",
    "auc_tau": "mg*h/L",
    "c_average": "mg/L",
    "c_min": "mg/L",
    "fluctuation": "1",
}


@dataclass(frozen=True)
class TerminalPhase:
    """The line through the end of a curve: `rate` [1/h], ln C at time 0, adjusted R², and its points."""

    rate: float
    intercept: float
    adjusted_r2: float
    points: int


def analyse(
    times_h: Sequence[float] | np.ndarray,
    levels: Sequence[float] | np.ndarray,
    *,
    dose: float | None = None,
    method: str = METHODS[0],
) -> dict[str, float]:
    """One dose at time 0: peak, areas, last phase, and with a `dose` [mg] clearance and volume (over F if oral).

    Names and units: `UNITS`; NaN where a curve does not tell. `levels` in mg/L. InputError for a curve that is none.
    """
    times, values = _curve(times_h, levels, method)
    peak = int(np.argmax(values))
    found = {"c_max": float(values[peak]), "t_max": float(times[peak])}
    above = np.flatnonzero(values > 0)
    if not len(above):
        return found | {"auc_last": 0.0}
    times, values = times[: above[-1] + 1], values[: above[-1] + 1]
    found |= {
        "c_last": float(values[-1]),
        "t_last": float(times[-1]),
        "auc_last": area(times, values, method),
    }
    return found | _to_infinity(times, values, found, dose, method)


def steady(
    times_h: Sequence[float] | np.ndarray,
    levels: Sequence[float] | np.ndarray,
    *,
    dose: float | None = None,
    method: str = METHODS[0],
) -> dict[str, float]:
    """One dosing interval at steady state, from its first to its last time: areas, mean, peak, trough, fluctuation.

    Fluctuation is (peak − trough)/mean; clearance, with a `dose` [mg], dose/area.
    """
    times, values = _curve(times_h, levels, method)
    tau, auc = float(times[-1] - times[0]), area(times, values, method)
    mean, peak = auc / tau, int(np.argmax(values))
    found = {
        "c_max": float(values[peak]),
        "t_max": float(times[peak] - times[0]),
        "c_min": float(values.min()),
    }
    found |= {"auc_tau": auc, "c_average": mean}
    found["fluctuation"] = (found["c_max"] - found["c_min"]) / mean if mean else math.nan
    if dose is not None:
        found["clearance"] = dose / auc if auc else math.nan
    return found


def area(times: np.ndarray, values: np.ndarray, method: str = METHODS[0]) -> float:
    """Area under a curve by trapezoids; between two falling levels above zero C is taken to fall exponentially."""
    return float(np.sum(_pieces(times, values, method)[0]))


def moment(times: np.ndarray, values: np.ndarray, method: str = METHODS[0]) -> float:
    """Area under t·C, by the same rule."""
    return float(np.sum(_pieces(times, values, method)[1]))


def terminal_phase(times: np.ndarray, values: np.ndarray) -> TerminalPhase | None:
    """The best line through the end of a curve (module docstring); None where there is none."""
    peak = int(np.argmax(values))
    usable = np.flatnonzero((values > 0) & (np.arange(len(values)) > peak))
    lines = [_line(times[usable[-n:]], values[usable[-n:]]) for n in range(FEWEST_POINTS, len(usable) + 1)]
    falling = [line for line in lines if line.rate > 0]
    if not falling:
        return None
    best = max(line.adjusted_r2 for line in falling)
    return [line for line in falling if line.adjusted_r2 >= best - TOLERANCE][-1]


def table(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], dose: Mapping[str, float] | None = None):
    """The analysis of many curves, (times, levels) by name, as a table: a row a curve, a column a quantity."""
    import pandas

    rows = {name: analyse(*curve, dose=(dose or {}).get(name)) for name, curve in curves.items()}
    return pandas.DataFrame.from_dict(rows, orient="index")


def _line(times: np.ndarray, values: np.ndarray) -> TerminalPhase:
    logs, count = np.log(values), len(times)
    from_mean = times - times.mean()
    slope = float(np.sum(from_mean * logs) / np.sum(from_mean**2))
    intercept = float(logs.mean() - slope * times.mean())
    total = float(np.sum((logs - logs.mean()) ** 2))
    left = float(np.sum((logs - intercept - slope * times) ** 2))
    r2 = 1 - left / total if total > 0 else 0.0
    return TerminalPhase(-slope, intercept, 1 - (1 - r2) * (count - 1) / (count - 2), count)


def _to_infinity(
    times: np.ndarray, values: np.ndarray, known: Mapping[str, float], dose: float | None, method: str
) -> dict[str, float]:
    """What needs the last phase; the rest of the area is the last level over the rate of the phase."""
    phase = terminal_phase(times, values)
    if phase is None:
        return dict.fromkeys(("terminal_rate", "half_life", "auc_inf"), math.nan)
    last, end = known["c_last"], known["t_last"]
    beyond = last / phase.rate
    auc = known["auc_last"] + beyond
    later = last * end / phase.rate + last / phase.rate**2
    aumc = moment(times, values, method) + later
    found = {"terminal_rate": phase.rate, "half_life": math.log(2) / phase.rate}
    found |= {"adjusted_r2": phase.adjusted_r2, "points": float(phase.points)}
    found |= {
        "auc_inf": auc,
        "extrapolated": beyond / auc,
        "aumc_inf": aumc,
        "mean_residence_time": aumc / auc,
    }
    if dose is not None:
        found |= {"clearance": dose / auc, "terminal_volume": dose / auc / phase.rate}
    return found


def _pieces(times: np.ndarray, values: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Areas under C and under t·C between consecutive points."""
    step, (c, d), (t, u) = np.diff(times), (values[:-1], values[1:]), (times[:-1], times[1:])
    plain, plain_moment = 0.5 * step * (c + d), 0.5 * step * (t * c + u * d)
    if method == "linear":
        return plain, plain_moment
    falls = (d < c * (1 - LEVEL)) & (d > 0)
    rate = np.where(falls, np.log(np.where(falls, c, 2.0)) - np.log(np.where(falls, d, 1.0)), 1.0) / step
    curved = (c - d) / rate
    curved_moment = (t * c - u * d) / rate + (c - d) / rate**2
    return np.where(falls, curved, plain), np.where(falls, curved_moment, plain_moment)


def _curve(times_h, levels, method: str) -> tuple[np.ndarray, np.ndarray]:
    if method not in METHODS:
        raise unknown("method of areas", method, METHODS)
    times, values = np.asarray(times_h, dtype=float), np.asarray(levels, dtype=float)
    if times.shape != values.shape or times.ndim != 1:
        raise InputError(f"a curve needs as many levels as times, not {values.size} and {times.size}")
    known = np.isfinite(values)
    times, values = times[known], values[known]
    if len(times) < 2:
        raise InputError(f"a curve needs at least 2 levels, not {len(times)}")
    if not np.all(np.diff(times) > 0):
        place = int(np.flatnonzero(~(np.diff(times) > 0))[0])
        raise InputError(f"times must rise; {times[place + 1]:g} h follows {times[place]:g} h")
    if np.any(values < 0):
        place = int(np.argmax(values < 0))
        raise InputError(f"a level cannot be negative; at {times[place]:g} h it is {values[place]:g}")
    return times, values
