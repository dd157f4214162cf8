"""`spasmlab advise`: what each lawful regimen would do in one patient."""

from __future__ import annotations

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
    level: Annotated[
        str | None, typer.Option("--level", help='Measured levels: "5.2 mg/L at 170 h, 3.1 mg/L at 175 h".')
    ] = None,
    regimen: Annotated[
        str | None, typer.Option("--regimen", help="The regimen on which --level or --score was observed.")
    ] = None,
    score: Annotated[
        str | None, typer.Option("--score", help='Observed scores: "pain=7 at day 0, pain=4 at day 28".')
    ] = None,
    days: options.FullDoseDays = None,
    hypothesis: options.HypothesisName = None,
    label: options.LabelName = "us",
    fhir: options.Fhir = None,
    seed: options.Seed = 0,
    draws: Annotated[
        int | None, typer.Option("--draws", help="Draws of the patient, 64 or more [1024].", min=64)
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """What each regimen within the label would do in one patient, and what a measured level changes."""
    from spasmlab.prescribing import advise, advise_result, view

    asked = advise_result.question(
        drug,
        condition=condition,
        indication_name=indication,
        regimen=regimen,
        level=level,
        score=score,
        draws=draws,
        seed=seed,
        days=days,
        hypothesis=hypothesis,
        patient_text=patient,
        formulation=formulation,
        history_text=history,
        taken=taken,
        dialysis=dialysis,
        fed=fed,
        jurisdiction=label,
        fhir=fhir,
    )
    options.show(advise_result.result(advise.advise(asked)), as_json, view.advice)
