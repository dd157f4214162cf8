"""The equations of a pathway as a JAX function: for gradients and NUTS. JAX is an extra and imported on use.

Only the states that the wanted signal depends on are kept. One patient's curve is a scan over fixed steps
(classical Runge–Kutta on the kernel's own grid); patients are mapped over, so that all share one compiled step.
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


@dataclass(frozen=True)
class Steps:
    """A curve as a row of steps, (steps,) each: `length` [h], then `amount` [mg] taken at its end; `seen` (times,)
    is the step at whose end each output lies."""

    length: np.ndarray
    amount: np.ndarray
    seen: np.ndarray

    def padded(self, count: int) -> Steps:
        """As many steps as asked, the last of length 0."""
        more = count - len(self.length)
        return Steps(np.pad(self.length, (0, more)), np.pad(self.amount, (0, more)), self.seen)


def steps(doses: np.ndarray, amounts: np.ndarray, times: np.ndarray) -> Steps:
    """The steps of one patient; `doses` are the hours at which doses arrive (their lag added), `times` sorted."""
    distinct, back = np.unique(times, return_inverse=True)
    order = np.argsort(doses, kind="stable")
    doses, amounts = doses[order], amounts[order]
    made = grid.build(doses, distinct, 0.0)
    length = [0.0] + [h for n, h in zip(made.counts, np.diff(made.edges), strict=True) for h in [h / n] * n]
    ends = np.concatenate([[0], np.cumsum(made.counts)])
    taken = np.zeros(len(length))
    for edge, (first, last) in zip(ends, made.starting, strict=True):
        taken[edge] = amounts[first:last].sum()
    seen = ends[np.searchsorted(made.edges, distinct)]
    return Steps(np.array(length), taken, seen[back])


def signal_function(pathway: Pathway, signal: str) -> Callable[..., Any]:
    """A JAX function (parameters, length, amount) to the signal at the end of every step, for one patient.

    `parameters` in the pathway's units and order; the other two as in `Steps`.
    """
    import jax
    from jax import lax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    flat = trace.flat(pathway)
    flat |= {state: symbol(state) for state in pathway.states}
    states = _needed(pathway, flat, signal)
    names = [*(symbol(name) for name in pathway.params), *(symbol(state) for state in states)]
    rates = sympy.lambdify(names, [flat[f"d_{state}"] for state in states], modules="jax", cse=True)
    observe = sympy.lambdify(names, flat[signal], modules="jax", cse=True)
    dosed = states.index((pathway.dosed or ("", ""))[0])
    begun = np.array([pathway.initial[state] for state in states])

    def slope(parameters: Any, state: Any) -> Any:
        return jnp.stack([jnp.asarray(rate, dtype=float) for rate in rates(*parameters, *state)])

    def curve(parameters: Any, length: Any, amount: Any) -> Any:
        def step(state: Any, now: Any) -> Any:
            h, taken = now
            first = slope(parameters, state)
            second = slope(parameters, state + 0.5 * h * first)
            third = slope(parameters, state + 0.5 * h * second)
            fourth = slope(parameters, state + h * third)
            state = state + h / 6 * (first + 2 * second + 2 * third + fourth)
            state = state.at[dosed].add(taken)
            return state, observe(*parameters, *state)

        return lax.scan(step, jnp.asarray(begun), (length, amount))[1]

    return curve


def _needed(pathway: Pathway, flat: dict[str, Any], signal: str) -> list[str]:
    """The states a signal depends on, and those these depend on, in the pathway's order."""
    found, waiting = set(), [flat[signal]]
    while waiting:
        names = {str(one) for one in waiting.pop().free_symbols} & set(pathway.states) - found
        found |= names
        waiting += [flat[f"d_{name}"] for name in names]
    return [state for state in pathway.states if state in found]
