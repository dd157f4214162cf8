"""`spasmlab plan`: a titration, maintenance and taper that pass the check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spasmlab.cli import options


def command(
    drug: options.Drug,
    indication: options.Indication = None,
    condition: options.InPlaceOfIndication = None,
    patient: options.PatientText = None,
    formulation: options.Formulation = "ir",
    history: options.History = None,
    taken: options.TakenAlong = None,
    dialysis: options.Dialysis = None,
    fed: options.SaidFed = None,
    target: Annotated[
        float | None, typer.Option("--target", help="mg a day on the full dose [the label's].")
    ] = None,
    days: options.FullDoseDays = None,
    start: Annotated[str | None, typer.Option("--start", help="Date of the first dose: 2026-12-01.")] = None,
    label: options.LabelName = "us",
    fhir: options.Fhir = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for plan.csv, plan.ics, plan.json.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Day by day up to the full dose and down again, within the label, in tablets that exist."""
    from spasmlab.prescribing import plan as plans
    from spasmlab.prescribing import plan_result, planned, view

    first = plan_result.read_start(start)
    asked = planned.asked(
        drug,
        condition=condition,
        indication_name=indication,
        patient_text=patient,
        formulation=formulation,
        history_text=history,
        taken=taken,
        dialysis=dialysis,
        fed=fed,
        jurisdiction=label,
        fhir=fhir,
    )
    found = planned.carry_out(plans.make(asked, target, days), first, out)
    options.show(found, as_json, view.plan)
    if out and not as_json:
        view.written(out, found)
