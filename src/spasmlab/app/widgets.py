"""Inputs and links of the page, as plain labelled HTML: one way to write a field, a button, a number and its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from htmltools import Tag, TagChild, TagList, tags

from spasmlab.app.state import State
from spasmlab.quantity import Quantity, pretty_unit
from spasmlab.shown import Shown


def field(
    state: State,
    tab: str,
    name: str,
    label: str,
    *,
    kind: str = "text",
    choices: Mapping[str, str] | None = None,
    suggestions: tuple[str, ...] = (),
    help: TagChild = None,
    **attributes: Any,
) -> Tag:
    """A labelled input for a field of a tab, with its value in the state, a line of help and a place for what is wrong.

    `kind` is text, number, range, checkbox, textarea or select (with `choices`: value to text); `suggestions` are offered
    while typing. Other `attributes` (min, max, step, rows, placeholder, unit) go to the input; `unit` stands behind a range.
    """
    place = f"{tab}_{name}"
    value = getattr(state.of[tab], name)
    about = f"{place}-help {place}-error"
    common: dict[str, Any] = {"id": place, "class_": "field-input", "aria-describedby": about}
    unit = attributes.pop("unit", None)
    if unit is not None:
        common["data-unit"] = unit
    common |= {k.replace("_", "-"): v for k, v in attributes.items()}
    offered: TagChild = None
    if kind == "select":
        chosen, known = str(value), dict(choices or {})
        given = known if chosen in known else {chosen: chosen, **known}
        control = tags.select(
            *(tags.option(t, value=v, selected=True if v == chosen else None) for v, t in given.items()),
            **common,
        )
    elif kind == "textarea":
        control = tags.textarea(str(value), **common)
    elif kind == "checkbox":
        control = tags.input(type="checkbox", checked=True if value else None, **common)
    else:
        if suggestions:
            common["list"] = f"{place}-list"
            offered = tags.datalist(*(tags.option(value=s) for s in suggestions), id=f"{place}-list")
        control = tags.input(type=kind, value=_plain(value), autocomplete="off", spellcheck="false", **common)
    caption = tags.label(label, for_=place)
    shown = tags.output(for_=place, class_="field-value") if kind == "range" else None
    first = TagList(control, caption) if kind == "checkbox" else TagList(caption, shown, control)
    return tags.div(
        first,
        offered,
        tags.p(help, id=f"{place}-help", class_="field-help") if help else tags.span(id=f"{place}-help"),
        tags.p(id=f"{place}-error", class_="field-error", role="alert"),
        class_=f"field field-{kind}",
    )


def button(place: str, text: str, *, primary: bool = False, **attributes: Any) -> Tag:
    """A button; ``input.PLACE()`` counts its clicks."""
    look = "button primary" if primary else "button"
    return tags.button(text, id=place, type="button", class_=f"{look} action-button", **attributes)


def evidence_link(path: str, text: TagChild = None) -> Tag:
    """A link to the row of a parameter (or of evidence, by its id) on the Evidence tab, opened there in one click."""
    return tags.a(
        path if text is None else text,
        href=f"?tab=evidence&evidence.open={path}",
        class_="evidence-link",
        data_evidence=path,
        title=f"Where it comes from: {path}",
    )


def quantity(found: Quantity) -> Tag:
    """A quantity: value, unit, and its 90 % interval in small."""
    unit = pretty_unit(found.unit)
    return tags.span(
        tags.span(minus(found.number_text), class_="value"),
        tags.span(unit if unit == "°" else f" {unit}", class_="unit")
        if unit and found.value is not None
        else None,
        tags.span(f" {minus(found.interval_text)}", class_="interval") if found.interval_text else None,
        class_="quantity",
    )


def minus(text: str) -> str:
    """A hyphen before a digit as a minus sign."""
    return text.replace("-", "−")


def progress(place: str, label: str) -> Tag:
    """A bar for a job (`static/shell.js` fills it from the output ``PLACE``)."""
    return tags.div(
        tags.progress(id=f"{place}-bar", aria_label=label, max="1"),
        tags.span(id=f"{place}-text", class_="progress-text", role="status"),
        class_="progress",
        id=place,
        hidden=True,
    )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def numbers(found: Iterable[Shown]) -> Tag:
    """A table of numbers: meaning, without drug, on drug, change, and the evidence behind the level."""
    rows = []
    for number in found:
        if number.coordinate:
            continue
        arms = [number.arm(arm) for arm in ("no_drug", "drug")]
        change = number.percent or number.difference
        rows.append(
            tags.tr(
                tags.th(number.meaning[:1].upper() + number.meaning[1:], scope="row"),
                *(tags.td(quantity(arm) if arm else "", class_="number") for arm in arms),
                tags.td(quantity(change) if change and change.value is not None else "", class_="number"),
                tags.td(evidence_link(number.level, "evidence")),
            )
        )
    head = tags.tr(*(tags.th(text, scope="col") for text in ("", "no drug", "on drug", "change", "from")))
    return tags.div(tags.table(tags.thead(head), tags.tbody(*rows)), class_="table-scroll", tabindex="0")
