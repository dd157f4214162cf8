"""A case: one regimen of one product, for one indication, in one patient, judged by one label."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spasmlab import dialysis as dialyses
from spasmlab import patient as patients
from spasmlab import request as requests
from spasmlab.errors import InputError
from spasmlab.prescribing import company, course, history, indication, label
from spasmlab.prescribing.company import Taken
from spasmlab.prescribing.course import Course
from spasmlab.prescribing.label import Label
from spasmlab.regimen import DAY_H, Regimen

if TYPE_CHECKING:
    from spasmlab.dialysis import Calendar
    from spasmlab.io.fhir_record import Record
    from spasmlab.patient import Patient
    from spasmlab.request import Request

ANY_REGIMEN = "100 mg once"  # a case has one; a plan makes its own
SAID_BY_RUN = frozenset({"age", "weight", "sex", "crcl"})


@dataclass(frozen=True)
class Case:
    """What a label judges. None in `meal` means that nothing was said of it; `told` says whether the whole history was.

    `notes` are on what a FHIR record holds and lacks.
    `given` holds the keys of the patient that were said, not taken by default. `regimen` has its doses in mg.
    """

    label: Label
    product: str
    indication: str | None
    patient: Patient
    given: frozenset[str]
    regimen: Regimen
    course: Course
    history: frozenset[str] | None = None
    taken: tuple[Taken, ...] = ()
    dialysis: Calendar | None = None
    meal: str | None = None
    told: bool = True
    notes: tuple[str, ...] = ()

    @property
    def clearance(self) -> float:
        """Creatinine clearance [mL/min] the label is read at.

        That of a patient on dialysis, where none is known, is taken to be no better than `limit_on_dialysis`.
        """
        found = self.patient.creatinine_clearance
        return min(found, _record("limit_on_dialysis")) if self.kidneys_unsaid_on_dialysis else found

    @property
    def kidneys_unsaid_on_dialysis(self) -> bool:
        """Whether there is dialysis and nothing is known of the kidneys."""
        return self.dialysis is not None and self.patient.clearance_from in {"default", "usual for age"}

    def has(self, *words: str) -> bool:
        """Whether the history holds one of the words."""
        return bool(self.history and self.history & set(words))

    def rules(self) -> list[label.Rule]:
        """The rules of the label that concern this case."""
        where = (self.product, self.indication or "", self.patient.age, self.clearance)
        return [rule for rule in self.label.rules if rule.applies(*where, self.dialysis is not None)]


def build(drug: str, regimen_text: str, *, indication_name: str | None, **words: Any) -> Case:
    """A case from a written regimen and the other words of `from_words`."""
    return from_words(drug, regimen_text, indication_name=indication_name, **words)


def from_words(
    drug: str,
    regimen_text: str | None,
    *,
    indication_name: str | None,
    patient_text: str | None = None,
    formulation: str = "ir",
    history_text: str | None = None,
    taken: str | None = None,
    dialysis: str | None = None,
    fed: str | None = None,
    days: float | None = None,
    jurisdiction: str = label.DEFAULT,
    fhir: Path | None = None,
) -> Case:
    """A case from the words of the command line, or of a FHIR file where they say nothing.

    Raises InputError for the first that is wrong, for something said twice, and where no indication is said.
    """
    record = _record_of(fhir, drug)
    patient_text = _together(patient_text, record)
    if regimen_text is None:
        _require_same_product(record, formulation)
    patient = patients.parse(patient_text) if patient_text is not None else patients.default()
    said = history.parse(history_text)
    return of_parts(
        drug,
        lasting(requests.written(_regimen_of(regimen_text, record)), days),
        indication_name=_indication_of(indication_name, record),
        patient=patient,
        given=keys_of(patient_text),
        formulation=formulation,
        words=said if record is None else (said or frozenset()) | record.history,
        told=said is not None,
        taken=company.parse(
            ",".join([*([taken] if taken else []), *(record.taken if record else [])]) or None
        ),
        dialysis=dialyses.parse(dialysis) if dialysis is not None else None,
        meal=None if fed is None else requests.meal_of(fed),
        jurisdiction=jurisdiction,
        notes=_notes(record, dialysis),
    )


def _record_of(file: Path | None, drug: str) -> Record | None:
    if file is None:
        return None
    from spasmlab.io import fhir

    return fhir.read(file, drug)


def _require_same_product(record: Record | None, formulation: str) -> None:
    """InputError where the record prescribes another product than is judged: they are not interchangeable."""
    if record is not None and record.product is not None and record.product != formulation:
        raise InputError(
            f"the record prescribes the product '{record.product}', and '{formulation}' is judged; "
            f"possible: --formulation {record.product}"
        )


def _together(patient_text: str | None, record: Record | None) -> str | None:
    """What the flag and the record say of the patient; InputError where both say the same thing."""
    if record is None or record.patient_text is None:
        return patient_text
    if both := sorted(keys_of(patient_text) & set(record.items)):
        raise InputError(f"'{both[0]}' is given by --patient and by --fhir; possible: one of them")
    return ", ".join(filter(None, [patient_text, record.patient_text]))


def _regimen_of(text: str | None, record: Record | None) -> str:
    if text is None and (record is None or record.regimen is None):
        raise InputError(
            "no regimen is given; possible: --regimen '600 mg tid', or a MedicationRequest of the drug in --fhir"
        )
    if text is not None and record is not None and record.regimen is not None and text != ANY_REGIMEN:
        raise InputError(
            f"--regimen and the MedicationRequest of --fhir ('{record.regimen}') both give one; possible: one of them"
        )
    return text or (record.regimen if record else None) or ""


def _indication_of(name: str | None, record: Record | None) -> str:
    found = sorted(record.indications) if record else []
    if name is None and len(found) > 1:
        raise InputError(
            f"the record holds several indications ({', '.join(found)}); possible: say which by --indication"
        )
    if name is None and not found:
        raise InputError(f"--indication is missing; possible: {', '.join(indication.known())}")
    return name or found[0]


def _notes(record: Record | None, dialysis: str | None) -> tuple[str, ...]:
    if record is None:
        return ()
    if record.dialysis and dialysis is None:
        raise InputError(
            "the record says that the patient is on dialysis; say when, as in --dialysis '4 h every 48 h'"
        )
    return tuple(record.notes)


def lasting(regimen: Regimen, days: float | None) -> Regimen:
    """A repeating regimen as one that ends after so many days in all; InputError where there are no days left."""
    if days is None:
        return regimen
    if not (math.isfinite(days) and 0 < days <= requests.MOST_DAYS):
        raise InputError(
            f"the number of days must be more than 0 and at most {requests.MOST_DAYS:g}, not {days:g}"
        )
    before = sum(part.length_h for part in regimen.parts[:-1])
    if not regimen.repeats:
        return regimen
    left = days * DAY_H - before
    if left <= 0:
        raise InputError(
            f"--days {days:g} end before the last part of '{regimen.text}' begins; possible: more days"
        )
    return Regimen((*regimen.parts[:-1], replace(regimen.parts[-1], duration_h=left)))


def of_parts(
    drug: str,
    regimen: Regimen,
    *,
    indication_name: str | None,
    patient: Patient,
    given: frozenset[str],
    formulation: str = "ir",
    words: frozenset[str] | None = None,
    taken: tuple[Taken, ...] = (),
    dialysis: Calendar | None = None,
    meal: str | None = None,
    jurisdiction: str = label.DEFAULT,
    told: bool | None = None,
    notes: tuple[str, ...] = (),
) -> Case:
    """A case from its parts; InputError where the drug has no label, or a part has no answer."""
    from spasmlab import drug as drugs

    found = label.of(drug, jurisdiction)
    drugs.load(drug).formulation(formulation)
    _refuse_impossible(patient, words, regimen, given)
    written = regimen.for_weight(patient.weight)
    return Case(
        label=found,
        product=formulation,
        indication=None if indication_name is None else indication.named(indication_name),
        patient=patient,
        given=given,
        regimen=written,
        course=course.of(written),
        history=words,
        taken=taken,
        dialysis=dialysis,
        meal=meal,
        told=words is not None if told is None else told,
        notes=notes,
    )


def of_request(request: Request) -> Case | None:
    """The case of a run; None where the drug has no label here."""
    if request.drug.name not in label.drugs():
        return None
    default = request.patient.clearance_from == "default"
    return of_parts(
        request.drug.name,
        request.regimen,
        indication_name=indication.of_condition(request.condition.name),
        patient=request.patient,
        given=frozenset() if default else SAID_BY_RUN,
        formulation=request.formulation,
        taken=company.parse(",".join(request.taken) or None),
        dialysis=request.dialysis,
        meal=request.meal,
    )


def keys_of(patient_text: str | None) -> frozenset[str]:
    """The keys that a written patient says."""
    items = (patient_text or "").split(",")
    return frozenset(key.partition("=")[0].strip().lower() for key in items if "=" in key)


def described(case: Case) -> Mapping[str, object]:
    """The case as it stands in JSON."""
    return {
        "drug": case.label.drug,
        "label": case.label.title,
        "jurisdiction": case.label.jurisdiction,
        "formulation": case.product,
        "indication": case.indication,
        "regimen": case.regimen.text,
        "patient": requests.described_patient(case.patient),
        "history": None if case.history is None else sorted(case.history),
        "with": [one.name for one in case.taken],
        "dialysis": case.dialysis.text if case.dialysis else None,
        "meal": case.meal,
        "notes": list(case.notes),
    }


def _refuse_impossible(
    patient: Patient, words: frozenset[str] | None, regimen: Regimen, given: frozenset[str]
) -> None:
    said = words or frozenset()
    if patient.sex == "m" and said & {"pregnant", "breastfeeding"}:
        raise InputError("a man cannot be pregnant or breast-feeding; possible: sex=f, or another history")
    if regimen.needs_weight and "weight" not in given:
        raise InputError(
            f"'{regimen.text}' is per kg of body weight; give it, as in --patient 'weight=20 kg'"
        )


def _record(name: str) -> float:
    from spasmlab import parameter

    return parameter.beside("prescribing.case")[name].number
