"""Lawful regimens side by side: what each gains over no drug, what it risks, and what it adds to the next lower dose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spasmlab import endpoints
from spasmlab.endpoints import adverse
from spasmlab.prescribing import outlook
from spasmlab.quantity import Quantity

if TYPE_CHECKING:
    from spasmlab.prescribing.advise import Advice, Prospect

COMPARED = ("present", "ever")


def regimens(found: Advice) -> list[dict[str, Any]]:
    """Every lawful regimen in the order of its chance of a response without side effects, the lower dose first of two
    alike; or in the order of dose where there is no model of that."""
    entries = [_entry(found, place) for place in range(len(found.prospects))]
    if found.question.benefit is None:
        return entries
    chances = [well(found, one) for one in found.prospects]
    expected = [float(found.weight @ chance) for chance in chances]
    order = sorted(range(len(entries)), key=lambda place: (-expected[place], place))
    for rank, place in enumerate(order, 1):
        entries[place] |= {
            "rank": rank,
            "well": Quantity(expected[place], "1").as_dict(),
            "as_good_as_first": _alike(found.weight, chances[order[0]], chances[place]),
            "dominated_by": _dominated(found, place),
        }
    return [entries[place] for place in order]


def well(found: Advice, prospect: Prospect) -> np.ndarray:
    """The chance of a response on the day without any side effect by the drug then, (draws,); given a draw the side
    effects are independent of one another."""
    name = found.question.response
    assert name is not None
    spared = np.ones_like(found.weight)
    for effect, chance in prospect.outlook.present.items():
        if adverse.load(effect).kind != "weight":
            spared = spared * (1 - chance)
    return prospect.outlook.with_drug[name] * spared


def _alike(weight: np.ndarray, first: np.ndarray, other: np.ndarray) -> bool:
    """Whether two standard errors of their difference within draws hold what parts them."""
    apart = first - other
    mean = float(weight @ apart)
    return mean <= 2 * float(np.sqrt(np.sum(weight**2 * (apart - mean) ** 2)))


def gain(found: Advice, prospect: Prospect) -> np.ndarray:
    """How much better the outcome is than without drug, (draws,): positive is better."""
    name = found.question.benefit
    assert name is not None
    sign = 1.0 if endpoints.find(name).better == "higher" else -1.0
    return sign * (prospect.outlook.with_drug[name] - prospect.outlook.without[name])


def _entry(found: Advice, place: int) -> dict[str, Any]:
    prospect = found.prospects[place]
    candidate = prospect.candidate
    return {
        "regimen": candidate.text,
        "daily": Quantity(candidate.daily, "mg/day").as_dict(),
        "rank": None,
        "well": None,
        "as_good_as_first": None,
        "dominated_by": None,
        "warnings": [finding.as_dict() for finding in candidate.warnings],
        "outcomes": {name: _outcome(found, prospect, name) for name in prospect.outlook.with_drug},
        "risks": {name: _risk(found, prospect, name) for name in prospect.outlook.present},
        "over_next_lower": _added(found, place),
        **{name: number.as_dict() for name, number in prospect.numbers.items()},
    }


def _outcome(found: Advice, prospect: Prospect, name: str) -> dict[str, Any]:
    """With drug, without, and the difference; a share of patients has no interval for one patient."""
    unit, interval = endpoints.find(name).unit, endpoints.find(name).kind != "binary"
    with_drug, without = prospect.outlook.with_drug[name], prospect.outlook.without[name]
    values = {"drug": with_drug, "no_drug": without, "difference": with_drug - without}
    return {
        what: outlook.summary(value, found.weight, unit, interval).as_dict() for what, value in values.items()
    }


def _risk(found: Advice, prospect: Prospect, name: str) -> dict[str, Any]:
    """The chance that a side effect is there on the day, and that it ever was by the drug; kilograms for weight."""
    effect = adverse.load(name)
    unit = "kg" if effect.kind == "weight" else "1"
    sides: Mapping[str, Mapping[str, np.ndarray]] = {
        "present": prospect.outlook.present,
        "ever": prospect.outlook.ever,
    }
    chances = {what: outlook.summary(sides[what][name], found.weight, unit).as_dict() for what in COMPARED}
    return {"title": effect.title, **chances, "advice": effect.advice}


def _added(found: Advice, place: int) -> dict[str, Any] | None:
    """What the dose adds to the next lower one: benefit, the chance that it adds any, and each risk."""
    if place == 0 or found.question.benefit is None:
        return None
    this, lower = found.prospects[place], found.prospects[place - 1]
    more = gain(found, this) - gain(found, lower)
    unit = endpoints.find(found.question.benefit).unit
    risks = {
        name: outlook.summary(
            this.outlook.present[name] - lower.outlook.present[name], found.weight, "1"
        ).as_dict()
        for name in this.outlook.present
        if adverse.load(name).kind != "weight"
    }
    return {
        "regimen": lower.candidate.text,
        "benefit": outlook.summary(more, found.weight, unit).as_dict(),
        "chance_of_any": float(found.weight @ (more > 0)),
        "risks": risks,
    }


def _dominated(found: Advice, place: int) -> str | None:
    """A regimen that is expected to do at least as well with no greater risk of anything, and better in something."""
    this = _expected(found, found.prospects[place])
    for other in found.prospects:
        against = _expected(found, other)
        if other is not found.prospects[place] and np.all(against >= this) and np.any(against > this):
            return other.candidate.text
    return None


def _expected(found: Advice, prospect: Prospect) -> np.ndarray:
    """Expected benefit, and the expected risks with their sign turned: more is better in each."""
    risks = [
        -float(found.weight @ prospect.outlook.present[name]) for name in sorted(prospect.outlook.present)
    ]
    return np.array([float(found.weight @ gain(found, prospect)), *risks])
