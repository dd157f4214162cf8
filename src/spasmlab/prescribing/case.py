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
    from spasmlab.patient import Patient
    from spasmlab.request import Request

SAID_BY_RUN = frozenset({"age", "weight", "sex", "crcl"})


@dataclass(frozen=True)
class Case:
    """What a label judges. None in `history` and `meal` means that nothing was said of it.

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
    patient = patients.parse(patient_text) if patient_text is not None else patients.default()
    if indication_name is None:
        raise InputError(f"--indication is missing; possible: {', '.join(indication.known())}")
    if regimen_text is None:
        raise InputError("--regimen is missing; possible: as people write it, such as '600 mg tid'")
    return of_parts(
        drug,
        lasting(requests.written(regimen_text), days),
        indication_name=indication_name,
        patient=patient,
        given=keys_of(patient_text),
        formulation=formulation,
        words=history.parse(history_text),
        taken=company.parse(taken),
        dialysis=dialyses.parse(dialysis) if dialysis is not None else None,
        meal=None if fed is None else requests.meal_of(fed),
        jurisdiction=jurisdiction,
    )


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
