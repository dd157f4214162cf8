"""Compare: arms side by side."""

from __future__ import annotations

from htmltools import Tag, tags
from shiny import reactive, render

from spasmlab import regimen as regimens
from spasmlab.app import fields, widgets
from spasmlab.app.board import Board
from spasmlab.app.scene import Asked, Scene, scene
from spasmlab.app.state import State
from spasmlab.app.work import Latest

TITLE = "Compare"


class Fields(fields.Fields):
    """The regimen set beside the one that is explored."""

    regimen: str = fields.text("300 mg tid", regimens.parse)


def ui(state: State) -> Tag:
    """Another regimen in the same patient, and its numbers."""
    return tags.div(
        tags.h2("Another regimen in the same patient"),
        widgets.field(state, "compare", "regimen", "Regimen"),
        tags.div(id="compare_numbers", class_="shiny-html-output"),
        class_="card stack",
    )


def server(board: Board) -> None:
    """Solve the other regimen, and show its numbers."""
    board.follow("compare")
    latest: Latest[Asked, Scene] = Latest(board, scene)

    @reactive.effect
    def _() -> None:
        if board.tab() == "compare":
            latest.ask(board.fields("explore").changed(regimen=board.fields("compare").regimen))

    @render.ui
    def compare_numbers():
        found = latest.answer()
        return widgets.numbers(found.numbers) if found else tags.p("Solving…", class_="muted")
