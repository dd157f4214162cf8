"""Every number of the arms as an accessible table, and as rows for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from htmltools import Tag, TagList, tags

from spasmlab import levels
from spasmlab.app import widgets
from spasmlab.app.compare_question import LETTERS, LOOKS
from spasmlab.quantity import Quantity, pretty_unit, short

MARKS = {"first": "●", "second": "■", "third": "▲", "fourth": "◆"}


def badge(letter: str) -> Tag:
    """The mark and letter of an arm, in its colour."""
    look = LOOKS[letter]
    return tags.span(
        tags.span(MARKS[look], aria_hidden="true", class_=f"mark mark-{look}"),
        letter.upper(),
        class_="arm-badge",
    )


def table(found: Mapping[str, Any], points: bool) -> Tag:
    """One table, a group of rows for each level; with `points` those of curves too."""
    arms = found["arms"]
    shown = [row for row in found["numbers"] if points or not row["at"]]
    groups = [_level(level, list(rows), len(arms)) for level, rows in groupby(shown, lambda r: r["level"])]
    head = tags.tr(
        tags.th("At the visit", scope="col"),
        tags.th("no drug", scope="col", class_="number"),
        *(_arm_head(letter, arm) for letter, arm in zip(LETTERS, arms, strict=False)),
    )
    return tags.div(
        tags.table(
            tags.caption("Every number of the arms, and its difference from A", class_="visually-hidden"),
            tags.thead(head),
            *groups,
            class_="compare-numbers",
            style=f"--arms: {len(arms)}",
        ),
        class_="table-scroll",
        tabindex="0",
        role="region",
        aria_label="Numbers of the arms",
    )


def _arm_head(letter: str, arm: Mapping[str, Any]) -> Tag:
    return tags.th(
        badge(letter),
        tags.span(f"{arm['drug']} {arm['regimen']}", class_="arm-said"),
        scope="col",
        class_="number",
    )


def _level(level: str, rows: Sequence[Mapping[str, Any]], arms: int) -> Tag:
    title = tags.th(
        levels.title(level), " ", widgets.evidence_link(level, "evidence"), scope="rowgroup", colspan=2 + arms
    )
    return tags.tbody(tags.tr(title, class_="level"), *(_row(row) for row in rows))


def _row(row: Mapping[str, Any]) -> Tag:
    where = row["level"] if row["level"].startswith("chain") else None
    meaning = (row["meaning"][:1].upper() + row["meaning"][1:]).split("; NaN")[0]  # a dash says it here
    place = at(row)
    return tags.tr(
        tags.th(meaning, f", {place}" if place else None, scope="row", title=row["name"], data_level=where),
        tags.td(_value(row["no_drug"], row["level"]), class_="number"),
        *(
            tags.td(
                _value(value, row["level"]),
                _difference(row["differences"][i], row["percents"][i]) if i else None,
                class_="number",
                data_number=row["name"] if not row["at"] else None,
            )
            for i, value in enumerate(row["arms"])
        ),
    )


def _value(told: Mapping[str, Any] | None, level: str) -> Any:
    if told is None or told["value"] is None:
        return tags.span("–", class_="muted", aria_label="none")
    return widgets.evidence_link(level, widgets.quantity(Quantity(**told)))


def _difference(told: Mapping[str, Any] | None, percent: Mapping[str, Any] | None) -> Tag | None:
    if told is None or told["value"] is None:
        return None
    if not any(told[part] for part in ("value", "low", "high")):
        return tags.div("same as A", class_="difference")
    quantity = Quantity(**told)
    parts = [
        signed(quantity.value),
        f"({signed_interval(quantity)})" if quantity.interval_text else "",
        f"{whole(percent['value'])} %" if percent and percent["value"] is not None else "",
    ]
    clear = quantity.low is not None and quantity.high is not None and quantity.low * quantity.high > 0
    return tags.div(
        tags.span("difference from A ", class_="visually-hidden"),
        *(bit for part in parts if part for bit in (tags.span(part, class_="bit"), " ")),
        class_="difference clear" if clear else "difference",
    )


def at(row: Mapping[str, Any]) -> str:
    """Where on its curve a number stands: ``200 °/s``; empty for a number alone."""
    if not row["at"]:
        return ""
    value = next(iter(row["at"].values()))
    if isinstance(value, str):
        return f"grade {value}"
    return f"{value:g} {pretty_unit(row['at_unit'] or '1')}".rstrip()


def signed(value: float | None) -> str:
    """A number with its sign, a minus that is one."""
    text = short(value)
    return widgets.minus(text if value is None or text.startswith("-") or value == 0 else f"+{text}")


def whole(percent: float) -> str:
    """Per cent with its sign, without needless places: a tenth below ten, else whole."""
    tenths = f"{percent:+.1f}"
    return widgets.minus(tenths if len(tenths) == len("+0.0") else f"{percent:+.0f}")


def signed_interval(quantity: Quantity) -> str:
    """Both ends of an interval with their signs."""
    return f"{signed(quantity.low)} to {signed(quantity.high)}"


def rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The numbers as flat rows for a CSV: value, low and high without drug, in each arm, and of each difference."""
    made = []
    for row in found["numbers"]:
        line = {key: row[key] for key in ("level", "name", "meaning", "unit")} | {"at": at(row)}
        columns = {"no_drug": row["no_drug"]}
        for letter, arm in zip(LETTERS, row["arms"], strict=False):
            columns[letter.upper()] = arm
        for letter, difference, percent in zip(LETTERS, row["differences"], row["percents"], strict=False):
            if letter != LETTERS[0]:
                columns[f"{letter.upper()}_minus_A"] = difference
                columns[f"{letter.upper()}_change_percent"] = percent
        for name, told in columns.items():
            for part in ("value", "low", "high"):
                line[f"{name}_{part}"] = told[part] if told else None
        made.append(line)
    return made


def problems(found: Mapping[str, Any]) -> TagList:
    """What the surrogate could not answer, arm by arm, in words."""
    return TagList(
        *(
            tags.p(badge(letter), f" {arm['problem']}", class_="note")
            for letter, arm in zip(LETTERS, found["arms"], strict=False)
            if arm["problem"]
        )
    )
