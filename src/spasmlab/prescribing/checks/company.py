"""Drugs taken along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spasmlab.prescribing import company
from spasmlab.prescribing.checks.registry import Hit, check

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.label import Rule


@check("company", "taken")
def taken_along(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether a drug of `use.drugs` or of a class of `use.classes` is taken along."""
    named = [one.name for one in case.taken if one.name in rule.use.get("drugs", ())]
    found = sorted(
        {*named, *(one.name for one in company.of_class(case.taken, *rule.use.get("classes", ())))}
    )
    if found:
        values = {
            f"change_{i}": (number, "%") for i, number in enumerate(rule.numbers) if rule.use.get("numbers")
        }
        yield Hit("taken", values, " and ".join(found))


@check("company", "near", "unsaid", "apart")
def spacing(rule: Rule, case: Case) -> Iterator[Hit]:
    """Hours by which a drug of `use.classes` is taken before the dose, against the least."""
    for one in company.of_class(case.taken, *rule.use["classes"]):
        limit = rule.numbers[0]
        if one.hours is None:
            yield Hit("unsaid", {"limit": (limit, "h")}, one.name)
        else:
            numbers = {"given": (one.hours, "h"), "limit": (limit, "h")}
            yield Hit("near" if one.hours < limit else "apart", numbers, one.name)


@check("company", "many")
def cns_active(rule: Rule, case: Case) -> Iterator[Hit]:
    """The number of drugs that act on the brain, this one among them, against `use.from`."""
    count = 1 + len(company.of_class(case.taken, *rule.use["classes"]))
    if count >= rule.use["from"]:
        yield Hit("many", {"given": (count, "1"), "limit": (rule.use["from"], "1")})


@check("said", "unknown")
def unknown_drug(rule: Rule, case: Case) -> Iterator[Hit]:
    """Drugs taken along that no rule knows."""
    found = [one.name for one in case.taken if not one.known]
    if found:
        yield Hit("unknown", words=" and ".join(found))
