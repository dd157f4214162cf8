"""Doses in capsules and tablets that exist, or in millilitres of solution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spasmlab.prescribing.course import ALMOST
from spasmlab.regimen import number

if TYPE_CHECKING:
    from spasmlab.prescribing.label import Strength

MOST_PIECES = 12  # more capsules a dose than anyone takes


@dataclass(frozen=True)
class Made:
    """A dose as it is taken: (count, strength [mg], form) of each piece, or millilitres of solution."""

    pieces: tuple[tuple[int, float, str], ...] = ()
    millilitres: float = 0.0

    @property
    def text(self) -> str:
        """For people: ``1 capsule of 300 mg``."""
        if self.millilitres:
            return f"{self.millilitres:.4g} mL of solution"
        return " + ".join(
            f"{count} {form}{'s' if count > 1 else ''} of {number(mg)} mg" for count, mg, form in self.pieces
        )


def compose(mg: float, strength: Strength) -> Made | None:
    """The fewest pieces that make a dose of `mg`, else solution, else None."""
    pieces = _fewest(mg, strength)
    if pieces:
        return Made(pieces=pieces)
    if strength.solution and strength.step_ml:
        steps = mg / (strength.solution * strength.step_ml)
        if round(steps) >= 1 and abs(steps - round(steps)) < ALMOST * max(1.0, steps):
            return Made(millilitres=mg / strength.solution)
    return None


def round_down(mg: float, strength: Strength, liquid: bool = False) -> float:
    """The largest dose of at most `mg` that exists: in solid pieces where any is as small and `liquid` is not asked
    for, else in solution, else 0."""
    solids = (*strength.capsules, *strength.tablets)
    if solids and not (liquid and strength.solution) and mg >= min(solids) * (1 - ALMOST):
        step = math.gcd(*(round(one) for one in solids))
        return step * math.floor(mg / step + ALMOST)
    if strength.solution:
        step = strength.solution * strength.step_ml
        return step * math.floor(mg / step + ALMOST)
    return 0.0


def halves(mg: float, strength: Strength) -> bool:
    """Whether half of a tablet would be the dose."""
    return any(abs(mg - 0.5 * tablet) < ALMOST * mg for tablet in strength.tablets)


def _fewest(mg: float, strength: Strength) -> tuple[tuple[int, float, str], ...]:
    """The fewest pieces, all tablets or all capsules where two ways need as many; empty where there is none."""
    forms: Sequence[tuple[float, str]] = [
        *((one, "tablet") for one in strength.tablets),
        *((one, "capsule") for one in strength.capsules),
    ]
    if abs(mg - round(mg)) > ALMOST or not forms or mg > MOST_PIECES * max(f[0] for f in forms):
        return ()
    best: dict[int, tuple[tuple[float, str], ...]] = {0: ()}
    for _ in range(MOST_PIECES):
        for total, pieces in list(best.items()):
            for form in forms:
                more = total + round(form[0])
                if more <= round(mg) and more not in best:
                    best[more] = (*pieces, form)
        if round(mg) in best:
            break
    found = best.get(round(mg), ())
    return tuple((found.count(f), f[0], f[1]) for f in sorted(set(found), reverse=True))
