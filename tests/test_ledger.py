"""The ledger: every number of the program is a record that keeps the rules, and no equation hides one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from each import each
from spasmlab import docs_tables, evidence, explain, parameter, units
from spasmlab.errors import InputError
from spasmlab.evidence import Row
from spasmlab.parameter import PACKAGE, Parameter, parameters_from

LEDGER = parameter.ledger()
MEASURED = {path: record for path, record in LEDGER.items() if record.status == "measured"}
SHIFTS = {
    f"{shift.name}-{target}": (shift, target) for shift in explain.all_shifts() for target in shift.parameters
}


def _rows(record: Parameter) -> list[Row]:
    return [row for id in record.rows for row in evidence.family(id)]


def test_the_ledger_holds_every_module_drug_condition_and_hypothesis() -> None:
    roots = {path.split(".")[0] for path in LEDGER}
    assert {"chain", "circuit", "drugs", "conditions", "hypotheses"} <= roots
    for shift in explain.all_shifts():
        assert {record.path for record in shift.parameters.values()} <= set(LEDGER)


@each(LEDGER)
def test_a_record_keeps_the_rules(record: Parameter) -> None:
    units.unit(record.unit)
    assert record.status not in {"assumed", "derived"} or record.note, "assumed and derived need a note"
    assert record.status != "assumed" or record.grade == "C", "assumed is grade C"
    low, high = record.bounds or (-float("inf"), float("inf"))
    assert all(low <= value <= high for value in record.values)
    for id in record.rows:
        evidence.family(id)  # an unknown id raises, with the nearest match


@each(LEDGER)
def test_no_parameter_rests_on_a_validation_row(record: Parameter) -> None:
    """Neither among its rows nor in its note, unless the note says that the row is predicted, not used."""
    assert not [row.id for row in _rows(record) if row.role == "validation"]
    named = [row.id for row in _named(record.note) if row.role == "validation"]
    assert not named or "predict" in record.note, f"the note names validation rows {named}"


@each(LEDGER)
def test_what_is_fitted_is_fitted_to_calibration_rows(record: Parameter) -> None:
    assert record.status != "fitted" or {row.role for row in _rows(record)} == {"calibration"}


@each(LEDGER)
def test_an_id_in_a_note_exists(record: Parameter) -> None:
    """The id of a row, of an entry in parts, or what the ids of a study begin with."""
    for id in LOOKS_LIKE_AN_ID.findall(record.note):
        assert any(row == id or row.startswith((id + ".", id + "-")) for row in evidence.rows()), id


LOOKS_LIKE_AN_ID = re.compile(
    r"\b(?:N\d{3}|[BCRSFPMDX]\d{2}|(?:GBP|PGB|GEN|SPA|PHN|RLS|SEI|AE|DPN)-[A-Z0-9-]*\d[A-Za-z0-9-]*)\b"
)


def _named(note: str) -> Iterator[Row]:
    for word in re.findall(r"[A-Z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*", note):
        if re.search(r"\d", word) and any(
            row == word or row.startswith(word + ".") for row in evidence.rows()
        ):
            yield from evidence.family(word)


@each(LEDGER)
def test_a_grade_is_no_better_than_the_best_row_behind_it(record: Parameter) -> None:
    grades = [row.grade for row in _rows(record) if row.grade]
    assert not grades or record.grade >= min(grades)


@each(MEASURED)
def test_a_measured_number_lies_within_the_rows_it_was_read_from(record: Parameter) -> None:
    """Compared by size, in the parameter's unit, within 2 % for rounding, where a row is of its kind."""
    spans = [span for row in _rows(record) if (span := _span(row, record.unit))]
    low, high = min((s[0] for s in spans), default=0), max((s[1] for s in spans), default=float("inf"))
    for value in record.values:
        assert 0.98 * low <= abs(value) <= 1.02 * high


def _span(row: Row, unit: str) -> tuple[float, float] | None:
    value = explain.in_unit(row, unit)
    if value is None:
        return None
    wide = row.spread_kind in {"SD", "half-range", "not stated"} and row.spread
    step = row.spread * units.factor(row.unit, unit) if wide and row.spread else 0.0
    if row.spread_kind in {"upper bound", "lower bound"}:
        return (0.0, abs(value)) if row.spread_kind == "upper bound" else (abs(value), float("inf"))
    return max(0.0, abs(value) - step), abs(value) + step


@each(SHIFTS)
def test_a_shift_names_a_parameter_that_exists_in_its_unit(shift, target: str) -> None:
    assert target in LEDGER, f"{shift.kind} {shift.name} shifts {target}, which does not exist"
    record, default = shift.parameters[target], LEDGER[target]
    assert record.unit == default.unit
    assert isinstance(record.value, tuple) == isinstance(default.value, tuple)
    assert len(record.values) == len(default.values)
    low, high = default.bounds or (-float("inf"), float("inf"))
    assert all(low <= value <= high for value in record.values), (
        "outside the bounds of the parameter it shifts"
    )


GOOD = {"value": 1.0, "unit": "mg", "status": "measured", "rows": ["GBP-V"], "grade": "B"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": "assumed", "rows": []}, "note"),
        ({"rows": []}, "rows"),
        ({"bounds": [2, 3]}, "bounds"),
        ({"value": float("nan")}, "finite"),
        ({"unit": "mgg"}, "mgg"),
        ({"spread": -0.1}, "negative"),
        ({"value": -1.0, "spread": 0.1}, "log scale"),
        ({"transform": "logit", "spread": 0.1}, "logit"),
        ({"status": "guessed"}, "status"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_record_that_breaks_a_rule_is_refused(change: dict, told: str) -> None:
    try:
        parameters_from({"size": {**GOOD, **change}}, "chain.x", "x.toml")
    except Exception as problem:
        assert told in str(problem)
    else:
        pytest.fail("the record was taken")


# --- no equation hides a number ---

PLAIN = (0, 1, 2, 0.5)
COUNTING_CALLS = {"range", "prange", "zeros", "ones", "empty", "full"}
# Constants of the equation modules: sizes and steps of the computation, conversions of units, nothing else.
SIZES_AND_CONVERSIONS = {
    *("BLOCK", "CHECKED_DOSES", "CHUNK", "IN_FLIGHT", "LIMB_STEPS"),
    *(
        "DT",
        "ENDLESS_CYCLE_H",
        "FORGOTTEN",
        "ROWS_A_THREAD",
        "LONGEST_STEP_H",
        "SAME_TIME",
        "SETTLED",
        "TOLERANCE",
    ),
    *("HOURS_PER_DAY", "MILLISECONDS", "SECOND"),
}


def literals(source: str, equations: set[str] | None) -> list[tuple[str, int, float]]:
    """(function, line, number) for each number other than 0, 1, 2 and 0.5 in the equations of a module.

    Equations are the functions called `equations`, or, where that is None, those compiled by Numba. A whole
    number that picks an element (``state[3]``), counts (``range(4)``, ``zeros(3)``) or shifts bits is none.
    """
    found = []
    for function in (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)):
        if function.name in equations if equations is not None else _is_compiled(function):
            body = ast.Module(body=function.body, type_ignores=[])
            found += [(function.name, node.lineno, node.value) for node in _numbers(body)]
    return found


def _is_compiled(function: ast.FunctionDef) -> bool:
    names = [ast.unparse(decorator).split("(")[0].split(".")[-1] for decorator in function.decorator_list]
    return any(name in {"njit", "jit", "vectorize", "guvectorize", "cfunc"} for name in names)


def _numbers(tree: ast.AST) -> Iterator[ast.Constant]:
    counting = {id(leaf) for node in ast.walk(tree) for part in _counts(node) for leaf in ast.walk(part)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, int | float)
            and not isinstance(node.value, bool)
        ):
            whole = isinstance(node.value, int) and id(node) in counting
            if node.value not in PLAIN and not whole:
                yield node


def _counts(node: ast.AST) -> list[ast.AST]:
    """The parts of `node` where a whole number picks or counts."""
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in COUNTING_CALLS:
        return list(node.args[:1]) if ast.unparse(node.func).endswith("full") else list(node.args)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift | ast.RShift):
        return [node.right]
    return []


def _modules(folder: str, leave_out: set[str] = frozenset()) -> list[Path]:
    return [file for file in sorted((PACKAGE / folder).rglob("*.py")) if file.name not in leave_out]


# Numerical recipes (polynomials of exp and the like) hold constants of arithmetic, not of physiology.
EQUATIONS = {
    **{f"chain/{f.name}": (f, {"now", "rates"}) for f in _modules("chain")},
    **{f"circuit/{f.name}": (f, None) for f in _modules("circuit", {"fastmath.py"})},
}


@each(EQUATIONS)
def test_no_equation_hides_a_number(file: Path, equations: set[str] | None) -> None:
    hidden = literals(file.read_text(encoding="utf-8"), equations)
    assert not hidden, f"{file.name}: (function, line, number) that belong in a parameter record"


@each({name: file for name, (file, _) in EQUATIONS.items()})
def test_no_module_constant_is_a_number_of_physiology(file: Path) -> None:
    """A new size, step or conversion joins `SIZES_AND_CONVERSIONS` by name; a quantity is a parameter."""
    assert set(module_constants(file.read_text(encoding="utf-8"))) <= SIZES_AND_CONVERSIONS


def module_constants(source: str) -> Iterator[str]:
    """Names that a module binds to a bare number other than 0, 1, 2 and 0.5."""
    for node in ast.parse(source).body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if (
            value is not None
            and isinstance(value, ast.Constant | ast.UnaryOp | ast.BinOp)
            and any(_numbers(value))
        ):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (ast.unparse(target) for target in targets)


def test_the_lint_sees_what_it_should() -> None:
    hiding = "class S:\n def now(x):\n  y = 0.5 * x + 1 - 2\n  return dict(z=3 * y, w=-0.7)\n"
    assert [(line, number) for _, line, number in literals(hiding, {"now"})] == [(4, 3), (4, 0.7)]
    assert list(module_constants("A = 3.5\nB: float = -7\nC = 1\nD = 'x'\nE = 4 * 5\nF = (3, 4)\n")) == [
        "A",
        "B",
        "E",
    ]
    compiled = (
        "@njit(cache=True)\ndef f(v, k):\n  for i in range(4):\n   v[3] = k * 7.0\n  return full(3, 5)\n"
    )
    found = literals(compiled + "def g():\n  return 9\n", None)
    assert sorted(number for _, _, number in found) == [5, 7.0]


def test_only_the_door_for_fits_is_used_where_fitting_is_done() -> None:
    """A module that fits, by name or folder, gets its rows from `evidence.calibration` and nowhere else."""
    fitting = [f for f in PACKAGE.rglob("*.py") if {"fit", "fitting", "calibrate"} & {f.stem, f.parent.name}]
    for file in fitting:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("evidence"):
                assert node.attr in {"calibration", "Row"}, (
                    f"{file.name} line {node.lineno}: evidence.{node.attr}"
                )


# --- pages and explanations ---


def test_the_generated_pages_are_current() -> None:
    assert not docs_tables.stale(), "run python -m spasmlab.docs_tables"


def test_a_page_that_is_not_current_is_named(tmp_path: Path, capsys, monkeypatch) -> None:
    docs_tables.write(tmp_path)
    assert docs_tables.stale(tmp_path) == []
    (tmp_path / "evidence.md").write_text("old")
    assert docs_tables.stale(tmp_path) == ["evidence.md"]
    monkeypatch.setattr(docs_tables, "stale", lambda: ["evidence.md"])
    assert docs_tables.main(["--check"]) == 1
    assert "evidence.md" in capsys.readouterr().err


@each(LEDGER)
def test_every_parameter_can_be_explained(record: Parameter) -> None:
    found = explain.explain(record.path)
    told = found.as_dict()
    assert told["path"] == record.path
    assert {row["id"] for row in told["rows"]} == {row.id for row in _rows(record)}
    if not isinstance(record.value, tuple):
        value = told["value"]
        assert value["value"] == record.value
        assert value["low"] is None or value["low"] <= record.value <= value["high"]


def test_a_slip_in_a_path_is_one_line_with_the_nearest_match() -> None:
    path = next(iter(LEDGER))
    with pytest.raises(InputError, match=f"did you mean '{path}'") as told:
        explain.explain(path + "x")
    assert "\n" not in str(told.value)


def test_a_module_says_which_parameters_it_holds() -> None:
    with pytest.raises(InputError, match=r"holds parameters; name one: chain\.channel\."):
        explain.explain("chain.channel")
