"""`spasmlab check`: a regimen against the label."""

from __future__ import annotations

from spasmlab.cli import options


def command(
    drug: options.Drug,
    regimen: options.RegimenText = None,
    events: options.Events = None,
    indication: options.Indication = None,
    patient: options.PatientText = None,
    formulation: options.Formulation = "ir",
    history: options.History = None,
    taken: options.TakenAlong = None,
    dialysis: options.Dialysis = None,
    fed: options.SaidFed = None,
    days: options.Days = None,
    label: options.LabelName = "us",
    fhir: options.Fhir = None,
    as_json: options.AsJson = False,
) -> None:
    """A regimen as a careful pharmacist would read it: what breaks the label, and why."""
    from spasmlab.prescribing import check, view
    from spasmlab.prescribing.case import from_words

    case = from_words(
        drug,
        options.required_regimen(regimen, events) if fhir is None or regimen or events else None,
        fhir=fhir,
        days=days,
        indication_name=indication,
        patient_text=patient,
        formulation=formulation,
        history_text=history,
        taken=taken,
        dialysis=dialysis,
        fed=fed,
        jurisdiction=label,
    )
    options.show(check.result(case), as_json, view.check)
