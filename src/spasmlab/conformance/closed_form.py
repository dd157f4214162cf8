"""Plasma levels of linear one- and two-compartment bodies in closed form, by superposition.

Shares no code with the solvers or with the reading of event tables. A unit dose into plasma or gut gives
C(t) = Σ aᵢ·exp(−λᵢ·t); an infusion is its integral, a steady state its geometric series.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EARLIER = 2000  # earlier infusions summed one by one, where they overlap


@dataclass(frozen=True)
class Body:
    """A linear body: `ka` None where there is no gut; `k_back` 0 where there is one compartment."""

    clearance: float
    volume: float
    ka: float | None = None
    k_back: float = 0.0
    peripheral_volume: float = 0.0

    def plasma(self) -> list[tuple[float, float]]:
        """(a, λ) of a unit dose into plasma."""
        out, back = self.clearance / self.volume, self.k_back
        if not self.peripheral_volume:
            return [(1 / self.volume, out)]
        total = out + back * self.peripheral_volume / self.volume + back
        root = math.sqrt(total**2 - 4 * out * back)
        fast, slow = (total + root) / 2, (total - root) / 2
        return [
            ((fast - back) / (fast - slow) / self.volume, fast),
            ((back - slow) / (fast - slow) / self.volume, slow),
        ]

    def of(self, into: str) -> list[tuple[float, float]]:
        """(a, λ) of a unit dose into plasma or gut: the gut adds a term of its own rate."""
        plasma = self.plasma()
        if into == "plasma":
            return plasma
        if self.ka is None:
            raise ValueError("this body has no gut")
        moved = [(a * self.ka / (self.ka - rate), rate) for a, rate in plasma]
        return [*moved, (-sum(a for a, _ in moved), self.ka)]


def level(body: Body, terms: Sequence[Mapping[str, Any]], time: float, row: int) -> float:
    """The plasma level at a time, after the record at `row` (from 0)."""
    return sum(KINDS[term["kind"]](body, term, time) for term in terms if _counts(term, time, row))


def _counts(term: Mapping[str, Any], time: float, row: int) -> bool:
    begun = time >= term.get("from", term["at"]) and (row >= term.get("row", 0))
    return begun and time < term.get("until", math.inf)


def _bolus(body: Body, term: Mapping[str, Any], time: float) -> float:
    since = time - term["at"]
    return term["amount"] * sum(a * math.exp(-rate * since) for a, rate in body.of(term["into"]))


def _infused(body: Body, into: str, flow: float, hours: float, since: float) -> float:
    """The level `since` hours after an infusion began."""
    if since <= 0:
        return 0.0
    ran, after = min(since, hours), max(since - hours, 0.0)
    return flow * sum(
        a / rate * -math.expm1(-rate * ran) * math.exp(-rate * after) for a, rate in body.of(into)
    )


def _infusion(body: Body, term: Mapping[str, Any], time: float) -> float:
    return _infused(body, term["into"], term["rate"], term["hours"], time - term["at"])


def _steady(body: Body, term: Mapping[str, Any], time: float) -> float:
    """What doses at at − τ, at − 2τ, … for ever have left."""
    since, every = time - term["at"], term["every"]
    if "amount" in term:
        series = (
            (a, rate, math.exp(-rate * (since + every)) / -math.expm1(-rate * every))
            for a, rate in body.of(term["into"])
        )
        return term["amount"] * sum(a * left for a, _, left in series)
    began = (since + n * every for n in range(1, EARLIER))
    return sum(_infused(body, term["into"], term["rate"], term["hours"], ago) for ago in began)


def _endless(body: Body, term: Mapping[str, Any], time: float) -> float:
    since = time - term["at"]
    return term["rate"] * sum(a / rate * math.exp(-rate * since) for a, rate in body.of(term["into"]))


def _steps(body: Body, term: Mapping[str, Any], time: float) -> float:
    """A bolus in one compartment whose clearance and volume change from step to step."""
    gut, plasma = (term["amount"], 0.0) if term["into"] == "gut" else (0.0, term["amount"])
    start, volume = term["at"], body.volume
    for until, clearance, volume in term["steps"]:
        hours, out = min(until, time) - start, clearance / volume
        kept = plasma * math.exp(-out * hours)
        if gut and body.ka is not None:
            kept += gut * body.ka / (body.ka - out) * (math.exp(-out * hours) - math.exp(-body.ka * hours))
            gut *= math.exp(-body.ka * hours)
        plasma, start = kept, until
        if time <= until:
            break
    return plasma / volume


KINDS = {"bolus": _bolus, "infusion": _infusion, "steady": _steady, "endless": _endless, "steps": _steps}
