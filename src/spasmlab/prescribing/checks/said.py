"""What was not said: a check never fills it in silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spasmlab.prescribing.checks.registry import Hit, check

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.label import Rule


@check("said", "unsaid")
def key_unsaid(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether something of the patient (`use.key`) was not said, so that the default was taken.

    With `use.for_estimate` it matters only where the clearance is estimated from creatinine.
    """
    key = rule.use["key"]
    matters = not rule.use.get("for_estimate") or case.patient.creatinine is not None
    if key not in case.given and matters:
        value = getattr(case.patient, key, None)
        numbers = {"assumed": (float(value), rule.use["unit"])} if isinstance(value, int | float) else {}
        yield Hit("unsaid", numbers, "" if numbers else {"f": "a woman", "m": "a man"}[str(value)])


@check("said", "unsaid")
def history_unsaid(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether nothing was said of the patient's history."""
    if not case.told:
        yield Hit("unsaid")


@check("said", "noted")
def record_notes(rule: Rule, case: Case) -> Iterator[Hit]:
    """What a FHIR record lacks, or holds and is not read."""
    for note in case.notes:
        yield Hit("noted", words=note)


@check("said", "unsaid")
def indication_unsaid(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether nothing was said of what the drug is for."""
    if case.indication is None:
        yield Hit("unsaid")
