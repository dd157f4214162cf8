"""An effect: what a drug does at one site of the circuit, as data in the drug's own file (or in that of a hypothesis).

    [effects.presynaptic]
    title = "GABA-A at Ia terminals: presynaptic inhibition works better"
    target = "circuit.synapse.presynaptic_inhibition"      # the number it acts on, by its path
    needs = ["circuit.synapse.descending_monoamine"]       # numbers of the condition that the effect is proportional to

    [effects.presynaptic.parameters.largest]               # change at saturation, as a share of the target's value
    [effects.presynaptic.parameters.power]                 # Hill
    [effects.presynaptic.half.plasma_concentration]        # level of half effect, for each signal that drives it
    [effects.presynaptic.free.plasma_concentration]        # share of that level that is free to act; 1 where left out

Each of the four is a record as any parameter. With the signals C at the visit,

    x = Σ free·C/half,   factor = 1 + largest·x^power/(1 + x^power)·Π needs

and without drug the factor is exactly 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spasmlab.errors import InputError, unknown
from spasmlab.parameter import Parameter, parameters_from

_FIELDS = {"title", "target", "needs", "parameters", "half", "free"}
_PARAMETERS = ("largest", "power")


@dataclass(frozen=True)
class Effect:
    """One effect; `half` and `free` map a signal of the slow chain to its record."""

    name: str
    title: str
    target: str
    needs: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    half: Mapping[str, Parameter]
    free: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def records(self) -> tuple[Parameter, ...]:
        """Every record of the effect."""
        return (*self.parameters.values(), *self.half.values(), *self.free.values())


def read(table: Any, prefix: str, origin: str) -> dict[str, Effect]:
    """The effects of a file by name; InputError naming the field that is wrong. `prefix` is the path of their owner."""
    if not isinstance(table, dict):
        raise InputError(f"'effects' in '{origin}' must be a table, [effects.NAME]")
    return {name: _effect(name, given, f"{prefix}.effects.{name}", origin) for name, given in table.items()}


def _effect(name: str, given: Any, path: str, origin: str) -> Effect:
    where = f"effects.{name}"
    if not isinstance(given, dict) or not isinstance(given.get("target"), str):
        raise InputError(f"'{where}' in '{origin}' lacks its target, the path of a parameter")
    if stray := sorted(set(given) - _FIELDS):
        raise unknown(f"field of '{where}' in '{origin}'", stray[0], _FIELDS)
    parts = {
        part: parameters_from(given.get(part, {}), f"{path}.{part}", origin) for part in ("half", "free")
    }
    own = parameters_from(given.get("parameters", {}), path, origin)
    for record in _PARAMETERS:
        if record not in own:
            raise InputError(f"'{where}' in '{origin}' lacks the record 'parameters.{record}'")
    if not parts["half"]:
        raise InputError(
            f"'{where}' in '{origin}' lacks a record 'half.SIGNAL', as in half.plasma_concentration"
        )
    for signal in parts["free"]:
        if signal not in parts["half"]:
            raise unknown(f"signal of '{where}.free' in '{origin}'", signal, parts["half"])
    return Effect(
        name, str(given.get("title", name)), given["target"], tuple(given.get("needs", ())), own, parts["half"],
        parts["free"],
    )  # fmt: skip
