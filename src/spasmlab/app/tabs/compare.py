"""Compare: up to four arms side by side, every level on the same axes, and the contrast matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from htmltools import Tag, tags
from shiny import reactive, render

from spasmlab import compare, food, listing
from spasmlab import drug as drugs
from spasmlab.app import compare_charts, compare_table, contrast_view, exports, person, widgets
from spasmlab.app import compare_question as questions
from spasmlab.app.bindings import chart_output
from spasmlab.app.board import Board
from spasmlab.app.compare_question import FILE, LETTERS, MOST_ARMS, Fields, letters
from spasmlab.app.state import State
from spasmlab.app.work import Job, Latest, show_progress
from spasmlab.compare import Answered, Comparison
from spasmlab.request import MOST_DAYS

__all__ = ["Fields"]
TITLE = "Compare"
TAB = "compare"
FROM_EXPLORE = ("drug", "formulation", "regimen", "fed", "hypothesis")


@dataclass(frozen=True)
class Answer:
    """A comparison answered: as JSON holds it, and the courses of its arms."""

    asked: Comparison
    found: dict[str, Any]
    answered: tuple[Answered, ...]


# ---- what is on the page --------------------------------------------------------------------------------------------


def ui(state: State) -> Tag:
    """The arms above, the levels and the numbers below, then the contrast matrix."""
    return tags.div(
        _shared(state),
        tags.div(*(_arm(state, letter) for letter in LETTERS), class_="compare-arms", id="compare_arms"),
        _levels(state),
        _circuit(state),
        _numbers(state),
        _exports(),
        _contrast(),
        class_="stack compare",
    )


def _shared(state: State) -> Tag:
    field = lambda name, label, **more: widgets.field(state, TAB, name, label, **more)
    asked: Any = state.of[TAB]
    full = asked.count >= MOST_ARMS
    return tags.section(
        tags.div(
            tags.h2("What the arms share"),
            tags.div(
                widgets.button("compare_explored", "Arm A from Explore"),
                widgets.button("compare_add", "Add an arm", primary=True, disabled=True if full else None),
                class_="row",
            ),
            class_="section-head",
        ),
        tags.div(
            field("condition", "Condition", kind="select", choices=_titles("conditions")),
            field("severity", "Severity", kind="range", min=0, max=1, step=0.05),
            field("days", "Days of treatment", kind="number", min=1, max=MOST_DAYS),
            class_="compare-shared",
        ),
        person.ui(state, TAB),
        class_="card stack",
    )


def _arm(state: State, letter: str) -> Tag:
    field = lambda name, label, **more: widgets.field(state, TAB, f"{letter}_{name}", label, **more)
    drug = getattr(state.of[TAB], f"{letter}_drug")
    name = letter.upper()
    return tags.section(
        tags.div(
            tags.h3(compare_table.badge(letter), tags.span(f" Arm {name}", class_="visually-hidden")),
            tags.div(
                widgets.button(
                    f"compare_{letter}_duplicate", "Duplicate", aria_label=f"Duplicate arm {name}"
                ),
                widgets.button(f"compare_{letter}_remove", "Remove", aria_label=f"Remove arm {name}"),
                class_="row arm-tools",
            ),
            class_="section-head",
        ),
        field("drug", "Drug", kind="select", choices=_titles("drugs")),
        field("formulation", "Product", kind="select", choices=products(drug)),
        field("regimen", "Regimen"),
        field("fed", "Meal", kind="select", choices={n: _words(n) for n in food.kinds()}),
        field("hypothesis", "Mechanism supposed", kind="select", choices=_titles("hypotheses")),
        id=f"compare_arm_{letter}",
        class_=f"card stack arm arm-{questions.LOOKS[letter]}",
        hidden=None if letter in letters(state.of[TAB]) else True,
        aria_label=f"Arm {name}",
    )


def _levels(state: State) -> Tag:
    return tags.section(
        tags.div(
            tags.h2("From the dose to the scale"),
            widgets.field(state, TAB, "span", "Time shown", kind="select", choices=questions.SPANS),
            class_="section-head",
        ),
        tags.div(id="compare_problems", class_="shiny-html-output"),
        tags.div(*(_panel(panel) for panel in compare_charts.PANELS), class_="compare-panels"),
        class_="card stack",
    )


def _panel(panel: compare_charts.Panel) -> Tag:
    place = f"compare_chart_{panel.name}"
    group = (
        "compare-time"
        if panel.kind == "time"
        else panel.number
        if panel.kind == "bar"
        else "compare-velocity"
    )
    return tags.div(
        tags.div(tags.h3(panel.title), widgets.evidence_link(panel.level, "evidence"), class_="section-head"),
        chart_output(place, panel.title, height=150, group=None if panel.name == "grade" else group),
        class_="compare-panel",
    )


def _circuit(state: State) -> Tag:
    return tags.section(
        tags.h2("The real circuit"),
        tags.p(
            "From the H-reflex on, levels come from a smooth map of the circuit, at once. The circuit itself takes up to a "
            "minute for each arm, and knows every drug.",
            class_="muted",
        ),
        tags.div(
            widgets.field(state, TAB, "draws", "Cords in each arm", kind="number", min=1, max=16, step=1),
            widgets.button("compare_run", "Run the real circuit", primary=True),
            tags.button(
                "Cancel", id="compare_cancel", type="button", class_="button action-button", hidden=True
            ),
            widgets.progress("compare_progress", "Run of the circuit"),
            class_="row run-row",
        ),
        tags.p(id="compare_source", class_="note", role="status"),
        class_="card stack",
    )


def _numbers(state: State) -> Tag:
    return tags.section(
        tags.div(
            tags.h2("Every number"),
            widgets.field(state, TAB, "points", "Every velocity and grade too", kind="checkbox"),
            class_="section-head",
        ),
        tags.p(
            "Below a value stands its difference from A with the 90 % interval, taken within each draw: arms share patient, "
            "doubt and cords. Bold where the interval leaves out zero.",
            class_="muted small",
        ),
        tags.div(id="compare_numbers", class_="shiny-html-output"),
        class_="card stack",
    )


def _exports() -> Tag:
    picture = lambda kind: tags.button(
        f"Charts as {kind.upper()}", type="button", class_="button", data_picture=kind,
        data_of=".compare-panels .spasmlab-chart", data_name="spasmlab-compare",
    )  # fmt: skip
    return tags.section(
        tags.h2("Take it away"),
        tags.div(
            *(_download(f"compare_{kind}", text) for kind, text in DOWNLOADS.items()),
            picture("svg"),
            picture("png"),
            class_="row",
        ),
        tags.p("The command lines that give the same numbers:", class_="muted small"),
        tags.div(id="compare_commands", class_="shiny-html-output"),
        class_="card stack exports",
    )


DOWNLOADS = {"csv": "Numbers as CSV", "json": "Result as JSON", "toml": "Arms as TOML"}


def _contrast() -> Tag:
    return tags.section(
        tags.div(
            tags.h2("Contrast matrix: seven drugs, every read-out"),
            _download("compare_contrast_csv", "Matrix as CSV"),
            class_="section-head",
        ),
        tags.div(id="compare_contrast", class_="shiny-html-output"),
        class_="card stack",
    )


def _download(place: str, text: str) -> Tag:
    return tags.a(
        text, id=place, class_="button shiny-download-link disabled", href="", target="_blank", download=True
    )


def _titles(kind: str) -> dict[str, str]:
    return {entry["name"]: entry["title"] for entry in listing.ENTRIES[kind]()}


def _words(name: str) -> str:
    return name.replace("-", " ").capitalize()


def products(drug: str) -> dict[str, str]:
    """The products of a drug that can be simulated: name to title."""
    known = drugs.load(drug).formulations.values()
    return {f.name: f.title[:1].upper() + f.title[1:] for f in known if f.available}


# ---- what happens ---------------------------------------------------------------------------------------------------


def server(board: Board) -> None:
    """Keep the arms, answer them, show and give them away."""
    board.follow(TAB)
    person.show(board, TAB)
    _serve_arms(board)
    latest: Latest[Comparison, Answer] = Latest(board, answer)
    job = Job(board)
    held: dict[str, Comparison] = {}

    @reactive.calc
    def wanted() -> Comparison:
        return questions.comparison(board.fields(TAB))

    @reactive.effect
    def _() -> None:
        if board.tab() == TAB:
            latest.ask(wanted())

    @reactive.calc
    def shown() -> Answer | None:
        """What is on the page: the circuit's numbers where they are those of this question, else the surrogate's."""
        quick, real = latest.answer(), job.result()
        if quick is None or real is None or "asked" not in held:
            return quick
        if held["asked"].model_copy(update={"draws": compare.DRAWS}) != quick.asked:
            return quick
        return drawn(held["asked"], quick, real)

    _show(board, latest, shown)
    _run_circuit(board, job, held)
    _serve_downloads(shown)


def answer(asked: Comparison) -> Answer:
    """Solve every arm at surrogate fidelity; InputError or SolveError where a chain refuses."""
    answered = questions.answers(asked)
    return Answer(asked, compare.described(asked, answered, "surrogate"), answered)


def drawn(asked: Comparison, quick: Answer, real: dict[str, Any]) -> Answer:
    """The answer of the circuit: its numbers, over the courses of the same chain."""
    return Answer(asked, real, quick.answered)


def _serve_arms(board: Board) -> None:
    before: dict[str, str] = {}

    def take(changed: dict[str, Any]) -> None:
        """Set fields of arms, on the page too; the products offered follow the drug."""
        told: dict[str, Any] = {
            f"{TAB}_{name}": {"value": v} for name, v in changed.items() if name != "count"
        }
        for letter in LETTERS:
            drug = changed.get(f"{letter}_drug")
            if drug is not None:
                before[letter] = drug
                told[f"{TAB}_{letter}_formulation"]["choices"] = list(products(drug).items())
        board.set(TAB, **changed)
        board.tell("spasmlab-fill", fields=told)

    def on(button: str, change: Any) -> None:
        @reactive.effect
        @reactive.event(board.input[button], ignore_init=True)
        def _() -> None:
            with reactive.isolate():
                asked = board.fields(TAB)
            changed = change(asked)
            if changed:
                board.trying(lambda: take(changed))

    def duplicate(letter: str) -> Any:
        def change(asked: Any) -> dict[str, Any] | None:
            if asked.count >= MOST_ARMS:
                return None
            return questions.moved(asked, LETTERS[asked.count], questions.part(asked, letter)) | {
                "count": asked.count + 1
            }

        return change

    on("compare_add", lambda asked: {"count": asked.count + 1} if asked.count < MOST_ARMS else None)
    on("compare_explored", lambda asked: _explored(board))
    for letter in LETTERS:
        on(f"compare_{letter}_duplicate", duplicate(letter))
        on(
            f"compare_{letter}_remove",
            lambda asked, letter=letter: questions.without(asked, letter) if asked.count > 1 else None,
        )
        _follow_drug(board, letter, before, take)

    @reactive.effect
    def _() -> None:
        board.tell("spasmlab-compare-arms", count=board.fields(TAB).count, most=MOST_ARMS)


def _explored(board: Board) -> dict[str, Any]:
    """Arm A, and what arms share, as the Explore tab has them."""
    with reactive.isolate():
        asked = board.fields("explore")
    shared = {name: getattr(asked, name) for name in questions.SHARED}
    return shared | {f"a_{name}": getattr(asked, name) for name in FROM_EXPLORE}


def _follow_drug(board: Board, letter: str, before: dict[str, str], take: Any) -> None:
    """Another drug comes with its own products and a usual dose."""
    with reactive.isolate():
        before[letter] = getattr(board.fields(TAB), f"{letter}_drug")

    @reactive.effect
    def _() -> None:
        drug = getattr(board.fields(TAB), f"{letter}_drug")
        if drug == before[letter]:
            return
        first = next(iter(products(drug)))
        take(
            {
                f"{letter}_drug": drug,
                f"{letter}_formulation": first,
                f"{letter}_regimen": questions.usual(drug),
            }
        )


def _show(board: Board, latest: Latest[Comparison, Answer], shown: Any) -> None:
    @reactive.effect
    def _() -> None:
        found = shown()
        if found is None:
            return
        span = board.fields(TAB).span
        made = compare_charts.drawings(found.answered, found.found["numbers"], span)
        board.tell("spasmlab-compare", drawings={f"compare_chart_{name}": d for name, d in made.items()})
        board.tell("spasmlab-compare-source", text=source(found.found))

    @render.ui
    def compare_problems():
        found = shown()
        if latest.problem():
            return tags.p(latest.problem(), class_="note", role="alert")
        return compare_table.problems(found.found) if found else None

    @render.ui
    def compare_numbers():
        found = shown()
        return compare_table.table(found.found, board.fields(TAB).points) if found else tags.p("Solving…")

    @render.ui
    def compare_commands():
        found = shown()
        if found is None:
            return None
        fidelity = found.found["fidelity"]
        lines = [
            questions.arm_command(found.asked, i, "circuit" if arm["problem"] else fidelity)
            for i, arm in enumerate(found.found["arms"])
        ]
        named = [*zip((letter for letter in LETTERS), lines, strict=False)]
        return tags.div(
            *(
                _command(compare_table.badge(letter), f"compare_command_{letter}", line)
                for letter, line in named
            ),
            _command("all", "compare_command_all", questions.whole_command(fidelity)),
            class_="stack commands",
        )


def _command(label: Any, place: str, line: str) -> Tag:
    return tags.div(
        tags.span(label, class_="command-label"),
        tags.code(line, id=place, tabindex="0"),
        tags.button("Copy", type="button", class_="button", data_copy=place),
        class_="command",
    )


def source(found: dict[str, Any]) -> str:
    """Where the numbers on the page come from, in words."""
    if found["fidelity"] == "circuit":
        cords = "one cord" if found["draws"] == 1 else f"{found['draws']} cords"
        return f"Shown: the real circuit, {cords} in each arm."
    return f"Shown: the smooth map of the circuit, {found['draws']} draws of the doubt in each arm."


def _run_circuit(board: Board, job: Job, held: dict[str, Comparison]) -> None:
    @reactive.effect
    @reactive.event(board.input.compare_run)
    def _() -> None:
        with reactive.isolate():
            asked = board.fields(TAB)
        held["asked"] = questions.comparison(asked, asked.draws)
        (job.folder / FILE).write_text(questions.written(held["asked"]), encoding="utf-8")
        job.start(["compare", FILE, "--fidelity", "circuit"])

    @reactive.effect
    @reactive.event(board.input.compare_cancel)
    def _() -> None:
        job.cancel()

    show_progress(board, job, "compare_progress")

    @reactive.effect
    def _() -> None:
        board.tell("spasmlab-busy", run="compare_run", cancel="compare_cancel", busy=job.status().busy)


def _serve_downloads(shown: Any) -> None:
    def found() -> Answer:
        with reactive.isolate():
            return shown()

    @render.download_button(filename="spasmlab-compare.csv")
    def compare_csv():
        yield exports.table(compare_table.rows(found().found))

    @render.download_button(filename="spasmlab-compare.json")
    def compare_json():
        yield exports.json_text(found().found)

    @render.download_button(filename=FILE)
    def compare_toml():
        yield questions.written(found().asked)

    @render.ui
    def compare_contrast():
        return contrast_view.matrix()

    @render.download_button(filename="spasmlab-contrast.csv")
    def compare_contrast_csv():
        yield exports.table(contrast_view.cells())
