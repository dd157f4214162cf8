"""Kidneys and dialysis: the renal table, its scaling, supplements, and how the clearance was come by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spasmlab.prescribing.checks.dose import DAILY
from spasmlab.prescribing.checks.registry import Hit, check
from spasmlab.prescribing.course import ALMOST, above

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.label import Rule

CLEARANCE = "mL/min"


def band(rule: Rule, clearance: float) -> tuple[float, float]:
    """Lowest and highest dose of a day [mg/day] that a row of a renal table allows at a clearance [mL/min].

    Where `use.scale_below` stands, both fall in proportion below that clearance. Rows of triples (clearance from,
    lowest, highest) hold a whole table.
    """
    if rule.use.get("triples"):
        low, high = _triple(rule, clearance)
    else:
        low, high = min(rule.numbers) if len(rule.numbers) > 1 else 0.0, max(rule.numbers)
    scale_below = rule.use.get("scale_below")
    share = min(1.0, clearance / scale_below) if scale_below else 1.0
    return low * share, high * share


def _triple(rule: Rule, clearance: float) -> tuple[float, float]:
    triples = list(zip(rule.numbers[0::3], rule.numbers[1::3], rule.numbers[2::3], strict=True))
    _, low, high = max(triple for triple in triples if triple[0] <= clearance)
    return low, high


@check("regimen", "above", "below", "single")
def renal_range(rule: Rule, case: Case) -> Iterator[Hit]:
    """The dose of a day against the row of the renal table for this clearance, scaled where the label scales it."""
    low, high = band(rule, case.clearance)
    place = {"clearance": (case.clearance, CLEARANCE)}
    doses = rule.use.get("doses")
    if above(case.course.peak, high):
        yield Hit("above", {"given": (case.course.peak, DAILY), "limit": (high, DAILY), **place})
    elif doses and above(case.course.largest, high / doses):
        yield Hit("single", {"given": (case.course.largest, "mg"), "limit": (high / doses, "mg"), **place})
    if above(low, case.course.maintenance) and not case.course.single:
        yield Hit("below", {"given": (case.course.maintenance, DAILY), "limit": (low, DAILY), **place})


@check("product", "met")
def not_allowed(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether the clearance is below `use.clearance_below`, or there is dialysis, where the product is not given."""
    low = case.clearance < rule.use.get("clearance_below", 0.0)
    if low or (case.dialysis is not None and rule.use.get("on_dialysis", True)):
        yield Hit("met", {"clearance": (case.clearance, CLEARANCE)})


@check("regimen", "missing", "other", "right")
def supplement(rule: Rule, case: Case) -> Iterator[Hit]:
    """The dose after each dialysis against the label's pairs (maintenance dose; supplement), the nearest pair."""
    if case.dialysis is None:
        return
    given, maintenance = case.dialysis.supplement_mg, case.course.maintenance
    wanted = supplement_for(rule, maintenance)
    numbers = {"maintenance": (maintenance, DAILY), "given": (given, "mg"), "limit": (wanted, "mg")}
    if not given:
        yield Hit("missing", numbers)
    elif abs(given - wanted) > ALMOST:
        yield Hit("other", numbers)
    else:
        yield Hit("right", numbers)


def supplement_for(rule: Rule, maintenance: float) -> float:
    """The supplement [mg] of the pair whose maintenance dose [mg/day] is nearest; of two as near, the lower."""
    pairs = list(zip(rule.numbers[0::2], rule.numbers[1::2], strict=True))
    return min(pairs, key=lambda pair: (abs(pair[0] - maintenance), pair[0]))[1]


@check("regimen", "missing", "above", "below", "within")
def session_range(rule: Rule, case: Case) -> Iterator[Hit]:
    """The dose after each dialysis against a range of the label, the last two numbers of the row."""
    if case.dialysis is None:
        return
    low, high = rule.numbers[-2:]
    given = case.dialysis.supplement_mg
    numbers = {"given": (given, "mg"), "low": (low, "mg"), "high": (high, "mg")}
    if not given:
        yield Hit("missing", numbers)
    else:
        yield Hit("above" if above(given, high) else "below" if above(low, given) else "within", numbers)


@check("regimen", "above", "often", "below")
def after_sessions(rule: Rule, case: Case) -> Iterator[Hit]:
    """Where every dose belongs after a dialysis: its size against the range, its interval against the calendar."""
    low, high = rule.numbers
    if above(case.course.largest, high):
        yield Hit("above", {"given": (case.course.largest, "mg"), "limit": (high, "mg")})
    elif above(low, case.course.largest):
        yield Hit("below", {"given": (case.course.largest, "mg"), "limit": (low, "mg")})
    every = case.dialysis.shortest_gap_h if case.dialysis and case.dialysis.cycle_h else None
    shortest = min(case.course.gaps, default=0.0)
    if every and shortest and above(every, shortest):
        yield Hit("often", {"given": (shortest, "h"), "limit": (every, "h")})


@check("said", "estimated", "child", "assumed", "dialysis")
def origin_of_clearance(rule: Rule, case: Case) -> Iterator[Hit]:
    """Where the creatinine clearance comes from: given, estimated, or nothing was said and one was assumed."""
    numbers = {"clearance": (case.clearance, CLEARANCE)}
    if case.kidneys_unsaid_on_dialysis:
        yield Hit("dialysis", numbers)
    elif case.patient.clearance_from in {"default", "usual for age"}:
        yield Hit("assumed", numbers)
    elif case.patient.clearance_from == "Schwartz":
        yield Hit("child", numbers)
    elif case.patient.clearance_from != "given" and case.patient.creatinine is not None:
        yield Hit("estimated", {**numbers, "creatinine": (case.patient.creatinine, "mg/dL")})


@check("patient", "impaired")
def child_kidney(rule: Rule, case: Case) -> Iterator[Hit]:
    """A child's clearance against half of what is usual for age and size: the label has no dose there."""
    from spasmlab.patient import usual_clearance

    usual = usual_clearance(case.patient.age, case.patient.weight, case.patient.sex)
    if case.dialysis is not None or case.clearance < 0.5 * usual:
        yield Hit("impaired", {"clearance": (case.clearance, CLEARANCE), "limit": (0.5 * usual, CLEARANCE)})


@check("said", "met")
def kidneys_contradict(rule: Rule, case: Case) -> Iterator[Hit]:
    """Dialysis beside a clearance that needs none."""
    if case.dialysis is not None and case.clearance >= rule.use["clearance_from"]:
        yield Hit("met", {"clearance": (case.clearance, CLEARANCE)})


@check("said", "met")
def kidneys_disagree(rule: Rule, case: Case) -> Iterator[Hit]:
    """A clearance given beside a creatinine whose Cockcroft–Gault estimate is more than twofold apart."""
    from spasmlab.patient import cockcroft_gault

    patient = case.patient
    if patient.clearance_from == "given" and patient.creatinine is not None:
        estimate = cockcroft_gault(patient.age, patient.weight, patient.sex, patient.creatinine)
        if max(estimate, case.clearance) > 2 * min(estimate, case.clearance):
            yield Hit("met", {"clearance": (case.clearance, CLEARANCE), "estimate": (estimate, CLEARANCE)})


@check("regimen", "met")
def old_table(rule: Rule, case: Case) -> Iterator[Hit]:
    """Whether the dose is that of the renal table that was replaced (`use.from`: where its bands begin)."""
    pairs = zip(rule.use["from"], rule.numbers, strict=True)
    limit = next(dose for start, dose in pairs if case.clearance >= start)
    if abs(case.course.maintenance - limit) <= ALMOST * limit and not case.course.single:
        yield Hit("met", {"given": (limit, DAILY), "clearance": (case.clearance, CLEARANCE)})
