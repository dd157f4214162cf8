"""The reading of a stage for people: its equations in LaTeX, statement by statement, local names kept."""

from __future__ import annotations

import sympy

from spasmlab.chain.stage import Stage
from spasmlab.equations.trace import equations_of, statements, symbol


def lines(stage: type[Stage]) -> tuple[str, ...]:
    """Each statement of a stage as one LaTeX equation; rates as time derivatives of their states."""
    found = []
    for kind, function in equations_of(stage).items():
        for line in statements(function):
            left = word(line.name)
            if kind == "rates" and line.output:
                left = rf"\frac{{d}}{{dt}}\,{left}"
            found.append(f"{left} = {_right(line.expression)}")
    return tuple(found)


def word(name: str) -> str:
    """A name in upright letters: ``plasma_concentration`` as one upright phrase."""
    return r"\mathrm{" + name.replace("_", r"\ ") + "}"


def _right(expression: sympy.Expr) -> str:
    names = {symbol(str(s)): word(str(s)) for s in expression.free_symbols}
    return sympy.latex(expression, symbol_names=names)
