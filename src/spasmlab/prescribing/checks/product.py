"""The product: what it comes in, with or without food, at which hour, and what it must not be mixed with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spasmlab import food
from spasmlab.prescribing import company, tablets
from spasmlab.prescribing.checks.registry import Hit, check

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.label import Rule

MOST_LISTED = 4  # doses named in one sentence


@check("regimen", "solution", "impossible", "half")
def strengths(rule: Rule, case: Case) -> Iterator[Hit]:
    """Every dose against the capsules, tablets and solution that exist."""
    strength = case.label.strengths[case.product]
    found: dict[str, list[float]] = {}
    for mg in sorted(set(case.course.amounts)):
        made = tablets.compose(mg, strength)
        if made is None:
            found.setdefault("impossible", []).append(mg)
        elif made.millilitres:
            found.setdefault("solution", []).append(mg)
        if tablets.halves(mg, strength):
            found.setdefault("half", []).append(mg)
    for outcome, doses in found.items():
        listed = ", ".join(f"{mg:.4g} mg" for mg in doses[:MOST_LISTED])
        more = f" and {len(doses) - MOST_LISTED} more" if len(doses) > MOST_LISTED else ""
        values = {f"dose_{i}": (mg, "mg") for i, mg in enumerate(doses[:MOST_LISTED], 1)}
        yield Hit(outcome, {**values, "per_ml": (strength.solution, "mg/mL")}, listed + more)


@check("regimen", "fasted", "unsaid", "any")
def meal(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether doses are taken with food, where the label wants it."""
    if rule.use.get("any"):
        yield Hit("any")
    elif case.meal is None:
        yield Hit("unsaid")
    elif not food.scale(case.meal):
        yield Hit("fasted")


@check("regimen", "other")
def clock_time(rule: Rule, case: Case) -> Iterator[Hit]:
    """Clock times of the regimen, where it names any, against the label's hour, more than two hours apart."""
    clocks = {clock for part in case.regimen.parts for clock in part.clocks}
    wanted = rule.numbers[0]
    far = [clock / 60 for clock in clocks if abs(clock / 60 - wanted) > 2]
    if far:
        yield Hit("other", {"given": (max(far), "h"), "limit": (wanted, "h")})


@check("company", "taken", "said")
def interchange(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether another product of the same drug is taken along, for which this one does not stand in."""
    found = [one.name for one in company.of_class(case.taken, "gabapentinoid") if "gabapentin" in one.name]
    if found:
        yield Hit("taken", words=" and ".join(found))
    elif case.product in rule.use["products"]:
        yield Hit("said")


@check("product", "unlabelled")
def labelled_product(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether the label of this jurisdiction knows the product at all."""
    if case.product not in case.label.products:
        yield Hit("unlabelled")
