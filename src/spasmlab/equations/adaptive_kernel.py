"""Generate the adaptive solver of a pathway for one patient at a time: doses by event, infusions, any span."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import TYPE_CHECKING, Any

import sympy

from spasmlab.equations import trace
from spasmlab.equations.adaptive_template import BODY, COURSES, HEAD
from spasmlab.equations.numba_kernel import code, indent, single_fraction
from spasmlab.equations.trace import symbol

if TYPE_CHECKING:
    from spasmlab.chain.pathway import Pathway


def text(pathway: Pathway) -> str:
    """The source of the module that advances one patient on a pathway."""
    flat = {name: single_fraction(e) for name, e in trace.flat(pathway).items()}
    written = {name: flat[name] for name in pathway.writes}
    states = tuple(pathway.states)
    observed = _lines(pathway, states, written, "row") + _states(pathway)
    return _module(pathway, states, tuple(pathway.signals), flat, observed, BODY)


def course_text(pathway: Pathway, wanted: Sequence[str]) -> str:
    """The source of the module that follows individuals from row to row, with the signals `wanted` and the states that
    these need alone: what only gathers, and what comes after the signals, is left out."""
    flat = {name: single_fraction(e) for name, e in trace.flat(pathway).items()}
    seen = {name: flat.get(name, symbol(name)) for name in wanted}
    states = needed(pathway, flat, seen.values())
    return _module(pathway, states, tuple(wanted), flat, _lines(pathway, states, seen, "row"), BODY + COURSES)


def needed(pathway: Pathway, flat: Mapping[str, Any], seen: Iterable[Any]) -> tuple[str, ...]:
    """The states that expressions depend on, by themselves or through the rates of others, in the pathway's order."""
    found: set[str] = set()
    left = list(seen)
    while left:
        new = {str(s) for s in left.pop().free_symbols} & set(pathway.states) - found
        found |= new
        left += [flat[f"d_{name}"] for name in new]
    doses = {pathway.dosed[0]} if pathway.dosed else set()
    return tuple(name for name in pathway.states if name in found | doses)


def _module(
    pathway: Pathway,
    states: tuple[str, ...],
    signals: tuple[str, ...],
    flat: Mapping[str, Any],
    observed: list[str],
    body: str,
) -> str:
    rates = {state: flat[f"d_{state}"] for state in states}
    filled = {
        "PARAMETERS": repr(tuple(pathway.params)),
        "SIGNALS": repr(signals),
        "STATES": repr(states),
        "SLOPE": indent(_lines(pathway, states, rates, "d", " + r[{place}]"), 4),
        "OBSERVE": indent(observed, 4),
    }
    return Template(HEAD + body).substitute(filled)


def _lines(
    pathway: Pathway, states: Sequence[str], expressions: dict[str, Any], target: str, extra: str = ""
) -> list[str]:
    used = {str(s) for e in expressions.values() for s in e.free_symbols}
    lines = [f"{n} = p[{i}]" for i, n in enumerate(pathway.params) if n in used]
    lines += [f"{n} = y[{i}]" for i, n in enumerate(states) if n in used]
    shared, reduced = sympy.cse(list(expressions.values()), symbols=sympy.numbered_symbols("shared_"))
    lines += [f"{name} = {code(e)}" for name, e in shared]
    return lines + [f"{target}[{i}] = {code(e)}" + extra.format(place=i) for i, e in enumerate(reduced)]


def _states(pathway: Pathway) -> list[str]:
    first = len(pathway.writes)
    return [f"row[{first + i}] = y[{i}]" for i in range(len(pathway.states))]
