"""An explanation as tables for people, readable at 80 columns."""

from __future__ import annotations

import re

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spasmlab.evidence import Row
from spasmlab.explain import Explanation, derivation, doubt, in_unit
from spasmlab.parameter import Parameter
from spasmlab.quantity import pretty_unit, short

_SCALES = {"log": "SD of the logarithm", "linear": "SD", "logit": "SD of the logit"}


def render(found: Explanation, console: Console) -> None:
    """Print the facts of a parameter, what shifts it, and the rows it rests on."""
    console.print(f"[bold]{escape(found.path)}[/]", highlight=False)
    if found.parameter:
        console.print(_facts(found.parameter))
        if found.shifts:
            console.print(_shifts(found))
    elif found.cited_by:
        console.print("Cited by " + escape(", ".join(found.cited_by)), highlight=False)
    else:
        console.print("Cited by no parameter.", highlight=False)
    if found.rows:
        console.print(_rows(found))


def value_text(record: Parameter) -> str:
    """The value (or table of values) with its unit."""
    numbers = ", ".join(short(value) for value in record.values)
    return f"{numbers} {pretty_unit(record.unit)}".strip()


def doubt_text(record: Parameter) -> str:
    """The doubt about the value and, for one number, its 90 % interval."""
    if record.spread is None:
        return "not stated"
    text = f"{short(record.spread)} ({_SCALES[record.transform]})"
    if isinstance(record.value, tuple) or not record.spread:
        return text
    return f"{text}; 90 % interval {doubt(record).interval_text} {pretty_unit(record.unit)}".strip()


def row_value_text(row: Row, unit: str | None = None) -> str:
    """Value, unit and spread of a row; where `unit` is another of the same kind, the value in it as well."""
    if row.value is None:
        return "–"
    text = f"{short(row.value)} {pretty_unit(row.unit)}".strip()
    if row.spread is not None:
        kind = "±" if row.spread_kind == "not stated" else row.spread_kind
        text += f" ({kind} {short(row.spread)})"
    elif row.spread_kind:
        text += f" ({row.spread_kind})"
    turned = in_unit(row, unit) if unit and unit != row.unit else None
    return text if turned is None else f"{text} = {short(turned)} {pretty_unit(unit or '')}".strip()


def _facts(record: Parameter) -> Table:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    lines = {
        "value": value_text(record),
        "doubt": doubt_text(record),
        "between patients": f"{short(record.between)} ({_SCALES[record.transform]})"
        if record.between
        else "",
        "bounds": f"{short(record.bounds[0])} to {short(record.bounds[1])}" if record.bounds else "",
        "status": f"{record.status}, grade {record.grade}: {derivation(record)}",
        "note": record.note,
    }
    for name, text in lines.items():
        if text:
            facts.add_row(name, escape(text))
    return facts


def _shifts(found: Explanation) -> Table:
    table = Table(box=SIMPLE_HEAD, title="Shifted by", title_justify="left", pad_edge=False)
    for name in ("condition or hypothesis", "value", "status"):
        table.add_column(name, overflow="fold")
    for shift in found.shifts:
        status = f"{shift.record.status}, grade {shift.record.grade}"
        cited = f" ({', '.join(shift.record.rows)})" if shift.record.rows else ""
        table.add_row(f"{shift.kind} {shift.name}", value_text(shift.record), escape(status + cited))
    return table


def _rows(found: Explanation) -> Table:
    table = Table(box=SIMPLE_HEAD, title="Evidence", title_justify="left", pad_edge=False, show_lines=False)
    table.add_column("row", overflow="fold", ratio=3)
    table.add_column("value", overflow="fold", ratio=4)
    table.add_column("of what, in whom, from where", overflow="fold", ratio=9)
    unit = found.parameter.unit if found.parameter else None
    for row in found.rows:
        table.add_row(escape(row.id), escape(row_value_text(row, unit)), escape(_origin(row)))
    return table


def _origin(row: Row) -> str:
    read = "read" if row.checked else "recalled, not read"
    standing = ", ".join(filter(None, (row.role, f"grade {row.grade}" if row.grade else "", read)))
    where = " ".join(filter(None, (row.source, row.doi)))
    whom = ", ".join(filter(None, (row.population, row.regimen, f"n {row.n}" if row.n else "")))
    note = re.split(r"(?:^|; )printed: ", row.note)[0]  # how the cell was printed is for the JSON
    return "\n".join(filter(None, (row.quantity, whom, where, standing, f"note: {note}" if note else "")))
