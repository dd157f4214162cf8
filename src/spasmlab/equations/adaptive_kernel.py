"""Generate the adaptive solver of a pathway for one patient at a time: doses by event, infusions, any span."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Any

import sympy

from spasmlab.equations import trace
from spasmlab.equations.adaptive_template import BODY, HEAD
from spasmlab.equations.numba_kernel import code, indent, single_fraction

if TYPE_CHECKING:
    from spasmlab.chain.pathway import Pathway


def text(pathway: Pathway) -> str:
    """The source of the module that advances one patient on a pathway."""
    flat = {name: single_fraction(e) for name, e in trace.flat(pathway).items()}
    written = {name: flat[name] for name in pathway.writes}
    rates = {state: flat[f"d_{state}"] for state in pathway.states}
    filled = {
        "PARAMETERS": repr(tuple(pathway.params)),
        "SIGNALS": repr(tuple(pathway.signals)),
        "STATES": repr(tuple(pathway.states)),
        "SLOPE": indent(_lines(pathway, rates, "d", " + r[{place}]"), 4),
        "OBSERVE": indent(_lines(pathway, written, "row") + _states(pathway), 4),
    }
    return Template(HEAD + BODY).substitute(filled)


def _lines(pathway: Pathway, expressions: dict[str, Any], target: str, extra: str = "") -> list[str]:
    used = {str(s) for e in expressions.values() for s in e.free_symbols}
    lines = [f"{n} = p[{i}]" for i, n in enumerate(pathway.params) if n in used]
    lines += [f"{n} = y[{i}]" for i, n in enumerate(pathway.states) if n in used]
    shared, reduced = sympy.cse(list(expressions.values()), symbols=sympy.numbered_symbols("shared_"))
    lines += [f"{name} = {code(e)}" for name, e in shared]
    return lines + [f"{target}[{i}] = {code(e)}" + extra.format(place=i) for i, e in enumerate(reduced)]


def _states(pathway: Pathway) -> list[str]:
    first = len(pathway.writes)
    return [f"row[{first + i}] = y[{i}]" for i in range(len(pathway.states))]
