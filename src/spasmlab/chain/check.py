"""The checker: the same problem solved again by SciPy's adaptive Dormand–Prince of order 8 on the plain
equations.

It shares no code with the compiled kernel but the equations themselves: the stages are called as they are
written, and the solver is restarted at every arrival of a dose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from spasmlab.chain.pathway import Pathway
from spasmlab.chain.problem import Problem
from spasmlab.chain.stage import arguments
from spasmlab.errors import SolveError

Observe = Callable[[dict[str, float]], dict[str, float]]
RELATIVE, ABSOLUTE = 1e-9, 1e-12
LONGEST_STEP_H = 12.0


def check(
    problem: Problem, times: np.ndarray, solved: Mapping[str, np.ndarray], patient: int
) -> dict[str, float]:
    """The largest difference from the adaptive solution of one patient, relative to each signal's largest
    value.

    `solved` holds arrays (patients, times), as `problem.run` gives them.
    """
    reference = solve_plain(problem, times, patient)
    return {name: _error(solved[name][patient], reference[name]) for name in solved if name in reference}


def solve_plain(problem: Problem, times: np.ndarray, patient: int) -> dict[str, np.ndarray]:
    """Every signal of one patient by the adaptive solver; arrays (times,)."""
    states = list(problem.pathway.states)
    parameters = dict(zip(problem.pathway.params, problem.parameters[:, patient].tolist(), strict=True))
    now = dict(parameters)
    observe = reading(problem, now)
    path, rows = _states(problem, times, patient, now, observe), []
    for time, y in zip(times, path, strict=True):
        now.update(_changed(problem, patient, time))
        rows.append(observe(dict(zip(states, y.tolist(), strict=True))))
    return {name: np.array([row[name] for row in rows]) for name in problem.pathway.signals}


def reading(problem: Problem, parameters: Mapping[str, float]) -> Observe:
    """From the states of a moment to every signal and rate (``d_<state>``), by calling the stages."""
    return reading_of(problem.pathway, parameters)


def reading_of(pathway: Pathway, parameters: Mapping[str, float]) -> Observe:
    """The same for a pathway and one patient's parameters."""
    nows = [(stage.now, arguments(stage.now)) for stage in pathway.stages if arguments(stage.now)]
    rates = [(stage.rates, arguments(stage.rates)) for stage in pathway.stages if arguments(stage.rates)]

    def observe(states: dict[str, float]) -> dict[str, float]:
        known = {**parameters, **states}
        for function, names in nows:
            known.update(function(*[known[name] for name in names]))
        for function, names in rates:
            found = function(*[known[name] for name in names])
            known.update({f"d_{state}": rate for state, rate in found.items()})
        return known

    return observe


def _changed(problem: Problem, patient: int, time: float) -> dict[str, float]:
    """The parameters that have changed by `time`, with their values from then on."""
    found = {}
    for change in problem.changes:
        place = int(np.searchsorted(change.times, time, "right")) - 1
        if place >= 0:
            found[change.name] = float(
                (change.values if change.values.ndim == 1 else change.values[:, patient])[place]
            )
    return found


def _states(
    problem: Problem, times: np.ndarray, patient: int, now: dict[str, float], observe: Observe
) -> np.ndarray:
    """States at each output time, (times, states): solved from arrival (or change) to arrival.

    `now` holds the parameters of the moment, which `observe` reads.
    """
    names, last = list(problem.pathway.states), float(times[-1])
    dosed, lag = problem.pathway.dosed or ("", "")
    arrivals = problem.doses + (now[lag] if problem.pathway.dosed else 0.0)
    start_parameters = dict(now)

    def slope(_: float, y: np.ndarray) -> list[float]:
        signals = observe(dict(zip(names, y.tolist(), strict=True)))
        return [signals[f"d_{name}"] for name in names]

    state = np.array(list(problem.pathway.initial.values()))
    switched = np.concatenate([np.zeros(0), *(change.times for change in problem.changes)])
    cuts = np.unique(
        np.concatenate([arrivals[arrivals <= last], switched[(switched > 0) & (switched < last)], [last]])
    )
    path, start, amounts = np.empty((len(times), len(state))), 0.0, problem.amounts_of(patient)
    for cut in cuts:
        now.update(_changed(problem, patient, start))
        inside = (times >= start) & (times < cut)
        path[inside], state = _advance(slope, state, start, float(cut), times[inside])
        if dosed:
            state[names.index(dosed)] += amounts[arrivals == cut].sum()
        start = float(cut)
    path[times >= start] = state
    now.update(start_parameters)
    return path


def _advance(slope, state: np.ndarray, start: float, end: float, times: np.ndarray):
    """States at `times` within [start, end], and at the end."""
    from scipy.integrate import solve_ivp

    if end <= start:
        return np.repeat(state[None], len(times), axis=0), state
    wanted = np.append(times, end) if not len(times) or times[-1] < end else times
    found = solve_ivp(
        slope, (start, end), state, "DOP853", wanted, rtol=RELATIVE, atol=ABSOLUTE, max_step=LONGEST_STEP_H
    )
    if not found.success:
        raise SolveError(f"the checking solver stopped at {found.t[-1]:g} h: {found.message}")
    return found.y.T[: len(times)], found.y[:, -1].copy()


def _error(solved: np.ndarray, reference: np.ndarray) -> float:
    largest = float(np.max(np.abs(reference)))
    return float(np.max(np.abs(solved - reference))) / largest if largest else float(np.max(np.abs(solved)))
