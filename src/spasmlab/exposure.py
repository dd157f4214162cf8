"""Exposure metrics of each draw: what a pharmacokineticist reads off a curve, without the grid of the curve.

A regimen that repeats is described at its steady state, over one dosing interval; one that ends, from its
first dose to the end of its tail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spasmlab.chain import body
from spasmlab.chain.problem import Problem, run

if TYPE_CHECKING:
    import xarray

    from spasmlab.regimen import Regimen

UNITS = {
    "c_max": "mg/L",
    "t_max": "h",
    "c_min": "mg/L",
    "auc_inf": "mg*h/L",
    "auc_tau": "mg*h/L",
    "half_life": "h",
    "terminal_half_life": "h",
    "bioavailability": "1",
}
SETTLED = -np.log(1e-12)  # time constants until what is left of a beginning (or of a tail) is 1e-12
FINE_PER_HOUR = 16
BEFORE_DOSE_H = 1e-6
PEAK_WITHIN_H = 96  # after the last dose; by then an immediate-release dose has left the stomach
AT_ONCE = 16  # draws measured together: keeps the fine grid of a long regimen small in memory
_HOURS_PER_DAY = 24
_NEEDED = ("plasma_concentration", "plasma_rise", "plasma_auc", "absorbed_amount")
Solved = dict[str, np.ndarray]


def metrics(dataset: xarray.Dataset, regimen: Regimen) -> dict[str, np.ndarray]:
    """c_max, t_max, c_min, auc_inf or auc_tau, half_life and bioavailability, each an array (draw,).

    `dataset` is what `chain.solve.solve` gave for this regimen: its parameters are used, not its output
    times. Where the regimen repeats: c_max, t_max (hours after the first dose of the cycle), c_min and
    auc_tau over one dosing interval at steady state, and bioavailability is the share of an interval's
    doses that is absorbed. Where it ends: c_max, t_max (hours after time 0), auc_inf to infinite time, and
    the share of all doses. half_life is ln 2·Vss/CL, which rules accumulation and most of the decline;
    terminal_half_life is that of the last phase, which may hold little of the drug. Units: `UNITS`.
    """
    return of_problem(_problem(dataset), regimen)


def of_problem(problem: Problem, regimen: Regimen) -> dict[str, np.ndarray]:
    """The same for the patients of a problem, whose doses and output times do not matter."""
    measure = _steady if regimen.repeats else _ending
    return _per_draw(problem, regimen, measure) | _half_lives(problem)


def _half_lives(problem: Problem) -> Solved:
    """ln 2·Vss/CL and ln 2/λ, (patients,) each."""
    wanted = ("total_clearance", "steady_volume", "terminal_rate")
    seen = run(problem, np.zeros(1), wanted)
    clearance, volume, terminal = (seen[name][:, 0] for name in wanted)
    return {"half_life": np.log(2) * volume / clearance, "terminal_half_life": np.log(2) / terminal}


@dataclass(frozen=True)
class _Cycle:
    """Doses of one repeating cycle: hours since its start and mg."""

    length: float
    doses: np.ndarray
    amounts: np.ndarray


def _problem(dataset: xarray.Dataset) -> Problem:
    """The draws of a dataset without doses and without lag, which only delays everything alike."""
    pathway = body.pathway(tuple(dataset.attrs.get("body", body.DEFAULT)))
    parameters = np.asarray(dataset["parameter_value"].sel(parameter=list(pathway.params)).values)
    nothing = np.zeros(0)
    return Problem(pathway, parameters.copy(), nothing, nothing, 0.0)


def _slowest(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Rate constants of the last phase of decline and of the slowest step before the blood, (patients,) each."""
    wanted = ("terminal_rate", "terminal_rate" if _injected(problem) else "entry_rate")
    seen = run(problem, np.zeros(1), wanted)
    return seen[wanted[0]][:, 0], seen[wanted[1]][:, 0]


def _injected(problem: Problem) -> bool:
    """Whether doses enter plasma itself, all of them."""
    return problem.pathway.dosed is not None and problem.pathway.dosed[0] == "plasma_amount"


def _per_draw(
    problem: Problem, regimen: Regimen, measure: Callable[[Problem, Regimen, int], Solved]
) -> Solved:
    """Measure draws in groups of equal run length, so that no draw's numbers depend on the others."""
    slowest = np.minimum(*_slowest(problem))
    hours = SETTLED / slowest
    groups = np.ceil(np.log2(np.maximum(hours, 1))).astype(int)
    lag = problem.row("lag")
    still = problem.with_parameter("lag", 0.0)
    found: Solved = {}
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        for draws in np.split(members, range(AT_ONCE, len(members), AT_ONCE)):
            for name, values in measure(still.take(draws), regimen, 2 ** int(group)).items():
                found.setdefault(name, np.empty(problem.patients))[draws] = values
    found["t_max"] = found["t_max"] + lag
    return found


def _steady(problem: Problem, regimen: Regimen, hours: int) -> Solved:
    """Metrics over one cycle after at least `hours` of cycles."""
    cycle = _cycle(problem, regimen)
    before = int(np.ceil(hours / cycle.length))
    starts = np.arange(before + 1) * cycle.length
    doses = (starts[:, None] + cycle.doses).ravel()
    amounts = np.tile(cycle.amounts, before + 1)
    times = _fine(starts[-1], starts[-1] + cycle.length, starts[-1] + cycle.doses)
    solved = run(replace(problem, doses=doses, amounts=amounts), times, _NEEDED)
    peak, at = _peak(times, solved)
    gained = {name: solved[name][:, -1] - solved[name][:, 0] for name in ("plasma_auc", "absorbed_amount")}
    return {
        "c_max": peak,
        "t_max": at - starts[-1],
        "c_min": _trough(times, solved),
        "auc_tau": gained["plasma_auc"],
        "bioavailability": _share(problem, gained["absorbed_amount"], cycle.amounts),
    }


def _ending(problem: Problem, regimen: Regimen, hours: int) -> Solved:
    """Metrics from the first dose to the end of the tail."""
    doses, amounts = _all_doses(problem, regimen)
    fine = _fine(0.0, doses[-1] + min(hours, PEAK_WITHIN_H), doses)
    times = np.union1d(fine, [doses[-1] + hours])
    solved = run(replace(problem, doses=doses, amounts=amounts), times, _NEEDED)
    peak, at = _peak(times, solved)
    return {
        "c_max": peak,
        "t_max": at,
        "auc_inf": solved["plasma_auc"][:, -1],
        "bioavailability": _share(problem, solved["absorbed_amount"][:, -1], amounts),
    }


def _cycle(problem: Problem, regimen: Regimen) -> _Cycle:
    last = regimen.maintenance.for_weight(float(problem.row("weight")[0]))
    length = float(last.interval_h or 0.0)
    times, amounts = last.doses(length / _HOURS_PER_DAY)
    inside = times < length * (1 - 1e-9)  # rounding of the division may let in the next cycle's first dose
    return _Cycle(length, times[inside], amounts[inside])


def _all_doses(problem: Problem, regimen: Regimen) -> tuple[np.ndarray, np.ndarray]:
    weighed = regimen.for_weight(float(problem.row("weight")[0]))
    length = sum(part.length_h for part in weighed.parts)
    return weighed.doses(length / _HOURS_PER_DAY)


def _fine(start: float, end: float, doses: np.ndarray) -> np.ndarray:
    """A fine grid that holds every dose and the moment before it: plasma has its only kinks at doses."""
    steps = int(np.ceil((end - start) * FINE_PER_HOUR))
    before = doses[doses > start + BEFORE_DOSE_H] - BEFORE_DOSE_H
    return np.unique(np.concatenate([np.linspace(start, end, steps + 1), doses, before]))


def _share(problem: Problem, absorbed: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """What is absorbed of the doses; of an injection everything."""
    return np.ones(len(absorbed)) if _injected(problem) else absorbed / (_content(problem) * amounts.sum())


def _content(problem: Problem) -> np.ndarray:
    """Active drug in what is swallowed, as a share of its weight: less than 1 for a prodrug."""
    return problem.row("drug_content") if "drug_content" in problem.pathway.params else np.ones(1)


def _peak(times: np.ndarray, solved: Solved) -> tuple[np.ndarray, np.ndarray]:
    """The highest plasma concentration and its time, (patients,) each."""
    return highest(times, solved["plasma_concentration"], solved["plasma_rise"])


def _trough(times: np.ndarray, solved: Solved) -> np.ndarray:
    return -highest(times, -solved["plasma_concentration"], -solved["plasma_rise"])[0]


def highest(times: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest value of each curve and its time, from points and slopes; arrays (curves, times).

    Between points the curve is the cubic through both values and both slopes, whose peak is exact.
    """
    step, (first, last) = np.diff(times), (values[:, :-1], values[:, 1:])
    rising, falling = slopes[:, :-1], slopes[:, 1:]
    chord = (last - first) / step
    bend, twist = 3 * chord - 2 * rising - falling, rising + falling - 2 * chord
    turns = (rising > 0) & (falling < 0)
    # the slope rising + 2·bend·x + 3·twist·x² vanishes at x, written so that nothing cancels
    root = np.sqrt(np.where(turns, bend**2 - 3 * twist * rising, 1.0))
    x = np.where(turns, rising / np.where(turns, root - bend, 1.0), 0.0)
    peaks = first + step * x * (rising + x * (bend + x * twist))
    heights = np.concatenate([values, peaks], axis=1)
    moments = np.concatenate([np.broadcast_to(times, values.shape), times[:-1] + step * x], axis=1)
    best = np.argmax(heights, axis=1)
    curves = np.arange(len(values))
    return heights[curves, best], moments[curves, best]
