"""Where a number comes from: `explain` finds what is known of a parameter or of a row of evidence.

A path is a parameter's (``chain.release.cooperativity``, or its last part where that is unique) or the id of
a row of evidence or of the cell it was part of (``N001`` for ``N001.first`` and ``N001.last``).
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spasmlab import condition, evidence, hypothesis, parameter, relief, units
from spasmlab.errors import InputError, unknown
from spasmlab.evidence import Row
from spasmlab.parameter import Parameter
from spasmlab.quantity import Quantity
from spasmlab.shift import Shift

if TYPE_CHECKING:
    from rich.console import Console

STATUSES = ("measured", "derived", "fitted", "assumed")
_MOST_LISTED = 20
_Z90 = 1.6448536269514722  # half of a 90 % interval of the standard normal distribution
_DERIVED = {
    "measured": "read from the rows below",
    "derived": "computed from the rows below",
    "fitted": "fitted to the rows below",
    "assumed": "assumed, for the reason in the note",
}


@dataclass(frozen=True)
class Shifted:
    """What a condition or a hypothesis makes of a parameter."""

    kind: str
    name: str
    record: Parameter


@dataclass(frozen=True)
class Explanation:
    """All that is known of `path`: a parameter (None for a row), what shifts it, its rows, who cites them."""

    path: str
    parameter: Parameter | None
    shifts: tuple[Shifted, ...]
    rows: tuple[Row, ...]
    cited_by: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as one JSON object; `low` and `high` bound the 90 % interval of doubt about a value."""
        found: dict[str, Any] = {"path": self.path, "kind": "parameter" if self.parameter else "evidence"}
        if self.parameter:
            found |= _record(self.parameter)
            found["shifts"] = [{"kind": s.kind, "name": s.name, **_record(s.record)} for s in self.shifts]
        else:
            found["cited_by"] = list(self.cited_by)
        unit = self.parameter.unit if self.parameter else None
        found["rows"] = [row_dict(row, unit) for row in self.rows]
        return found

    def render(self, console: Console) -> None:
        """Print it for people, readable at 80 columns."""
        from spasmlab import explain_view

        explain_view.render(self, console)


def explain(path: str) -> Explanation:
    """What is known of a parameter or a row; InputError with the nearest match for an unknown path."""
    if record := _parameter(path):
        rows = tuple(row for id in record.rows for row in evidence.family(id))
        return Explanation(record.path, record, shifts_of(record.path), rows)
    try:
        rows = evidence.family(path)
    except InputError:
        raise _not_found(path) from None
    return Explanation(path, None, (), rows, citing(rows))


def shifts_of(path: str) -> tuple[Shifted, ...]:
    """Every condition and hypothesis that gives the parameter at `path` another value."""
    return tuple(
        Shifted(shift.kind, shift.name, shift.parameters[path])
        for shift in all_shifts()
        if path in shift.parameters
    )


def all_shifts() -> tuple[Shift, ...]:
    """Every condition, then every hypothesis, then every relief."""
    return (
        *(condition.load(name) for name in condition.names()),
        *(hypothesis.load(name) for name in hypothesis.names()),
        *(relief.load(name) for name in relief.names()),
    )


def citing(rows: Iterable[Row]) -> tuple[str, ...]:
    """Paths of the parameters that cite one of `rows`, by its id or by that of the cell it was part of."""
    ids = {row.id for row in rows}
    stems = {id[:end] for id in ids for end in range(len(id) + 1) if end == len(id) or id[end] == "."}
    return tuple(p.path for p in parameter.ledger().values() if stems & set(p.rows))


def derivation(record: Parameter) -> str:
    """How the value was come by, in a few words."""
    words = _DERIVED[record.status]
    if record.status == "assumed" and record.rows:
        words += "; the rows below bear on it"
    return words


def doubt(record: Parameter) -> Quantity:
    """The value of a one-number record with the 90 % interval of doubt about it."""
    value = record.number
    if not record.spread:
        return Quantity(value, record.unit)
    step = _Z90 * record.spread
    if record.transform == "log":
        low, high = value * math.exp(-step), value * math.exp(step)
    elif record.transform == "linear":
        low, high = value - step, value + step
    else:
        odds = value / (1 - value)
        low, high = (1 / (1 + math.exp(sign * step) / odds) for sign in (1, -1))
    least, most = record.bounds or (-math.inf, math.inf)
    return Quantity(value, record.unit, max(low, least), min(high, most))


def in_unit(row: Row, unit: str) -> float | None:
    """The value of `row` in `unit`; None where it states none, or one of another kind."""
    if row.value is None or not units.same_dimension(row.unit, unit):
        return None
    return row.value * units.factor(row.unit, unit)


def row_dict(row: Row, unit: str | None = None) -> dict[str, Any]:
    """One row as JSON; `in_parameter_unit` is its value in `unit` (None where that is unlike its own)."""
    found = {
        "id": row.id,
        "table": row.table,
        "level": row.level,
        "quantity": row.quantity,
        "value": Quantity(row.value, row.unit).as_dict(),
        "spread": row.spread,
        "spread_kind": row.spread_kind or None,
        "n": row.n,
        "population": row.population,
        "regimen": row.regimen,
        "source": row.source,
        "doi": row.doi,
        "checked": row.checked,
        "role": row.role or None,
        "grade": row.grade or None,
        "note": row.note,
    }
    if unit is not None:
        found["in_parameter_unit"] = in_unit(row, unit)
    return found


def share_of_assumed(parameters: Iterable[Parameter] | Mapping[str, Parameter]) -> dict[str, Any]:
    """How many of `parameters` there are of each status and grade, and their shares (0 where there are none).

    A parameter that comes twice counts once. ``share_of_assumed(...)["share"]`` is the share of assumed ones.
    """
    listed = parameters.values() if isinstance(parameters, Mapping) else parameters
    distinct = {p.path: p for p in listed}.values()
    statuses, grades = Counter(p.status for p in distinct), Counter(p.grade for p in distinct)
    return {
        "count": len(distinct),
        "share": statuses["assumed"] / max(len(distinct), 1),
        "by_status": _counts(statuses, STATUSES, len(distinct)),
        "by_grade": _counts(grades, evidence.GRADES, len(distinct)),
    }


def _counts(counter: Counter[Any], names: Iterable[str], total: int) -> dict[str, dict[str, float]]:
    return {name: {"count": counter[name], "share": counter[name] / max(total, 1)} for name in names}


def _record(record: Parameter) -> dict[str, Any]:
    single = not isinstance(record.value, tuple)
    value = doubt(record).as_dict() if single else None
    return {
        "value": value,
        "values": None if single else list(record.values),
        "unit": record.unit,
        "transform": record.transform,
        "spread": record.spread,
        "between": record.between,
        "bounds": list(record.bounds) if record.bounds else None,
        "status": record.status,
        "grade": record.grade,
        "derivation": derivation(record),
        "note": record.note,
        "cited_rows": list(record.rows),
    }


def _parameter(path: str) -> Parameter | None:
    parameter.ledger()  # a file that cannot be read is its own error, not an unknown path
    try:
        return parameter.find(path)
    except InputError:
        return None


def _not_found(path: str) -> InputError:
    inside = [full for full in parameter.ledger() if full.startswith(path + ".")]
    if inside:
        more = ", …" if len(inside) > _MOST_LISTED else ""
        return InputError(f"'{path}' holds parameters; name one: {', '.join(inside[:_MOST_LISTED])}{more}")
    # Full paths and last parts both count, so that a slip in either finds the parameter that was meant.
    spelled = {id: id for id in evidence.rows()}
    spelled |= {full.rsplit(".", 1)[-1]: full for full in reversed(parameter.ledger())}
    spelled |= {full: full for full in parameter.ledger()}
    near = difflib.get_close_matches(path, spelled, n=6, cutoff=0.6)
    if not near:
        return unknown(
            "parameter or evidence row",
            path,
            {full.rsplit(".", 1)[0] for full in spelled.values() if full not in evidence.rows()},
        )
    paths = list(dict.fromkeys(spelled[text] for text in near))
    others = f" Also near: {', '.join(paths[1:])}" if paths[1:] else ""
    return InputError(f"unknown parameter or evidence row '{path}'; did you mean '{paths[0]}'?{others}")
