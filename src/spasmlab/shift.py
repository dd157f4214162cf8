"""A shift is a data file that gives named parameters another value: a condition, a hypothesis, a relief.

    title = "Spasticity in multiple sclerosis"
    summary = "…one or two sentences for people…"

    [parameters."chain.channel.synapse_state"]     # the path of the parameter that is shifted
    value = 0.5
    unit = "1"
    status = "assumed"
    …                                              # the same record as any parameter

The value replaces the target's; the unit must be the target's own. A shift has a severity from 0 (every parameter at
its default) to 1 (the file as written); in between a value lies on the straight line from one to the other.

A hypothesis may also say what the drug does at a site of the circuit (`effect`), and by which test it is told from the
others (`separated_by`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from spasmlab import effect
from spasmlab.effect import Effect
from spasmlab.errors import InputError, unknown
from spasmlab.parameter import PACKAGE, Parameter, parameters_from, read_toml

_FIELDS = {"title", "summary", "separated_by", "parameters", "effects"}


@dataclass(frozen=True)
class Shift:
    """A named set of parameter values that differ from the default; `parameters` is keyed by the target's path.

    `parameters` holds the file as written, whatever the `severity`; `over` is where the severity acts.
    """

    name: str
    kind: str
    title: str
    summary: str
    parameters: Mapping[str, Parameter]
    severity: float = 1.0
    effects: Mapping[str, Effect] = field(default_factory=dict)
    separated_by: str = ""

    @property
    def records(self) -> tuple[Parameter, ...]:
        """Every record of the file: shifted parameters, and those of its effects."""
        return (*self.parameters.values(), *(r for e in self.effects.values() for r in e.records))

    def at(self, severity: float) -> Shift:
        """The same shift at another severity; InputError outside 0 to 1."""
        if not 0 <= severity <= 1:
            raise InputError(
                f"severity {severity:g} of {self.kind} '{self.name}'; possible: 0 (healthy) to 1 (the file as written)"
            )
        return replace(self, severity=float(severity))

    def over(self, defaults: Mapping[str, Parameter], module: str) -> dict[str, Parameter]:
        """`defaults` (the parameters of `module` by name) with this shift's values in place of theirs.

        At a severity s between 0 and 1 a value is default + s·(shift − default), and so is its doubt where both are on
        the same scale; at 0 the defaults come back as they are, at 1 the shift's records.

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
            shifted[name] = between(defaults[name], record, self.severity)
        return shifted


def between(default: Parameter, shifted: Parameter, severity: float) -> Parameter:
    """The record at a severity from 0 (the default itself) to 1 (the shifted one itself)."""
    if severity in (0, 1):
        return shifted if severity else default

    def mixed(low: float, high: float) -> float:
        return low + severity * (high - low)

    values = tuple(mixed(*pair) for pair in zip(default.values, shifted.values, strict=True))
    spans = [record.bounds for record in (default, shifted) if record.bounds]
    change: dict[str, object] = {
        "value": values if isinstance(shifted.value, tuple) else values[0],
        "bounds": (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None,
    }
    if default.transform == shifted.transform:
        known = default.spread is not None or shifted.spread is not None
        change["spread"] = mixed(default.spread or 0.0, shifted.spread or 0.0) if known else None
        change["between"] = mixed(default.between, shifted.between)
    return shifted.model_copy(update=change)


def folder(kind: str) -> Path:
    """Where the files of a kind live: `data/conditions`, `data/hypotheses`, `data/reliefs`."""
    return (
        PACKAGE / "data" / {"condition": "conditions", "hypothesis": "hypotheses", "relief": "reliefs"}[kind]
    )


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
    return Shift(
        name,
        kind,
        table.get("title", name),
        table.get("summary", ""),
        records,
        effects=effect.read(table.get("effects", {}), prefix, file.name),
        separated_by=table.get("separated_by", ""),
    )
