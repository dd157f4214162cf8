"""The checker: the same problem solved again by SciPy's adaptive Dormand–Prince of order 8 on the plain
equations.

It shares no code with the compiled kernel but the equations themselves: the stages are called as they are
written, and the solver is restarted at every arrival of a dose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from spasmlab.chain.problem import Problem
from spasmlab.chain.stage import arguments
from spasmlab.errors import SolveError

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
    observe = reading(problem, parameters)
    slopes = [f"d_{state}" for state in states]

    def slope(_: float, y: np.ndarray) -> list[float]:
        signals = observe(dict(zip(states, y.tolist(), strict=True)))
        return [signals[name] for name in slopes]

    path = _states(problem, times, parameters, slope)
    rows = [observe(dict(zip(states, y.tolist(), strict=True))) for y in path]
    return {name: np.array([row[name] for row in rows]) for name in problem.pathway.signals}


def reading(
    problem: Problem, parameters: Mapping[str, float]
) -> Callable[[dict[str, float]], dict[str, float]]:
    """From the states of a moment to every signal and rate (``d_<state>``), by calling the stages."""
    pathway = problem.pathway
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


def _states(problem: Problem, times: np.ndarray, parameters: Mapping[str, float], slope) -> np.ndarray:
    """States at each output time, (times, states): solved from arrival to arrival."""
    pathway = problem.pathway
    state = np.array(list(pathway.initial.values()))
    dosed, lag = pathway.dosed or ("", "")
    arrivals = problem.doses + (parameters[lag] if pathway.dosed else 0.0)
    ends = np.append(arrivals[arrivals <= times[-1]], times[-1])
    path, start = np.empty((len(times), len(state))), 0.0
    for i, end in enumerate(ends):
        inside = (times >= start) & (times < end) if i < len(ends) - 1 else times >= start
        path[inside], state = _advance(slope, state, start, end, times[inside])
        if i < len(ends) - 1:
            state[list(pathway.states).index(dosed)] += problem.amounts[i]
        start = end
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
