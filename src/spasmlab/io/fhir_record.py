"""What a FHIR record says, in this program's words, and the codes by which it is read (`data/fhir.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from spasmlab.parameter import PACKAGE, read_toml

GONE = {
    "entered-in-error",
    "cancelled",
    "stopped",
    "draft",
    "unknown",
    "registered",
    "refuted",
    "completed",
    "on-hold",
}
ENDED = {"inactive", "resolved", "remission"}


@dataclass
class Record:
    """What a FHIR file says: the patient's `items` as `patient.parse` reads them, `history` words, diagnosis codes,
    the drug's regimen as text and its product, other drugs, a measured level [mg/L], dialysis, and
    notes on what was not read."""

    items: dict[str, str] = field(default_factory=dict)
    history: set[str] = field(default_factory=set)
    indications: set[str] = field(default_factory=set)
    regimen: str | None = None
    product: str | None = None
    taken: list[str] = field(default_factory=list)
    level: float | None = None
    dialysis: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def patient_text(self) -> str | None:
        """The patient as `patient.parse` reads it; None where nothing was said."""
        return ", ".join(f"{key}={value}" for key, value in self.items.items()) or None


def codes_of(concept: Any) -> set[str]:
    """The codes of a CodeableConcept, whatever their systems."""
    codings = concept.get("coding") or [] if isinstance(concept, dict) else []
    return {str(coding["code"]) for coding in codings if coding.get("code")}


@cache
def data() -> Mapping[str, Any]:
    return read_toml(PACKAGE / "data" / "fhir.toml")


def first_day(text: Any) -> date | None:
    """The first day that a FHIR date or dateTime names; None where it names none."""
    if text is None:
        return None
    parts = str(text)[: len("2000-01-01")].split("-")
    try:
        year, month, day = (int(part) for part in (*parts, "1", "1")[:3])
        return date(year, month, day)
    except ValueError:
        return None
