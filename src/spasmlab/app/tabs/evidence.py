"""Evidence: where every number comes from."""

from __future__ import annotations

from htmltools import Tag, tags
from shiny import reactive, render

from spasmlab import parameter
from spasmlab.app import fields, widgets
from spasmlab.app.board import Board
from spasmlab.app.state import State
from spasmlab.quantity import pretty_unit, short

TITLE = "Evidence"


class Fields(fields.Fields):
    """What is looked for; `open` is the path or row that a link asked for."""

    find: str = fields.text("")
    open: str = fields.text("")


def ui(state: State) -> Tag:
    """All parameters, filtered by a word."""
    return tags.div(
        tags.h2("Parameters"),
        widgets.field(state, "evidence", "find", "Find"),
        tags.div(id="evidence_table", class_="shiny-html-output"),
        class_="card stack",
    )


def server(board: Board) -> None:
    """Show the parameters, and the one that a link asked for."""
    board.follow("evidence")

    @reactive.effect
    def _() -> None:
        asked = board.input["evidence_asked"]()
        board.trying(lambda: board.change("evidence", open=asked, find=asked))

    @render.ui
    def evidence_table():
        word = board.fields("evidence").find.lower()
        found = [r for path, r in parameter.ledger().items() if word in path.lower()]
        rows = [
            tags.tr(
                tags.th(r.path, scope="row"),
                tags.td(", ".join(short(v) for v in r.values), class_="number"),
                tags.td(pretty_unit(r.unit)),
                tags.td(r.status),
                tags.td(r.grade),
                tags.td(", ".join(r.rows)),
            )
            for r in found[:200]
        ]
        head = tags.tr(
            *(tags.th(t, scope="col") for t in ("parameter", "value", "unit", "status", "grade", "rows"))
        )
        count = f"{len(found)} parameters" + (", the first 200 shown" if len(found) > 200 else "")
        table = tags.table(tags.thead(head), tags.tbody(*rows))
        return tags.div(tags.p(count, class_="muted"), tags.div(table, class_="table-scroll", tabindex="0"))
