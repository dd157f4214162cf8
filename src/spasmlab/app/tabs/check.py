"""Check: a regimen against the label, a plan with its calendar, and what each lawful regimen would do."""

from __future__ import annotations

from typing import Any

from htmltools import Tag, TagChild, tags
from shiny import reactive, render

from spasmlab import dialysis as dialyses
from spasmlab import drug as drugs
from spasmlab import food
from spasmlab import patient as patients
from spasmlab import regimen as regimens
from spasmlab.app import exports, fields, person, widgets
from spasmlab.app.board import Board
from spasmlab.app.prescribe import advice, findings, question, record, schedule
from spasmlab.app.prescribe.question import Answer, Question
from spasmlab.app.state import State
from spasmlab.app.work import Job, Latest, show_progress
from spasmlab.prescribing import company, history, indication, label, plan_result

TITLE = "Check"
PARTS = {"check": "The regimen", "plan": "A plan", "advise": "Which dose"}
LONGEST = 400  # characters of a field


def optional(check: Any) -> Any:
    """A check that lets an empty text through, and no text that is too long."""
    return fields.optional(check, LONGEST)


class Fields(fields.Fields):
    """What is prescribed, for what, to whom; what else is known; when a plan begins. Empty: nothing is said of it."""

    part: str = fields.one_of("check", "part", lambda: PARTS)
    drug: str = fields.one_of("gabapentin", "drug with a label here", label.drugs)
    product: str = fields.one_of("ir", "product", lambda: label.of("gabapentin").products)
    regimen: str = fields.text("900 mg qid", optional(regimens.parse))
    indication: str = fields.one_of("phn", "indication", lambda: ("", *indication.known()))
    patient: str = fields.text("age=70 y, crcl=35 mL/min", optional(patients.parse))
    history: str = fields.text("", optional(history.parse))
    taken: str = fields.text("", optional(company.parse))
    dialysis: str = fields.text("", optional(dialyses.parse))
    fed: str = fields.one_of("", "kind of meal", lambda: ("", *food.kinds()))
    label: str = fields.one_of("us", "label", lambda: label.jurisdictions("gabapentin"))
    target: str = fields.text("", optional(question.number))
    days: str = fields.text("", optional(question.number))
    start: str = fields.text("", optional(plan_result.read_start))


def ui(state: State) -> Tag:
    """The prescription on the left, what the label says of it on the right."""
    part = state.of["check"].part
    return tags.div(
        _form(state),
        tags.div(
            tags.div(
                *(_part(name, text, name == part) for name, text in PARTS.items()),
                class_="views",
                role="group",
                aria_label="What to look at",
            ),
            tags.div(id="check_answer", class_="shiny-html-output"),
            tags.div(
                tags.div(
                    tags.h3("What each lawful regimen would do"),
                    tags.p(
                        "Simulates this patient on every regimen that the label lets through.", class_="muted"
                    ),
                    tags.div(
                        widgets.button("check_advise", "Compare lawful regimens", primary=True),
                        widgets.button("check_cancel", "Cancel"),
                        widgets.progress("check_progress", "Progress of the comparison"),
                        class_="row",
                    ),
                    tags.div(id="check_advice", class_="shiny-html-output"),
                    class_="card stack",
                ),
                class_="check-advise",
            ),
            class_="stack check-answer",
        ),
        class_="check-grid",
        data_part=part,
    )


def _part(name: str, text: str, chosen: bool) -> Tag:
    return tags.button(
        text, type="button", class_="view", data_check_part=name, id=f"check-part-{name}",
        aria_pressed=str(chosen).lower(),
    )  # fmt: skip


def _form(state: State) -> Tag:
    field = lambda name, text, **more: widgets.field(state, "check", name, text, **more)
    purposes = {"": "as in the record"} | {n: e["title"].capitalize() for n, e in indication.known().items()}
    titles = {n: drugs.load("gabapentin").formulations[n].title for n in label.of("gabapentin").products}
    said = {"": "not said"} | {n: n.replace("-", " ") for n in food.kinds()}
    return tags.div(
        tags.h2("A regimen against the label"),
        field("regimen", "Regimen", help="As you would write it: 300 mg tid; 300 mg daily for 1 day then 300 mg bid"),
        field("product", "Product", kind="select", choices=titles),
        field("indication", "For", kind="select", choices=purposes),
        person.ui(state, "check"),
        field("history", "History", suggestions=(*history.WORDS, history.NONE),
              help="depression, lung-disease, pregnant, driver, …; none where there is nothing"),
        field("taken", "Taken along", suggestions=company.names(), help="morphine, antacid 3 h before"),
        tags.details(
            tags.summary(tags.span("Dialysis, meals, label")),
            tags.div(
                field("dialysis", "Dialysis", placeholder="4 h every 48 h, then 125 mg"),
                field("fed", "Meals", kind="select", choices=said),
                field("label", "Label", kind="select", choices={"us": "United States", "eu": "European Union"}),
                class_="stack",
            ),
            class_="panel-fold",
            open=_more_is_said(state.of["check"]) or None,
        ),
        tags.div(
            field("start", "First day", kind="date"),
            field("target", "Full dose, mg a day", placeholder="the label's"),
            field("days", "Days on it", placeholder="28"),
            class_="check-plan-fields",
        ),
        tags.div(
            tags.label("FHIR record of a patient (JSON)", for_="check-record"),
            tags.input(type="file", id="check-record", accept=".json,application/json,application/fhir+json",
                       data_most=str(record.MOST_BYTES)),
            tags.p("Read on this machine, kept for this session only, not part of the link.", class_="field-help"),
            class_="field",
        ),
        tags.div(id="check_record_said", class_="shiny-html-output"),
        class_="card stack check-form",
    )  # fmt: skip


def _more_is_said(asked: Any) -> bool:
    """Whether a field that is folded away says something."""
    return bool(asked.dialysis or asked.fed or asked.label != "us")


def server(board: Board) -> None:
    """Judge whatever is written; make a plan; compare the lawful regimens in a process of its own."""
    board.follow("check")
    person.show(board, "check")
    job = Job(board)
    held: reactive.Value[tuple[str, Any, int] | None] = reactive.Value(None, name="held")
    latest: Latest[Question, Answer] = Latest(board, question.answer)
    advised: reactive.Value[Question | None] = reactive.Value(None, name="held")
    show_progress(board, job, "check_progress")

    def asked() -> Question:
        known = held()
        file = job.folder / question.RECORD if known else None
        return Question(board.fields("check").changed(part="check"), file, known[2] if known else 0)

    @reactive.effect
    def _() -> None:
        if board.tab() == "check":
            latest.ask(asked())

    @reactive.effect
    def _() -> None:
        given = board.input["check_part"]()
        board.trying(lambda: board.set("check", part=given))

    @reactive.effect
    def _() -> None:
        board.tell("spasmlab-check", part=board.fields("check").part)

    @reactive.effect
    def _() -> None:
        given = board.input["check_record"]()
        with reactive.isolate():
            board.trying(lambda: _take(board, job, held, given))

    @reactive.effect
    @reactive.event(board.input["check_advise"])
    def _() -> None:
        with reactive.isolate():
            board.trying(lambda: _advise(job, asked(), advised))

    @reactive.effect
    @reactive.event(board.input["check_cancel"])
    def _() -> None:
        job.cancel()

    @reactive.effect
    def _() -> None:
        kind = str(board.input["check_save"]())
        with reactive.isolate():
            advised_kind = kind.removeprefix("advice-")
            if advised_kind != kind:
                _save_advice(board, job.result(), advised_kind)
            else:
                _save(board, latest.answer(), kind)

    @render.ui
    def check_record_said():
        known = held()
        return record.show(known[0], known[1]) if known else None

    @render.ui
    def check_answer():
        found = latest.answer()
        if found is None:
            return tags.div(tags.p("Reading the label…", class_="muted"), class_="card")
        part = board.fields("check").part
        if part == "advise":
            return None
        return _checked(found) if part == "check" else _planned(found)

    @render.ui
    def check_advice():
        found, now = job.result(), advised()
        line = _command("check_advise_command", question.command("advise", now or asked()))
        if found is None or job.status().state != "done":
            return line
        old = (
            tags.p("The fields have changed since: compare again.", class_="muted")
            if now != asked()
            else None
        )
        saves = _saves(*ADVICE) if found["regimens"] else None
        return tags.div(old, saves, advice.show(found), line, class_="stack")


def _checked(found: Answer) -> Tag:
    shown: TagChild = findings.show(found.check) if found.check else _wrong(found.wrong)
    return tags.div(
        tags.div(
            tags.h3(found.check["label"] if found.check else "The label"),
            _saves("check-csv", "check") if found.check else None,
            class_="row spread",
        ),
        shown,
        _command("check_command", question.command("check", found.question)),
        class_="card stack",
    )  # fmt: skip


def _planned(found: Answer) -> Tag:
    given = bool(getattr(found.question.asked, "start", ""))
    shown: TagChild = schedule.show(found.plan, given) if found.plan else _wrong(found.no_plan)
    return tags.div(
        tags.div(tags.h3("Up to the full dose and down again"), _saves(*PLAN) if found.plan else None,
                 class_="row spread"),
        shown,
        _command("check_plan_command", question.command("plan", found.question)),
        class_="card stack",
    )  # fmt: skip


def _command(place: str, line: str) -> Tag:
    return tags.div(
        tags.code(line, id=place, tabindex="0"),
        tags.button("Copy", type="button", class_="button", data_copy=place),
        class_="command",
    )


def _wrong(text: str) -> Tag:
    return tags.p(text, class_="field-error", role="alert")


PLAN = ("csv", "ics", "json", "svg", "png")
ADVICE = ("advice-csv", "advice-json", "advice-svg", "advice-png")
SAVES = {"ics": "Save calendar (.ics)"}


def _saves(*kinds: str) -> Tag:
    said = {kind: SAVES.get(kind, f"Save {kind.split('-')[-1].upper()}") for kind in kinds} | {
        "check": "Save JSON"
    }
    return tags.div(
        *(tags.button(said[k], type="button", class_="button quiet", data_check_save=k) for k in kinds),
        class_="row exports",
    )


def _save(board: Board, found: Answer | None, kind: str) -> None:
    if found is None:
        return
    if kind == "check" and found.check:
        board.save("check.json", exports.json_text(found.check), "application/json")
    elif kind == "check-csv" and found.check:
        board.save("check.csv", exports.table(findings.rows(found.check)), "text/csv")
    elif kind == "json" and found.plan:
        board.save("plan.json", exports.json_text(found.plan), "application/json")
    elif kind in {"csv", "ics"} and found.plan:
        mime = {"csv": "text/csv", "ics": "text/calendar"}[kind]
        board.save(f"plan.{kind}", found.files[f"plan.{kind}"], mime)
    elif kind in {"svg", "png"} and (plan := found.plan):
        from spasmlab.report import prescribing_figures

        board.picture("plan", lambda: prescribing_figures.plan(plan), kind)


def _save_advice(board: Board, found: dict[str, Any] | None, kind: str) -> None:
    if not found or not found["regimens"]:
        return
    if kind == "json":
        board.save("advice.json", exports.json_text(found), "application/json")
    elif kind == "csv":
        board.save("advice.csv", exports.table(advice.rows(found)), "text/csv")
    elif kind in {"svg", "png"}:
        from spasmlab.report import prescribing_figures

        board.picture("advice", lambda: prescribing_figures.advice(found), kind)


def _take(board: Board, job: Job, held: Any, given: Any) -> None:
    """Read an uploaded record, or take it away again."""
    file = job.folder / question.RECORD
    if given == "away":
        file.unlink(missing_ok=True)
        held.set(None)
        return
    fields_now = board.fields("check")
    held.set(None)
    name, found = record.store(given, file, fields_now.drug)
    board.change("check", **record.freed(fields_now, found))
    stamp = int(given.get("stamp", 0)) if isinstance(given.get("stamp"), int) else 0
    held.set((name, found, stamp))
    board.say(f"{name} is read.")


def _advise(job: Job, asked: Question, advised: Any) -> None:
    """Start the comparison; a case that has no answer is said at once."""
    options = question.options(asked, "days")
    if asked.record:
        options["fhir"] = str(asked.record)
    question.require(asked)
    advised.set(asked)
    job.start(exports.arguments("advise", options))
