"""A stage called with symbols gives SymPy expressions; its source is linted so that tracing cannot lie.

Symbols are real and nothing more: declared positive, SymPy would drop branches that zero or less needs.
"""

from __future__ import annotations

import ast
import inspect
import random
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import sympy

from spasmlab.chain.stage import Stage, arguments, call
from spasmlab.equations import functions
from spasmlab.errors import ModelError

if TYPE_CHECKING:
    from spasmlab.chain.pathway import Pathway

Equation = Callable[..., dict[str, Any]]
Expression = Any  # SymPy's declared types do not follow its own operators
KINDS = ("now", "rates")
_ALLOWED = (
    ast.Assign, ast.Return, ast.Expression, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Constant,
    ast.keyword, ast.Compare, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.Gt, ast.GtE,
    ast.Lt, ast.LtE, ast.Load, ast.Store, )  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One line of an equation: what is assigned (`name`), and to which expression of earlier names."""

    name: str
    expression: Expression
    output: bool


def symbol(name: str) -> sympy.Symbol:
    """The symbol of a name: real, never positive."""
    return sympy.Symbol(name, real=True)


def expressions(function: Equation) -> dict[str, Expression]:
    """An equation called with symbols: each output as an expression of the arguments."""
    lint(function)
    traced = call(function, {name: symbol(name) for name in arguments(function)})
    return {name: sympy.sympify(expression) for name, expression in traced.items()}


def statements(function: Equation) -> tuple[Statement, ...]:
    """An equation statement by statement: its local names kept, as a reader needs them."""
    names = {name: symbol(name) for name in arguments(function)}
    lines = []
    for node in lint(function):
        if isinstance(node, ast.Assign):
            name = _target(node)
            lines.append(Statement(name, _evaluate(node.value, function, names), output=False))
            names[name] = symbol(name)
        else:
            lines += [
                Statement(str(k.arg), _evaluate(k.value, function, names), True) for k in _outputs(node)
            ]
    return tuple(lines)


@cache
def lint(function: Equation) -> tuple[ast.stmt, ...]:
    """The statements of an equation; ModelError names the line that tracing would misread.

    Allowed are assignments to one name, arithmetic, the functions of `equations.functions`, and one final
    ``return dict(...)``. A Python ``if``, ``and``, ``min`` or ``max`` would silently trace to one branch.
    """
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise ModelError(f"{function.__qualname__} is not a plain function")
    body = tuple(node for node in definition.body if not _is_docstring(node))
    for node in _nodes(body):
        _refuse(node, function)
    _refuse_reassignment(body, function)
    if not body or not isinstance(body[-1], ast.Return) or any(isinstance(n, ast.Return) for n in body[:-1]):
        raise ModelError(f"{function.__qualname__} must end in its only return, a dict(...) of its outputs")
    _outputs(body[-1])
    return body


def agrees(function: Equation, seed: int, trials: int = 16) -> float:
    """The largest difference between an equation and its trace, relative to 1 + |value|.

    Compared on random numbers, some of them zero, leaving out where the equation itself divides by zero.
    """
    traced, draw, worst = expressions(function), random.Random(seed), 0.0
    for trial in range(trials):
        values = {
            n: draw.choice((0.0, draw.uniform(0, 2))) if trial else draw.random() for n in arguments(function)
        }
        try:
            plain = call(function, values)
        except ZeroDivisionError:
            continue
        for name, expression in traced.items():
            replaced = expression.subs({symbol(n): value for n, value in values.items()})
            worst = max(worst, abs(float(replaced) - plain[name]) / (1 + abs(plain[name])))
    return worst


def flat(pathway: Pathway) -> dict[str, Expression]:
    """Every written signal and rate (``d_<state>``), in terms of parameters, states and what is given."""
    known: dict[str, Expression] = {}
    for stage in pathway.stages:
        known |= _traced(stage, "now", known)
    rates = {}
    for stage in pathway.stages:
        rates |= {f"d_{state}": rate for state, rate in _traced(stage, "rates", known).items()}
    ordered = {f"d_{state}": rates[f"d_{state}"] for state in pathway.states}
    return {**known, **ordered}


def _traced(stage: type[Stage], kind: str, known: Mapping[str, Expression]) -> dict[str, Expression]:
    function = getattr(stage, kind)
    if not arguments(function):
        return {}
    inline = {symbol(name): known[name] for name in arguments(function) if name in known}
    return {name: expression.subs(inline) for name, expression in expressions(function).items()}


def equations_of(stage: type[Stage]) -> dict[str, Equation]:
    """The equations a stage really has, by kind: `now`, `rates`."""
    return {kind: getattr(stage, kind) for kind in KINDS if arguments(getattr(stage, kind))}


def _nodes(body: tuple[ast.stmt, ...]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _refuse(node: ast.AST, function: Equation) -> None:
    where = f"{function.__qualname__}, line {getattr(node, 'lineno', '?')}"
    if not isinstance(node, _ALLOWED):
        raise ModelError(f"{where}: '{type(node).__name__}' cannot be traced; use where, minimum or maximum")
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", "?")
        if name == "dict":
            return
        if name not in functions.NAMES or function.__globals__.get(name) is not getattr(functions, name):
            raise ModelError(f"{where}: '{name}' is not one of {', '.join(functions.NAMES)}")


def _refuse_reassignment(body: tuple[ast.stmt, ...], function: Equation) -> None:
    taken = set(arguments(function))
    for node in body:
        if isinstance(node, ast.Assign):
            if (name := _target(node)) in taken:
                raise ModelError(
                    f"{function.__qualname__}, line {node.lineno}: '{name}' already has a meaning"
                )
            taken.add(name)


def _target(node: ast.Assign) -> str:
    target = node.targets[0]
    if len(node.targets) != 1 or not isinstance(target, ast.Name):
        raise ModelError(f"line {node.lineno}: assign to one name at a time")
    return target.id


def _outputs(node: ast.stmt) -> list[ast.keyword]:
    value = node.value if isinstance(node, ast.Return) else None
    is_dict = isinstance(value, ast.Call) and getattr(value.func, "id", "") == "dict" and not value.args
    if not is_dict or not isinstance(value, ast.Call):
        raise ModelError(f"line {node.lineno}: an equation returns dict(name=expression, ...)")
    return value.keywords


def _evaluate(node: ast.expr, function: Equation, names: Mapping[str, sympy.Symbol]) -> Expression:
    code = compile(ast.Expression(node), function.__qualname__, "eval")
    return sympy.sympify(eval(code, {**function.__globals__, **names}))
