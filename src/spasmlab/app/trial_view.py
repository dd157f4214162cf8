"""The results of a trial and of its power as tables and drawings for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from htmltools import Tag, TagChild, tags

from spasmlab import endpoints
from spasmlab.app import widgets
from spasmlab.app.bindings import curve, drawing
from spasmlab.quantity import Quantity, pretty_unit, short
from spasmlab.report import trial_figures

LOOKS = ("first", "second", "third", "fourth")
PERCENT = 100.0
ACRONYMS = {"mas", "nrs", "vas", "irls", "plms", "psfs"}
SMALLEST_P = 0.001  # below this a p is said to be below it


def head(found: Mapping[str, Any]) -> Tag:
    """What was simulated, in a line; and the estimand."""
    failed = f"; {found['failed']} could not be solved" if found["failed"] else ""
    return tags.div(
        tags.h3(found["title"]),
        tags.p(
            f"{found['patients']} patients, {found['condition']}, {found['design']}; seed {found['seed']}{failed}",
            class_="trial-said",
        ),
        tags.p(f"Estimand: {found['estimand']}.", class_="muted small"),
    )


def forest(found: Mapping[str, Any]) -> Tag:
    """The forest plot as a table: every effect with its interval, p, and a bar about the zero line of its scale."""
    groups = trial_figures.panels(found["effects"])
    head = tags.tr(
        tags.th("Outcome", scope="col"),
        tags.th("Comparison", scope="col", class_="wide-only"),
        tags.th("Effect, 95 % interval", scope="col", class_="number"),
        tags.th("p", scope="col", class_="number"),
        tags.th("n", scope="col", class_="number wide-only"),
        tags.th("Forest plot", scope="col", class_="forest-cell"),
    )
    bodies = [_group(scale, rows) for scale, rows in groups.items()]
    failed = [e for e in found["effects"] if e["value"] is None]
    return tags.div(
        tags.table(
            tags.caption("Effects: the forest plot and its numbers", class_="visually-hidden"),
            tags.thead(head),
            *bodies,
            tags.tbody(*(_failed(effect) for effect in failed)) if failed else None,
            class_="forest",
        ),
        class_="table-scroll",
        tabindex="0",
        role="region",
        aria_label="Forest plot",
    )


def _group(scale: str, rows: Sequence[Mapping[str, Any]]) -> Tag:
    low, high = trial_figures.ends(rows)
    ticks = trial_figures.ticks(rows)
    axis = tags.div(
        *(_tick(t, ticks, _at(t, low, high)) for t in ticks),
        class_="forest-axis",
        aria_hidden="true",
    )
    return tags.tbody(
        tags.tr(
            tags.th(scale[:1].upper() + scale[1:], scope="rowgroup", colspan=3),
            tags.td(class_="wide-only", colspan=2),
            tags.td(axis),
            class_="level",
        ),
        *(_effect(row, low, high) for row in rows),
    )


def _tick(at: float, ticks: Sequence[float], left: str) -> Tag:
    kept = at in (ticks[0], ticks[-1]) or at == 0  # on a narrow page these are enough
    text = widgets.minus(short(round(at, 6)))
    return tags.span(text, style=f"left: {left}", class_="kept" if kept else None)


def _effect(row: Mapping[str, Any], low: float, high: float) -> Tag:
    spans = [
        tags.span(class_="zero", style=f"left: {_at(0.0, low, high)}"),
        tags.span(
            class_="reach",
            style=f"left: {_at(row['low'], low, high)}; right: {_from_right(row['high'], low, high)}",
        ),
        tags.span(class_="estimate", style=f"left: {_at(row['value'], low, high)}"),
    ]
    quantity = Quantity.of(row)
    clear = row["low"] * row["high"] > 0
    return tags.tr(
        tags.th(
            widgets.evidence_link(
                f"endpoints.{endpoints.endpoint_of(row['outcome'])}", outcome(row["outcome"])
            ),
            tags.span(row["analysis"], class_="arm-said"),
            tags.span(f"{row['arm']} − {row['control']}, {favours(row)}", class_="arm-said narrow-only"),
            scope="row",
        ),
        tags.td(
            f"{row['arm']} − {row['control']}",
            tags.span(favours(row), class_="arm-said"),
            class_="wide-only",
        ),
        tags.td(widgets.quantity(quantity), class_="number", data_effect=f"{row['outcome']}|{row['arm']}"),
        tags.td(p_value(row["p"]), class_="number"),
        tags.td(str(row["n"]), class_="number wide-only"),
        tags.td(
            tags.div(*spans, class_="forest-plot clear" if clear else "forest-plot", aria_hidden="true"),
            class_="forest-cell",
        ),
    )


def _failed(effect: Mapping[str, Any]) -> Tag:
    return tags.tr(
        tags.th(outcome(effect["outcome"]), scope="row"),
        tags.td(f"{effect['arm']} − {effect['control']}"),
        tags.td(f"no estimate: {effect['failed']}", colspan=4),
    )


def outcome(name: str) -> str:
    """An outcome as words: ``Spasm frequency``, ``Dizziness (side effect)``."""
    plain = name.removeprefix("adverse.").removeprefix("present.")
    words = [w.upper() if w in ACRONYMS else w for w in plain.replace("-", "_").split("_")]
    said = " ".join(words)
    return said[:1].upper() + said[1:] + (" (side effect)" if plain != name else "")


def measured(name: str) -> str:
    """What the axis of an outcome says: its unit, points, or the share of patients."""
    asked = endpoints.find(name)
    if asked.kind == "binary":
        return "share of patients"
    return "points" if asked.unit == "point" else pretty_unit(asked.unit) or "mean"


def favours(row: Mapping[str, Any]) -> str:
    """Which arm the estimate is in favour of."""
    lower = trial_figures.better(row) == "lower"
    if row["value"] == 0:
        return "favours neither"
    return f"favours {row['arm'] if (row['value'] < 0) == lower else row['control']}"


def p_value(p: float | None) -> str:
    """A p to three places, or that it is below a thousandth."""
    if p is None:
        return "–"
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"{p:.3f}"


def _at(value: float, low: float, high: float) -> str:
    return f"{PERCENT * (value - low) / (high - low):.2f}%"


def _from_right(value: float, low: float, high: float) -> str:
    return f"{PERCENT * (high - value) / (high - low):.2f}%"


def arms(found: Mapping[str, Any]) -> Tag:
    """Each outcome in each arm: baseline, last visit, SD between patients, how many."""
    names = ("Outcome", "Arm", "Baseline", "Last visit", "SD", "n")
    head = tags.tr(
        *(tags.th(t, scope="col", class_=None if i < 2 else "number") for i, t in enumerate(names))
    )
    rows = []
    for name in next(iter(found["arms"].values()))["outcomes"]:
        for i, (arm, told) in enumerate(found["arms"].items()):
            course = told["outcomes"][name]
            first, last = course[0], course[-1]
            name_cell = tags.th(
                outcome(name),
                tags.span(measured(name), class_="arm-said"),
                scope="rowgroup",
                rowspan=len(found["arms"]),
            )
            rows.append(
                tags.tr(
                    name_cell if i == 0 else None,
                    tags.td(arm),
                    *(
                        tags.td(widgets.minus(short(v)), class_="number")
                        for v in (first["mean"], last["mean"], last["sd"])
                    ),
                    tags.td(str(last["n"]), class_="number"),
                )
            )
    return tags.div(
        tags.table(
            tags.caption("Outcomes by arm", class_="visually-hidden"),
            tags.thead(head),
            tags.tbody(*rows),
            class_="arms-table",
        ),
        class_="table-scroll",
        tabindex="0",
        role="region",
        aria_label="Outcomes by arm",
    )


def patients(found: Mapping[str, Any]) -> TagChild:
    """How many began and were seen at the end, arm by arm."""
    return ", ".join(
        f"{name}: {arm['completed']} of {arm['patients']} seen at the last visit"
        for name, arm in found["arms"].items()
    )


def courses(found: Mapping[str, Any]) -> dict[str, Any]:
    """A chart of each outcome over the visits: the mean of each arm, 5–95 % of patients as a band."""
    drawn = {}
    for name in next(iter(found["arms"].values()))["outcomes"]:
        curves, days = [], []
        for look, (arm, told) in zip(LOOKS, found["arms"].items(), strict=False):
            course = told["outcomes"][name]
            days = [visit["day"] for visit in course]
            column = lambda key, course=course: [float("nan") if v[key] is None else v[key] for v in course]
            shares = endpoints.find(name).kind == "binary"  # a band of zeros and ones would say nothing
            band = {} if shares else {"low": column("low"), "high": column("high")}
            made = curve(arm, column("mean"), look, **band)  # type: ignore[arg-type]
            curves.append({**made, "mark": True})
        ends = ", ".join(f"{c['label']} ends at {short(c['values'][-1])}" for c in curves)
        drawn[name] = drawing(days, curves, x_label="day", y_label=measured(name), summary=ends) | {
            "title": outcome(name)
        }
    return drawn


def power_curve(found: Mapping[str, Any]) -> dict[str, Any]:
    """Power against patients, with its 90 % Monte Carlo interval."""
    points = found["power"]
    column = lambda key: [PERCENT * p[key] for p in points]
    made = curve("power", column("value"), "first", low=column("low"), high=column("high"))  # type: ignore[arg-type]
    aim = curve("80 %", [PERCENT * trial_figures.WANTED] * len(points), "shadow")
    said = ", ".join(f"{_percent(p['value'], 0)} with {p['patients']} patients" for p in points)
    return drawing(
        [p["patients"] for p in points],
        [{**made, "mark": True}, aim],
        x_label="patients in all",
        y_label="% of trials won",
        y_range=(0.0, PERCENT),
        summary=said,
    )


def power_table(found: Mapping[str, Any]) -> Tag:
    """Every size with its power, interval, Monte Carlo error and mean effect; the type I error; patients needed."""
    names = ("Patients", "Power", "90 % interval", "Monte Carlo error", "Mean effect")
    head = tags.tr(*(tags.th(t, scope="col", class_="number") for t in names))
    rows = [
        tags.tr(
            tags.th(str(p["patients"]), scope="row", class_="number"),
            tags.td(_percent(p["value"]), class_="number", data_power=str(p["patients"])),
            tags.td(f"{PERCENT * p['low']:.0f} to {_percent(p['high'], 0)}", class_="number"),
            tags.td(_percent(p["monte_carlo_error"]), class_="number"),
            tags.td(widgets.minus(short(p["effect"])), class_="number"),
        )
        for p in found["power"]
    ]
    null = found["type_one_error"]
    needed = "; ".join(
        f"{share}: {patients if patients is not None else 'beyond the sizes tried'}"
        for share, patients in found["patients_for"].items()
    )
    return tags.div(
        tags.div(
            tags.table(
                tags.caption("Power by size", class_="visually-hidden"), tags.thead(head), tags.tbody(*rows)
            ),
            class_="table-scroll",
            tabindex="0",
            role="region",
            aria_label="Power by size",
        ),
        tags.p(
            f"Type I error with {null['patients']} patients: {_percent(null['value'])} (Monte Carlo error "
            f"{_percent(null['monte_carlo_error'])}), at α = {found['alpha']:g}."
        ),
        tags.p(f"Patients for a power of {needed}."),
        class_="stack",
    )


def _percent(share: float, places: int = 1) -> str:
    return f"{PERCENT * share:.{places}f} %"
