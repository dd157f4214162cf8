"""The highest dose of a day that a label permits: the least of all its rules that bound it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spasmlab.prescribing.checks.kidney import band
from spasmlab.regimen import DAY_H

if TYPE_CHECKING:
    from spasmlab.prescribing.label import Label, Rule


@dataclass(frozen=True)
class Setting:
    """Who is to take what: product, indication, age [year], weight [kg], creatinine clearance [mL/min], dialysis."""

    label: Label
    product: str
    indication: str
    age: float
    weight: float
    clearance: float
    dialysis: bool = False

    def rules(self) -> list[Rule]:
        """The rules that concern this setting."""
        return [
            rule
            for rule in self.label.rules
            if rule.applies(self.product, self.indication, self.age, self.clearance, self.dialysis)
        ]


def highest(setting: Setting) -> float:
    """The highest lawful dose of a day [mg/day]: 0 where none is, infinite where nothing bounds it."""
    return min((_bound(rule, setting) for rule in setting.rules()), default=math.inf)


def doses_a_day(setting: Setting) -> int | None:
    """The number of doses a day the label names for the setting; None where it names none."""
    named = [rule for rule in setting.rules() if rule.check == "doses_a_day"]
    return min((int(rule.use.get("doses") or rule.numbers[0]) for rule in named), default=None)


def _bound(rule: Rule, setting: Setting) -> float:
    bound = _BOUNDS.get(rule.check)
    return math.inf if bound is None else bound(rule, setting)


def _maximum(rule: Rule, setting: Setting) -> float:
    size = setting.weight if rule.use.get("per_kg") else 1.0
    return float(rule.use.get("limits", rule.numbers)[-1]) * size


def _of_age(rule: Rule, setting: Setting) -> float:
    young = rule.outcomes.get("young")
    low = setting.age < rule.numbers[rule.use.get("number", 0)]
    return 0.0 if low and young is not None and young.level == "block" else math.inf


def _not_allowed(rule: Rule, setting: Setting) -> float:
    low = setting.clearance < rule.use.get("clearance_below", 0.0)
    return 0.0 if low or (setting.dialysis and rule.use.get("on_dialysis", True)) else math.inf


_BOUNDS: dict[str, Callable[[Rule, Setting], float]] = {
    "daily_maximum": _maximum,
    "renal_range": lambda rule, setting: band(rule, setting.clearance)[1],
    "dose_every": lambda rule, setting: rule.numbers[0] * DAY_H / float(rule.use["hours"]),
    "after_sessions": lambda rule, setting: rule.numbers[-1],
    "not_allowed": _not_allowed,
    "age_from": _of_age,
    "labelled_product": lambda rule, s: math.inf if s.product in s.label.products else 0.0,
}
