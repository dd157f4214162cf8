"""Explore: a dose, and every level of the chain answering, from plasma to the scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from htmltools import Tag, tags
from shiny import reactive, render

from spasmlab import condition as conditions
from spasmlab import dialysis as dialyses
from spasmlab import drug as drugs
from spasmlab import food, listing
from spasmlab import hypothesis as hypotheses
from spasmlab import patient as patients
from spasmlab import regimen as regimens
from spasmlab.app import dose, exports, fields, filled, panels, person, player, widgets
from spasmlab.app.bindings import chart_output
from spasmlab.app.board import Board
from spasmlab.app.filled import Fill
from spasmlab.app.recording import ASSAYS
from spasmlab.app.scene import Scene, as_result, command_of, curves, scene
from spasmlab.app.state import State
from spasmlab.app.work import Latest
from spasmlab.regimen import DAY_H, number
from spasmlab.request import MOST_DAYS

TITLE = "Explore"
TAB = "explore"
PEOPLE = (
    "age=48 y, weight=70 kg, sex=f, creatinine=0.9 mg/dL",
    "age=75 y, weight=62 kg, sex=m, crcl=35 mL/min",
)
PLAYED = ("assay", "cords")  # fields that change nothing of the chain


def formulations() -> tuple[str, ...]:
    """The products of all drugs."""
    return tuple(dict.fromkeys(f for name in drugs.names() for f in drugs.load(name).formulations))


class Fields(fields.Fields):
    """A drug in a patient with a condition, under a hypothesis; the span that is drawn; the assay that is played."""

    drug: str = fields.one_of("gabapentin", "drug", drugs.names)
    formulation: str = fields.one_of("ir", "formulation", formulations)
    regimen: str = fields.text("600 mg tid", regimens.parse)
    days: float = fields.between(14.0, "the number of days", 1, MOST_DAYS)
    fed: str = fields.one_of(food.FASTED, "kind of meal", food.kinds)
    patient: str = fields.text(patients.default().text, patients.parse)
    dialysis: str = fields.text("", fields.optional(dialyses.parse))
    condition: str = fields.one_of("ms-spasticity", "condition", conditions.names)
    severity: float = fields.between(1.0, "severity", 0, 1)
    hypothesis: str = fields.one_of(hypotheses.DEFAULT, "hypothesis", hypotheses.names)
    span: str = fields.one_of(panels.LAST_DAY, "span", lambda: panels.SPANS)
    assay: str = fields.one_of("stretch", "assay", lambda: ASSAYS)
    cords: int = fields.between(1, "the number of cords", 1, 16)


@dataclass(frozen=True)
class Answer:
    """A scene and what the page shows of it."""

    asked: Fields
    scene: Scene
    panels: dict[str, Any]


# ---- what is on the page ------------------------------------------------------------------------------------------------


def ui(state: State) -> Tag:
    """The question on the left, the dose and the chain beside it, the circuit below."""
    return tags.div(
        tags.div(_question(state), class_="explore-question"),
        tags.div(
            tags.div(_dose_bar(state), _chain(), class_="stack"),
            player.ui(state),
            _numbers(),
            _exports(),
            class_="stack explore-answer",
        ),
        class_="explore",
    )


def _question(state: State) -> Tag:
    field = lambda name, label, **more: widgets.field(state, TAB, name, label, **more)
    return tags.form(
        tags.div(
            tags.h2("Who takes what"),
            tags.button(
                "Change",
                id="explore_change",
                type="button",
                class_="button",
                aria_expanded="false",
                aria_controls="explore_fields",
            ),
            class_="row question-head",
        ),
        tags.p(id="explore_asked", class_="question-asked"),
        tags.div(*_fields(state, field), id="explore_fields", class_="stack"),
        id="explore_form",
        class_="card stack",
        aria_label="The question",
    )


def _fields(state: State, field: Any) -> tuple[Tag, ...]:
    asked = state.of[TAB]
    return (
        field("drug", "Drug", kind="select", choices=titles("drugs")),
        field("formulation", "Product", kind="select", choices=products(asked.drug)),
        field("regimen", "Regimen", help="As you would write it: 300 mg bid x3, then 600 mg tid"),
        tags.div(
            field("days", "Days", kind="number", min=1, max=MOST_DAYS, step=1),
            field("fed", "Meal", kind="select", choices={n: words(n) for n in food.kinds()}),
            class_="explore-pair",
        ),
        person.ui(state, TAB, suggestions=PEOPLE),
        field(
            "dialysis",
            "Dialysis",
            placeholder="none",
            suggestions=(dialyses.EXAMPLE,),
            help="Sessions, hours from the first dose: 4 h every 48 h",
        ),
        field("condition", "Condition", kind="select", choices=titles("conditions")),
        field("severity", "Severity", kind="range", min=0, max=1, step=0.05),
        field("hypothesis", "Mechanism supposed", kind="select", choices=titles("hypotheses")),
    )


def _dose_bar(state: State) -> Tag:
    asked = state.of[TAB]
    place = f"{TAB}_dose"
    unit = dose.unit(asked.regimen)
    slider = tags.input(
        type="range",
        id=place,
        class_="field-input",
        value=number(dose.dose(asked.regimen)),
        min=number(dose.step(asked.drug, asked.regimen)),
        max=number(dose.most(asked.drug, asked.regimen)),
        step=number(dose.step(asked.drug, asked.regimen)),
        data_unit=unit,
        autocomplete="off",
    )
    return tags.div(
        tags.div(
            tags.label("Dose", for_=place),
            tags.output(for_=place, class_="field-value"),
            slider,
            class_="field field-range",
        ),
        tags.div(
            widgets.field(state, TAB, "span", "Time shown", kind="select", choices=panels.SPANS),
            class_="span-field",
        ),
        tags.p(id="explore_brief", class_="brief"),
        tags.div(
            widgets.progress("explore_fill_progress", "Run of the whole chain on the circuit"),
            widgets.button("explore_fill_cancel", "Cancel", hidden=True),
            class_="row fill-row",
        ),
        class_="card dose-bar",
        role="group",
        aria_label="Dose and time",
    )


def _chain() -> Tag:
    return tags.section(
        tags.h2("From the dose to the scale", class_="visually-hidden"),
        tags.p(id="explore_when", class_="muted small when"),
        tags.ol(*(_panel(place, panel) for place, panel in enumerate(panels.PANELS, 1)), class_="chain"),
        tags.p("", id="explore_said", class_="visually-hidden", role="status", aria_live="polite"),
    )


def _panel(place: int, panel: panels.Panel) -> Tag:
    here = f"explore_{panel.name}"
    return tags.li(
        tags.div(
            tags.span(str(place), class_="step", aria_hidden="true"),
            tags.h3(panel.title, id=f"{here}_title"),
            class_="chain-head",
        ),
        tags.p(
            tags.span("–", class_="value"),
            tags.span(class_="unit"),
            tags.span(class_="interval"),
            class_="panel-value",
        ),
        tags.p(class_="panel-label muted"),
        tags.p(class_="panel-change muted"),
        chart_output(here, f"{panel.title}: {panel.about}", height=132, group=panel.group),
        tags.p(
            widgets.evidence_link(panel.level, tags.span("evidence", id=f"{here}_assumed")),
            class_="panel-foot",
        ),
        id=f"{here}_panel",
        class_="card chain-panel",
    )


def _numbers() -> Tag:
    return tags.details(
        tags.summary("Every number at the visit"),
        tags.div(id="explore_numbers", class_="shiny-html-output"),
        id="explore_fold",
        class_="card explore-fold",
    )


def _exports() -> Tag:
    picture = lambda kind: tags.button(
        f"Panels as {kind.upper()}", type="button", class_="button", data_picture=kind,
        data_of=".chain .spasmlab-chart", data_name="spasmlab-explore",
    )  # fmt: skip
    return tags.section(
        tags.h2("Take it away"),
        tags.div(
            *(_download(f"explore_{kind}", text) for kind, text in DOWNLOADS.items()),
            picture("svg"),
            picture("png"),
            class_="row",
        ),
        tags.p("The command line that gives the same numbers:", class_="muted small"),
        tags.div(
            tags.code(id="explore_command", tabindex="0"),
            tags.button("Copy", type="button", class_="button", data_copy="explore_command"),
            class_="explore-command",
        ),
        class_="card stack",
    )


DOWNLOADS = {"csv": "Numbers as CSV", "curves": "Curves as CSV", "json": "Result as JSON"}


def _download(place: str, text: str) -> Tag:
    return tags.a(
        text, id=place, class_="button shiny-download-link disabled", href="", target="_blank", download=True
    )


def titles(kind: str) -> dict[str, str]:
    """Name to title of a list of the program."""
    return {entry["name"]: entry["title"] for entry in listing.ENTRIES[kind]()}


def products(drug: str) -> dict[str, str]:
    """The products of a drug: name to title."""
    return {
        f.name: f.title[:1].upper() + f.title[1:]
        for f in drugs.load(drug).formulations.values()
        if f.available
    }


def words(name: str) -> str:
    """A name as words."""
    return name.replace("-", " ").capitalize()


# ---- what happens -----------------------------------------------------------------------------------------------------


def server(board: Board) -> None:
    """Solve whatever is asked, and show it."""
    board.follow(TAB)
    person.show(board, TAB)
    _follow_dose(board)
    _follow_drug(board)
    latest: Latest[Fields, Answer] = Latest(board, answer)

    @reactive.effect
    def _() -> None:
        latest.ask(question(board.fields(TAB)))

    fill = Fill(board, lambda asked: question(asked).changed(span=panels.LAST_DAY))
    _show(board, latest, fill)
    _serve_downloads(board, latest, fill)
    player.server(board, latest.answer, question)


def question(asked: Fields) -> Fields:
    """The fields without those that change nothing of the chain."""
    plain = Fields()
    return asked.changed(**{name: getattr(plain, name) for name in PLAYED})


def answer(asked: Fields) -> Answer:
    """Solve a question and draw it; InputError or SolveError where that cannot be."""
    found = scene(asked)
    return Answer(asked, found, panels.payload(found, asked.span))


def _follow_dose(board: Board) -> None:
    """The slider writes the regimen, the regimen sets the slider."""
    place = f"{TAB}_dose"

    @reactive.effect
    def _() -> None:
        amount = board.input[place]()
        with reactive.isolate():
            written = board.fields(TAB).regimen
        if amount is not None and amount > 0 and amount != dose.dose(written):
            board.trying(lambda: board.change(TAB, regimen=dose.with_dose(written, amount)))

    @reactive.effect
    def _() -> None:
        asked = board.fields(TAB)
        with reactive.isolate():
            moved = board.input[place]() if place in board.input else None
        if dose.dose(asked.regimen) != moved:
            step = dose.step(asked.drug, asked.regimen)
            most, unit = dose.most(asked.drug, asked.regimen), dose.unit(asked.regimen)
            board.put(place, dose.dose(asked.regimen), min=step, max=most, step=step, unit=unit)


def _follow_drug(board: Board) -> None:
    """Another drug comes with its products and a usual regimen, another product with its own."""
    with reactive.isolate():
        asked = board.fields(TAB)
    before = {"drug": asked.drug, "formulation": asked.formulation}

    @reactive.effect
    def _() -> None:
        asked = board.fields(TAB)
        if asked.drug != before["drug"]:
            known = products(asked.drug)
            board.session.send_input_message(f"{TAB}_formulation", {"choices": list(known.items())})
            before.update(drug=asked.drug, formulation=next(iter(known)))
            board.change(TAB, formulation=next(iter(known)), regimen=dose.usual(asked.drug))
        elif asked.formulation != before["formulation"] and asked.formulation in products(asked.drug):
            before["formulation"] = asked.formulation
            fed = "high-fat" if asked.formulation != "ir" else asked.fed
            board.change(TAB, regimen=dose.usual(asked.drug, asked.formulation), fed=fed)


def _show(board: Board, latest: Latest[Fields, Answer], fill: Fill) -> None:
    @reactive.effect
    def _() -> None:
        found = latest.answer()
        if found is not None:
            shown, real = found.panels, fill.of(found.asked)
            if real is not None:
                shown = {
                    name: {**panel, **filled.panels(real).get(name, {})} for name, panel in shown.items()
                }
            board.tell(
                "spasmlab-explore",
                panels=shown,
                regimen=found.asked.regimen,
                when=visit_in_words(found.scene),
                command=command_line(found, real),
            )

    @render.ui
    def explore_numbers():
        if not board.input["explore_fold_open"]():
            return None
        found = latest.answer()
        return widgets.numbers(found.scene.numbers) if found else None


def command_line(found: Answer, real: dict[str, Any] | None) -> str:
    """The command line that gives the numbers shown: where the quick map has no answer, on the circuit."""
    if real is not None:
        return command_of(found.asked, "circuit", real["draws"])
    return command_of(found.asked, "circuit" if found.scene.problem else "surrogate")


def visit_in_words(found: Scene) -> str:
    """When the numbers are taken."""
    request = found.request
    times, _ = request.regimen.doses(request.days)
    after = number(round(request.visit_h - float(times[-1]), 1))
    day = math.ceil(request.visit_h / DAY_H)
    return f"Numbers and dotted lines are the visit: {after} h after the last dose, on day {day}."


def _serve_downloads(board: Board, latest: Latest[Fields, Answer], fill: Fill) -> None:
    def found() -> Answer:
        with reactive.isolate():
            held = latest.answer()
        assert held is not None  # the links are hidden until there is an answer
        return held

    def real() -> dict[str, Any] | None:
        with reactive.isolate():
            return fill.of(found().asked)

    @render.download_button(filename="spasmlab-numbers.csv")
    def explore_csv():
        run = real()
        yield exports.table(filled.rows(run) if run else exports.numbers(found().scene.numbers))

    @render.download_button(filename="spasmlab-curves.csv")
    def explore_curves():
        yield exports.table(curves(found().scene))

    @render.download_button(filename="spasmlab-result.json")
    def explore_json():
        yield exports.json_text(real() or as_result(found().scene))
