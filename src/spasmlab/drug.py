"""Drugs: one file each in `data/drugs`, or a TOML file of the user's own of the same form.

title = "Gabapentin"
summary = "…"
body = ["stomach", "gut-window", "renal-clearance", "two-compartments", "alpha2delta"]     # `chain.body.PARTS`

[formulations.ir]
title = "immediate release (capsule, tablet, solution)"

[formulations.enacarbil]
title = "the prodrug"
body = ["releasing-tablet", "plain-uptake", …]     # where it differs

[formulations.enacarbil.parameters.release_time]   # a record that this formulation alone needs, or has otherwise
value = 6
…

[parameters.volume]      # the same record as any parameter
value = 58
…

[effects.presynaptic]    # what it does at a site of the circuit, beside or instead of α2δ (`effect`)
target = "circuit.synapse.presynaptic_inhibition"
…
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from spasmlab import effect
from spasmlab.effect import Effect
from spasmlab.errors import InputError, unknown
from spasmlab.parameter import PACKAGE, Parameter, parameters_from, read_toml

ABOVE_ZERO = {
    "volume",
    "clearance",
    "peripheral_rate",
    "absorption_rate_constant",
    "emptying_rate",
    "release_time",
}
_FIELDS = {"title", "summary", "body", "formulations", "parameters", "effects"}
_FORMULATION_FIELDS = {"title", "available", "body", "parameters"}
DEFAULT_BODY = ("stomach", "gut-window", "renal-clearance", "two-compartments", "alpha2delta")


@dataclass(frozen=True)
class Formulation:
    """A way of giving a drug: its own `body` where it has one, and the `parameters` it has otherwise or alone
    (path ``drugs.<name>.<formulation>.<parameter>``); `available` says whether this version can simulate it."""

    name: str
    title: str
    available: bool
    body: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True)
class Drug:
    """A drug: its parameters by name (path ``drugs.<name>.<parameter>``), its formulations and its effects by name."""

    name: str
    title: str
    summary: str
    parameters: Mapping[str, Parameter]
    formulations: Mapping[str, Formulation]
    body: tuple[str, ...] = DEFAULT_BODY
    effects: Mapping[str, Effect] = field(default_factory=dict)

    def body_of(self, formulation: str) -> tuple[str, ...]:
        """The names of the parts a formulation passes (`chain.body`); InputError for an unknown formulation."""
        return self.formulation(formulation).body or self.body

    def groups(self, formulation: str) -> dict[str, Mapping[str, Parameter]]:
        """Records by the path they lie under; what the formulation has of its own comes last and wins."""
        own = self.formulation(formulation).parameters
        return {f"drugs.{self.name}": self.parameters, f"drugs.{self.name}.{formulation}": own}

    @property
    def records(self) -> tuple[Parameter, ...]:
        """Every record of the drug's file."""
        own = (record for form in self.formulations.values() for record in form.parameters.values())
        sites = (record for effect in self.effects.values() for record in effect.records)
        return (*self.parameters.values(), *own, *sites)

    def formulation(self, name: str) -> Formulation:
        """The formulation called `name`; InputError where it is unknown or comes with a later version."""
        if name not in self.formulations:
            raise unknown(f"formulation of {self.name}", name, self.formulations)
        found = self.formulations[name]
        if not found.available:
            possible = ", ".join(f.name for f in self.formulations.values() if f.available)
            raise InputError(
                f"formulation '{name}' ({found.title}) of {self.name} comes with a later version; "
                f"possible now: {possible}"
            )
        return found


@cache
def names() -> tuple[str, ...]:
    """The names of all drugs that come with the program, sorted."""
    return tuple(sorted(file.stem for file in (PACKAGE / "data" / "drugs").glob("*.toml")))


def load(name: str | Path) -> Drug:
    """The drug called `name`, or the one in the file `name` if that ends in ``.toml``.

    Raises InputError with the nearest match for an unknown name, or naming the file and the wrong field.
    """
    if str(name).endswith(".toml"):
        return _read(Path(name))
    if name not in names():
        raise unknown("drug", str(name), names())
    return _own(str(name))


@cache
def _own(name: str) -> Drug:
    return _read(PACKAGE / "data" / "drugs" / f"{name}.toml")


def _read(file: Path) -> Drug:
    table = read_toml(file)
    if stray := sorted(set(table) - _FIELDS):
        raise unknown(f"field in '{file.name}'", stray[0], _FIELDS)
    for section in ("formulations", "parameters"):
        _require_tables(table.get(section), section, file)
    found = Drug(
        name=file.stem,
        title=str(table.get("title", file.stem)),
        summary=str(table.get("summary", "")),
        parameters=parameters_from(table["parameters"], f"drugs.{file.stem}", file.name),
        formulations={n: _formulation(n, given, file) for n, given in table["formulations"].items()},
        body=_body(table.get("body", DEFAULT_BODY), "body", file),
        effects=effect.read(table.get("effects", {}), f"drugs.{file.stem}", file.name),
    )
    for records in (found.parameters, *(form.parameters for form in found.formulations.values())):
        for name, record in records.items():
            _refuse_impossible(name, record, file)
    return found


def _refuse_impossible(name: str, record: Parameter, file: Path) -> None:
    """InputError for a number that no drug has: negative, a volume or a clearance of nothing, a share above the whole."""
    least = min(record.values)
    where = f"parameter '{name}' in '{file.name}': {least:g} {record.unit}".removesuffix(" 1")
    if least < 0 and not name.endswith("exponent"):
        raise InputError(f"{where} is negative; possible: 0 or more")
    if least == 0 and name in ABOVE_ZERO:
        raise InputError(f"{where} leaves nothing to compute; possible: more than 0")
    if name == "bioavailability" and max(record.values) > 1:
        raise InputError(f"{where} is more than the whole; possible: 0 to 1")


def _body(given: Any, where: str, file: Path) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(part, str) for part in given):
        raise InputError(f"'{where}' in '{file.name}' must be a list of names, such as {list(DEFAULT_BODY)}")
    return tuple(given)


def _require_tables(value: Any, field: str, file: Path) -> None:
    """A table of tables, as both sections of a drug file must be; InputError naming the field otherwise."""
    if not isinstance(value, dict) or not value:
        raise InputError(f"'{file.name}' lacks the table [{field}.…]")
    for name, inner in value.items():
        if not isinstance(inner, dict):
            raise InputError(f"'{field}.{name}' in '{file.name}' must be a table, [{field}.{name}]")


def _formulation(name: str, given: dict[str, Any], file: Path) -> Formulation:
    if stray := sorted(set(given) - _FORMULATION_FIELDS):
        raise unknown(f"field of formulation '{name}' in '{file.name}'", stray[0], _FORMULATION_FIELDS)
    available = given.get("available", True)
    if not isinstance(available, bool):
        raise InputError(f"'available' of formulation '{name}' in '{file.name}' must be true or false")
    own = given.get("parameters", {})
    if not isinstance(own, dict):
        raise InputError(f"'formulations.{name}.parameters' in '{file.name}' must be a table")
    return Formulation(
        name,
        str(given.get("title", name)),
        available,
        _body(given.get("body", ()), f"formulations.{name}.body", file),
        parameters_from(own, f"drugs.{file.stem}.{name}", file.name),
    )
