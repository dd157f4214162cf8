"""Findings, plans and advice as tables for the terminal, made from the same dictionaries as the JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from spasmlab import tables
from spasmlab.quantity import Quantity

MOST_RISKS = 4  # side effects in the table; all are in the JSON
STYLES = {"block": "bold red", "warn": "yellow", "note": "dim"}


def check(found: Mapping[str, Any]) -> None:
    """The result of a check: every finding, the gravest first."""
    tables.say(
        f"{found['drug']} ({found['formulation']}), {found['regimen']}, for {found['indication'] or '?'}"
    )
    tables.say(f"{found['label']}: {counted(found['counts'])}")
    _findings(found["findings"])
    tables.say(found["limits"])
    tables.say(found["notice"])


def short(findings: Sequence[Mapping[str, Any]]) -> None:
    """The findings of a run: blocks and warnings, and how many notes there are."""
    if not findings:
        return
    grave = [one for one in findings if one["level"] != "note"]
    notes = len(findings) - len(grave)
    tables.say(f"Label check: {len(grave)} to heed, {notes} notes (`spasmlab check` shows all)")
    _findings(grave, sources=False)


def counted(counts: Mapping[str, int]) -> str:
    """``1 block, 4 warn, 10 note``."""
    return ", ".join(f"{count} {level}" for level, count in counts.items())


def _findings(findings: Sequence[Mapping[str, Any]], sources: bool = True) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("level", "rule", "finding", *(["source"] if sources else [])):
        table.add_column(heading, overflow="fold")
    for one in findings:
        style = STYLES[one["level"]]
        source = [escape(one["source"] + ("" if one["checked"] else " (recalled)"))] if sources else []
        table.add_row(f"[{style}]{one['level']}[/]", one["rule"], escape(one["text"]), *source)
    tables.console().print(table)


def plan(found: Mapping[str, Any]) -> None:
    """A plan: its steps, what is looked at, and what the check says of it."""
    length = f"{found['length']['value']:g} days"
    tables.say(f"{found['drug']} ({found['formulation']}) for {found['indication']}: {length}, up to "
               f"{found['target']['value']:g} mg a day")  # fmt: skip
    tables.console().print(_steps(found["steps"]))
    if found["dialysis"]:
        tables.say(f"Dialysis: {found['dialysis']}")
    looks = Table("day", "date", "look at", box=None, pad_edge=False, header_style="bold")
    for look in found["monitoring"]:
        looks.add_row(str(look["day"]), look["date"] or "", escape(look["text"]))
    tables.console().print(looks)
    short(found["findings"])
    tables.say(found["limits"])
    tables.say(found["notice"])


def written(out: Path, found: Mapping[str, Any]) -> None:
    """Where the files of a plan lie, and from which day they count."""
    given = "" if found["start_given"] else " (today: --start was not given)"
    tables.say(f"Calendar: {out / 'plan.ics'}, table: {out / 'plan.csv'}; from {found['start']}{given}")


def _steps(steps: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "days", "from", "dose", "every", "a day", "take"):
        table.add_column(heading)
    for one in steps:
        table.add_row(
            one["kind"],
            f"{one['first_day']}–{one['last_day']}",
            one["from"] or "",
            f"{one['dose']['value']:g} mg",
            f"{one['interval']['value']:g} h",
            f"{one['daily']['value']:g} mg",
            one["take"],
        )
    return table


def advice(found: Mapping[str, Any]) -> None:
    """Advice: what was measured, each lawful regimen with its intervals, and those that are blocked."""
    about = f"{found['drug']} ({found['formulation']}) for {found['indication']}"
    tables.say(f"{about}, {found['days']:g} days on each dose, synapses as in {found['condition']}")
    if found["measured"]:
        tables.console().print(_measured(found["measured"]))
    if found["scores"]:
        tables.say(
            f"scores leave {found['scores']['effective_draws']:.0f} effective draws of {found['draws']}"
        )
    if found["regimens"]:
        tables.console().print(_regimens(found["regimens"]))
        if found["benefit"]:
            told = found["benefit"]
            tables.say(
                f"Expected on day {found['day']:g}: {told['meaning']}, and the chance of side effects then;"
            )
            tables.say(
                f"well: {told['response_meaning']}, without a side effect (=: the draws do not tell it from the first)"
            )
            tables.console().print(_outlooks(found))
    for one in found["blocked"]:
        tables.say(f"blocked: {one['regimen']} ({one['blocks'][0]['rule']}: {one['blocks'][0]['text']})")
    for line in (*found["limits"], found["notice"]):
        tables.say(line)


def _measured(found: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (f"measured on {found['regimen']}", "population", "this patient", "of the spread left"):
        table.add_column(heading)
    for one in found["parameters"]:
        left = f"{100 * one['remaining']:.0f} %"
        table.add_row(one["name"], _said(one["population"]), _said(one["patient"]), left)
    return table


def _regimens(regimens: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = ("c_average", "occupancy", "release_ia_loss", "release_poly_loss")
    for heading in ("regimen", "mg/day", *names, "warnings"):
        table.add_column(heading)
    for one in regimens:
        rules = ", ".join(finding["rule"] for finding in one["warnings"])
        table.add_row(
            one["regimen"], f"{one['daily']['value']:g}", *(_said(one[name]) for name in names), rules
        )
    return table


def _outlooks(found: Mapping[str, Any]) -> Table:
    """Benefit over no drug and the commonest risks of each regimen, in order of rank."""
    name, regimens = found["benefit"]["name"], found["regimens"]
    shares = [risk for risk, told in regimens[0]["risks"].items() if told["present"]["unit"] == "1"]
    commonest = sorted(
        shares, key=lambda risk: -max(one["risks"][risk]["present"]["value"] for one in regimens)
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("rank", "regimen", "well", f"{name}, against no drug", *commonest[:MOST_RISKS]):
        table.add_column(heading)
    for one in regimens:
        risks = (f"{100 * one['risks'][risk]['present']['value']:.1f} %" for risk in commonest[:MOST_RISKS])
        well = f"{100 * one['well']['value']:.0f} %{' =' if one['as_good_as_first'] else ''}"
        table.add_row(
            str(one["rank"]), one["regimen"], well, _said(one["outcomes"][name]["difference"]), *risks
        )
    return table


def _said(number: Mapping[str, Any]) -> str:
    return Quantity(**number).text
