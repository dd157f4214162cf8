"""The MedicationRequests of a FHIR record: the drug's own as a regimen, the others as drugs taken along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spasmlab.errors import InputError
from spasmlab.io.fhir_record import GONE, Record, codes_of, data
from spasmlab.regimen import number

SPANS = {"s": None, "min": None, "h": 1.0, "d": 24.0, "wk": 168.0}


def read_requests(requests: Sequence[Mapping[str, Any]], found: Record, drug: str) -> None:
    """Take down the active prescription of `drug` as a regimen, and the names of the others."""
    regimens = []
    for one in requests:
        name = _drug_of(one)
        if one.get("status") in GONE:
            found.notes.append(f"the prescription of {name} is {one['status']}, and not read")
        elif name == drug:
            regimens.append(_regimen(one, found))
            found.product = _product(one)
        else:
            found.taken.append(name)
    if len(regimens) > 1:
        raise InputError(f"the record has {len(regimens)} active prescriptions of {drug}; possible: one")
    found.regimen = regimens[0] if regimens else None


def _drug_of(one: Mapping[str, Any]) -> str:
    concept = one.get("medicationCodeableConcept")
    if not concept:
        raise InputError(
            "a FHIR MedicationRequest has no medicationCodeableConcept, so its drug is not known"
        )
    codes = codes_of(concept)
    by_code = next((name for name, known in data()["drugs"].items() if set(known) & codes), None)
    words = next((name.lower().split() for name in _names(concept)), [])
    if by_code is None and not words:
        raise InputError(
            f"a FHIR MedicationRequest names its drug by a code alone ({', '.join(codes)}) that is not known"
        )
    name = by_code or words[0].strip(",;")
    return data()["brands"].get(name, name)


def _product(one: Mapping[str, Any]) -> str:
    """The product by the words of its name; immediate release where none tells otherwise."""
    words = " ".join(_names(one["medicationCodeableConcept"])).lower()
    told = (name for name, known in data()["products"].items() if any(word in words for word in known))
    return next(told, "ir")


def _names(concept: Mapping[str, Any]) -> list[str]:
    """What a concept calls its drug, its own text first."""
    texts = [concept.get("text"), *(coding.get("display") for coding in concept.get("coding") or [])]
    return [str(text) for text in texts if text and str(text).strip()]


def _regimen(one: Mapping[str, Any], found: Record) -> str:
    """The dosage instructions, in their order, as a regimen is written."""
    steps = one.get("dosageInstruction") or []
    if not steps:
        raise InputError("the FHIR MedicationRequest has no dosageInstruction; possible: a dose and a timing")
    ordered = sorted(steps, key=lambda step: step.get("sequence", 0))
    if any(step.get("asNeededBoolean") for step in ordered):
        found.notes.append("the drug is prescribed as needed: it was judged as if always taken")
    return ", then ".join(_step(step, last=step is ordered[-1]) for step in ordered)


def _step(step: Mapping[str, Any], last: bool) -> str:
    repeat = (step.get("timing") or {}).get("repeat") or {}
    text = f"{_dose(step)} {_schedule(step, repeat)}"
    bounds = repeat.get("boundsDuration")
    if bounds:
        days = float(bounds["value"]) * _hours(str(bounds.get("code") or bounds.get("unit"))) / 24
        return f"{text} for {number(days)} days"
    if not last:
        raise InputError(
            "a FHIR dosageInstruction is followed by another and has no boundsDuration, so its end is not known"
        )
    return text


def _dose(step: Mapping[str, Any]) -> str:
    doses = [rate["doseQuantity"] for rate in step.get("doseAndRate") or [] if rate.get("doseQuantity")]
    if len(doses) != 1 or "value" not in doses[0]:
        raise InputError("a FHIR dosageInstruction needs one doseAndRate.doseQuantity with a value")
    unit = str(doses[0].get("code") or doses[0].get("unit") or "")
    if unit not in {"mg", "g", "ug"}:
        raise InputError(f"a FHIR dose is in '{unit or 'no unit'}'; possible (UCUM): mg, g, ug")
    return f"{number(float(doses[0]['value']))} {unit}"


def _schedule(step: Mapping[str, Any], repeat: Mapping[str, Any]) -> str:
    if (
        repeat.get("timeOfDay")
        or repeat.get("dayOfWeek")
        or repeat.get("frequencyMax")
        or repeat.get("periodMax")
    ):
        raise InputError(
            "a FHIR timing with timeOfDay, dayOfWeek or a range is not read; possible: frequency and period"
        )
    if repeat.get("frequency") and repeat.get("period") and repeat.get("periodUnit"):
        hours = float(repeat["period"]) * _hours(str(repeat["periodUnit"])) / float(repeat["frequency"])
        return f"every {number(hours)} h"
    codes = codes_of((step.get("timing") or {}).get("code"))
    for code in codes:
        if code in data()["timing"]:
            return str(data()["timing"][code])
    raise InputError(
        "a FHIR timing says no schedule; possible: frequency, period and periodUnit, or a code: "
        + ", ".join(data()["timing"])
    )


def _hours(unit: str) -> float:
    hours = SPANS.get(
        {"day": "d", "days": "d", "week": "wk", "weeks": "wk", "hour": "h", "hours": "h"}.get(unit, unit)
    )
    if hours is None:
        raise InputError(f"a FHIR time is in '{unit}'; possible: h, d, wk")
    return hours
