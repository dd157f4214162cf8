"""`spasmlab assay`: one laboratory protocol on the cord of one condition."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    name: Annotated[str, typer.Argument(help="See `list assays`.")],
    condition: options.ConditionName,
    drug: Annotated[str | None, typer.Option("--drug", help="Without it the cord meets no drug.")] = None,
    regimen: Annotated[str | None, typer.Option("--regimen", help='For example "600 mg tid".')] = None,
    days: options.Days = None,
    plasma: Annotated[str | None, typer.Option("--plasma", help='A constant level: "6 mg/L".')] = None,
    bath: Annotated[
        str | None, typer.Option("--bath", help='A slice in a constant concentration: "100 uM".')
    ] = None,
    amino_acids: Annotated[
        str | None, typer.Option("--amino-acids", help="In that bath: physiological or none [physiological].")
    ] = None,
    exposure: Annotated[
        str | None, typer.Option("--exposure", help='Time in that bath [20 min]: "24 h".')
    ] = None,
    severity: options.Severity = 1.0,
    patient: options.PatientText = None,
    formulation: options.Formulation = "ir",
    fed: options.Fed = "fasted",
    dialysis: options.Dialysis = None,
    hypothesis: options.HypothesisName = None,
    fidelity: options.Fidelity = "circuit",
    relief: Annotated[
        str | None, typer.Option("--relief", help="Without a drug: stretching; see `list reliefs`.")
    ] = None,
    seed: options.Seed = 0,
    draws: options.Draws = None,
    out: Annotated[
        str | None,
        typer.Option("--out", help="Folder for report.html, result.json, figures and CSV of traces."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """One laboratory protocol on the cord of one condition, without and with a drug."""
    from spasmlab import assay_result, tables
    from spasmlab.output import OutputFolder
    from spasmlab.progress import Stages

    target = options.folder_of(out)

    question = assay_result.AssayQuestion(
        name=name,
        condition=condition,
        severity=severity,
        drug=drug,
        regimen=regimen,
        days=days,
        plasma=plasma,
        bath=bath,
        amino_acids=amino_acids,
        exposure=exposure,
        patient=patient,
        formulation=formulation,
        fed=fed,
        dialysis=dialysis,
        hypothesis=hypothesis,
        relief=relief,
        fidelity=options.checked_fidelity(fidelity),
        seed=seed,
        draws=draws,
    )
    setting = assay_result.read(question)
    with OutputFolder(target) if target else contextlib.nullcontext() as folder:
        found = assay_result.compute(setting, Stages(show=True), folder, question.command)
    options.show(found, as_json, tables.assay)
    if target and not as_json:
        tables.say(f"Report: {target / 'report.html'}")
