"""Whether the drug suits the disease and the patient: indication, age, history, pregnancy, elderly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spasmlab.prescribing import company, indication
from spasmlab.prescribing.checks.registry import Hit, check

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.label import Rule


@check("patient", "young", "on label")
def age_from(rule: Rule, case: Case) -> Iterator[Hit]:
    """The age against the lowest for which the label allows it: number `use.number` of the row."""
    limit = rule.numbers[rule.use.get("number", 0)]
    numbers = {"age": (case.patient.age, "year"), "limit": (limit, "year")}
    yield Hit("young" if case.patient.age < limit else "on label", numbers)


@check("patient", "said")
def always(rule: Rule, case: Case) -> Iterator[Hit]:
    """Said wherever the rule applies."""
    yield Hit("said", {"age": (case.patient.age, "year"), "clearance": (case.clearance, "mL/min")})


@check("patient", "known", "unsaid", "said")
def history(rule: Rule, case: Case) -> Iterator[Hit]:
    """What is known of the patient: one of the words of `use.words`; else that nothing was said, or what all are told."""
    words = rule.use["words"]
    if case.has(*words):
        yield Hit("known", words=" and ".join(word for word in words if case.has(word)))
    elif not case.told and _concerned(rule, case):
        yield Hit("unsaid")
    else:
        yield Hit("said")


def _concerned(rule: Rule, case: Case) -> bool:
    """Whether what was not said could be so: `use.sex`, `use.ages`."""
    low, high = rule.use.get("ages", (0, float("inf")))
    return low <= case.patient.age <= high and rule.use.get("sex", case.patient.sex) == case.patient.sex


@check("patient", "risk")
def breathing(rule: Rule, case: Case) -> Iterator[Hit]:
    """Reasons for weak breathing together: lungs, kidneys, age, depressants, disease of the nervous system."""
    reasons = [
        *(["lung disease"] if case.has("lung-disease") else []),
        *(["kidneys that clear little"] if _weak_kidneys(rule, case) else []),
        *(["age"] if case.patient.age >= rule.use["age_from"] else []),
        *(one.name for one in company.of_class(case.taken, *rule.use["classes"])),
        *(["a disease of the nervous system"] if _neurological(case.indication) else []),
    ]
    if reasons:
        yield Hit("risk", words=", ".join(reasons))


def _weak_kidneys(rule: Rule, case: Case) -> bool:
    """Below `use.clearance_below`, from the age at which the renal table holds; a small child clears less and is well."""
    return case.clearance < rule.use["clearance_below"] and case.patient.age >= rule.use["adult_from"]


def _neurological(name: str | None) -> bool:
    return bool(name and indication.known()[name].get("neurological"))
