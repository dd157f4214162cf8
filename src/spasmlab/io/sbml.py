"""The slow chain as SBML (Level 3 Version 2), for other programs: one patient, a series of doses.

Every equation of the stages becomes an assignment rule (algebra) or a rate rule (states), under the names of the
model; doses become events. Needs python-libsbml (`pip install spasmlab[sbml]`), which is imported on first use.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spasmlab.chain.pathway import Pathway
from spasmlab.chain.problem import Problem
from spasmlab.equations import trace
from spasmlab.errors import InputError, ModelError
from spasmlab.io.roadrunner_process import MISSING

LEVEL, VERSION = 3, 2
TIME_DIGITS = 17  # every digit of a double


def write(problem: Problem, file: Path, patient: int = 0) -> None:
    """Write the model of one patient of a problem; InputError where the file cannot be written."""
    try:
        file.write_text(text(problem, patient), encoding="utf-8")
    except OSError as failure:
        raise InputError(f"cannot write '{file}': {failure.strerror or failure}") from failure


def text(problem: Problem, patient: int = 0) -> str:
    """The SBML of one patient of a problem. ModelError where the document is not valid."""
    sbml = _library()
    if problem.changes:
        raise InputError(
            "a parameter that changes while time runs (dialysis) cannot be exported; possible: leave it out"
        )
    document = sbml.SBMLDocument(LEVEL, VERSION)
    model = document.createModel()
    model.setId("spasmlab_chain")
    values = dict(zip(problem.pathway.params, problem.parameters[:, patient].tolist(), strict=True))
    _quantities(model, problem.pathway, values)
    _rules(sbml, model, problem.pathway)
    _doses(sbml, model, problem, values, patient)
    document.checkConsistency()
    if document.getNumErrors(sbml.LIBSBML_SEV_ERROR):
        raise ModelError(f"the exported SBML is not valid: {document.getErrorLog().toString()}")
    return sbml.writeSBMLToString(document)


def _library() -> Any:
    try:
        import libsbml
    except ImportError as problem:
        raise InputError("SBML needs python-libsbml; possible: pip install 'spasmlab[sbml]'") from problem
    return libsbml


def _quantities(model: Any, pathway: Pathway, values: Mapping[str, float]) -> None:
    """Parameters, then signals and states; units and meanings as names, which SBML keeps as text."""
    for name, unit in pathway.params.items():
        _quantity(model, name, f"{name} [{unit}]", values[name], constant=True)
    for name, unit in pathway.signals.items():
        meaning = pathway.meanings.get(name, name)
        _quantity(model, name, f"{meaning} [{unit}]", pathway.initial.get(name), constant=False)


def _quantity(model: Any, name: str, meaning: str, value: float | None, *, constant: bool) -> None:
    made = model.createParameter()
    made.setId(name)
    made.setName(meaning)
    made.setConstant(constant)
    if value is not None:
        made.setValue(value)


def _rules(sbml: Any, model: Any, pathway: Pathway) -> None:
    """One rule a signal and a state, stage by stage, in the names of the equations."""
    for stage in pathway.stages:
        for kind, equation in trace.equations_of(stage).items():
            for name, expression in trace.expressions(equation).items():
                rule = model.createAssignmentRule() if kind == "now" else model.createRateRule()
                rule.setVariable(name)
                _require(rule.setMath(_math(sbml, formula(expression))), name)


def formula(expression: Any) -> str:
    """An expression in SBML's infix language; ModelError for what that cannot say."""
    import sympy
    from sympy.printing.str import StrPrinter

    class Infix(StrPrinter):
        """SymPy's text with SBML's power, logarithm and choice."""

        def _print_Pow(self, expr: Any, rational: bool = False) -> str:
            if expr.exp == sympy.Rational(1, 2):
                return f"sqrt({self._print(expr.base)})"
            return f"pow({self._print(expr.base)}, {self._print(expr.exp)})"

        def _print_log(self, expr: Any) -> str:
            return f"ln({self._print(expr.args[0])})"

        def _print_Min(self, expr: Any) -> str:
            return self._nested("leq", expr.args)

        def _print_Max(self, expr: Any) -> str:
            return self._nested("geq", expr.args)

        def _nested(self, compare: str, args: tuple[Any, ...]) -> str:
            first, rest = self._print(args[0]), args[1:]
            if not rest:
                return first
            other = self._nested(compare, rest)
            return f"piecewise({first}, {compare}({first}, {other}), {other})"

        def _print_Piecewise(self, expr: Any) -> str:
            pairs = [f"{self._print(e)}, {self._print(c)}" for e, c in expr.args[:-1]]
            return f"piecewise({', '.join(pairs)}, {self._print(expr.args[-1].expr)})"

        def _print_Relational(self, expr: Any) -> str:
            names = {"<": "lt", "<=": "leq", ">": "gt", ">=": "geq", "==": "eq", "!=": "neq"}
            return f"{names[expr.rel_op]}({self._print(expr.lhs)}, {self._print(expr.rhs)})"

        def _print_Float(self, expr: Any) -> str:
            return repr(float(expr))

    return Infix({"order": "none"}).doprint(expression)


def _doses(sbml: Any, model: Any, problem: Problem, values: Mapping[str, float], patient: int) -> None:
    if problem.pathway.dosed is None:
        return
    state, lag = problem.pathway.dosed
    amounts = problem.amounts_of(patient)
    for number, (time, amount) in enumerate(zip(problem.doses, amounts, strict=True)):
        arrival = float(time) + values[lag]
        if arrival <= 0:
            _begin(model, state, float(amount))
            continue
        event = model.createEvent()
        event.setId(f"dose_{number}")
        event.setUseValuesFromTriggerTime(False)
        trigger = event.createTrigger()
        trigger.setInitialValue(True)
        trigger.setPersistent(True)
        _require(trigger.setMath(_math(sbml, f"geq(time, {arrival:.{TIME_DIGITS}g})")), event.getId())
        gift = event.createEventAssignment()
        gift.setVariable(state)
        _require(gift.setMath(_math(sbml, f"{state} + {float(amount)!r}")), event.getId())


def _begin(model: Any, state: str, amount: float) -> None:
    """A dose at time 0 is part of the initial state: an event there would need a trigger that was false before."""
    made = model.getParameter(state)
    made.setValue(made.getValue() + amount)


def _math(sbml: Any, infix: str) -> Any:
    found = sbml.parseL3Formula(infix)
    if found is None:
        raise ModelError(f"SBML cannot say '{infix}': {sbml.getLastParseL3Error()}")
    return found


def _require(code: int, name: str) -> None:
    if code:
        raise ModelError(f"SBML refuses the equation of '{name}' (code {code})")


def in_roadrunner(
    problem: Problem, times: np.ndarray, patient: int = 0, step: float = 1e-9
) -> dict[str, np.ndarray]:
    """The exported model run in libRoadRunner (an independent engine): each signal, (times,).

    `step` is its relative tolerance. It runs in a process of its own (see `roadrunner_process`). InputError where
    libroadrunner is not installed, ModelError where it fails.
    """
    names = list(problem.pathway.signals)
    asked = {"sbml": text(problem, patient), "names": names, "times": times.tolist(), "step": step}
    done = subprocess.run(
        [sys.executable, "-m", "spasmlab.io.roadrunner_process"],
        input=json.dumps(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == MISSING:
        raise InputError("this needs libroadrunner; possible: pip install libroadrunner")
    if done.returncode:
        raise ModelError(f"libRoadRunner ended with code {done.returncode}: {done.stderr.strip()[-300:]}")
    table = np.array(json.loads(done.stdout.splitlines()[-1]))
    return {name: table[:, 1 + i] for i, name in enumerate(names)}
