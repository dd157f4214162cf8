"""The form of a trial's design: one labelled input for each part, made from the TOML and writing back to it.

Inputs carry the path of their field (``data-path``); ``static/trial.js`` sends a change with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from htmltools import Tag, tags

from spasmlab import condition, drug, endpoints, hypothesis, listing, population
from spasmlab.regimen import number

PLACEBO = ""
ANALYSES = ("mixed", "ancova", "wilcoxon", "proportional-odds", "negative-binomial", "logistic")


def form(table: Mapping[str, Any]) -> Tag:
    """The whole form of the tables of a design."""
    return tags.div(
        _what(table), _arms(table), _outcomes(table), _inclusion(table), class_="stack trial-form"
    )


def _what(table: Mapping[str, Any]) -> Tag:
    titles = {e["name"]: e["title"] for e in listing.ENTRIES["conditions"]()}
    mechanisms = {"": "the default"} | {n: n for n in hypothesis.names()}
    return tags.div(
        _field(table, "title", "Title", wide=True),
        _field(table, "condition", "Condition", choices={n: titles[n] for n in condition.names()}),
        _field(table, "population", "Population", choices={n: n for n in population.names()}),
        _field(table, "kind", "Kind", choices=_kinds(), default="parallel"),
        _field(table, "weeks", "Weeks", kind="number", min=0, step="any"),
        _field(table, "visits", "Visits (days)", help="from 0, the baseline: 0, 7, 14"),
        _field(table, "scored_at", "Scored at", default="10:00", help="a clock time"),
        _field(table, "adherence", "Doses taken", kind="number", min=0, max=1, step="any", default=1, help="share, 0 to 1"),
        _field(table, "dropout", "Leave a week", kind="number", min=0, max=1, step="any", default=0, help="share, 0 to 1"),
        _field(table, "severity", "Severity", kind="number", min=0, max=1, step="any", help="blank: each patient their own"),
        _field(table, "hypothesis", "Mechanism supposed", choices=mechanisms),
        _field(table, "seed", "Seed", kind="number", min=0, step=1, default=0),
        class_="form-grid",
    )  # fmt: skip


def _kinds() -> dict[str, str]:
    from spasmlab.trial.design import KINDS

    return {kind: kind for kind in KINDS}


def _arms(table: Mapping[str, Any]) -> Tag:
    arms = _tables(table.get("arms"))
    drugs = {PLACEBO: "placebo"} | {name: name for name in drug.names()}
    rows = [
        tags.div(
            _field(arm, f"arms.{i}.name", "Name"),
            _field(arm, f"arms.{i}.drug", "Drug", choices=drugs),
            _field(arm, f"arms.{i}.regimen", "Regimen") if arm.get("drug") else _without_drug(),
            _field(arm, f"arms.{i}.n", "Patients", kind="number", min=1, step=1),
            _remove(f"arms.{i}", f"arm {arm.get('name', i + 1)}"),
            class_="form-row form-arm",
            role="group",
            aria_label=f"Arm {i + 1}",
        )
        for i, arm in enumerate(arms)
    ]
    return _part("Arms", "arms", "Add an arm", rows)


def _without_drug() -> Tag:
    return tags.p("no drug", class_="muted form-none")


def _outcomes(table: Mapping[str, Any]) -> Tag:
    asked = table.get("outcomes")
    names = {name: name for name in endpoints.outcomes()}
    rows = []
    for name, told in (asked if isinstance(asked, Mapping) else {}).items():
        told = {"analysis": "ancova", **told} if isinstance(told, Mapping) else {"analysis": ""}
        place = f"outcomes.{name}"
        rows.append(
            tags.div(
                _field({"name": name}, f"{place}.name", "Outcome", choices=names),
                _field(told, f"{place}.analysis", "Analysis", choices={a: a for a in ANALYSES}),
                tags.label(
                    tags.input(
                        type="radio",
                        name="trial-primary",
                        checked=True if told.get("primary") else None,
                        data_path=f"{place}.primary",
                    ),
                    "primary",
                    class_="form-radio",
                ),
                _remove(place, f"outcome {name}"),
                class_="form-row form-outcome",
                role="group",
                aria_label=f"Outcome {name}",
            )
        )
    return _part("Outcomes", "outcomes", "Add an outcome", rows)


def _inclusion(table: Mapping[str, Any]) -> Tag:
    from spasmlab.trial.simulate import COVARIATES

    asked = table.get("inclusion")
    names = {name: name for name in (*COVARIATES, *endpoints.outcomes())}
    rows = []
    for name, bounds in (asked if isinstance(asked, Mapping) else {}).items():
        low, high = bounds if isinstance(bounds, list) and len(bounds) == 2 else ("", "")
        place = f"inclusion.{name}"
        rows.append(
            tags.div(
                _field({"name": name}, f"{place}.name", "Criterion", choices=names),
                _field({"low": low}, f"{place}.low", "From", kind="number", step="any"),
                _field({"high": high}, f"{place}.high", "To", kind="number", step="any"),
                _remove(place, f"criterion {name}"),
                class_="form-row form-criterion",
                role="group",
                aria_label=f"Criterion {name}",
            )
        )
    return _part("Who is included", "inclusion", "Add a criterion", rows)


def _part(title: str, what: str, add: str, rows: Iterable[Tag]) -> Tag:
    return tags.div(
        tags.div(
            tags.h3(title),
            tags.button(add, type="button", class_="button small-button", data_add=what),
            class_="section-head",
        ),
        *rows,
        class_="form-part",
    )


def _remove(path: str, what: str) -> Tag:
    return tags.button(
        "Remove", type="button", class_="button small-button", data_remove=path, aria_label=f"Remove {what}"
    )


def _field(
    table: Mapping[str, Any],
    path: str,
    label: str,
    *,
    kind: str = "text",
    choices: Mapping[str, str] | None = None,
    default: Any = "",
    help: str | None = None,
    wide: bool = False,
    **attributes: Any,
) -> Tag:
    value = _text(table.get(path.rsplit(".", 1)[-1], default))
    place = "form-" + path.replace(".", "-").replace(" ", "-")
    common = {"id": place, "class_": "form-input", "data-path": path, **attributes}
    if help:
        common["aria-describedby"] = f"{place}-help"
    if choices is not None:
        known = choices if value in choices else {value: value, **choices}
        control = tags.select(
            *(tags.option(t, value=v, selected=True if v == value else None) for v, t in known.items()),
            **common,
        )
    else:
        control = tags.input(type=kind, value=value, autocomplete="off", spellcheck="false", **common)
    return tags.div(
        tags.label(label, for_=place),
        control,
        tags.p(help, id=f"{place}-help", class_="field-help") if help else None,
        class_="field field-wide" if wide else "field",
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(_text(one) for one in value)
    return number(value) if isinstance(value, float) else str(value)


def _tables(found: Any) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
