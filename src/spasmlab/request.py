"""What is asked of a run: names and texts of the command line turned into checked objects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spasmlab import condition as conditions
from spasmlab import dialysis as dialyses
from spasmlab import food, interaction, parameter, patient, regimen
from spasmlab import hypothesis as hypotheses
from spasmlab.errors import InputError
from spasmlab.regimen import DAY_H, Regimen, number
from spasmlab.shift import Shift

if TYPE_CHECKING:
    from spasmlab.dialysis import Calendar
    from spasmlab.drug import Drug

DEFAULT_DAYS = 14.0
MOST_DAYS = 366.0
MOST_DRAWS = 10_000


@dataclass(frozen=True)
class Request:
    """A drug in a patient with a condition, under a hypothesis; doses per kg are already in mg.

    `meal` is the kind of meal around each dose; `taken` are the names of other drugs taken along.
    """

    drug: Drug
    regimen: Regimen
    patient: patient.Patient
    condition: Shift
    hypothesis: Shift
    days: float
    seed: int
    draws: int
    formulation: str = "ir"
    meal: str = food.FASTED
    dialysis: Calendar | None = None
    taken: tuple[str, ...] = ()

    @property
    def fed(self) -> float:
        """The size of the meal, 0 to 1."""
        return food.scale(self.meal)

    @property
    def overrides(self) -> dict[str, float]:
        """Parameters that other drugs change."""
        return interaction.overrides(self.taken, self.drug, self.formulation)

    @property
    def visit_h(self) -> float:
        """Scoring time [h]: `visit_delay` after the last day's last dose; without one, the day's end."""
        end = self.days * DAY_H
        times, _ = self.regimen.doses(self.days)
        if times[-1] < end - DAY_H:
            return end
        return min(end, float(times[-1]) + parameter.beside("run")["visit_delay"].number)

    def described(self) -> dict[str, Any]:
        """The request as it stands in JSON: names, texts and quantities."""
        return {
            "drug": self.drug.name,
            "regimen": self.regimen.text,
            "days": self.days,
            "formulation": self.formulation,
            "fed": self.fed > 0,
            "meal": self.meal,
            "dialysis": self.dialysis.text if self.dialysis else None,
            "with": list(self.taken),
            "patient": described_patient(self.patient),
            "condition": self.condition.name,
            "severity": self.condition.severity,
            "hypothesis": self.hypothesis.name,
            "seed": self.seed,
            "draws": self.draws,
        }


def build(
    drug_name: str,
    regimen_text: str,
    *,
    days: float | None = None,
    condition: str = "healthy",
    severity: float = 1.0,
    patient_text: str | None = None,
    hypothesis: str | None = None,
    formulation: str = "ir",
    fed: bool | str = False,
    dialysis: str | None = None,
    taken: str | None = None,
    seed: int = 0,
    draws: int = 1,
) -> Request:
    """Read every part of a request; InputError for the first that is wrong.

    `days` is 14 by default, and 1 for a single dose.
    """
    from spasmlab import drug as drugs

    found_patient = patient.parse(patient_text) if patient_text is not None else patient.default()
    asked = written(regimen_text).for_weight(found_patient.weight)
    found_drug = drugs.load(drug_name)
    found_drug.formulation(formulation)
    made = Request(
        drug=found_drug,
        regimen=asked,
        patient=found_patient,
        condition=conditions.load(condition, severity),
        hypothesis=hypotheses.load(hypothesis or hypotheses.DEFAULT),
        days=_checked_days(days, asked),
        seed=seed,
        draws=checked_draws(draws),
        formulation=formulation,
        meal=meal_of(fed),
        dialysis=dialyses.parse(dialysis) if dialysis is not None else None,
        taken=names_of(taken),
    )
    _ = made.overrides  # an unknown name is said now, before any work
    return made


def meal_of(fed: bool | str) -> str:
    """The kind of meal by its plain name; True is the meal of food studies. InputError for an unknown kind."""
    if isinstance(fed, bool):
        return food.FED if fed else food.FASTED
    food.scale(fed)
    return fed.strip().lower().replace(" ", "-").replace("_", "-")


def names_of(text: str | None) -> tuple[str, ...]:
    """``morphine,antacid`` as names."""
    return tuple(name.strip() for name in text.split(",")) if text is not None else ()


def written(text: str) -> Regimen:
    """A regimen as written, or as the event table it names says."""
    if not text.strip().lower().endswith(".csv"):
        return regimen.parse(text)
    from spasmlab.io import event_table

    return event_table.regimen_of(event_table.read(text.strip()))


def described_patient(found: patient.Patient) -> dict[str, Any]:
    """A patient as quantities by name, for JSON."""
    units = {
        "age": "year",
        "weight": "kg",
        "height": "cm",
        "creatinine_clearance": "mL/min",
        "creatinine": "mg/dL",
    }
    known = {name: getattr(found, name) for name in units}
    quantities = {n: {"value": v, "unit": units[n], "low": None, "high": None} for n, v in known.items()}
    return {"sex": found.sex, "creatinine_clearance_from": found.clearance_from, **quantities}


def checked_draws(draws: int) -> int:
    """`draws` where a run can have that many; InputError otherwise."""
    if not 1 <= draws <= MOST_DRAWS:
        raise InputError(f"the number of draws must be between 1 and {MOST_DRAWS}, not {draws}")
    return draws


def _checked_days(days: float | None, written: Regimen) -> float:
    if days is None:
        return 1.0 if written.single else DEFAULT_DAYS
    if not (math.isfinite(days) and 0 < days <= MOST_DAYS):
        raise InputError(
            f"the number of days must be more than 0 and at most {number(MOST_DAYS)}, not {days:g}"
        )
    return days
