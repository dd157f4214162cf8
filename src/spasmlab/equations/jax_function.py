"""The equations of a pathway as a JAX function: for gradients and NUTS. JAX is an extra and imported on use.

Only the states that the wanted signal depends on are kept. One patient's curve is a scan over fixed steps: exact ones
where the pathway is linear, else classical Runge–Kutta on the kernel's own grid. Patients are mapped over, so that all
share one compiled step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from spasmlab.chain import grid
from spasmlab.equations import trace
from spasmlab.equations.trace import symbol

if TYPE_CHECKING:
    from spasmlab.chain.pathway import Pathway


SQUARINGS = 16  # of a step of exp(M·h): exact for |M|·h up to half of 2 to this power
TERMS = 8  # of its series, at |M|·h up to a half


@dataclass(frozen=True)
class Steps:
    """A curve as a row of steps: `length` [h] (steps,) with `inflow` [mg/h] (steps, places) all along, then where
    `reset` (steps,) is 1 everything is emptied, then `amount` [mg] (steps, places) is taken; `seen` (times,) is the
    step at whose end each output lies. Places are the compartments of `events.compartments`."""

    length: np.ndarray
    amount: np.ndarray
    inflow: np.ndarray
    reset: np.ndarray
    seen: np.ndarray

    def padded(self, count: int) -> Steps:
        """As many steps as asked, the last of length 0."""
        more = count - len(self.length)
        rows = ((0, more), (0, 0))
        return Steps(
            np.pad(self.length, (0, more)),
            np.pad(self.amount, rows),
            np.pad(self.inflow, rows),
            np.pad(self.reset, (0, more)),
            self.seen,
        )

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What a signal function takes, in its order."""
        return self.length, self.amount, self.inflow, self.reset


def steps(
    doses: np.ndarray, amounts: np.ndarray, times: np.ndarray, places: int = 1, exact: bool = False
) -> Steps:
    """The steps of one patient with plain doses into the first compartment; `doses` are the hours at which doses
    arrive (their lag added), `times` sorted. `exact` for a linear pathway, which needs no step but from edge to edge.
    """
    distinct, back = np.unique(times, return_inverse=True)
    order = np.argsort(doses, kind="stable")
    doses, amounts = doses[order], amounts[order]
    made = grid.build(doses, distinct, 0.0)
    counts = np.ones_like(made.counts) if exact else made.counts
    length = [0.0] + [h for n, h in zip(counts, np.diff(made.edges), strict=True) for h in [h / n] * n]
    ends = np.concatenate([[0], np.cumsum(counts)])
    taken = np.zeros((len(length), places))
    for edge, (first, last) in zip(ends, made.starting, strict=True):
        taken[edge, 0] = amounts[first:last].sum()
    seen = ends[np.searchsorted(made.edges, distinct)]
    nothing = np.zeros_like(taken)
    return Steps(np.array(length), taken, nothing, np.zeros(len(length)), seen[back])


def is_linear(pathway: Pathway, signal: str) -> bool:
    """Whether the rates of change are linear in the states, so that a step of any length is exact."""
    states, rates = _system(pathway, signal)
    symbols = {symbol(state) for state in states}
    slopes = sympy.Matrix(rates).jacobian([symbol(state) for state in states])
    return not slopes.free_symbols & symbols


def signal_function(pathway: Pathway, signal: str) -> Callable[..., Any]:
    """A JAX function (parameters, length, amount, inflow, reset) to the signal at the end of every step, for one
    patient. `parameters` in the pathway's units and order; the others as in `Steps`.

    Of a linear pathway every step is exact (matrix exponential); of others a classical Runge–Kutta step.
    """
    import jax
    from jax import lax
    from jax import numpy as jnp

    from spasmlab.chain.events import compartments

    jax.config.update("jax_enable_x64", True)
    states, rates = _system(pathway, signal)
    names = [*(symbol(name) for name in pathway.params), *(symbol(state) for state in states)]
    observe = sympy.lambdify(names, _flat(pathway)[signal], modules="jax", cse=True)
    moving = (_exact if is_linear(pathway, signal) else _runge_kutta)(names, states, rates)
    entry = np.array([[state == name for state in states] for name in compartments(pathway)], dtype=float)
    begun = np.array([pathway.initial[state] for state in states])

    def curve(parameters: Any, length: Any, amount: Any, inflow: Any, reset: Any) -> Any:
        prepared, advance = moving(parameters, length, inflow @ entry)

        def step(state: Any, now: Any) -> Any:
            how, taken, emptied = now
            state = jnp.where(emptied > 0, begun, advance(state, how)) + taken @ entry
            return state, observe(*parameters, *state)

        return lax.scan(step, jnp.asarray(begun), (prepared, amount, reset))[1]

    return curve


def _runge_kutta(names: list[Any], states: list[str], rates: list[Any]) -> Callable[..., Any]:
    """Steps of the classical method, of the length given."""
    from jax import numpy as jnp

    slopes = sympy.lambdify(names, rates, modules="jax", cse=True)

    def moving(parameters: Any, length: Any, inflow: Any) -> Any:
        def slope(state: Any, flow: Any) -> Any:
            return jnp.stack([jnp.asarray(rate, dtype=float) for rate in slopes(*parameters, *state)]) + flow

        def advance(state: Any, how: Any) -> Any:
            h, flow = how
            first = slope(state, flow)
            second = slope(state + 0.5 * h * first, flow)
            third = slope(state + 0.5 * h * second, flow)
            fourth = slope(state + h * third, flow)
            return state + h / 6 * (first + 2 * second + 2 * third + fourth)

        return (length, inflow), advance

    return moving


def _exact(names: list[Any], states: list[str], rates: list[Any]) -> Callable[..., Any]:
    """x(h) = exp(M·h)·(x, 1), with M the slopes beside the constant inflow: exact, and stable however fast a rate."""
    import jax
    from jax import numpy as jnp

    symbols = [symbol(state) for state in states]
    count, given = len(states), names[: len(names) - len(states)]
    slopes = sympy.Matrix(rates).jacobian(symbols)
    left = [rate.subs(dict.fromkeys(symbols, 0)) for rate in map(sympy.sympify, rates)]
    entries = sympy.lambdify(given, [*slopes, *left], modules="jax", cse=True)

    def moving(parameters: Any, length: Any, inflow: Any) -> Any:
        flat = jnp.stack([jnp.asarray(one, dtype=float) for one in entries(*parameters)])
        matrix, constant = flat[: count * count].reshape(count, count), flat[count * count :]

        def over(h: Any, flow: Any) -> Any:
            top = jnp.concatenate([matrix, (constant + flow)[:, None]], axis=1)
            whole = jnp.concatenate([top, jnp.zeros((1, count + 1))])
            return exponential(whole * h)[:count]

        return jax.vmap(over)(length, inflow), lambda state, how: how[:, :count] @ state + how[:, count]

    return moving


def _system(pathway: Pathway, signal: str) -> tuple[list[str], list[sympy.Expr]]:
    """The states that a signal depends on, and their rates of change."""
    flat = _flat(pathway)
    states = _needed(pathway, flat, signal)
    return states, [flat[f"d_{state}"] for state in states]


def _flat(pathway: Pathway) -> dict[str, Any]:
    return trace.flat(pathway) | {state: symbol(state) for state in pathway.states}


def exponential(matrix: Any) -> Any:
    """exp of a small matrix by its series and squaring, always the same operations: quick to differentiate, where a
    general one chooses its order and solves."""
    from jax import numpy as jnp

    def times(one: Any, other: Any) -> Any:
        return (one[:, :, None] * other[None, :, :]).sum(axis=1)

    unit, small = jnp.eye(len(matrix)), matrix / 2**SQUARINGS
    found = unit
    for term in range(TERMS, 0, -1):
        found = unit + times(small, found) / term
    for _ in range(SQUARINGS):
        found = times(found, found)
    return found


def _needed(pathway: Pathway, flat: dict[str, Any], signal: str) -> list[str]:
    """The states a signal depends on, and those these depend on, in the pathway's order."""
    found, waiting = set(), [flat[signal]]
    while waiting:
        names = {str(one) for one in waiting.pop().free_symbols} & set(pathway.states) - found
        found |= names
        waiting += [flat[f"d_{name}"] for name in names]
    return [state for state in pathway.states if state in found]
