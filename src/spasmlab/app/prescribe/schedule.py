"""A plan as steps and as the months of a calendar: what is taken on each day, and what is looked at."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from htmltools import Tag, TagChild, tags

from spasmlab.app.ledger import words
from spasmlab.prescribing import label

KINDS = {"titration": ("▲", "going up"), "maintenance": ("●", "full dose"), "taper": ("▼", "going down")}
OTHER = ("+", "after dialysis")
WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def show(found: Mapping[str, Any], start_given: bool) -> Tag:
    """Head, steps, calendar, and what is looked at."""
    target = words.with_unit(found["target"]["value"], "mg/day")
    from_today = "" if start_given else ", from today, since no first day is given"
    return tags.div(
        tags.p(
            tags.span(target, class_="big"), f" at the full dose; {found['length']['value']:g} days in all{from_today}. ",
            words.link(found["ladder"]["rule"]),
        ),
        _steps(found["steps"]),
        _key(found["steps"]),
        tags.div(*_months(found), class_="months"),
        tags.h4("What is looked at"),
        _looks(found),
        tags.p(found["limits"], class_="muted small"),
        class_="stack",
    )  # fmt: skip


def sign(kind: str) -> tuple[str, str]:
    """The sign and words of a kind of step."""
    return KINDS.get(kind, OTHER)


def _steps(steps: Sequence[Mapping[str, Any]]) -> Tag:
    rows = []
    for one in steps:
        icon, said = sign(one["kind"])
        dates = (
            f"{one['first_day']} to {one['last_day']}"
            if one["last_day"] != one["first_day"]
            else str(one["first_day"])
        )
        rows.append(
            [
                tags.span(tags.span(icon, aria_hidden="true"), f" {said}", class_=f"step step-{one['kind']}"),
                dates,
                _day(one["from"]),
                words.with_unit(one["dose"]["value"], "mg"),
                words.with_unit(one["interval"]["value"], "h"),
                words.with_unit(one["daily"]["value"], "mg/day"),
                one["take"],
            ]
        )  # fmt: skip
    return words.table(
        ("step", "days", "from", "dose", "every", "a day", "take"), rows, "Steps of the plan", {3, 4, 5}
    )


def _day(text: str | None) -> str:
    if not text:
        return ""
    day = date.fromisoformat(text)
    return f"{WEEK[day.weekday()]} {day.day} {calendar.month_abbr[day.month]}"


def _key(steps: Sequence[Mapping[str, Any]]) -> Tag:
    kinds = list(dict.fromkeys(one["kind"] for one in steps))
    return tags.p(
        *(tags.span(f"{sign(k)[0]} {sign(k)[1]}", class_=f"step step-{k}") for k in kinds),
        tags.span("◆ something to look at", class_="step step-look"),
        class_="key",
    )


def _months(found: Mapping[str, Any]) -> list[Tag]:
    by_date = {one["date"]: one for one in found["days"]}
    looks: dict[str, list[str]] = {}
    for look in found["monitoring"]:
        looks.setdefault(look["date"], []).append(look["text"])
    days = sorted(date.fromisoformat(d) for d in {*by_date, *looks} if d)
    if not days:
        return []
    months = sorted({(d.year, d.month) for d in days})
    return [_month(year, month, by_date, looks) for year, month in months]


def _month(year: int, month: int, by_date: Mapping[str, Any], looks: Mapping[str, Sequence[str]]) -> Tag:
    weeks = calendar.Calendar().monthdatescalendar(year, month)
    rows = [
        tags.tr(*(_cell(d, month, by_date.get(d.isoformat()), looks.get(d.isoformat(), ())) for d in week))
        for week in weeks
    ]
    return tags.table(
        tags.caption(f"{calendar.month_name[month]} {year}"),
        tags.thead(tags.tr(*(tags.th(name, scope="col") for name in WEEK))),
        tags.tbody(*rows),
        class_="month",
    )  # fmt: skip


def _cell(day: date, month: int, taken: Mapping[str, Any] | None, looks: Sequence[str]) -> Tag:
    if day.month != month:
        return tags.td(class_="outside")
    if taken is None and not looks:
        return tags.td(tags.span(str(day.day), class_="day"), class_="free")
    doses = taken["doses"] if taken else ()
    kind = doses[0]["step"] if doses else "look"
    total = sum(one["mg"] for one in doses)
    told = "; ".join(f"{one['time']} {one['mg']:g} mg ({one['take']})" for one in doses)
    tip = "\n".join([told, *(f"look at: {look}" for look in looks)])
    dosed: TagChild = None
    if doses:
        icon, said = sign(kind)
        times = f"{len(doses)} × " if len({one["mg"] for one in doses}) == 1 and len(doses) > 1 else ""
        each = f"{times}{doses[0]['mg']:g}" if times else " + ".join(f"{one['mg']:g}" for one in doses)
        dosed = tags.span(
            tags.span(tags.span(icon, aria_hidden="true"), f" {total:g}",
                      tags.span(f" mg, {said}", class_="visually-hidden"), class_="total"),
            tags.span(f"{each} mg", class_="each"),
            class_="dosed",
        )  # fmt: skip
    look: TagChild = (
        tags.span("◆", tags.span(" look at: " + "; ".join(looks), class_="visually-hidden"), class_="look")
        if looks
        else None
    )
    head = tags.span(tags.span(str(day.day), class_="day"), look, class_="cell-head")
    return tags.td(head, dosed, class_=f"taken taken-{kind}", title=tip)


def _looks(found: Mapping[str, Any]) -> Tag:
    rows_of = {m.id: m.row for m in label.of(found["drug"], found["jurisdiction"]).monitoring}
    by_text: dict[str, list[Mapping[str, Any]]] = {}
    for look in found["monitoring"]:
        by_text.setdefault(look["text"], []).append(look)
    rows = []
    for text, looks in by_text.items():
        days = ", ".join(str(one["day"]) for one in looks[:8]) + (", …" if len(looks) > 8 else "")
        rows.append([text, days, words.link(rows_of[looks[0]["what"]]), looks[0]["source"]])
    return words.table(("what", "on days", "row", "source"), rows, "What is looked at")
