"""Readable tables of results for the terminal, made from the same dictionaries as the JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spasmlab.exposure_words import METRICS
from spasmlab.quantity import Quantity, pretty_unit


@cache
def console() -> Console:
    """The console of standard output; wide enough for a table where that is a pipe or a file."""
    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def say(line: str) -> None:
    """One line for people."""
    console().print(line, markup=False)


def run(found: Mapping[str, Any]) -> None:
    """The result of a run: every number in both arms, its change, what the label says, and what it rests on."""
    from spasmlab.prescribing import view

    say(f"{found['drug']}, {found['regimen']}, {found['days']:g} days, in {found['condition']}")
    say(f"scored at {_text(found['visit'])}; hypothesis {found['hypothesis']}; seed {found['seed']}")
    _sites(found)
    _arms(found)
    view.short(found["findings"])
    _footing(found)


def comparison(found: Mapping[str, Any]) -> None:
    """Arms side by side: every number without a coordinate in each arm, and its difference from the first."""
    say(f"{found['condition']}, {found['days']:g} days; fidelity {found['fidelity']}; seed {found['seed']}")
    arms = found["arms"]
    for arm in arms:
        say(
            f"{arm['name']}: {arm['drug']}, {arm['regimen']}; {arm['problem'] or 'hypothesis ' + arm['hypothesis']}"
        )
    names = [arm["name"] for arm in arms]
    table = _table("", "no drug", *names, *(f"{name} − {names[0]}" for name in names[1:]), "unit")
    for row in found["numbers"]:
        if row["at"]:
            continue
        values = [row["no_drug"], *row["arms"], *row["differences"][1:]]
        table.add_row(
            row["name"], *(_with_interval(v) if v else "" for v in values), pretty_unit(row["unit"])
        )
    console().print(table)
    say(found["notice"])


def run_population(found: Mapping[str, Any]) -> None:
    """A run in many patients: medians and percentiles of both arms, and the mean of the change within a patient."""
    say(f"{found['drug']}, {found['regimen']}, {found['days']:g} days, in {found['condition']}")
    say(f"{found['patients']} patients of '{found['population']}'; {found['intervals']}")
    table = _table("", "without drug", "with drug", "mean change", "unit")
    for name, effect in found["effects"].items():
        cells = [_spread(found["arms"][arm][name]) for arm in ("no_drug", "drug")]
        change = effect["difference"]
        table.add_row(name, *cells, f"{change['mean']:.3g}", pretty_unit(change["unit"]))
    console().print(table)
    say(found["notice"])


def _spread(entry: Mapping[str, Any]) -> str:
    return Quantity(entry["value"], "1", entry["low"], entry["high"]).text


def assay(found: Mapping[str, Any]) -> None:
    """The result of an assay."""
    how = found.get("regimen") or _constant(found)
    drug = f"{found['drug']}, {how}" if found["drug"] else how
    say(f"{found['assay'].replace('_', ' ')} in {found['condition']}: {drug}; seed {found['seed']}")
    _sites(found)
    _arms(found)
    _footing(found)


def _constant(found: Mapping[str, Any]) -> str:
    """How a constant level reaches the cord, in words."""
    if bath := found.get("bath"):
        fluid = "no amino acids" if bath["amino_acids"] == "none" else "physiological amino acids"
        return f"{_text(bath['concentration'])} in the bath for {_text(bath['exposure'])}, {fluid}"
    return _text(found["plasma"]) + " in plasma" if found.get("plasma") else "no drug"


def _sites(found: Mapping[str, Any]) -> None:
    """Where the drug acts on the circuit beside release, and by which factor."""
    if found["sites"]:
        say(
            "acts on "
            + ", ".join(f"{name} × {Quantity(**f).number_text}" for name, f in found["sites"].items())
        )


def exposure(found: Mapping[str, Any]) -> None:
    """The result of an exposure: metrics, then concentrations at the asked times."""
    say(f"{found['drug']}, {found['regimen']}, {found['days']:g} days; seed {found['seed']}")
    table = _table("", "value", "90 % interval", "unit")
    for name, meaning in METRICS.items():
        _row(table, meaning, found[name])
    console().print(table)
    if found["concentrations"]:
        _concentrations(found["concentrations"])
    _footing(found)


def _concentrations(entries: Iterable[Mapping[str, Any]]) -> None:
    table = _table("time [h]", "plasma [mg/L]", "cord fluid [mg/L]", "spinal fluid [mg/L]")
    for entry in entries:
        fluids = (entry, entry["isf"], entry["csf"])  # plasma's own fields stand in the entry itself
        table.add_row(f"{entry['time_h']:g}", *(_with_interval(fluid) for fluid in fluids))
    console().print(table)


def listing(what: str, entries: Iterable[Mapping[str, str]]) -> None:
    """Names of one kind of thing with a few words each."""
    table = Table(title=None, show_header=True, header_style="bold", box=None, pad_edge=False)
    for heading in (what, "what it is", ""):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(entry["name"], entry["title"], entry.get("unit", entry.get("summary", "")))
    console().print(table)


def _arms(found: Mapping[str, Any]) -> None:
    arms = [arm for arm in ("no_drug", "drug") if found["arms"].get(arm)]
    headings = {"no_drug": "no drug", "drug": "drug"}
    table = _table("", *(headings[arm] for arm in arms), "unit", *(["change"] if len(arms) == 2 else []))
    for name in found["arms"][arms[-1]]:
        for label, entries, change in _lines(found, name, arms):
            unit = next(e["unit"] for e in entries if e)
            cells = [_with_interval(entry) if entry else "" for entry in entries]
            table.add_row(label, *cells, pretty_unit(unit), *([change] if len(arms) == 2 else []))
    console().print(table)


def _lines(found: Mapping[str, Any], name: str, arms: list[str]) -> Iterable[tuple[str, list[Any], str]]:
    """Label, entry in each arm and change of a number, one line for each point of a curve."""
    by_arm = [found["arms"][arm].get(name) for arm in arms]
    effects = found["effects"].get(name)
    if not isinstance(by_arm[-1], list):
        yield name, by_arm, _change(effects)
        return
    for index, entry in enumerate(by_arm[-1]):
        place = next(
            (f"{v:g}" if isinstance(v, float) else str(v)) for k, v in entry.items() if k not in _PLAIN
        )
        unit = pretty_unit(entry.get("coordinate_unit", "1"))
        points = [points[index] if points else None for points in by_arm]
        yield f"  {name} at {place} {unit}".rstrip(), points, _change(effects[index] if effects else None)


_PLAIN = {"value", "unit", "low", "high", "coordinate_unit"}


def _change(effect: Mapping[str, Any] | None) -> str:
    if effect is None:
        return ""
    if effect["percent"] is not None:
        return Quantity(**effect["percent"]).text
    return Quantity(**effect["difference"]).text


def _footing(found: Mapping[str, Any]) -> None:
    evidence = found["evidence"]
    total = sum(evidence["parameters"].values())
    say(
        f"{evidence['numbers_resting_on_assumed']} of {evidence['numbers_shown']} numbers rest on assumed values; "
        f"{evidence['parameters']['assumed']} of {total} parameters are assumed."
    )
    say(found["notice"])


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(escape(heading), justify="left" if index == 0 else "right", overflow="fold")
    return table


def _row(table: Table, label: str, entry: Mapping[str, Any], *more: str) -> None:
    quantity = Quantity.of(entry)
    if quantity.value is not None:
        table.add_row(label, quantity.number_text, quantity.interval_text, pretty_unit(quantity.unit), *more)


def _doubt(entry: Mapping[str, Any]) -> str:
    """The interval of the doubt about a median of patients."""
    own = entry["doubt"]["value"] if entry["value"] is not None else {"low": None, "high": None}
    return Quantity(entry["value"], entry["unit"], **own).interval_text


def _with_interval(entry: Mapping[str, Any]) -> str:
    quantity = Quantity.of(entry)
    return quantity.number_text + (f" ({quantity.interval_text})" if quantity.interval_text else "")


def _text(entry: Mapping[str, Any]) -> str:
    return Quantity.of(entry).text


def events(found: Mapping[str, Any]) -> None:
    """The result of an event table: a line for each row, or where they were written."""
    say(f"{found['drug']}, {found['events']}: {found['individuals']} individuals, {found['rows']} rows")
    if found["columns_not_used"]:
        say(f"columns not used: {', '.join(found['columns_not_used'])}")
    if found["written_to"]:
        say(f"Table with predictions: {found['written_to']}")
    else:
        table = _table("row", "ID", "time [h]", "event", "DV", "plasma [mg/L]")
        for row in found["predictions"]:
            level = {key: row[key] for key in ("value", "unit", "low", "high")}
            observed = "" if row["dv"] is None else f"{row['dv']:g}"
            table.add_row(
                str(row["row"]),
                row["id"],
                f"{row['time_h']:g}",
                row["event"],
                observed,
                _with_interval(level),
            )
        console().print(table)
    say(
        f"achieved error {found['tolerances']['achieved_error']:.1e} of the highest level (independent solver)"
    )
    say(found["notice"])


def population(found: Mapping[str, Any]) -> None:
    """The result of a population: the median patient, and the range of nine in ten."""
    people = f"{found['patients']} patients ({found['population']})"
    say(f"{found['drug']}, {found['regimen']}, {found['days']:g} days; {people}; seed {found['seed']}")
    say(f"{found['implausible']} implausible patients were drawn again; adherence {found['adherence']:g}")
    doubted = any("doubt" in found[name] for name in METRICS)
    table = _table(
        "", "median", "5 to 95 % of patients", "unit", *(["doubt about the median"] if doubted else [])
    )
    for name, meaning in METRICS.items():
        entry = found[name]
        _row(table, meaning, entry, *([_doubt(entry)] if doubted else []))
    console().print(table)
    if found["concentrations"]:
        _concentrations(found["concentrations"])
    say(
        f"achieved error {found['tolerances']['achieved_error']:.1e} of the highest level (independent solver)"
    )
    say(found["notice"])


def conformance(found: Mapping[str, Any]) -> None:
    """Every scenario with its errors, then the score."""
    table = _table("scenario", "compiled", "independent", "apart", "")
    for one in found["scenarios"]:
        errors = (one["error_adaptive"], one["error_plain"], one["difference"])
        words = ["refused" if e is None else f"{e:.0e}" for e in errors]
        table.add_row(one["name"], *words, "passed" if one["passed"] else "FAILED")
    console().print(table)
    say(
        f"{found['passed']} of {found['total']} scenarios passed, {found['closed_forms']} of them with an answer in "
        f"closed form; largest error {found['largest_error']:.1e}, largest difference between the two solvers "
        f"{found['largest_difference']:.1e} (allowed {found['tolerance']:g}) on {found['machine']}"
    )
