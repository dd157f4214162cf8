"""A patient as fields: age, weight, sex, height, creatinine or its clearance, beside the text that is the state.

The text stays the one thing a link holds. A field rewrites its own part of the text and leaves the rest as it was written,
even what cannot be read (``static/person.js``); the text then goes the way of any input, and what is read of it comes back
into the fields (`show`), with the creatinine clearance that follows.
"""

from __future__ import annotations

from typing import Any

from htmltools import Tag, tags
from shiny import reactive

from spasmlab import patient as patients
from spasmlab.app import widgets
from spasmlab.app.board import Board
from spasmlab.app.state import State
from spasmlab.patient import FIELDS, Patient
from spasmlab.regimen import number

FIELD = "patient"  # of a tab: the text
FROM = {
    "given": "as given",
    "Cockcroft–Gault": "Cockcroft–Gault, from the creatinine",
    "Schwartz": "bedside Schwartz, from height and creatinine",
    "usual for age": "usual for the age: no creatinine is given",
    "default": "assumed: nothing is said of age or kidneys",
}
NOTHING = "Nothing is said of the patient."
SEXES = {"": "not said", "f": "woman", "m": "man"}


LABELS = {
    "age": "Age (years)",
    "sex": "Sex",
    "weight": "Weight (kg)",
    "height": "Height (cm)",
    "creatinine": "Serum creatinine (mg/dL)",
    "crcl": "Creatinine clearance (mL/min)",
}


def ui(state: State, tab: str, **more: Any) -> Tag:
    """The fields, the clearance, and the text; `more` are attributes of the text's input."""
    text = getattr(state.of[tab], FIELD)
    known = told(text)
    return tags.fieldset(
        tags.legend("Patient"),
        tags.div(*(_part(tab, key, known) for key in LABELS), class_="person-parts"),
        tags.p(
            "Creatinine clearance ",
            tags.output(known["clearance"], id=f"{tab}_clearance", class_="person-clearance"),
            tags.span(known["source"], id=f"{tab}_clearance_source", class_="muted small"),
            class_="person-kidneys",
        ),
        widgets.field(
            state,
            tab,
            FIELD,
            "Patient in words",
            help=tags.span(known["says"], id=f"{tab}_person"),
            placeholder="age=70 y, crcl=35 mL/min",
            **more,
        ),
        class_="person",
        data_person=tab,
    )


def _part(tab: str, key: str, known: dict[str, Any]) -> Tag:
    place = f"{tab}_patient_{key}"
    value, assumed = known["given"].get(key, ""), known["assumed"].get(key, "")
    common = {
        "id": place,
        "class_": "person-input",
        "data_key": key,
        "aria_describedby": f"{tab}_patient-error",
    }
    if key == "sex":
        return tags.div(
            tags.label(LABELS[key], for_=place),
            tags.select(
                *(tags.option(t, value=v, selected=True if v == value else None) for v, t in SEXES.items()),
                **common,
            ),
            class_="field",
        )
    limits = FIELDS[key]
    control = tags.input(
        type="number", value=value, placeholder=assumed, min=number(limits.low), max=number(limits.high),
        step="any", inputmode="decimal", autocomplete="off", data_unit=limits.units[0], **common,
    )  # fmt: skip
    return tags.div(tags.label(LABELS[key], for_=place), control, class_="field")


def show(board: Board, tab: str) -> None:
    """Keep the fields of a tab, and the clearance, at what its text says."""
    held: dict[str, str] = {}

    @reactive.effect
    def _() -> None:
        text = getattr(board.fields(tab), FIELD)
        if held.get("text") != text:  # another field of the tab has changed
            held["text"] = text
            board.tell("spasmlab-person", tab=tab, **told(text))


def told(text: str) -> dict[str, Any]:
    """What the page shows of a text that can be read: what is given and what is assumed by key, and the clearance."""
    if not text.strip():
        return {"given": {}, "assumed": {}, "clearance": "–", "source": "", "says": NOTHING}
    found = patients.parse(text)
    given = {key: v if isinstance(v, str) else _rounded(v) for key, v in patients.given(text).items()}
    return {
        "given": given,
        "assumed": {k: v for k, v in _assumed(found).items() if k not in given},
        "clearance": f"{found.creatinine_clearance:.3g} mL/min",
        "source": _source(found, given),
        "says": found.describe(),
    }


def _assumed(found: Patient) -> dict[str, str]:
    return {"age": _rounded(found.age), "weight": _rounded(found.weight)}


def _source(found: Patient, given: dict[str, str]) -> str:
    said = FROM[found.clearance_from]
    both = found.clearance_from == "given" and "creatinine" in given
    return f"{said}: the creatinine is not used" if both else said


def _rounded(value: float) -> str:
    return number(float(f"{value:.4g}"))
