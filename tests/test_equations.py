"""The readings of an equation: the vocabulary, the trace and its lint, units, LaTeX."""

# ruff: noqa: RUF012 - stages declare their wiring in plain class-level tables
from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from spasmlab.chain import body
from spasmlab.chain.disposition import OneCompartment, TwoCompartments
from spasmlab.chain.stage import Stage
from spasmlab.equations import latex, numba_kernel, trace, units_check
from spasmlab.equations.functions import exp, log, maximum, minimum, sqrt, where
from spasmlab.errors import ModelError

STAGES = tuple({stage: None for part in body.PARTS.values() for stage in part})
EQUATIONS = [(stage, kind, f) for stage in STAGES for kind, f in trace.equations_of(stage).items()]
positive = st.floats(0.01, 50)


@settings(deadline=None)
@given(x=positive, y=positive)
def test_functions_agree_on_numbers_arrays_and_symbols(x: float, y: float) -> None:
    a, b = sympy.symbols("a b", real=True)
    values = {a: x, b: y}
    for function in (log, sqrt, lambda v: exp(-v)):
        assert float(function(np.array(x))) == pytest.approx(function(x), rel=1e-14)
        assert float(function(a).subs(values)) == pytest.approx(function(x), rel=1e-14)
    for function in (minimum, maximum, lambda u, v: where(u > v, u, 2 * v)):
        assert float(function(np.array(x), np.array(y))) == function(x, y)
        assert float(function(a, b).subs(values)) == pytest.approx(function(x, y), rel=1e-14)


def test_where_takes_the_branch_that_holds() -> None:
    assert where(True, 1.0, 2.0) == 1.0
    assert where(False, 1.0, 2.0) == 2.0
    assert where(np.array([True, False]), 1.0, 2.0).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("stage", "kind", "function"), EQUATIONS, ids=lambda v: getattr(v, "__name__", v))
def test_the_trace_of_every_equation_agrees_with_the_plain_function(stage, kind, function) -> None:
    assert trace.agrees(function, seed=7, trials=40) < 1e-12


@pytest.mark.parametrize(("stage", "kind", "function"), EQUATIONS, ids=lambda v: getattr(v, "__name__", v))
def test_statement_by_statement_the_trace_says_the_same(stage, kind, function) -> None:
    whole, known = trace.expressions(function), {}
    for line in trace.statements(function):
        expression = line.expression.subs(known)
        if line.output:
            assert sympy.simplify(expression - whole[line.name]) == 0
        else:
            known[trace.symbol(line.name)] = expression


def _branches(x, y):
    if x > y:
        x = y
    return dict(z=x)


def _builtin(x, y):
    return dict(z=min(x, y))


def _ternary(x, y):
    return dict(z=x if x > y else y)


def _boolean(x, y):
    return dict(z=x and y)


def _loop(x, y):
    for _ in (1, 2):
        x = x + y
    return dict(z=x)


def _two_targets(x, y):
    a = b = x
    return dict(z=a + b * y)


def _reassigned(x, y):
    x = x + y
    return dict(z=x)


def _not_a_dict(x, y):
    return x + y


def _foreign(x, y):
    return dict(z=math.hypot(x, y))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (_branches, "If"),
        (_builtin, "min"),
        (_ternary, "IfExp"),
        (_boolean, "BoolOp"),
        (_loop, "For"),
        (_two_targets, "one name"),
        (_reassigned, "already"),
        (_not_a_dict, "dict"),
        (_foreign, "Attribute|hypot|\\?"),
    ],
)
def test_the_lint_names_what_would_trace_wrongly(function, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        trace.expressions(function)


def test_the_comparison_of_trace_and_function_can_fail(monkeypatch) -> None:
    wrong = {"z": trace.symbol("x") + 1e-6}
    monkeypatch.setattr(trace, "expressions", lambda function: wrong)
    assert trace.agrees(lambda x: {"z": x}, seed=1) > 1e-8


@pytest.mark.parametrize("stage", STAGES, ids=lambda s: s.__name__)
def test_every_stage_passes_the_unit_check(stage: type[Stage]) -> None:
    assert units_check.faults(stage) == ()


class ClearanceForgotten(OneCompartment):
    """Planted error: an amount is added to a concentration."""

    @staticmethod
    def rates(absorption_rate, elimination_rate, plasma_concentration):
        return dict(
            plasma_amount=absorption_rate - plasma_concentration,
            eliminated_amount=elimination_rate,
            plasma_auc=plasma_concentration,
        )


class MolarForgotten(Stage):
    """Planted error: mg/L read as µmol/L."""

    params = {"dissociation_constant": "µmol/L"}
    reads, writes = {"isf_concentration": "mg/L"}, {"bound": "1", "molar": "µmol/L"}

    @staticmethod
    def now(isf_concentration, dissociation_constant):
        return dict(
            bound=isf_concentration / (isf_concentration + dissociation_constant), molar=dissociation_constant
        )


class TimeForgotten(Stage):
    """Planted error: a relaxation without its time constant."""

    params = {"target": "mg"}
    states = {"amount": "mg"}

    @staticmethod
    def rates(target, amount):
        return dict(amount=target - amount)


@pytest.mark.parametrize(
    ("stage", "output", "dimension"),
    [
        (ClearanceForgotten, "plasma_amount", "[length]"),
        (MolarForgotten, "bound", "[mass]"),
        (TimeForgotten, "amount", "[time]"),
    ],
)
def test_planted_unit_errors_are_named(stage: type[Stage], output: str, dimension: str) -> None:
    found = units_check.faults(stage)
    assert units_check.Fault(stage.__name__, output, dimension) in found
    assert {fault.output for fault in found} == {output}
    with pytest.raises(ModelError, match=rf"{stage.__name__}.*{output}"):
        units_check.require(type("OneStage", (), {"stages": (stage,)})())


def test_latex_keeps_local_names_and_time_derivatives() -> None:
    lines = latex.lines(TwoCompartments)
    assert any(line.startswith(r"\mathrm{leaving} =") for line in lines)
    assert sum(r"\frac{d}{dt}" in line for line in lines) == len(TwoCompartments.states)
    assert all(line.count("{") == line.count("}") for line in lines)


def test_nested_fractions_become_one() -> None:
    a, b, c = sympy.symbols("a b c", real=True)
    rewritten = numba_kernel.single_fraction(1 / (1 + a / (b + c / a)))
    assert sympy.simplify(rewritten - 1 / (1 + a / (b + c / a))) == 0
    assert str(rewritten).count("/") == 1
