"""A titration, a maintenance and a taper that pass the check, in capsules and tablets that exist.

The label's *ladder* for a product and indication says where it starts and what it goes up to; its titration caps
each day; the renal table and the maxima cap the whole (`permitted.highest`). A plan is made of *phases*: one dose, a
number of times a day, for some days. What cannot be planned within the label is refused with the rule's words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spasmlab import parameter
from spasmlab.errors import InputError
from spasmlab.prescribing import check, permitted, tablets
from spasmlab.prescribing.case import Case
from spasmlab.prescribing.course import above
from spasmlab.prescribing.course import of as course_of
from spasmlab.prescribing.permitted import Setting
from spasmlab.regimen import DAY_H, Amount, Part, Regimen, number

if TYPE_CHECKING:
    from spasmlab.dialysis import Calendar
    from spasmlab.prescribing.finding import Finding
    from spasmlab.prescribing.label import Ladder, Rule, Strength

EVERY_OTHER_DAY_H = 2 * DAY_H


@dataclass(frozen=True)
class Step:
    """A dose [mg] every `interval_h`, from `day` (1 is the first day of treatment) on, for `days` days."""

    kind: str
    dose: float
    interval_h: float
    day: int
    days: int

    @property
    def daily(self) -> float:
        """mg/day."""
        return self.dose * DAY_H / self.interval_h

    @property
    def part(self) -> Part:
        """The step as a part of a regimen."""
        return Part((Amount(self.dose),), self.interval_h, (), self.days * DAY_H)


@dataclass(frozen=True)
class Plan:
    """Steps from the first day to the last, as a case that passes the check; `ladder` is the label's way up."""

    case: Case
    steps: tuple[Step, ...]
    ladder: Ladder
    target: float

    @property
    def days(self) -> int:
        """Days from the first dose to the end of the taper."""
        return sum(step.days for step in self.steps)

    @property
    def clock_minutes(self) -> int:
        """Clock time of the first dose of each day, in minutes after midnight."""
        return clock_minutes(self.ladder)


def make(asked: Case, target: float | None = None, days: float | None = None) -> Plan:
    """The plan for a case, whose regimen is ignored; `target` [mg/day], `days` on the full dose.

    Raises InputError where the label has no dose for the patient, `target` is above what it permits, or any rule
    blocks, in the words of that rule.
    """
    _refuse_faults([f for f in check.faults(asked) if f.level == "block" and f.about != "regimen"])
    setting = setting_of(asked)
    ladder = ladder_of(setting)
    full, doses = _full_dose(asked, setting, ladder, target)
    length = _maintenance_days(days)
    upward = list(_upward(asked, setting, ladder, full, doses))
    last = upward[-1]
    held = replace(last, kind="maintenance", days=length)
    downward = list(_downward(asked, held, ladder, held.day + length))
    steps = (*upward[:-1], held, *downward)
    made = Plan(_case(asked, steps, held.daily), steps, ladder, held.daily)
    _refuse_faults(check.faults(made.case))
    return made


def setting_of(case: Case) -> Setting:
    """Who is to take what; InputError where no indication is said."""
    if case.indication is None:
        raise InputError("a plan needs an indication; possible: --indication phn")
    return Setting(
        case.label, case.product, case.indication, case.patient.age, case.patient.weight, case.clearance,
        case.dialysis is not None,
    )  # fmt: skip


def ladder_of(setting: Setting) -> Ladder:
    """The label's way up for a setting; InputError with the indications that have one."""
    for ladder in setting.label.ladders:
        if _concerns(ladder, setting):
            return ladder
    there = sorted({(p, i) for one in setting.label.ladders for p in one.products for i in one.indications})
    possible = ", ".join(sorted(i for p, i in there if p == setting.product)) or "none of this product"
    raise InputError(
        f"{setting.label.title} has no dose of {setting.product} to plan for {setting.indication} at "
        f"{number(setting.age)} years and {number(setting.clearance)} mL/min"
        f"{' on dialysis' if setting.dialysis else ''}; indications with one: {possible}"
    )


def _concerns(ladder: Ladder, setting: Setting) -> bool:
    spans = ((ladder.age, setting.age), (ladder.clearance, setting.clearance))
    return (
        setting.product in ladder.products
        and setting.indication in ladder.indications
        and all(span is None or span[0] <= value < span[1] for span, value in spans)
        and ladder.dialysis in (None, setting.dialysis)
    )


def _full_dose(case: Case, setting: Setting, ladder: Ladder, target: float | None) -> tuple[float, int]:
    """The dose [mg] and the number of doses a day of the maintenance; 1 where doses are two days apart."""
    limit = permitted.highest(setting)
    if target is not None and not (math.isfinite(target) and target > 0):
        raise InputError(f"--target must be more than 0 mg a day, not {target:g}")
    if target is not None and above(target, limit):
        raise InputError(
            f"--target {number(target)} mg a day is above what the label permits: {limit:g} mg a day"
        )
    size = setting.weight if ladder.per_kg else 1.0
    wanted = min(target or ladder.target_mg * size, limit)
    doses = _doses(setting, ladder)
    if interval_of(setting, ladder, wanted) > DAY_H:
        return tablets.round_down(wanted * ladder.start_interval_h / DAY_H, strength_of(case)), 0
    for count in range(doses, 0, -1):
        if dose := tablets.round_down(wanted / count, strength_of(case), liquid=ladder.per_kg):
            return dose, count
    raise InputError(
        f"no dose that exists is as low as {wanted:.3g} mg a day, the most the label permits here"
    )


def _doses(setting: Setting, ladder: Ladder) -> int:
    return permitted.doses_a_day(setting) or ladder.start_doses + ladder.add_doses


def interval_of(setting: Setting, ladder: Ladder, daily: float) -> float:
    """Hours between the doses of a full dose of `daily` mg."""
    if ladder.start_interval_h and daily < ladder.start_mg:
        return ladder.start_interval_h
    return DAY_H / _doses(setting, ladder)


def way_up(case: Case, dose: float, interval_h: float) -> tuple[Step, ...]:
    """The titration to a full dose [mg] of a case, as a plan has it, without the full dose itself."""
    setting = setting_of(case)
    ladder = ladder_of(setting)
    doses = 0 if interval_h > DAY_H else round(DAY_H / interval_h)
    return tuple(_upward(case, setting, ladder, dose, doses))[:-1]


def clock_minutes(ladder: Ladder) -> int:
    """Clock time of the first dose of each day, in minutes after midnight."""
    if ladder.clock:
        hours, minutes = ladder.clock.split(":")
        return 60 * int(hours) + int(minutes)
    return round(60 * _record("first_hour"))


def _upward(case: Case, setting: Setting, ladder: Ladder, full: float, doses: int) -> Iterator[Step]:
    """The steps up to the full dose, each as early as its hold and the label's caps allow; the last is the full one."""
    day = 1
    stages = list(_stages(case, ladder, full, doses))
    for place, (dose, interval, hold) in enumerate(stages):
        daily = dose * DAY_H / interval
        day = _earliest(day, daily, setting)
        if place + 1 == len(stages):
            yield Step("maintenance", dose, interval, day, 1)
            return
        after, every, _ = stages[place + 1]
        until = _earliest(day + hold, after * DAY_H / every, setting)
        yield Step("titration", dose, interval, day, until - day)
        day = until


def _stages(case: Case, ladder: Ladder, full: float, doses: int) -> Iterator[tuple[float, float, int]]:
    """(dose, interval [h], days at least) from the start dose to the full one."""
    if not doses:
        yield full, ladder.start_interval_h, 1
        return
    interval, hold = DAY_H / doses, _hold(case, ladder)
    if not case.has("established"):
        first = min(_start_dose(case, ladder), full)
        if ladder.start_interval_h:
            yield first, ladder.start_interval_h, ladder.first_days
        else:
            for count in range(min(ladder.start_doses, doses), doses if ladder.add_doses else 0):
                yield first, DAY_H / count, _first_hold(case, ladder)
        yield from ((dose, interval, hold) for dose in _rising(case, ladder, first, full))
    yield full, interval, 1


def _rising(case: Case, ladder: Ladder, first: float, full: float) -> Iterator[float]:
    """Doses from the first to below the full one."""
    strength = strength_of(case)
    if ladder.per_kg:
        middle = tablets.round_down(0.5 * (first + full), strength, liquid=True)
        yield from sorted({first, middle} - {full})
        return
    dose = first
    while above(full, dose):
        yield dose
        dose += ladder.step_mg or full


def _start_dose(case: Case, ladder: Ladder) -> float:
    if not ladder.per_kg:
        return ladder.start_mg
    wanted = ladder.start_mg * case.patient.weight / ladder.start_doses
    return tablets.round_down(wanted, strength_of(case), liquid=True)


def _hold(case: Case, ladder: Ladder) -> int:
    if ladder.as_label:
        return 1 if not _slow(case) else 2
    return math.ceil((ladder.step_days or _record("step_days")) * _slow(case, _record("slow_factor")))


def _first_hold(case: Case, ladder: Ladder) -> int:
    return math.ceil(ladder.first_days * _slow(case, _record("slow_factor")))


def _slow(case: Case, factor: float = 0.0) -> float:
    return factor if case.has("frail", "transplant") else (1.0 if factor else 0.0)


def _earliest(day: int, daily: float, setting: Setting) -> int:
    """The first day from `day` on whose caps in the label's titrations allow `daily` mg."""
    for rule in setting.rules():
        if rule.check == "steps":
            day = max(day, _first_allowed(rule, daily))
    return day


def _first_allowed(rule: Rule, daily: float) -> int:
    limits = rule.use.get("limits", rule.numbers)
    allowed = (
        first for first, limit in zip(rule.use["days"], limits, strict=False) if not above(daily, limit)
    )
    return next(allowed, rule.use["days"][-1])


def _downward(case: Case, held: Step, ladder: Ladder, day: int) -> Iterator[Step]:
    """The taper after the full dose: over at least the label's days, at doses that exist; none where none is needed."""
    needed = [rule for rule in case.label.rules if rule.check == "taper" and _rule_concerns(rule, case)]
    if any(not above(held.daily, rule.use.get("free_up_to", 0.0)) for rule in needed):
        return
    least = max((rule.numbers[0] for rule in needed), default=_record("taper_days"))
    levels = _lower(case, held)
    for dose, interval in levels:
        days = math.ceil(least / len(levels))
        if interval > DAY_H:
            days = 2 * math.ceil(days / 2)
        yield Step("taper", dose, interval, day, days)
        day += days


def _lower(case: Case, held: Step) -> list[tuple[float, float]]:
    """(dose, interval) of each step of the taper, falling; at the least dose that exists, fewer doses."""
    strength = strength_of(case)
    if held.interval_h < DAY_H and not strength.capsules:
        return [(held.dose, DAY_H)]
    count = round(_record("taper_steps"))
    shares = [(count - i) / count for i in range(1, count)]
    doses = [tablets.round_down(held.dose * share, strength) for share in shares]
    lower = sorted({dose for dose in doses if 0 < dose < held.dose}, reverse=True)
    if lower:
        return [(dose, held.interval_h) for dose in lower]
    return [(held.dose, max(2 * held.interval_h, DAY_H) if held.interval_h < DAY_H else 2 * held.interval_h)]


def _rule_concerns(rule: Rule, case: Case) -> bool:
    where = (case.product, case.indication or "", case.patient.age, case.clearance)
    return rule.applies(*where, case.dialysis is not None)


def _case(asked: Case, steps: tuple[Step, ...], maintenance: float) -> Case:
    """The case of the plan's own regimen, with the dose after each dialysis that belongs to it."""
    regimen = Regimen(tuple(step.part for step in steps))
    dialysis = dialysis_with_dose(asked, maintenance)
    return replace(asked, regimen=regimen, course=course_of(regimen), dialysis=dialysis)


def dialysis_with_dose(asked: Case, maintenance: float) -> Calendar | None:
    """The calendar of dialysis with the dose after each session that the label adds, where none was said."""
    dialysis = asked.dialysis
    if dialysis is None or dialysis.supplement_mg:
        return dialysis
    return replace(dialysis, supplement_mg=_supplement(asked, maintenance))


def _supplement(case: Case, maintenance: float) -> float:
    from spasmlab.prescribing.checks.kidney import supplement_for

    for rule in case.rules():
        if rule.check == "supplement":
            return supplement_for(rule, maintenance)
        if rule.check == "session_range":
            return rule.numbers[-2]
    return 0.0


def _refuse_faults(faults: list[Finding]) -> None:
    if faults:
        raise InputError(f"no plan passes the check ({faults[0].rule}): {faults[0].text}")


def strength_of(case: Case) -> Strength:
    """What the product comes in; InputError where the label does not know it."""
    if case.product not in case.label.strengths:
        raise InputError(
            f"{case.label.title} knows no product '{case.product}'; possible: {', '.join(case.label.products)}"
        )
    return case.label.strengths[case.product]


def _maintenance_days(days: float | None) -> int:
    if days is None:
        return round(_record("maintenance_days"))
    if not (math.isfinite(days) and days >= 1 and float(days).is_integer() and days <= 366):
        raise InputError(f"--days is the whole number of days on the full dose, from 1 to 366, not {days:g}")
    return int(days)


def _record(name: str) -> float:
    return parameter.beside("prescribing.plan")[name].number
