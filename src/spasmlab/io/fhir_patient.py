"""Patient, Observations and Conditions of a FHIR record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from spasmlab.errors import InputError
from spasmlab.io.fhir_record import ENDED, GONE, Record, codes_of, data, first_day
from spasmlab.regimen import number

GENDERS = {"female": "f", "male": "m"}
DAYS_A_YEAR = 365.25


def date_of(requests: Sequence[Mapping[str, Any]], found: Record) -> date:
    """The date that ages count to: when the drug was written for, else today."""
    written = [first for r in requests if (first := first_day(r.get("authoredOn")))]
    if written:
        return max(written)
    found.notes.append("no MedicationRequest has a date, so the age is that of today")
    return date.today()


def read_patient(resources: Sequence[Mapping[str, Any]], found: Record, today: date) -> None:
    """Take down age and sex, and notes on what is missing."""
    patient = next((r for r in resources if r["resourceType"] == "Patient"), None)
    if patient is None:
        found.notes.append("the record has no Patient: age and sex are not said")
        return
    if patient.get("deceasedBoolean") or patient.get("deceasedDateTime"):
        raise InputError("the FHIR Patient is deceased; possible: a living patient")
    gender = patient.get("gender")
    if gender in GENDERS:
        found.items["sex"] = GENDERS[gender]
    else:
        given = f"'{gender}'" if gender else "not said"
        found.notes.append(
            f"the patient's gender is {given}: sex is not said, and estimates take that of the default"
        )
    born = patient.get("birthDate")
    if born is None:
        found.notes.append("the patient has no birthDate: the age is not said")
        return
    first = first_day(born)
    if first is None:
        raise InputError(f"FHIR Patient.birthDate '{born}' is no date")
    if len(str(born)) < len("2000-01-01"):
        found.notes.append(f"the birthDate '{born}' is not to the day: the age is counted from its first day")
    age = (today - first).days / DAYS_A_YEAR
    if age < 0:
        raise InputError(f"the FHIR Patient is born on {born}, after {today.isoformat()}")
    whole = today.year - first.year - ((today.month, today.day) < (first.month, first.day))
    found.items["age"] = f"{number(whole if whole >= 1 else round(age, 3))} y"


def read_observations(observations: Sequence[Mapping[str, Any]], found: Record) -> None:
    """Take down the latest observation of each kind, converted; notes on those not read."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for one in observations:
        codes = codes_of(one.get("code"))
        kind = next((k for k, known in data()["observations"].items() if set(known["loinc"]) & codes), None)
        if kind is not None:
            if one.get("status") in GONE:
                found.notes.append(f"an observation of {kind} is {one['status']}, and not read")
            else:
                by_kind.setdefault(kind, []).append(one)
        elif set(data()["filtration"]["loinc"]) & codes:
            found.notes.append(
                "an eGFR is not a creatinine clearance, and not read: give creatinine or a clearance"
            )
        else:
            found.notes.append(
                f"an observation ({', '.join(sorted(codes)) or 'without a code'}) is not read here"
            )
    for kind, members in sorted(by_kind.items()):
        _read_kind(kind, members, found)
    if "crcl" in found.items and "creatinine" in found.items:
        found.notes.append("both a creatinine and a clearance are there: the clearance holds")
    elif "crcl" not in found.items and "creatinine" not in found.items:
        found.notes.append("no creatinine and no creatinine clearance is there")


def _read_kind(kind: str, members: Sequence[Mapping[str, Any]], found: Record) -> None:
    """The latest observation of a kind, in this program's unit."""
    latest = _latest(kind, members)
    value, unit = _quantity(kind, latest)
    if kind == "level":
        found.level = value
        found.notes.append(
            f"a measured level of {value:g} mg/L is there: `spasmlab advise` reads it by --level"
        )
    else:
        found.items[kind] = f"{value!r} {unit}"
    if len(members) > 1:
        found.notes.append(f"of {len(members)} observations of {kind} the latest was read")


def _latest(kind: str, members: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    if len(members) == 1:
        return members[0]
    times = [str(one.get("effectiveDateTime") or "") for one in members]
    if "" in times or len(set(times)) < len(times):
        raise InputError(
            f"the record has {len(members)} observations of {kind}, and their dates do not tell which holds"
        )
    return members[times.index(max(times))]


def _quantity(kind: str, one: Mapping[str, Any]) -> tuple[float, str]:
    quantity = one.get("valueQuantity") or {}
    if "value" not in quantity:
        raise InputError(f"the FHIR Observation of {kind} has no valueQuantity.value")
    if quantity.get("comparator"):
        raise InputError(f"the FHIR Observation of {kind} is '{quantity['comparator']}' a value, not a value")
    known = data()["observations"][kind]["units"]
    given = [str(quantity[name]) for name in ("code", "unit") if quantity.get(name)]
    unit = next((known[name] for name in given if name in known), None)
    if unit is None:
        said = f"unit '{given[0]}'" if given else "no unit"
        raise InputError(f"the FHIR Observation of {kind} has {said}; possible (UCUM): {', '.join(known)}")
    value = float(quantity["value"])
    if not math.isfinite(value):
        raise InputError(f"the FHIR Observation of {kind} has the value {value}, which is no number")
    return value * unit[1], unit[0]


def read_conditions(conditions: Sequence[Mapping[str, Any]], found: Record) -> None:
    """Take down indications, words of the history and dialysis; notes on the rest."""
    for one in conditions:
        codes = codes_of(one.get("code"))
        named = ", ".join(sorted(codes)) or str((one.get("code") or {}).get("text") or "without a code")
        states = codes_of(one.get("clinicalStatus")) | codes_of(one.get("verificationStatus"))
        if states & (GONE | ENDED):
            found.notes.append(f"the condition {named} is {', '.join(sorted(states))}, and not read")
        elif not _read_codes(codes, found):
            found.notes.append(f"the condition {named} is not read here")


def _read_codes(codes: set[str], found: Record) -> bool:
    """Whether a condition is an indication, a word of the history, or dialysis; each is taken down."""
    from spasmlab.prescribing import indication

    indications = {name for code in codes if (name := indication.of_code(code))}
    words = {word for word, starts in data()["history"].items() if _any_starts(codes, starts)}
    on_dialysis = _any_starts(codes, data()["dialysis"]["codes"])
    found.indications |= indications
    found.history |= words
    found.dialysis |= on_dialysis
    return bool(indications or words or on_dialysis)


def _any_starts(codes: set[str], starts: Sequence[str]) -> bool:
    """Whether a code is one of those, or, where it has a letter (ICD-10), begins with it."""
    return any(
        code == start or (start[0].isalpha() and code.startswith(start)) for code in codes for start in starts
    )
