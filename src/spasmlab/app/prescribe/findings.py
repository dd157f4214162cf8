"""What a label says of a regimen: every finding with icon and word, the numbers compared, and its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from htmltools import Tag, TagChild, tags

from spasmlab.app import widgets
from spasmlab.app.ledger import words
from spasmlab.prescribing.finding import LEVELS
from spasmlab.quantity import Quantity

SAID = {"block": "Blocked", "warn": "Warning", "note": "Note"}
ICONS = {"block": "✕", "warn": "⚠", "note": "ℹ"}
SUMMED = {
    "block": "The label forbids this regimen for this patient.",
    "warn": "Nothing is forbidden; there are warnings to heed.",
    "note": "The label has no objection.",
}


def show(found: Mapping[str, Any]) -> Tag:
    """The verdict in a sentence, how many findings there are of each level, and every one, the gravest first."""
    counts = found["counts"]
    worst = next((level for level in LEVELS if counts[level]), "note")
    notes = [one for one in found["findings"] if one["level"] == "note"]
    grave = [one for one in found["findings"] if one["level"] != "note"]
    return tags.div(
        tags.div(
            tags.span(ICONS[worst], class_="verdict-icon", aria_hidden="true"),
            tags.div(
                tags.p(SUMMED[worst], class_="verdict-text"), tags.p(_counted(counts), class_="muted small")
            ),
            class_=f"verdict verdict-{worst}",
            role="status",
        ),
        tags.ul(*(_finding(one) for one in grave), class_="findings") if grave else None,
        tags.details(
            tags.summary(tags.span(f"Notes ({len(notes)})")),
            tags.ul(*(_finding(one) for one in notes), class_="findings"),
            class_="panel-fold",
            open=None if grave else True,
        )
        if notes
        else None,
        _notes(found["notes"]),
        tags.p(found["limits"], class_="muted small"),
        class_="stack",
    )


def _counted(counts: Mapping[str, int]) -> str:
    names = {"block": ("block", "blocks"), "warn": ("warning", "warnings"), "note": ("note", "notes")}
    return ", ".join(f"{counts[level]} {names[level][counts[level] != 1]}" for level in LEVELS)


def _finding(one: Mapping[str, Any]) -> Tag:
    return tags.li(
        level(one["level"]),
        tags.div(
            tags.p(one["text"]),
            tags.p(*_numbers(one["numbers"]), class_="compared") if one["numbers"] else None,
            tags.p(
                words.link(one["rule"]), " ", tags.span(one["source"] + ("" if one["checked"] else " (recalled)")),
                class_="muted small",
            ),
            class_="finding-body",
        ),
        class_=f"finding finding-{one['level']}",
    )  # fmt: skip


def level(name: str) -> Tag:
    """A level as icon and word."""
    return tags.span(
        tags.span(ICONS[name], aria_hidden="true"), f" {SAID[name]}", class_=f"level level-{name}"
    )


def _numbers(numbers: Sequence[Mapping[str, Any]]) -> list[TagChild]:
    shown: list[TagChild] = []
    for one in numbers:
        told = Quantity.of(one)
        shown.append(
            tags.span(f"{one['name'].replace('_', ' ')} ", widgets.quantity(told), class_="compared-one")
        )
    return shown


def _notes(notes: Sequence[str]) -> TagChild:
    if not notes:
        return None
    return tags.div(tags.h4("From the record"), tags.ul(*(tags.li(note) for note in notes)), class_="small")


def rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every finding as a row, for export; the numbers compared stand in one cell."""
    said = lambda one: f"{one['name']} {Quantity(one['value'], one['unit'], one['low'], one['high']).text}"
    return [
        {k: one[k] for k in ("level", "rule", "text", "source", "checked", "about")}
        | {"numbers": "; ".join(said(number) for number in one["numbers"])}
        for one in found["findings"]
    ]
