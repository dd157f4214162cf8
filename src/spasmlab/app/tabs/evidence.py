"""Evidence: every number with its source, every study against its prediction, every claim with its verdict."""

from __future__ import annotations

from functools import cache
from typing import Any

from htmltools import Tag, TagChild, tags
from shiny import reactive, render

from spasmlab import evidence
from spasmlab.app import exports, fields, widgets
from spasmlab.app.board import Board
from spasmlab.app.ledger import detail, forest, listing, predictions, statements
from spasmlab.app.ledger.listing import PAGE, TABLES
from spasmlab.app.state import State
from spasmlab.app.work import Job, in_words
from spasmlab.errors import unknown
from spasmlab.explain import STATUSES

TITLE = "Evidence"
VIEWS = {
    "parameters": "Parameters",
    "rows": "Rows of evidence",
    "studies": "Studies",
    "scoreboard": "Scoreboard",
    "exposure": "Predicted exposure",
    "circuit": "Predicted cord and muscle",
    "claims": "Claims",
}
FILTERS = {  # which filters each view has
    "parameters": ("level", "grade", "status"),
    "rows": ("level", "grade", "role"),
    "studies": ("level",),
    "scoreboard": ("level", "role"),
    "exposure": ("level", "role"),
    "circuit": ("level", "role"),
    "claims": ("level",),
}
MOST_PAGES = 200
NOTHING = "Nothing passes the filters. Take a word or a filter away."
LONGEST = 200  # characters of what is looked for or opened


@cache
def levels() -> list[str]:
    """Every level that some view can be filtered by, and none."""
    return ["", *sorted({value for view in VIEWS for value in _levels(view)} - {""})]


def _levels(view: str) -> dict[str, str]:
    """The levels of a view: value to text."""
    if view in TABLES:
        return listing.choices(view, "level")
    if view == "scoreboard":
        return listing.choices("studies", "level")
    if view == "claims":
        seen = sorted({c["level"] for c in statements.results()})
        return {"": "all"} | {v: v for v in seen}
    if view == "exposure":
        found = {r.level for r in evidence.table("pharmacokinetics")}
    else:
        found = {one.row.level for one in predictions.judged()}
    return {"": "all"} | {v: v for v in sorted(found)}


def _require_level(name: str) -> None:
    if name and name not in levels():  # the list takes seconds to make the first time
        raise unknown("level", name, levels())


class Fields(fields.Fields):
    """The view, its filters and order; `open` is the path, id or name of what is opened beside it."""

    view: str = fields.one_of("parameters", "view", lambda: VIEWS)
    find: str = fields.text("", fields.at_most(LONGEST))
    level: str = fields.text("", _require_level)
    grade: str = fields.one_of("", "grade", lambda: ("", *evidence.GRADES))
    role: str = fields.one_of("", "role", lambda: ("", *evidence.ROLES))
    status: str = fields.one_of("", "status", lambda: ("", *STATUSES))
    sort: str = fields.one_of(
        "", "column", lambda: ["", *(c.name for t in TABLES.values() for c in t.columns)]
    )
    order: str = fields.one_of("up", "order", lambda: ("up", "down"))
    page: int = fields.between(1, "page", 1, MOST_PAGES)
    open: str = fields.text("", fields.at_most(LONGEST))


def ui(state: State) -> Tag:
    """Views, filters, the table or board, and beside it what is opened."""
    view = state.of["evidence"].view
    return tags.div(
        tags.div(
            tags.h2("Where every number comes from"),
            tags.p("Open a row to see what it rests on, who cites it, and how it is predicted.", class_="muted"),
            class_="evidence-head",
        ),
        tags.div(*(_view_button(name, text, name == view) for name, text in VIEWS.items()),
                 class_="views", role="group", aria_label="What to look at"),
        tags.div(
            tags.div(
                _filters(state),
                tags.div(id="evidence_list", class_="shiny-html-output"),
                class_="card stack evidence-list",
            ),
            tags.aside(id="evidence_detail", class_="shiny-html-output", aria_label="What is opened"),
            class_="evidence-grid",
        ),
        class_="stack evidence",
        data_view=view,
    )  # fmt: skip


def _view_button(name: str, text: str, chosen: bool) -> Tag:
    return tags.button(
        text, type="button", class_="view", data_evidence_view=name, id=f"evidence-view-{name}",
        aria_pressed=str(chosen).lower(),
    )  # fmt: skip


def _filters(state: State) -> Tag:
    view = state.of["evidence"].view
    choose = lambda name, label, choices: tags.div(
        widgets.field(state, "evidence", name, label, kind="select", choices=choices),
        class_="filter",
        data_filter=name,
        hidden=None if name in FILTERS[view] else True,
    )
    same = lambda names: {"": "all"} | {n: n for n in names}
    return tags.div(
        tags.div(
            widgets.field(state, "evidence", "find", "Search", placeholder="words of a name, source or note",
                          maxlength=LONGEST),
            class_="filter filter-find",
        ),
        choose("level", "Level", _levels(view)),
        choose("grade", "Grade", same(evidence.GRADES)),
        choose("role", "Role", same(evidence.ROLES)),
        choose("status", "Status", same(STATUSES)),
        class_="filters",
        role="search",
        aria_label="Filters",
    )  # fmt: skip


def server(board: Board) -> None:
    """Show the view that is asked for, and what is opened; run a claim where it is asked."""
    board.follow("evidence")
    job = Job(board)

    @reactive.effect
    def _() -> None:
        asked = board.input["evidence_asked"]()
        board.trying(lambda: board.set("evidence", open=str(asked)))

    @reactive.effect
    def _() -> None:
        asked = board.input["evidence_set"]()
        board.trying(lambda: _set(board, asked))

    @reactive.effect
    def _() -> None:
        """A filter that changes begins at the first page."""
        for name in ("find", "level", "grade", "role", "status"):
            board.input[f"evidence_{name}"]()
        with reactive.isolate():
            known = board.fields("evidence")
            if known.page > 1 and not _first_time(board):
                board.set("evidence", page=1)

    @reactive.effect
    def _() -> None:
        view = board.fields("evidence").view
        with reactive.isolate():
            _show_view(board, view)

    @reactive.effect
    def _() -> None:
        kind = _said(board.input["evidence_export"](), "kind")
        with reactive.isolate():
            asked = board.fields("evidence")
            board.trying(lambda: _export(board, asked, kind))

    @reactive.effect
    def _() -> None:
        asked = _said(board.input["evidence_run"](), "name")
        with reactive.isolate():
            board.trying(lambda: _run(job, asked))

    @reactive.effect
    @reactive.event(board.input["evidence_cancel"])
    def _() -> None:
        job.cancel()

    @render.ui
    def evidence_list():
        if board.tab() != "evidence":
            return None
        return _list(board.fields("evidence").changed(open=""))

    @render.ui
    def evidence_detail():
        opened = board.fields("evidence").open
        if not opened:
            return None
        return tags.div(_detail(opened), _job(job, opened), class_="card stack detail")


_SEEN: set[str] = set()


def _first_time(board: Board) -> bool:
    """Whether the inputs only said what the link did: then its page stays."""
    if board.session.id in _SEEN:
        return False
    _SEEN.add(board.session.id)
    board.session.on_ended(lambda: _SEEN.discard(board.session.id))
    return True


def _said(asked: Any, name: str) -> str:
    """A word of a message from the page; empty where it is none."""
    found = asked.get(name) if isinstance(asked, dict) else None
    return found if isinstance(found, str) else ""


def _set(board: Board, asked: Any) -> None:
    """Fields that buttons of the page set: view, sort, order, page, open."""
    allowed = ("view", "sort", "order", "page", "open")
    values = {k: v for k, v in asked.items() if k in allowed} if isinstance(asked, dict) else {}
    if "view" in values:
        values |= {"page": 1, "sort": "", "order": "up", "level": ""}
    if "sort" in values:
        values["page"] = 1
    board.set("evidence", **values)


def _show_view(board: Board, view: str) -> None:
    """Tell the page which filters a view has, and the levels of its level filter."""
    pairs = list(_levels(view).items())
    level = board.fields("evidence").level
    board.session.send_input_message("evidence_level", {"choices": pairs, "value": level})
    board.tell("spasmlab-evidence", view=view, filters=list(FILTERS[view]))


def _list(asked: Any) -> Tag:
    boards = {
        "scoreboard": forest.board,
        "exposure": predictions.exposure_board,
        "circuit": predictions.circuit_board,
        "claims": statements.board,
    }
    if asked.view in boards:
        return tags.div(_exports(asked.view), boards[asked.view](asked), _command(asked.view), class_="stack")
    table = TABLES[asked.view]
    items = listing.found(table, asked)
    pages = max(1, -(-len(items) // PAGE))
    page = min(asked.page, pages)
    shown = items[(page - 1) * PAGE : page * PAGE]
    first = (page - 1) * PAGE + 1 if shown else 0
    counted = f"{len(items):,} {table.title.lower()}" + (
        f", {first} to {first + len(shown) - 1} shown" if pages > 1 else ""
    )
    return tags.div(
        tags.div(tags.p(counted, class_="count", role="status"), _exports(asked.view), class_="row spread"),
        _table(table, shown, asked) if shown else tags.p(NOTHING, class_="muted"),
        _pager(page, pages) if pages > 1 else None,
        _command(asked.view),
        class_="stack",
    )  # fmt: skip


def _table(table: listing.Table, items: list[Any], asked: Any) -> Tag:
    body = []
    for item in items:
        cells: list[TagChild] = []
        for place, column in enumerate(table.columns):
            kind = "number" if column.number else None
            value = column.cell(item)
            cells.append(tags.th(value, scope="row") if place == 0 else tags.td(value, class_=kind))
        body.append(tags.tr(*cells))
    return tags.div(
        tags.table(
            tags.thead(tags.tr(*(_heading(column, asked) for column in table.columns))),
            tags.tbody(*body),
            class_=f"entries entries-{asked.view}",
        ),
        class_="table-scroll",
        tabindex="0",
        role="region",
        aria_label=f"{table.title}, a table that scrolls",
    )


def _heading(column: listing.Column, asked: Any) -> Tag:
    chosen = column.name == asked.sort
    state = {"up": "ascending", "down": "descending"}[asked.order] if chosen else "none"
    order = "down" if chosen and asked.order == "up" else "up"
    arrow = {"ascending": "▲", "descending": "▼", "none": "↕"}[state]
    return tags.th(
        tags.button(
            column.name,
            tags.span(arrow, aria_hidden="true", class_="arrow"),
            type="button",
            class_="sort",
            id=f"evidence-sort-{column.name.replace(' ', '-').replace(',', '')}",
            data_evidence_sort=column.name,
            data_evidence_order=order,
        ),
        scope="col",
        aria_sort=state,
        class_="number" if column.number else None,
    )


def _pager(page: int, pages: int) -> Tag:
    step = lambda text, to, place: tags.button(
        text, type="button", class_="button", id=f"evidence-page-{place}", data_evidence_page=str(to),
        disabled=None if 1 <= to <= pages else True,
    )  # fmt: skip
    return tags.nav(
        step("First", 1 if page > 1 else 0, "first"),
        step("Previous", page - 1, "previous"),
        tags.span(f"Page {page} of {pages}", class_="muted"),
        step("Next", page + 1, "next"),
        step("Last", pages if page < pages else pages + 1, "last"),
        class_="row pager",
        aria_label="Pages of the table",
    )


COMMANDS = {  # what prints the same on the command line
    "parameters": "python -m spasmlab.docs_tables",
    "rows": "python -m spasmlab.docs_tables",
    "studies": "spasmlab list studies",
    "scoreboard": "spasmlab replicate --all",
    "exposure": "python -m spasmlab.predicted_page",
    "circuit": "python -m spasmlab.predicted_circuit_page",
    "claims": "spasmlab claims",
}
DRAWN = {"scoreboard"}  # views that are a figure too


def _command(view: str) -> Tag:
    return tags.div(
        tags.code(COMMANDS[view], id="evidence_command", tabindex="0"),
        tags.button("Copy", type="button", class_="button", data_copy="evidence_command"),
        class_="row",
    )


def _exports(view: str) -> Tag:
    one = lambda kind: tags.button(
        f"Save {kind.upper()}", type="button", class_="button quiet", data_evidence_export=kind
    )
    kinds = ("csv", "json", "svg", "png") if view in DRAWN else ("csv", "json")
    return tags.div(*(one(kind) for kind in kinds), class_="row exports")


def _export(board: Board, asked: Any, kind: str) -> None:
    if kind in {"svg", "png"}:
        if asked.view in DRAWN:
            board.picture(f"spasmlab-{asked.view}", lambda: forest.figure(asked), kind)
        return
    if asked.view in TABLES:
        table = TABLES[asked.view]
        items = listing.found(table, asked)
        text = listing.csv(table, items) if kind == "csv" else listing.json_text(table, items)
    else:
        flat = {
            "scoreboard": forest.entries_of,
            "claims": statements.flat,
            "exposure": lambda a: predictions.flat("exposure", a),
            "circuit": lambda a: predictions.flat("circuit", a),
        }[asked.view](asked)
        text = exports.table(flat) if kind == "csv" else exports.json_text({"rows": flat})
    mime = "text/csv" if kind == "csv" else "application/json"
    board.save(f"spasmlab-{asked.view}.{'csv' if kind == 'csv' else 'json'}", text, mime)


def _detail(opened: str) -> TagChild:
    found = detail.find(opened)
    return tags.div(
        tags.div(
            tags.p(found.kind[:1].upper() + found.kind[1:], class_="kind"),
            tags.button("Close", type="button", class_="button quiet", data_evidence_close="1"),
            class_="row spread",
        ),
        tags.h3(found.title, tabindex="-1", id="evidence-opened", data_opened=opened),
        found.content,
        class_="stack",
    )


def _run(job: Job, asked: str) -> None:
    from spasmlab import claims

    claims.load(asked)  # an unknown name is an InputError here, before anything is started
    job.start(["claims", asked])


def _job(job: Job, opened: str) -> TagChild:
    status, result = job.status(), job.result()
    if status.state == "idle":
        return None
    told = next((c for c in (result or {}).get("claims", ()) if c["id"] == opened), None)
    return tags.div(
        tags.p(in_words(status), role="status"),
        tags.button("Cancel", type="button", class_="button", id="evidence-cancel", data_evidence_cancel="1")
        if status.busy
        else None,
        statements.run(told) if told and status.state == "done" else None,
        class_="stack ran",
    )
