"""Trial: a design as a form and as TOML, run in a process of its own, with its forest plot and power curve."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from htmltools import Tag, tags
from shiny import reactive, render

from spasmlab import trial_tables
from spasmlab.app import exports, fields, trial_data, trial_form, trial_text, trial_view, widgets
from spasmlab.app.bindings import chart as chart_output_of
from spasmlab.app.bindings import chart_output
from spasmlab.app.board import Board
from spasmlab.app.state import State
from spasmlab.app.trial_text import FILE, FIRST, Problem
from spasmlab.app.work import Job, show_progress
from spasmlab.errors import InputError

TITLE = "Trial"
TAB = "trial"
LARGEST_UPLOAD = 32_000  # bytes
FEWEST_TRIALS, MOST_TRIALS = 10, 1_000
REBUILDS = (".drug", ".name")  # edits after which the form has other parts


class Fields(fields.Fields):
    """The design to start from, the text where it differs from that, and the sizes whose power is asked."""

    start: str = fields.one_of(FIRST, "design", trial_text.starts)
    design: str = fields.text("")
    sizes: str = fields.text("40,80,160", trial_tables.sizes_of)
    trials: int = fields.between(20, "the number of trials", FEWEST_TRIALS, MOST_TRIALS)


def text_of(asked: Any) -> str:
    """The text of the design that the fields mean."""
    return asked.design or trial_text.start(asked.start)


# ---- what is on the page --------------------------------------------------------------------------------------------


def ui(state: State) -> Tag:
    """The design above, what can be run in the middle, results below."""
    return tags.div(_design(state), _runs(state), _results(), class_="stack trial")


def _design(state: State) -> Tag:
    return tags.section(
        tags.div(
            tags.h2("The design"),
            tags.div(
                tags.label(
                    "Upload a TOML file",
                    tags.input(
                        type="file", id="trial_file", accept=".toml,text/plain", class_="visually-hidden"
                    ),
                    class_="button upload",
                    for_="trial_file",
                ),
                tags.button("Save the TOML", type="button", id="trial_save", class_="button action-button"),
                class_="row",
            ),
            class_="section-head",
        ),
        widgets.field(state, TAB, "start", "Start from", kind="select", choices=trial_text.starts()),
        tags.div(
            tags.div(tags.h3("As a form"), tags.div(id="trial_parts", class_="shiny-html-output")),
            _editor(text_of(state.of[TAB])),
            class_="trial-views",
        ),
        class_="card stack",
    )


def _editor(text: str) -> Tag:
    return tags.div(
        tags.h3(tags.label("As TOML", for_="trial_toml")),
        tags.div(
            tags.pre(id="trial_lines", aria_hidden="true"),
            tags.textarea(
                text,
                id="trial_toml",
                class_="field-input",
                spellcheck="false",
                autocapitalize="off",
                autocomplete="off",
                wrap="off",
                rows="30",
                aria_describedby="trial_problem",
            ),
            class_="editor",
        ),
        tags.p(id="trial_problem", class_="trial-problem", role="status"),
        class_="trial-toml",
    )


def _runs(state: State) -> Tag:
    field = lambda name, label, **more: widgets.field(state, TAB, name, label, **more)
    return tags.div(
        tags.section(
            tags.h2("One trial"),
            tags.p("The trial as designed, patient by patient, analysed as it says.", class_="muted"),
            _run("trial", "Run the trial"),
            class_="card stack",
        ),
        tags.section(
            tags.h2("Power"),
            tags.div(
                field("sizes", "Patients in all", help="sizes, such as 40,80,160"),
                field(
                    "trials", "Trials a size", kind="number", min=FEWEST_TRIALS, max=MOST_TRIALS, step=10,
                    help="more: a smaller error",
                ),
                class_="power-fields",
            ),
            _run("power", "Work out the power"),
            class_="card stack",
        ),
        class_="trial-runs",
    )  # fmt: skip


def _run(what: str, text: str) -> Tag:
    return tags.div(
        widgets.button(f"{TAB}_{what}_run", text, primary=True),
        tags.button(
            "Cancel", id=f"{TAB}_{what}_cancel", type="button", class_="button action-button", hidden=True
        ),
        widgets.progress(f"{TAB}_{what}_progress", text),
        class_="row",
    )


def _results() -> Tag:
    return tags.div(
        tags.div(id="trial_result", class_="shiny-html-output"),
        tags.div(id="trial_power_result", class_="shiny-html-output"),
        class_="stack",
    )


def _download(place: str, text: str) -> Tag:
    return tags.a(
        text, id=place, class_="button shiny-download-link disabled", href="", target="_blank", download=True
    )


def _command(place: str, line: str) -> Tag:
    return tags.div(
        tags.code(line, id=place, tabindex="0"),
        tags.button("Copy", type="button", class_="button", data_copy=place),
        class_="command",
    )


# ---- what happens ---------------------------------------------------------------------------------------------------


def server(board: Board) -> None:
    """Keep form and text in step, run what is asked, show it and give it away."""
    board.follow(TAB)
    with reactive.isolate():
        drawn_from: reactive.Value[str] = reactive.Value(text_of(board.fields(TAB)))

    @reactive.calc
    def text() -> str:
        return text_of(board.fields(TAB))

    def put(new: str, rebuild: bool) -> None:
        """Make a text the design: in the state, on the page, and in the form."""
        keep(board, new)
        board.tell("spasmlab-fill", fields={"trial_toml": {"value": new}})
        if rebuild:
            drawn_from.set(new)

    _follow_text(board, text, put, drawn_from)
    _show_design(board, text, drawn_from)
    runs = {what: Run(board, what, text) for what in ("trial", "power")}
    _show_trial(board, runs["trial"], text)
    _show_power(board, runs["power"], text)


def keep(board: Board, new: str) -> None:
    """The design of the state; none of its own where it is that of the start."""
    with reactive.isolate():
        asked = board.fields(TAB)
    board.set(TAB, design="" if new == trial_text.start(asked.start) else new)


def _follow_text(board: Board, text: Any, put: Any, drawn_from: reactive.Value[str]) -> None:
    with reactive.isolate():
        before = {"start": board.fields(TAB).start}

    @reactive.effect
    def _() -> None:
        asked = board.fields(TAB)
        if asked.start != before["start"]:
            before["start"] = asked.start
            put(trial_text.start(asked.start), True)

    @reactive.effect
    def _() -> None:
        typed = board.input["trial_toml"]()
        with reactive.isolate():
            if isinstance(typed, str) and typed != text():
                board.trying(lambda: keep(board, typed))
                drawn_from.set(typed)

    @reactive.effect
    @reactive.event(board.input["trial_edit"])
    def _() -> None:
        told = board.input["trial_edit"]()
        with reactive.isolate():
            old = text()
        board.trying(lambda: put(*edit(old, told)))

    @reactive.effect
    @reactive.event(board.input["trial_upload"])
    def _() -> None:
        told = board.input["trial_upload"]()
        board.trying(lambda: put(uploaded(told), True))


def edit(text: str, told: Any) -> tuple[str, bool]:
    """The text after what the form told, and whether the form has other parts now; InputError where it cannot be."""
    if not isinstance(told, dict) or not isinstance(told.get("path"), str) or len(told["path"]) > 200:
        raise InputError("the form sent what is no edit")
    op, path, value = told.get("op"), told["path"], told.get("value")
    if op == "add":
        return trial_text.added(text, path), True
    if op == "remove":
        return trial_text.removed(text, path), True
    return trial_text.edited(text, path, value), path.endswith(REBUILDS)


def uploaded(told: Any) -> str:
    """The text of an uploaded file; InputError where it is too large or no text."""
    name, size, text = (
        (told.get(key) for key in ("name", "size", "text")) if isinstance(told, dict) else ("", 0, None)
    )
    if isinstance(size, int | float) and size > LARGEST_UPLOAD:
        raise InputError(f"'{str(name)[:60]}' has {size:.0f} bytes; possible: up to {LARGEST_UPLOAD}")
    if not isinstance(text, str) or "\0" in text:
        raise InputError(f"'{str(name)[:60]}' is not a text file; possible: a design as TOML (UTF-8)")
    trial_text.parsed(text)
    return text.replace("\r\n", "\n")


def _show_design(board: Board, text: Any, drawn_from: reactive.Value[str]) -> None:
    @reactive.effect
    def _() -> None:
        design, problem = trial_text.read(text())
        if problem is not None:
            board.tell("spasmlab-trial-problem", text=problem.said, line=problem.line, wrong=True)
        elif design is not None:
            said = f"A design: {design.patients} patients, {len(design.arms)} arms, {design.weeks:g} weeks."
            board.tell("spasmlab-trial-problem", text=said, line=None, wrong=False)

    @render.ui
    def trial_parts():
        try:
            return trial_form.form(trial_text.parsed(drawn_from()))
        except InputError:
            return tags.p("The form comes back when the TOML can be read.", class_="note")

    @reactive.effect
    @reactive.event(board.input["trial_save"])
    def _() -> None:
        with reactive.isolate():
            board.save(FILE, text(), "application/toml")


class Run:
    """One kind of run of the tab: its job, and the text it was started with."""

    def __init__(self, board: Board, what: str, text: Any) -> None:
        self.board, self.what, self.job = board, what, Job(board)
        self.started: str | None = None
        self._count = 0
        self._serve(text)

    @property
    def folder(self) -> Path:
        """Where the last run keeps its parts."""
        return self.job.folder / f"run{self._count}"

    def _serve(self, text: Any) -> None:
        place = f"{TAB}_{self.what}"

        @reactive.effect
        @reactive.event(self.board.input[f"{place}_run"])
        def _() -> None:
            with reactive.isolate():
                asked = text()
            self.board.trying(lambda: self._start(asked))

        @reactive.effect
        @reactive.event(self.board.input[f"{place}_cancel"])
        def _() -> None:
            self.job.cancel()

        show_progress(self.board, self.job, f"{place}_progress")

        @reactive.effect
        def _() -> None:
            busy = self.job.status().busy
            self.board.tell("spasmlab-busy", run=f"{place}_run", cancel=f"{place}_cancel", busy=busy)

    def _start(self, text: str) -> None:
        design, problem = trial_text.read(text)
        if design is None:
            raise InputError((problem or Problem("no design")).said)
        with reactive.isolate():
            asked = self.board.fields(TAB)
        workers = max(1, (os.cpu_count() or 2) - 1)  # one core is left for the page
        if self.what == "power":
            sizes = trial_tables.sizes_of(asked.sizes)
            trial_text.refuse_too_much(design, sizes, asked.trials)
            said = {"patients": asked.sizes, "trials": asked.trials, "workers": workers}
            words = exports.arguments("power", said, [FILE])
        else:
            trial_text.refuse_too_much(design)
            shutil.rmtree(self.folder, ignore_errors=True)
            self._count += 1
            words = exports.arguments("trial", {"out": self.folder.name, "workers": workers}, [FILE])
        self.started = text
        (self.job.folder / FILE).write_text(text, encoding="utf-8")
        self.job.start(words)


def _stale(run: Run, text: str) -> Tag | None:
    if run.started == text:
        return None
    return tags.p("The design has changed since: these are the results of the one that ran.", class_="note")


def _show_trial(board: Board, run: Run, text: Any) -> None:
    @render.ui
    def trial_result():
        found = run.job.result()
        if found is None:
            return None
        return tags.section(
            tags.h2("Result of the trial"),
            tags.div(id="trial_stale", class_="shiny-html-output"),
            trial_view.head(found),
            trial_view.forest(found),
            tags.p(trial_view.patients(found), class_="muted small"),
            tags.h3("Over the visits"),
            tags.p("Mean of each arm; the band holds nine in ten of its patients.", class_="muted small"),
            tags.div(id="trial_courses", class_="trial-courses"),
            tags.h3("By arm"),
            trial_view.arms(found),
            tags.h3("Take it away"),
            tags.div(
                *(_download(f"trial_{kind}", label) for kind, label in DOWNLOADS.items()),
                *(_picture(kind) for kind in ("svg", "png")),
                class_="row",
            ),
            tags.p("The command line that gives the same numbers:", class_="muted small"),
            _command("trial_command", exports.command("trial", {"out": "trial"}, [FILE])),
            tags.p(found["notice"], class_="visually-hidden"),
            class_="card stack",
        )

    @render.ui
    def trial_stale():
        return _stale(run, text()) if run.job.result() else None

    @reactive.effect
    def _() -> None:
        found = run.job.result()
        if found is not None:
            board.tell("spasmlab-trial-courses", drawings=trial_view.courses(found))

    _serve_trial_downloads(run)


def _picture(kind: str) -> Tag:
    return tags.button(
        f"Visits as {kind.upper()}", type="button", class_="button", data_picture=kind,
        data_of="#trial_courses .spasmlab-course", data_name="spasmlab-visits",
    )  # fmt: skip


DOWNLOADS = {
    "csv": "Data as CSV", "parquet": "Data as Parquet", "json": "Result as JSON",
    "forest_svg": "Forest plot as SVG", "forest_png": "Forest plot as PNG", "design": "Design as TOML",
}  # fmt: skip


def _serve_trial_downloads(run: Run) -> None:
    def found() -> dict[str, Any]:
        with reactive.isolate():
            return run.job.result() or {}

    @render.download_button(filename="spasmlab-trial.csv")
    def trial_csv():
        yield trial_data.csv(run.folder)

    @render.download_button(filename="spasmlab-trial.parquet")
    def trial_parquet():
        yield trial_data.parquet(run.folder)

    @render.download_button(filename="spasmlab-trial.json")
    def trial_json():
        yield exports.json_text(found())

    @render.download_button(filename="spasmlab-forest.svg")
    def trial_forest_svg():
        yield trial_data.forest_svg(found())

    @render.download_button(filename="spasmlab-forest.png")
    def trial_forest_png():
        yield trial_data.forest_png(found())

    @render.download_button(filename=FILE)
    def trial_design():
        yield run.started or ""


def _show_power(board: Board, run: Run, text: Any) -> None:
    @render.ui
    def trial_power_result():
        found = run.job.result()
        if found is None:
            return None
        told = {"patients": ",".join(str(p["patients"]) for p in found["power"]), "trials": found["trials"]}
        return tags.section(
            tags.h2("Power"),
            tags.div(id="trial_power_stale", class_="shiny-html-output"),
            tags.p(
                f"{found['title']}: {trial_view.outcome(found['outcome'])} by {found['analysis']}, {found['trials']} "
                "simulated trials of each size. A trial is won where p < 0.05 in favour of the drug.",
                class_="muted",
            ),
            tags.div(
                chart_output("trial_power_chart", "Power by the number of patients", height=240),
                trial_view.power_table(found),
                class_="power-result",
            ),
            tags.div(
                _download("trial_power_json", "Power as JSON"),
                _download("trial_power_csv", "Power as CSV"),
                _download("trial_power_svg", "Curve as SVG"),
                _download("trial_power_png", "Curve as PNG"),
                class_="row",
            ),
            _command("trial_power_command", exports.command("power", told, [FILE])),
            class_="card stack",
        )

    @render.ui
    def trial_power_stale():
        return _stale(run, text()) if run.job.result() else None

    @chart_output_of
    def trial_power_chart():
        found = run.job.result()
        return trial_view.power_curve(found) if found else None

    _serve_power_downloads(run)


def _serve_power_downloads(run: Run) -> None:
    def found() -> dict[str, Any]:
        with reactive.isolate():
            return run.job.result() or {}

    @render.download_button(filename="spasmlab-power.json")
    def trial_power_json():
        yield exports.json_text(found())

    @render.download_button(filename="spasmlab-power.csv")
    def trial_power_csv():
        yield exports.table(found()["power"])

    @render.download_button(filename="spasmlab-power.svg")
    def trial_power_svg():
        yield trial_data.power_svg(found())

    @render.download_button(filename="spasmlab-power.png")
    def trial_power_png():
        yield trial_data.power_png(found())
