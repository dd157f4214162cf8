"""A shift is a data file that gives named parameters another value: a condition, a hypothesis.

    title = "Spasticity in multiple sclerosis"
    summary = "…one or two sentences for people…"

    [parameters."chain.channel.synapse_state"]     # the path of the parameter that is shifted
    value = 0.5
    unit = "1"
    status = "assumed"
    …                                              # the same record as any parameter

The value replaces the target's; the unit must be the target's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spasmlab.errors import InputError, unknown
from spasmlab.parameter import PACKAGE, Parameter, parameters_from, read_toml

_FIELDS = {"title", "summary", "parameters"}


@dataclass(frozen=True)
class Shift:
    """A named set of parameter values that differ from the default; `parameters` is keyed by the target's path."""

    name: str
    kind: str
    title: str
    summary: str
    parameters: Mapping[str, Parameter]

    def over(self, defaults: Mapping[str, Parameter], module: str) -> dict[str, Parameter]:
        """`defaults` (the parameters of `module` by name) with this shift's values in place of theirs.

        Raises InputError where a shift names a parameter the module does not have, or another unit.
        """
        shifted = dict(defaults)
        for target, record in self.parameters.items():
            if not target.startswith(module + "."):
                continue
            name = target.removeprefix(module + ".")
            if name not in defaults:
                raise unknown(
                    f"parameter in {self.kind} '{self.name}'", target, [f"{module}.{n}" for n in defaults]
                )
            if record.unit != defaults[name].unit:
                raise InputError(
                    f"{self.kind} '{self.name}' gives {target} in '{record.unit}'; "
                    f"its unit is '{defaults[name].unit}'"
                )
            shifted[name] = record
        return shifted


def folder(kind: str) -> Path:
    """Where the files of a kind live: `data/conditions`, `data/hypotheses`."""
    return PACKAGE / "data" / {"condition": "conditions", "hypothesis": "hypotheses"}[kind]


def names(kind: str) -> tuple[str, ...]:
    """The names of all shifts of a kind, sorted."""
    return tuple(sorted(file.stem for file in folder(kind).glob("*.toml")))


def load(kind: str, name: str) -> Shift:
    """Read one shift; InputError with the nearest match for an unknown name, or naming the field that is wrong."""
    if name not in names(kind):
        raise unknown(kind, name, names(kind))
    file = folder(kind) / f"{name}.toml"
    table = read_toml(file)
    if stray := set(table) - _FIELDS:
        raise unknown(f"field in '{file.name}'", sorted(stray)[0], _FIELDS)
    prefix = f"{folder(kind).name}.{name}"
    records = parameters_from(table.get("parameters", {}), prefix, file.name)
    return Shift(name, kind, table.get("title", name), table.get("summary", ""), records)
