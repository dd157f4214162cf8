"""Trial: a clinical trial as a design."""

from __future__ import annotations

from htmltools import Tag, tags
from shiny import render

from spasmlab import studies
from spasmlab.app import fields, widgets
from spasmlab.app.board import Board
from spasmlab.app.state import State

TITLE = "Trial"


class Fields(fields.Fields):
    """The published study whose design is shown."""

    study: str = fields.one_of(studies.names()[0], "study", studies.names)


def ui(state: State) -> Tag:
    """A study and its arms."""
    return tags.div(
        tags.h2("The design of a study"),
        widgets.field(
            state, "trial", "study", "Study", kind="select", choices={n: n for n in studies.names()}
        ),
        tags.div(id="trial_design", class_="shiny-html-output"),
        class_="card stack",
    )


def server(board: Board) -> None:
    """Show the design."""
    board.follow("trial")

    @render.ui
    def trial_design():
        design = studies.load(board.fields("trial").study)
        rows = [
            tags.tr(tags.th(a.name, scope="row"), tags.td(str(a.n)), tags.td(a.regimen or "placebo"))
            for a in design.arms
        ]
        head = tags.tr(*(tags.th(text, scope="col") for text in ("arm", "patients", "taken")))
        return tags.div(
            tags.h3(design.title), tags.p(design.summary), tags.table(tags.thead(head), tags.tbody(*rows))
        )
