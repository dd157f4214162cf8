"""Patient data in FHIR R4 JSON: a Patient, Observation, Condition or MedicationRequest, or a Bundle of them.

Validated by `fhir.resources` (its model of R4B, which for these four resources is that of R4): a field that the
standard does not know is an error, not a guess. What is read, and by which codes and units, stands in
`data/fhir.toml`; what is there and not read is said in `notes`, never dropped silently.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spasmlab.errors import InputError, SpasmlabError
from spasmlab.io.fhir_drugs import read_requests
from spasmlab.io.fhir_patient import date_of, read_conditions, read_observations, read_patient
from spasmlab.io.fhir_record import Record

MOST_BYTES = 5_000_000
READ = ("Patient", "Observation", "Condition", "MedicationRequest")


def read(file: Path, drug: str = "gabapentin") -> Record:
    """A record from a file; InputError in one line for whatever is wrong with it.

    Ages count to the date the drug was written for, else to today. Of several observations of a kind the latest
    holds. Raises SpasmlabError where the validating library is not installed.
    """
    resources = [_validated(resource) for resource in _resources(_json(file))]
    found = Record()
    _refuse_several_patients(resources)
    _note_unread(resources, found)
    known = [r for r in resources if r["resourceType"] in READ]
    requests = [r for r in known if r["resourceType"] == "MedicationRequest"]
    read_patient(known, found, date_of(requests, found))
    read_observations([r for r in known if r["resourceType"] == "Observation"], found)
    read_conditions([r for r in known if r["resourceType"] == "Condition"], found)
    read_requests(requests, found, drug)
    return found


def _json(file: Path) -> Any:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(
                f"'{file}' has {file.stat().st_size / 1e6:.1f} MB; possible: up to {MOST_BYTES / 1e6:g} MB of one patient"
            )
        return json.loads(
            file.read_text(encoding="utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except OSError as problem:
        raise InputError(f"cannot read '{file}': {problem.strerror or problem}") from problem
    except UnicodeDecodeError as problem:
        raise InputError(f"'{file}' is not a text file: {problem}") from problem
    except json.JSONDecodeError as problem:
        raise InputError(f"'{file}' is not valid JSON: {problem}") from problem
    except RecursionError as problem:
        raise InputError(f"'{file}' is nested too deeply to be a FHIR resource") from problem


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the JSON has the field '{twice}' twice in one object; possible: once")
    return found


def _no_constant(word: str) -> float:
    raise InputError(f"the JSON holds '{word}', which is no number")


def _resources(found: Any) -> Iterator[dict[str, Any]]:
    """The resource itself, or those of a Bundle."""
    kind = _kind(found)
    if kind != "Bundle":
        if kind not in READ:
            raise InputError(f"a FHIR {kind} says nothing of use here; possible: {', '.join(READ)}, Bundle")
        yield found
        return
    entries = found.get("entry")
    if not isinstance(entries, list) or not entries:
        raise InputError("the FHIR Bundle has no entry; possible: at least one resource")
    if stray := sorted(set(found) - _BUNDLE_FIELDS):
        raise InputError(
            f"Bundle.{stray[0]}: no field of a FHIR Bundle; possible: {', '.join(sorted(_BUNDLE_FIELDS))}"
        )
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
            raise InputError(f"Bundle.entry[{place}] has no resource")
        _kind(entry["resource"])
        yield entry["resource"]


_BUNDLE_FIELDS = {
    "resourceType", "id", "meta", "implicitRules", "language", "identifier", "type", "timestamp", "total", "link",
    "entry", "signature",
}  # fmt: skip


def _kind(found: Any) -> str:
    kind = found.get("resourceType") if isinstance(found, dict) else None
    if not isinstance(kind, str) or not kind:
        raise InputError(
            "the JSON has no resourceType, so it is no FHIR resource; possible: Patient, …, Bundle"
        )
    return kind


def _validated(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource, where the standard knows every field of it; those that are not read are left as they are."""
    kind = resource["resourceType"]
    if kind not in READ:
        return resource
    try:
        from fhir.resources.R4B import get_fhir_model_class
    except ImportError as problem:
        raise SpasmlabError("--fhir needs the library fhir.resources; install spasmlab[fhir]") from problem
    from pydantic import ValidationError

    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"FHIR {kind}.{where}: {first['msg']} (given: {str(first['input'])[:60]})"
        ) from problem
    except RecursionError as problem:
        raise InputError(f"FHIR {kind} is nested too deeply") from problem
    return resource


def _refuse_several_patients(resources: Sequence[Mapping[str, Any]]) -> None:
    count = sum(r["resourceType"] == "Patient" for r in resources)
    if count > 1:
        raise InputError(f"the FHIR Bundle has {count} Patients; possible: one")
    subjects = {r["subject"]["reference"] for r in resources if "reference" in (r.get("subject") or {})}
    if len(subjects) > 1:
        raise InputError(
            f"the FHIR Bundle speaks of several patients: {', '.join(sorted(subjects)[:3])}; possible: one"
        )


def _note_unread(resources: Sequence[Mapping[str, Any]], found: Record) -> None:
    kinds = sorted({r["resourceType"] for r in resources} - set(READ))
    for kind in kinds:
        found.notes.append(f"the record holds {kind}, which is not read here")
