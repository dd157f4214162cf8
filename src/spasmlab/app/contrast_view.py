"""The contrast matrix as an accessible table: drugs by read-outs, each cell a change with its interval and what rows say.

Sign and size stand in words and in an arrow beside the shade, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from htmltools import Tag, tags

from spasmlab import circuit_runs, contrast, evidence
from spasmlab.app import widgets
from spasmlab.contrast import Column
from spasmlab.parameter import beside
from spasmlab.quantity import Quantity

SHADES = (20.0, 50.0)  # per cent: where a shade ends and the next begins
VERDICTS = {
    "as expected": ("✓", "as the rows say"),
    "too small": ("≈", "too small"),
    "moves": ("✗", "moves, and should not"),
    "opposite": ("✗", "opposite to the rows"),
    "no answer": ("–", "no answer"),
}


@cache
def cells() -> list[dict[str, Any]]:
    """Every cell as a flat row: drug, read-out, condition, change in per cent, what rows say and whether it fits."""
    kept = circuit_runs.stored()
    said = {(one.drug, one.column): one for one in contrast.expected()}
    made = []
    for column in contrast.columns().values():
        if not column.drugs or column.session.text not in kept:
            continue
        for drug in contrast.doses():
            found = contrast.cell(column, drug, kept)
            one = said.get((drug, column.name))
            made.append(
                {
                    "column": column.name,
                    "read_out": column.title,
                    "condition": column.session.condition,
                    "drug": drug,
                    "dose": contrast.table()["doses"][drug],
                    **{f"change_percent_{part}": getattr(found, part) for part in ("value", "low", "high")},
                    "expected": contrast.SIGNS[one.sign] if one else "",
                    "verdict": contrast.verdict(one.sign, found) if one else "",
                    "role": evidence.row(one.rows[0]).role if one else "",
                    "rows": " ".join(one.rows) if one else "",
                }
            )
    return made


def matrix() -> Tag:
    """The table with its caption and key."""
    kept, found = circuit_runs.stored(), {(c["column"], c["drug"]): c for c in cells()}
    drugs = contrast.doses()
    named = dict.fromkeys(cell["column"] for cell in cells())
    columns = [contrast.columns()[name] for name in named]
    head = tags.tr(
        tags.th("Read-out", scope="col"),
        tags.th("no drug", scope="col", class_="number"),
        *(
            tags.th(drug, tags.span(dose.removeprefix(drug).strip(), class_="arm-said"), scope="col")
            for drug, dose in drugs.items()
        ),
    )
    body = [_line(column, [found[column.name, drug] for drug in drugs], kept) for column in columns]
    return tags.div(
        tags.p(_intro(), class_="muted"),
        tags.div(
            tags.table(
                tags.caption("Change by each drug in each read-out", class_="visually-hidden"),
                tags.thead(head),
                tags.tbody(*body),
                class_="contrast",
            ),
            class_="table-scroll",
            tabindex="0",
            role="region",
            aria_label="Contrast matrix",
        ),
        _key(),
        class_="stack",
    )


def _intro() -> str:
    limit = beside("predicted_circuit")["no_effect"].number
    return (
        "The real circuit, run in advance at usual doses: the change against the same cords without drug, with its 90 % "
        f"interval. “Same” is a change below {limit:g} %. Where rows of evidence speak of a cell, it says what they say and "
        "whether the laboratory agrees."
    )


def _line(column: Column, row: list[dict[str, Any]], kept: Mapping[str, Any]) -> Tag:
    without = contrast.undrugged(column, kept)
    return tags.tr(
        tags.th(
            column.title[:1].upper() + column.title[1:],
            tags.span(column.session.condition, class_="arm-said"),
            scope="row",
        ),
        tags.td(widgets.quantity(Quantity(without.value, without.unit)), class_="number"),
        *(_cell(cell) for cell in row),
    )


def _cell(cell: Mapping[str, Any]) -> Tag:
    value, low, high = (cell[f"change_percent_{part}"] for part in ("value", "low", "high"))
    said = None
    if cell["verdict"]:
        sign, words = VERDICTS[cell["verdict"]]
        rows = [widgets.evidence_link(row) for row in cell["rows"].split()]
        said = tags.div(
            tags.span(sign, class_="verdict", aria_hidden="true"),
            *(part for row in rows for part in (row, " ")),
            cell["expected"].replace("does not change", "no change"),
            tags.span(f" ({cell['role']}); {words}", class_="visually-hidden"),
            class_="said",
            title=f"rows {cell['rows']} ({cell['role']}): {cell['expected']}; here {words}",
        )
    if value is None:
        return tags.td(tags.span("–", aria_label="no value there"), said, class_="cell shade-none")
    link = widgets.evidence_link(f"drugs.{cell['drug']}", tags.strong(_size(value)))
    interval = tags.div(_interval(low, high), class_="interval")
    return tags.td(link, interval, said, class_=f"cell {_shade(value)}")


def _size(value: float) -> str:
    if abs(value) < beside("predicted_circuit")["no_effect"].number:
        return "same"
    arrow = "▼" if value < 0 else "▲"
    return f"{arrow} {_whole(value)} %"


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None or _whole(low) == _whole(high):
        return ""
    return f"{_whole(low)} to {_whole(high)}"


def _whole(value: float) -> str:
    text = f"{value:+.0f}"
    return "0" if text in {"+0", "-0"} else widgets.minus(text)


def _shade(value: float) -> str:
    if abs(value) < beside("predicted_circuit")["no_effect"].number:
        return "shade-same"
    step = 1 + sum(abs(value) >= end for end in SHADES)
    return f"shade-{'down' if value < 0 else 'up'}-{step}"


def _key() -> Tag:
    return tags.ul(
        tags.li(tags.span("▼", class_="cell-key shade-down-2"), "falls; the darker, the more"),
        tags.li(tags.span("▲", class_="cell-key shade-up-2"), "rises"),
        *(tags.li(tags.span(sign, class_="verdict"), words) for sign, words in _verdicts().items()),
        class_="key",
        aria_label="Key",
    )


def _verdicts() -> dict[str, str]:
    return {"✓": "as the rows say", "≈": "too small", "✗": "against the rows", "–": "no value"}
