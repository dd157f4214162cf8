"""Explore: a dose, and every level of the chain answering, from plasma to the scale."""

from __future__ import annotations

from htmltools import Tag, tags
from shiny import render

from spasmlab import condition as conditions
from spasmlab import drug as drugs
from spasmlab import food, listing
from spasmlab import hypothesis as hypotheses
from spasmlab import patient as patients
from spasmlab import regimen as regimens
from spasmlab.app import fields, widgets
from spasmlab.app.board import Board
from spasmlab.app.scene import Scene, scene
from spasmlab.app.state import State
from spasmlab.app.work import Latest
from spasmlab.request import MOST_DAYS

TITLE = "Explore"


def formulations() -> tuple[str, ...]:
    """The products of all drugs."""
    return tuple(dict.fromkeys(f for name in drugs.names() for f in drugs.load(name).formulations))


class Fields(fields.Fields):
    """A drug in a patient with a condition, under a hypothesis."""

    drug: str = fields.one_of("gabapentin", "drug", drugs.names)
    formulation: str = fields.one_of("ir", "formulation", formulations)
    regimen: str = fields.text("600 mg tid", regimens.parse)
    days: float = fields.between(14.0, "the number of days", 1, MOST_DAYS)
    fed: str = fields.one_of(food.FASTED, "kind of meal", food.kinds)
    patient: str = fields.text(patients.default().text, patients.parse)
    condition: str = fields.one_of("ms-spasticity", "condition", conditions.names)
    severity: float = fields.between(1.0, "severity", 0, 1)
    hypothesis: str = fields.one_of(hypotheses.DEFAULT, "hypothesis", hypotheses.names)


def ui(state: State) -> Tag:
    """The question on the left, the chain beside it."""
    field = lambda name, label, **more: widgets.field(state, "explore", name, label, **more)
    return tags.div(
        tags.div(
            tags.h2("What is taken, by whom"),
            field("drug", "Drug", kind="select", choices=titles("drugs")),
            field("formulation", "Product", kind="select", choices={n: n for n in formulations()}),
            field(
                "regimen",
                "Regimen",
                help="As you would write it: 600 mg tid; 300 mg at 08:00, 600 mg at 20:00",
            ),
            field("days", "Days of treatment", kind="number", min=1, max=MOST_DAYS),
            field("fed", "Food", kind="select", choices={n: n for n in food.kinds()}),
            field("patient", "Patient"),
            field("condition", "Condition", kind="select", choices=titles("conditions")),
            field("severity", "Severity", kind="range", min=0, max=1, step=0.05),
            field("hypothesis", "Mechanism", kind="select", choices=titles("hypotheses")),
            class_="card stack",
        ),
        tags.div(tags.div(id="explore_numbers", class_="shiny-html-output"), class_="card"),
        class_="explore-grid",
    )


def titles(kind: str) -> dict[str, str]:
    """Name to title of a list of the program."""
    return {entry["name"]: entry["title"] for entry in listing.ENTRIES[kind]()}


def server(board: Board) -> None:
    """Solve whatever is asked, and show it."""
    from shiny import reactive

    board.follow("explore")
    latest: Latest[Fields, Scene] = Latest(board, scene)

    @reactive.effect
    def _() -> None:
        latest.ask(board.fields("explore"))

    @render.ui
    def explore_numbers():
        found = latest.answer()
        return widgets.numbers(found.numbers) if found else tags.p("Solving…", class_="muted")
