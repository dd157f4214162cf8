"""The functions an equation may use besides ``+ - * / **``: exp, log, sqrt, where, minimum, maximum.

Each takes numbers, NumPy arrays or SymPy expressions and answers in kind, so that one text of an equation can
be run, traced and checked. SymPy and NumPy are imported only where such an argument is met.
"""

from __future__ import annotations

import math
from typing import Any

NAMES = ("exp", "log", "sqrt", "where", "minimum", "maximum")


def exp(x: Any) -> Any:
    """e to the power of x; x is dimensionless."""
    return _one("exp", x)


def log(x: Any) -> Any:
    """The natural logarithm of x > 0; x is dimensionless."""
    return _one("log", x)


def sqrt(x: Any) -> Any:
    """The square root of x >= 0; its unit is the root of the unit of x."""
    return _one("sqrt", x)


def where(condition: Any, then: Any, otherwise: Any) -> Any:
    """`then` where the condition holds, `otherwise` elsewhere; both are evaluated."""
    if _symbolic(condition) or _symbolic(then) or _symbolic(otherwise):
        import sympy

        return sympy.Piecewise((then, condition), (otherwise, True))
    if isinstance(condition, bool):
        return then if condition else otherwise
    import numpy

    return numpy.where(condition, then, otherwise)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two quantities of one unit."""
    return _two("minimum", "Min", min, x, y)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two quantities of one unit."""
    return _two("maximum", "Max", max, x, y)


def _symbolic(x: Any) -> bool:
    return hasattr(x, "free_symbols")


def _one(name: str, x: Any) -> Any:
    if isinstance(x, float | int):
        return getattr(math, name)(x)
    if _symbolic(x):
        import sympy

        return getattr(sympy, name)(x)
    import numpy

    return getattr(numpy, name)(x)


def _two(name: str, symbolic_name: str, plain: Any, x: Any, y: Any) -> Any:
    if isinstance(x, float | int) and isinstance(y, float | int):
        return plain(x, y)
    if _symbolic(x) or _symbolic(y):
        import sympy

        return getattr(sympy, symbolic_name)(x, y)
    import numpy

    return getattr(numpy, name)(x, y)
