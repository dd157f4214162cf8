"""Patients as people write them: ``age=48 y, weight=70 kg, sex=f, crcl=95 mL/min``.

Keys: age, weight, height, sex, crcl (creatinine clearance), creatinine. Units may be left out, and are
checked where given. Whatever is not given keeps its default (`patient.toml`). Where creatinine is given and
crcl is not, the clearance is the Cockcroft–Gault estimate, and below 18 years the bedside Schwartz one, which
needs the height. Where only the age is given, it is what kidneys of that age and size usually clear. A child's weight,
where it is not given, is the usual one for its age.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spasmlab.errors import InputError, unknown
from spasmlab.regimen import number

EXAMPLE = "age=48 y, weight=70 kg, sex=f, crcl=95 mL/min"
SEXES: dict[str, Literal["f", "m"]] = {"f": "f", "female": "f", "m": "m", "male": "m"}


@dataclass(frozen=True)
class Field:
    """One thing that can be said of a patient: its accepted units, its own one first, and its limits."""

    units: tuple[str, ...]
    low: float
    high: float
    zero: bool = False


FIELDS = {
    "age": Field(("y", "yr", "yrs", "year", "years"), 0, 120, zero=True),
    "weight": Field(("kg", "g"), 2, 400),
    "height": Field(("cm", "m"), 30, 250),
    "crcl": Field(("mL/min", "L/h"), 0, 250, zero=True),
    "creatinine": Field(("mg/dL", "umol/L", "µmol/L", "μmol/L"), 0.1, 30),
}
KEYS = (*FIELDS, "sex")
Origin = Literal["given", "Cockcroft–Gault", "Schwartz", "usual for age", "default"]


@dataclass(frozen=True)
class Patient:
    """One patient: age [year], weight [kg], sex, creatinine clearance [mL/min], and what else is known.

    `clearance_from` says where the clearance comes from: given, estimated (Cockcroft–Gault, Schwartz), usual for
    the age, or the default.
    """

    age: float
    weight: float
    sex: Literal["f", "m"]
    creatinine_clearance: float
    creatinine: float | None = None
    height: float | None = None
    clearance_from: Origin = "given"

    def describe(self) -> str:
        """One line for people."""
        sex = {"f": "woman", "m": "man"}[self.sex]
        height = "" if self.height is None else f", {number(self.height)} cm"
        origin = "" if self.clearance_from == "given" else f" ({self.clearance_from})"
        return (
            f"{sex}, {number(self.age)} y, {number(self.weight)} kg{height}, "
            f"creatinine clearance {self.creatinine_clearance:.4g} mL/min{origin}"
        )

    @property
    def text(self) -> str:
        """The patient as `parse` reads it."""
        known: dict[str, float | None] = {
            "age": self.age,
            "weight": self.weight,
            "height": self.height,
            "creatinine": self.creatinine,
        }
        if self.clearance_from == "given":
            known["crcl"] = self.creatinine_clearance
        if self.clearance_from == "default":
            known["age"] = None  # an age that is said calls for the clearance usual for it
        written = [
            f"{key}={number(value)} {FIELDS[key].units[0]}"
            for key, value in known.items()
            if value is not None
        ]
        return ", ".join([*written, f"sex={self.sex}"])


def default() -> Patient:
    """The patient used where nothing is said."""
    return _complete({}, "f")


def parse(text: str) -> Patient:
    """Read a patient (module docstring); InputError in one line where it cannot be read."""
    numbers, sex = _said(text)
    return _complete(numbers, sex or "f")


def given(text: str) -> dict[str, float | str]:
    """What a text says of a patient, by key: numbers in the key's own unit, and the sex; InputError as `parse`."""
    numbers, sex = _said(text)
    return {**numbers, **({} if sex is None else {"sex": sex})}


def _said(text: str) -> tuple[dict[str, float], Literal["f", "m"] | None]:
    if not text.strip():
        raise InputError(f"the patient is empty; write for example '{EXAMPLE}'")
    numbers: dict[str, float] = {}
    sex: Literal["f", "m"] | None = None
    for item in text.split(","):
        key, value = _key_and_value(item)
        if key in numbers or (key == "sex" and sex is not None):
            raise InputError(f"'{key}' is given twice in the patient '{text}'; give it once")
        if key == "sex":
            sex = _sex(value)
        else:
            numbers[key] = _number(key, value)
    return numbers, sex


def _key_and_value(item: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    key, value = key.strip().lower(), value.strip()
    if not equals or not key or not value:
        raise InputError(
            f"'{item.strip()}' in the patient is not of the form key=value; for example '{EXAMPLE}'"
        )
    if key not in KEYS:
        raise unknown("patient key", key, KEYS)
    return key, value


def _sex(value: str) -> Literal["f", "m"]:
    if value.lower() not in SEXES:
        raise unknown("sex", value, SEXES)
    return SEXES[value.lower()]


def _number(key: str, text: str) -> float:
    field = FIELDS[key]
    split = len(_leading_number(text))
    written, unit = text[:split].strip(), text[split:].strip() or field.units[0]
    try:
        value = float(written) + 0.0  # turns -0.0 into 0.0
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{key}={text} is not a number; possible: {_range(field)}, as in '{_example(key)}'")
    value *= _factor(key, unit)
    if not (field.low <= value <= field.high) or (value == 0 and not field.zero):
        nearest = number(min(max(value, field.low), field.high))
        raise InputError(
            f"{key}={text} is outside what is possible: {_range(field)} (nearest: {nearest} {field.units[0]})"
        )
    return value


def _leading_number(text: str) -> str:
    """The characters of `text` before its unit: digits, sign, point and a power of ten."""
    for end in range(len(text), 0, -1):
        try:
            float(text[:end])
        except ValueError:
            continue
        return text[:end] if not text[:end].strip().isalpha() else ""
    return ""


def _factor(key: str, unit: str) -> float:
    """The factor from `unit` to the field's own unit; InputError with the nearest match for another unit."""
    field = FIELDS[key]
    folded = {name.lower(): name for name in field.units}
    if unit.lower() not in folded:
        raise unknown(f"unit of {key}", unit, field.units)
    if key == "age" or folded[unit.lower()] == field.units[0]:
        return 1.0
    if key == "creatinine":
        return 1 / _record("creatinine_micromolar")
    from spasmlab.units import factor

    return factor(folded[unit.lower()], field.units[0])


def _complete(numbers: dict[str, float], sex: Literal["f", "m"]) -> Patient:
    age = numbers.get("age", _record("default_age"))
    weight = numbers["weight"] if "weight" in numbers else usual_weight(age)
    clearance, origin = _clearance(numbers, age, weight, sex)
    return Patient(age, weight, sex, clearance, numbers.get("creatinine"), numbers.get("height"), origin)


def _clearance(numbers: dict[str, float], age: float, weight: float, sex: str) -> tuple[float, Origin]:
    highest = FIELDS["crcl"].high
    if "crcl" in numbers:
        return numbers["crcl"], "given"
    if "creatinine" in numbers:
        if age >= _record("cockcroft_adult_age"):
            found = cockcroft_gault(age, weight, sex, numbers["creatinine"])
            return min(found, highest), "Cockcroft–Gault"
        return min(_schwartz(numbers, age, weight), highest), "Schwartz"
    if "age" not in numbers:
        return _record("default_creatinine_clearance"), "default"
    return min(usual_clearance(age, weight, sex), highest), "usual for age"


def _schwartz(numbers: dict[str, float], age: float, weight: float) -> float:
    if "height" not in numbers:
        raise InputError(
            f"Cockcroft–Gault holds from {number(_record('cockcroft_adult_age'))} y; "
            "below it give height with creatinine, or crcl"
        )
    return schwartz(weight, numbers["height"], numbers["creatinine"])


def schwartz(weight: float, height: float, creatinine: float) -> float:
    """Creatinine clearance of a child [mL/min] from weight [kg], height [cm], serum creatinine [mg/dL].

    Formula: bedside Schwartz, 0.413·height/creatinine per 1.73 m², times the body surface over 1.73 m².
    """
    surface = math.sqrt(weight * height / _record("surface_divisor"))
    return _record("schwartz") * height / creatinine * surface / _record("surface_reference")


def usual_clearance(age: float, weight: float, sex: str) -> float:
    """What kidneys of an age and size usually clear [mL/min]; age in years, weight in kg.

    From 18 years: Cockcroft–Gault with the usual creatinine of the sex. Below: adult filtration scaled by
    weight^0.75 and maturation P^n/(P^n + P50^n), P the age in weeks since conception.
    """
    if age >= _record("cockcroft_adult_age"):
        usual = _record("usual_creatinine_woman" if sex == "f" else "usual_creatinine_man")
        return cockcroft_gault(age, weight, sex, usual)
    weeks = age * _record("weeks_a_year") + _record("weeks_at_birth")
    power = _record("maturation_power")
    mature = weeks**power / (weeks**power + _record("maturation_half") ** power)
    size = (weight / _record("default_weight")) ** _record("filtration_exponent")
    return _record("adult_filtration") * size * mature


def usual_weight(age: float) -> float:
    """The weight [kg] taken where none is given: of a child the usual one for its age in years, else the default."""
    from spasmlab import parameter

    known = parameter.beside("patient")
    if age >= known["cockcroft_adult_age"].number:
        return known["default_weight"].number
    return float(np.interp(age, known["usual_weight_ages"].values, known["usual_weights"].values))


def cockcroft_gault(age: float, weight: float, sex: str, creatinine: float) -> float:
    """Creatinine clearance [mL/min] from age [year], weight [kg], sex (f or m) and serum creatinine [mg/dL].

    Formula: (140 − age)·weight/(72·creatinine), times 0.85 for women (row REN-06).
    """
    for_sex = _record("cockcroft_female") if sex == "f" else 1.0
    return for_sex * (_record("cockcroft_age") - age) * weight / (_record("cockcroft_scale") * creatinine)


def _record(name: str) -> float:
    from spasmlab import parameter

    return parameter.beside("patient")[name].number


def _range(field: Field) -> str:
    return f"{number(field.low)} to {number(field.high)} {field.units[0]}"


def _example(key: str) -> str:
    written = [item.strip() for item in EXAMPLE.split(",") if item.strip().startswith(key + "=")]
    return written[0] if written else f"{key}={number(FIELDS[key].high)} {FIELDS[key].units[0]}"
