"""The regimens that advice chooses from: full doses of one product, evenly up to what the label permits, and beyond.

Each is judged by the check as if the patient already took it. A regimen with a block is never ranked; it is named with
the rule that blocks it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spasmlab.parameter import beside
from spasmlab.prescribing import check, permitted, plan, tablets
from spasmlab.prescribing.course import of as course_of
from spasmlab.regimen import DAY_H, Amount, Part, Regimen

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.finding import Finding


@dataclass(frozen=True)
class Candidate:
    """A regimen for one patient, and what the label says of it."""

    case: Case
    findings: tuple[Finding, ...]

    @property
    def text(self) -> str:
        """The regimen as it is written."""
        return self.case.regimen.text

    @property
    def daily(self) -> float:
        """mg/day."""
        return self.case.course.maintenance

    @property
    def blocks(self) -> tuple[Finding, ...]:
        """The findings that forbid it."""
        return tuple(one for one in self.findings if one.level == "block")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The warnings about the regimen itself."""
        return tuple(one for one in self.findings if one.level == "warn" and one.about == "regimen")


def candidates(asked: Case) -> list[Candidate]:
    """Regimens of rising dose for a case, whose own regimen is ignored; the last lie above what is permitted."""
    setting = plan.setting_of(asked)
    ladder = plan.ladder_of(setting)
    limit = permitted.highest(setting)
    interval = plan.interval_of(setting, ladder, min(limit, ladder.target_mg or limit))
    strength = plan.strength_of(asked)
    count, beyond = round(_record("steps")), round(_record("beyond"))
    shares = (place / count for place in range(1, count + beyond + 1))
    largest = limit * interval / DAY_H
    doses = sorted(
        {tablets.round_down(largest * share, strength, liquid=ladder.per_kg) for share in shares} - {0.0}
    )
    solid = [dose for dose in doses if (made := tablets.compose(dose, strength)) and made.pieces]
    if solid and not ladder.per_kg:
        doses = solid
    return [judged(asked, Regimen((Part((Amount(dose),), interval),))) for dose in doses]


def judged(asked: Case, regimen: Regimen) -> Candidate:
    """A regimen judged as one that the patient already takes."""
    dialysis = plan.dialysis_with_dose(asked, course_of(regimen).maintenance)
    words = (asked.history or frozenset()) | {"established"}
    case = replace(asked, regimen=regimen, course=course_of(regimen), history=words, dialysis=dialysis)
    return Candidate(case, tuple(check.findings(case)))


def _record(name: str) -> float:
    return beside("prescribing.grid")[name].number
