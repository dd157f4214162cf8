"""Parameters, rows of evidence and studies as tables: their columns, filters, order, and what is exported of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from htmltools import TagChild

from spasmlab import evidence, parameter, scoreboard, studies
from spasmlab.app import exports
from spasmlab.app.ledger import words
from spasmlab.evidence import Row
from spasmlab.explain import STATUSES
from spasmlab.parameter import Parameter

PAGE = 50  # rows of a table at once
Cell = Callable[[Any], TagChild]
Key = Callable[[Any], Any]


@dataclass(frozen=True)
class Column:
    """A column: its heading, what a cell shows, what it is ordered by, and whether it is a number."""

    name: str
    cell: Cell
    key: Key
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A kind of entries: columns, what each is exported as, the text that is searched, and its filters."""

    title: str
    one: str
    items: Callable[[], Sequence[Any]]
    columns: tuple[Column, ...]
    plain: Callable[[Any], dict[str, Any]]
    text: Callable[[Any], str]
    filters: Mapping[str, Callable[[Any], str]]

    def column(self, name: str) -> Column:
        """A column by name, the first for an unknown one."""
        return next((c for c in self.columns if c.name == name), self.columns[0])


@dataclass(frozen=True)
class Study:
    """A study with how many of its published numbers lie inside the prediction, by role."""

    name: str
    title: str
    condition: str
    patients: int
    kind: str
    weeks: float
    source: str
    inside: Mapping[str, tuple[int, int]]


def found(table: Table, asked: Any) -> list[Any]:
    """The entries that pass the filters and hold every word that is looked for, in the order asked for."""
    wanted = asked.find.casefold().split()
    chosen = [
        item
        for item in table.items()
        if all(
            not getattr(asked, name) or getattr(asked, name) == of(item) for name, of in table.filters.items()
        )
        and (not wanted or all(word in table.text(item).casefold() for word in wanted))
    ]
    column = table.column(asked.sort)
    keyed = [(column.key(item), item) for item in chosen]
    known = [pair for pair in keyed if pair[0] is not None and pair[0] != ""]
    unknown = [item for key, item in keyed if key is None or key == ""]
    if asked.sort:
        known.sort(key=lambda pair: pair[0], reverse=asked.order == "down")
    return [item for _, item in known] + unknown if asked.sort else chosen


def csv(table: Table, items: Sequence[Any]) -> str:
    """Entries as CSV."""
    return exports.table([{k: _cell(v) for k, v in table.plain(item).items()} for item in items])


def json_text(table: Table, items: Sequence[Any]) -> str:
    """Entries as JSON: a list of objects."""
    return json.dumps([table.plain(item) for item in items], indent=1, ensure_ascii=False, allow_nan=False)


def _cell(value: Any) -> Any:
    return "; ".join(str(v) for v in value) if isinstance(value, list | tuple) else value


def choices(view: str, name: str) -> dict[str, str]:
    """What a filter can be set to in a view: value to text, everything first; the levels in order of the alphabet."""
    table = TABLES.get(view)
    if table is None or name not in table.filters:
        return {"": "all"}
    seen = {table.filters[name](item) for item in table.items()} - {""}
    order: Sequence[str] = STATUSES if name == "status" else ()
    listed = sorted(seen, key=lambda v: (order.index(v) if v in order else 0, v.casefold()))
    return {"": "all"} | {v: v for v in listed}


@cache
def levels() -> frozenset[str]:
    """Every level by which something can be filtered."""
    return frozenset(v for view in TABLES for v in choices(view, "level"))


def top(path: str) -> str:
    """The part of the program that a parameter belongs to."""
    parts = path.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 and parts[0] in {"chain", "drugs", "circuit"} else parts[0]


@cache
def all_parameters() -> list[Parameter]:
    """Every parameter, in the order of the ledger."""
    return list(parameter.ledger().values())


@cache
def all_rows() -> list[Row]:
    """Every row of evidence, in the order of the tables."""
    return list(evidence.rows().values())


@cache
def all_studies() -> list[Study]:
    """Every study with its score."""
    entries = scoreboard.entries()
    return [_study(name, [e for e in entries if e["study"] == name]) for name in studies.names()]


def _study(name: str, own: Sequence[Mapping[str, Any]]) -> Study:
    design = studies.load(name)
    inside = {}
    for role in evidence.ROLES:
        rows = [e for e in own if e["role"] == role]
        inside[role] = (sum(e["verdict"] == "inside" for e in rows), len(rows))
    return Study(
        name,
        design.title,
        design.condition,
        design.patients,
        design.kind,
        design.weeks,
        design.source,
        inside,
    )


def _score(role: str) -> Cell:
    return lambda s: f"{s.inside[role][0]} of {s.inside[role][1]}" if s.inside[role][1] else "–"


def _share(role: str) -> Key:
    return lambda s: s.inside[role][0] / s.inside[role][1] if s.inside[role][1] else None


def _parameter_dict(p: Parameter) -> dict[str, Any]:
    return {
        "path": p.path, "value": list(p.values) if isinstance(p.value, tuple) else p.value, "unit": p.unit,
        "transform": p.transform, "doubt": p.spread, "between": p.between, "status": p.status, "grade": p.grade,
        "rows": list(p.rows), "note": p.note,
    }  # fmt: skip


def _row_dict(r: Row) -> dict[str, Any]:
    plain = {name: getattr(r, name) for name in evidence.COLUMNS}
    return plain | {"checked": "yes" if r.checked else "no", "table": r.table}


def _study_dict(s: Study) -> dict[str, Any]:
    plain = {k: getattr(s, k) for k in ("name", "title", "condition", "patients", "kind", "weeks", "source")}
    for role, (inside, rows) in s.inside.items():
        plain |= {f"{role}_inside": inside, f"{role}_rows": rows}
    return plain


def _clipped(text: str, most: int = 90) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


PARAMETERS = Table(
    "Parameters",
    "parameter",
    all_parameters,
    (
        Column("parameter", lambda p: words.link(p.path), lambda p: p.path),
        Column("value", words.values, lambda p: next(iter(p.values)), number=True),
        Column("unit", lambda p: words.pretty_unit(p.unit), lambda p: p.unit),
        Column("doubt", lambda p: words.spread(p.spread, p), lambda p: p.spread, number=True),
        Column(
            "between patients", lambda p: words.spread(p.between, p), lambda p: p.between or None, number=True
        ),
        Column("status", lambda p: p.status, lambda p: STATUSES.index(p.status)),
        Column("grade", lambda p: p.grade, lambda p: p.grade),
        Column(
            "rows", lambda p: words.links(p.rows, most=3) if p.rows else "", lambda p: len(p.rows) or None
        ),
        Column("note", lambda p: _clipped(p.note), lambda p: p.note),
    ),
    _parameter_dict,
    lambda p: " ".join((p.path, p.unit, p.status, p.note, *p.rows)),
    {"level": lambda p: top(p.path), "grade": lambda p: p.grade, "status": lambda p: p.status},
)
ROWS = Table(
    "Evidence rows",
    "row",
    all_rows,
    (
        Column("id", lambda r: words.link(r.id), lambda r: r.id),
        Column("level", lambda r: r.level, lambda r: r.level.casefold()),
        Column("quantity", lambda r: _clipped(r.quantity), lambda r: r.quantity.casefold()),
        Column("value", words.of_row, lambda r: r.value, number=True),
        Column("spread", lambda r: f"{words.number(r.spread)} {r.spread_kind}" if r.spread is not None else "",
               lambda r: r.spread, number=True),
        Column("n", lambda r: "" if r.n is None else str(r.n), lambda r: r.n, number=True),
        Column("population", lambda r: _clipped(r.population, 60), lambda r: r.population.casefold()),
        Column("regimen", lambda r: _clipped(r.regimen, 50), lambda r: r.regimen.casefold()),
        Column("source", lambda r: _clipped(r.source, 60), lambda r: r.source.casefold()),
        Column("read", lambda r: "yes" if r.checked else "recalled", lambda r: r.checked),
        Column("role", lambda r: r.role or "–", lambda r: r.role),
        Column("grade", lambda r: r.grade or "–", lambda r: r.grade),
    ),
    _row_dict,
    lambda r: " ".join((r.id, r.level, r.quantity, r.population, r.regimen, r.source, r.doi, r.note, r.unit)),
    {"level": lambda r: r.level, "grade": lambda r: r.grade, "role": lambda r: r.role},
)  # fmt: skip
STUDIES = Table(
    "Studies",
    "study",
    all_studies,
    (
        Column("study", lambda s: words.link(s.name, s.title), lambda s: s.title.casefold()),
        Column("condition", lambda s: s.condition.replace("-", " "), lambda s: s.condition),
        Column("patients", lambda s: str(s.patients), lambda s: s.patients, number=True),
        Column("design", lambda s: s.kind, lambda s: s.kind),
        Column("weeks", lambda s: words.number(s.weeks), lambda s: s.weeks, number=True),
        Column("validation, inside", _score("validation"), _share("validation"), number=True),
        Column("calibration, inside", _score("calibration"), _share("calibration"), number=True),
        Column("source", lambda s: _clipped(s.source, 60), lambda s: s.source.casefold()),
    ),
    _study_dict,
    lambda s: " ".join((s.name, s.title, s.condition, s.source)),
    {"level": lambda s: s.condition},
)
TABLES = {"parameters": PARAMETERS, "rows": ROWS, "studies": STUDIES}
