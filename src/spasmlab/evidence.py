"""The evidence: every number read from the literature, one row each, found by its id.

Six tables lie in `data/evidence`. `pharmacokinetics`, `mechanism`, `neuromuscular` and `adverse_effects` have
one schema (`COLUMNS`; the last adds columns of its own); `trials` and `label_rules` keep columns of their
own. What is not in the shared schema stays, as text, in `Row.extra`.

A cell of the source that held several numbers is several rows here: ``N001`` became ``N001.first`` and
``N001.last``, and `family` finds them by the id they came from. A *calibration* row may be fitted to; a
*validation* row is only ever predicted: `calibration` is the one door through which a fit gets its numbers.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from spasmlab.errors import InputError, ModelError, unknown

FOLDER = Path(__file__).parent / "data" / "evidence"
COLUMNS = (
    "id", "level", "quantity", "value", "unit", "spread", "spread_kind", "n", "population", "regimen",
    "source", "doi", "checked", "role", "grade", "note",
)  # fmt: skip
TABLES = ("pharmacokinetics", "mechanism", "neuromuscular", "adverse_effects", "trials", "label_rules")
ROLES = ("calibration", "validation")
GRADES = ("A", "B", "C")
SPREAD_KINDS = {
    "SD": "standard deviation between subjects, units or cells",
    "SE": "standard error of the value",
    "SE (likely)": "printed without its kind; by its size a standard error",
    "SEM": "standard error of the mean",
    "SD of change": "standard deviation of the change from baseline",
    "SD of value": "standard deviation of the score itself",
    "SD of end score": "standard deviation of the score at the end",
    "SD of week-12 score": "standard deviation of the score at week 12",
    "half-range": "the value is the middle of a range, the spread half its width; the note has it as printed",
    "90% CI half-width": "half the width of a 90 % confidence interval",
    "CV%": "coefficient of variation between subjects, %",
    "RSE%": "relative standard error of an estimate, %",
    "RSE% (upper bound)": "the relative standard error of the estimate is below this, %",
    "IIV CV%": "variation between patients in a population model, coefficient of variation, %",
    "IIV variance (omega2, log scale)": "variance of the log between patients in a population model",
    "not stated": "a spread printed without its kind",
    "upper bound": "no spread: the quantity is at most the value",
    "lower bound": "no spread: the quantity is at least the value",
    "fixed": "no spread: the source fixed the value",
}
# What the two tables with columns of their own call the fields of a row.
_SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "trials": {
        "level": "condition", "quantity": "endpoint", "value": "change_or_value", "spread": "change_sd_or_se",
        "spread_kind": "type_of_spread", "population": "condition", "regimen": "arm",
    },
    "label_rules": {"level": "topic", "quantity": "rule", "population": "condition"},
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of evidence; `extra` holds, as text, the columns that only its own table has.

    `value` and `spread` are in `unit`, except where `spread_kind` names a scale of its own (CV%, RSE%, log
    variance). `value` is None where the row states no single number (label rules, a few trials); `role` and
    `grade` are empty for label rules, which are instructions, not measurements.
    """

    id: str
    table: str
    level: str
    quantity: str
    value: float | None
    unit: str
    spread: float | None
    spread_kind: str
    n: int | None
    population: str
    regimen: str
    source: str
    doi: str
    checked: bool
    role: str
    grade: str
    note: str
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> float:
        """The value of a row that states one; ModelError otherwise."""
        if self.value is None:
            raise ModelError(f"evidence row {self.id} states no number")
        return self.value


@cache
def rows() -> Mapping[str, Row]:
    """Every row by id, in table order. Raises ModelError naming the file, line and column of a bad cell."""
    found: dict[str, Row] = {}
    for name in TABLES:
        for row in read(FOLDER / f"{name}.csv"):
            if row.id in found:
                raise ModelError(f"{name}.csv: the id '{row.id}' occurs twice")
            found[row.id] = row
    return MappingProxyType(found)


def row(id: str) -> Row:
    """The row with exactly this id; InputError with the nearest match where there is none."""
    found = rows().get(id)
    if found is None:
        raise _not_found(id)
    return found


def family(id: str) -> tuple[Row, ...]:
    """The row called `id` and its parts ``id.…``, in table order; InputError with the nearest match."""
    found = tuple(r for r in rows().values() if r.id == id or r.id.startswith(id + "."))
    if not found:
        raise _not_found(id)
    return found


def _not_found(id: str) -> InputError:
    parts = [name for name in rows() if name.startswith(id + ".")]
    if parts:
        return InputError(f"evidence row '{id}' is in parts: {', '.join(parts)}")
    near = difflib.get_close_matches(id, rows(), n=6, cutoff=0.5)
    return unknown("evidence row", id, near or rows())


def table(name: str) -> tuple[Row, ...]:
    """All rows of one table, in order; InputError with the nearest match for an unknown table."""
    if name not in TABLES:
        raise unknown("evidence table", name, TABLES)
    return tuple(r for r in rows().values() if r.table == name)


def calibration(id: str) -> Row:
    """The row a fit may read; InputError where its role is not `calibration`.

    Every fit takes its data from here, so that no fit can read a validation row.
    """
    found = row(id)
    if found.role != "calibration":
        role = found.role or "label rule"
        raise InputError(f"evidence row {id} is a {role} row: it may be predicted, never fitted to")
    return found


def read(file: Path) -> Iterator[Row]:
    """The rows of one CSV file, which is named after its table; ModelError names file, line and column."""
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines, strict=True)
        for cells in reader:
            where = f"{file.name} line {reader.line_num}"
            if None in cells or None in cells.values():
                raise ModelError(f"{where}: the number of cells is not the number of columns")
            yield _row(file.stem, cells, where)


def _row(name: str, cells: dict[str, str], where: str) -> Row:
    names = _SYNONYMS.get(name, {})

    def text(column: str) -> str:
        return cells.get(names.get(column, column), "")

    used = {names.get(column, column) for column in COLUMNS}
    made = Row(
        id=text("id"),
        table=name,
        level=text("level"),
        quantity=text("quantity"),
        value=_number(text("value"), where, "value"),
        unit=text("unit") or "1",
        spread=_number(text("spread"), where, "spread"),
        spread_kind=text("spread_kind"),
        n=_count(text("n"), where),
        population=text("population"),
        regimen=text("regimen"),
        source=text("source"),
        doi=text("doi"),
        checked=_one_of(text("checked"), ("yes", "no"), where, "checked") == "yes",
        role=text("role"),
        grade=text("grade"),
        note=text("note"),
        extra=MappingProxyType({k: v for k, v in cells.items() if k not in used}),
    )
    _validate(made, where)
    return made


def _validate(row: Row, where: str) -> None:
    for column in ("id", "quantity"):
        if not getattr(row, column):
            raise ModelError(f"{where}, column {column}: empty")
    if row.table != "label_rules":
        _one_of(row.role, ROLES, where, "role")
        _one_of(row.grade, GRADES, where, "grade")
        if not row.checked and row.grade != "C":
            raise ModelError(f"{where}, column grade: {row.id} is not checked, so its grade is C")
    if row.table not in _SYNONYMS and row.value is None:
        raise ModelError(f"{where}, column value: {row.id} has none")
    if row.spread is not None and (row.spread < 0 or not row.spread_kind):
        raise ModelError(f"{where}, column spread: {row.id} needs a spread of at least 0 and a spread_kind")
    if row.spread_kind:
        _one_of(row.spread_kind, SPREAD_KINDS, where, "spread_kind")


def _number(text: str, where: str, column: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ModelError(f"{where}, column {column}: '{text}' is not a number")
    return value


def _count(text: str, where: str) -> int | None:
    if text and not text.isdigit():
        raise ModelError(f"{where}, column n: '{text}' is not a whole number")
    return int(text) if text else None


def _one_of(text: str, possible: Iterable[str], where: str, column: str) -> str:
    if text not in possible:
        raise ModelError(f"{where}, column {column}: '{text}' is none of {', '.join(possible)}")
    return text
