"""Check: a regimen against the label."""

from __future__ import annotations

from htmltools import Tag, tags
from shiny import render

from spasmlab import patient as patients
from spasmlab import regimen as regimens
from spasmlab.app import fields, widgets
from spasmlab.app.board import Board
from spasmlab.app.state import State
from spasmlab.errors import SpasmlabError

TITLE = "Check"


class Fields(fields.Fields):
    """What is prescribed, for what, to whom."""

    regimen: str = fields.text("900 mg qid", regimens.parse)
    indication: str = fields.text("phn")
    patient: str = fields.text("age=70 y, crcl=35 mL/min", patients.parse)


def ui(state: State) -> Tag:
    """The prescription, and what the label says of it."""
    return tags.div(
        tags.h2("A regimen against the label"),
        widgets.field(state, "check", "regimen", "Regimen"),
        widgets.field(state, "check", "indication", "For"),
        widgets.field(state, "check", "patient", "Patient"),
        tags.div(id="check_findings", class_="shiny-html-output"),
        class_="card stack",
    )


def server(board: Board) -> None:
    """Check whatever is written."""
    from spasmlab.prescribing import check
    from spasmlab.prescribing.case import from_words

    board.follow("check")

    @render.ui
    def check_findings():
        asked = board.fields("check")
        try:
            found = check.result(
                from_words(
                    "gabapentin", asked.regimen, indication_name=asked.indication, patient_text=asked.patient
                )
            )
        except SpasmlabError as problem:
            return tags.p(str(problem), class_="field-error", role="alert")
        return tags.ul(
            *(tags.li(tags.strong(f"{f['level']} {f['rule']}: "), f["text"]) for f in found["findings"])
        )
