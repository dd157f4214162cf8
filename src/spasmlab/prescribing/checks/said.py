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
    """Whether something of the patient (`use.key`) was not said, so that the default was taken."""
    key = rule.use["key"]
    if key not in case.given:
        value = getattr(case.patient, key, None)
        numbers = {"assumed": (float(value), rule.use["unit"])} if isinstance(value, int | float) else {}
        yield Hit("unsaid", numbers, "" if numbers else str(value))


@check("said", "unsaid")
def history_unsaid(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether nothing was said of the patient's history."""
    if case.history is None:
        yield Hit("unsaid")


@check("said", "unsaid")
def indication_unsaid(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether nothing was said of what the drug is for."""
    if case.indication is None:
        yield Hit("unsaid")
