"""`spasmlab fit`: parameters of a drug from measured levels."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    data: Annotated[
        Path, typer.Argument(help="Levels and doses: CSV with NONMEM's columns (docs/fitting.md).")
    ],
    drug: options.Drug,
    subject: Annotated[str | None, typer.Option("--subject", help="Only the subject with this ID.")] = None,
    method: Annotated[
        str, typer.Option("--method", help="map: each patient; laplace or nuts: a population.")
    ] = "map",
    parameters: Annotated[
        str | None, typer.Option("--parameters", help="What to estimate: clearance,volume [what varies].")
    ] = None,
    residual: Annotated[
        str | None,
        typer.Option("--residual", help='"additive=0.1 mg/L, proportional=15 %": held by map, else a start.'),
    ] = None,
    formulation: options.Formulation = "ir",
    fed: options.Fed = "fasted",
    seed: options.Seed = 0,
    draws: Annotated[
        int | None, typer.Option("--draws", help="With nuts: draws of each of two chains [500].", min=50)
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="Folder for result.json, levels.csv and figures.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Parameters from measured levels: one patient, or a population; what the data cannot tell is said."""
    from spasmlab import fit_question, fit_result, fit_view, result, tables
    from spasmlab.cli.options import folder_of
    from spasmlab.output import OutputFolder
    from spasmlab.progress import Stages

    stages, folder = Stages(show=True), folder_of(out)
    with OutputFolder(folder) if folder else contextlib.nullcontext() as draft:
        question = fit_question.read(
            data, drug, subject=subject, method=method, parameters=parameters, residual=residual,
            formulation=formulation, fed=fed, seed=seed, draws=draws,
        )  # fmt: skip
        fitted, found = fit_result.compute(question, stages)
        if draft:
            with stages("Figures"):
                for name, picture in fit_result.figures(fitted).items():
                    (draft / f"{name}.svg").write_text(picture, encoding="utf-8")
            (draft / "levels.csv").write_text(fit_result.levels_table(fitted), encoding="utf-8")
            found["seconds"] = result.seconds(stages)
            (draft / "result.json").write_text(result.dumps(found) + "\n", encoding="utf-8")
    options.show(found, as_json, fit_view.fit)
    if folder and not as_json:
        tables.say(f"Figures: {folder}")
