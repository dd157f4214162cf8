"""The circuit at work: an assay on the real cord in a process of its own, then played back with a moving limb.

What the surrogate answers in an instant is computed here: every motor unit's spikes, the EMG, torque and the joint.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from htmltools import Tag, tags
from shiny import reactive, render

from spasmlab import assays
from spasmlab.app import exports, widgets
from spasmlab.app.bindings import chart_output
from spasmlab.app.board import Board
from spasmlab.app.recording import ASSAYS, Place, read
from spasmlab.app.scene import Scene, options
from spasmlab.app.state import State
from spasmlab.app.work import Job, Latest, show_progress
from spasmlab.quantity import Quantity

TAB = "explore"
CORDS = {"1": "one cord (seconds)", "8": "8 cords, with intervals", "16": "16 cords, with intervals"}


def ui(state: State) -> Tag:
    """Choose an assay, run it, watch it."""
    return tags.section(
        tags.h2("The circuit at work"),
        tags.p(
            "A spiking cord for each arm, the same one with and without the drug. The panels above answer by a smooth "
            "map of it; here the circuit itself is run, in a process of its own.",
            class_="muted small",
        ),
        tags.div(
            widgets.field(state, TAB, "assay", "Assay", kind="select", choices=ASSAYS),
            widgets.field(state, TAB, "cords", "Cords", kind="select", choices=CORDS),
            tags.div(
                widgets.button("explore_run", "Run the circuit", primary=True),
                widgets.button("explore_cancel", "Cancel", hidden=True),
                widgets.progress("explore_progress", "Run of the circuit"),
                class_="row",
            ),
            class_="player-bar",
        ),
        tags.div(id="explore_player", class_="player", hidden=True),
        chart_output("explore_recruitment", "Recruitment curve of the H-reflex", height=190),
        tags.div(id="explore_read", class_="shiny-html-output"),
        class_="card stack player-card",
    )


def server(board: Board, answer: Callable[[], Any], question: Callable[[Any], Any]) -> None:
    """Run, show progress, play; `answer` is the quick answer that is shown, `question` what it would answer of fields."""
    job, latest = Job(board), Latest(board, read)
    held: dict[str, Any] = {"count": 0, "asked": None}

    @reactive.effect
    @reactive.event(board.input.explore_run)
    def _() -> None:
        asked = board.fields(TAB)
        for old in job.folder.glob("run*"):
            shutil.rmtree(old, ignore_errors=True)
        held["count"] += 1
        held["asked"] = asked
        job.start(
            exports.arguments("assay", assay_options(asked) | {"out": folder_name(held)}, [asked.assay])
        )

    @reactive.effect
    @reactive.event(board.input.explore_cancel)
    def _() -> None:
        job.cancel()

    show_progress(board, job, "explore_progress")

    @reactive.effect
    def _() -> None:
        board.tell("spasmlab-busy", run="explore_run", cancel="explore_cancel", busy=job.status().busy)

    @reactive.effect
    def _() -> None:
        if job.result() is not None:
            latest.ask(Place(Path(job.folder) / folder_name(held), held["asked"].assay))

    @reactive.effect
    def _() -> None:
        found = latest.answer()
        if found is not None:
            board.tell("spasmlab-recording", recording=found)

    @render.ui
    def explore_read():
        found = job.result()
        if found is None:
            return None
        with reactive.isolate():
            quick = answer()
        return numbers(
            found, held["asked"], quick.scene if quick and quick.asked == question(held["asked"]) else None
        )


def folder_name(held: dict[str, Any]) -> str:
    """The folder of the run, inside the job's own."""
    return f"run{held['count']}"


def assay_options(asked: Any) -> dict[str, Any]:
    """The options of `spasmlab assay` that ask the same as the fields."""
    return {**options(asked), "draws": asked.cords, "seed": 0}


def numbers(found: dict[str, Any], asked: Any, quick: Scene | None) -> Tag:
    """The read-outs of the run in both arms beside the quick map's, and the command that gives them again."""
    described = assays.load(asked.assay).READOUTS
    mapped = (
        {n.name: n.arm("drug") for n in quick.at_visit if n.level == f"assays.{asked.assay}"} if quick else {}
    )
    rows = []
    for name, drug in found["arms"]["drug"].items():
        if isinstance(drug, list):
            continue
        none, change = found["arms"]["no_drug"][name], found["effects"][name]["percent"]
        cells = [Quantity(**cell) if cell else None for cell in (none, drug, change)]
        meaning = described[name][1].split(";")[0]
        rows.append(
            tags.tr(
                tags.th(
                    name.replace("_", " ").capitalize(), tags.span(meaning, class_="meaning"), scope="row"
                ),
                *(
                    tags.td(widgets.quantity(c) if c else "", class_="number")
                    for c in (*cells, mapped.get(name))
                ),
            )
        )
    head = tags.tr(
        *(
            tags.th(t, scope="col", class_="number" if t else None)
            for t in ("", "no drug", "on drug", "change", "on drug by the quick map")
        )
    )
    table = tags.table(tags.caption("What this run read"), tags.thead(head), tags.tbody(*rows))
    line = exports.command("assay", assay_options(asked), [asked.assay])
    return tags.div(
        tags.div(
            table, class_="table-scroll", tabindex="0", role="region", aria_label="Read-outs of the run"
        ),
        tags.div(
            tags.code(line, id="explore_assay_command", tabindex="0"),
            tags.button("Copy", type="button", class_="button", data_copy="explore_assay_command"),
            class_="explore-command",
        ),
        class_="stack",
    )
