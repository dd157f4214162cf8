"""A pathway: a tuple of stages in biological order, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from spasmlab import units
from spasmlab.chain.stage import Stage, call
from spasmlab.errors import ModelError, nearest


@dataclass(frozen=True, eq=False)
class Pathway:
    """Stages in order, and `given`: signals (name to unit) that come from outside, such as a clamped plasma
    level.

    Raises ModelError where a signal is missing, written twice, of the wrong unit, where an equation does not
    return what its stage declares, or where one parameter is declared in two units.
    """

    stages: tuple[type[Stage], ...]
    given: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_names(self)
        _check_reads(self)
        _check_returns(self)

    @cached_property
    def params(self) -> dict[str, str]:
        """Every parameter and its unit, in order of first use."""
        return {name: unit for stage in self.stages for name, unit in stage.params.items()}

    @cached_property
    def states(self) -> dict[str, str]:
        """Every state and its unit: the one order that all readings use."""
        return {name: unit for stage in self.stages for name, unit in stage.states.items()}

    @cached_property
    def writes(self) -> dict[str, str]:
        """Every signal written by algebra, and its unit."""
        return {name: unit for stage in self.stages for name, unit in stage.writes.items()}

    @property
    def signals(self) -> dict[str, str]:
        """Written signals, then states: what a solution holds."""
        return {**self.writes, **self.states}

    @property
    def initial(self) -> dict[str, float]:
        """The drug-free starting value of every state."""
        given = {name: value for stage in self.stages for name, value in stage.initial.items()}
        return {name: given.get(name, 0.0) for name in self.states}

    @property
    def decays(self) -> dict[str, str]:
        """States that only decay, and the signal that is their rate constant."""
        return {state: signal for stage in self.stages for state, signal in stage.decays.items()}

    @property
    def meanings(self) -> dict[str, str]:
        """What each signal is, in words."""
        return {name: text for stage in self.stages for name, text in stage.meanings.items()}

    @property
    def dosed(self) -> tuple[str, str] | None:
        """The state a dose enters and the parameter that delays it; None where nothing can be dosed.

        Where no stage takes doses but there is a lag, they enter plasma.
        """
        for stage in self.stages:
            if stage.doses_into and stage.lag:
                return stage.doses_into, stage.lag
        return (
            ("plasma_amount", "lag")
            if {"plasma_amount"} <= set(self.states) and "lag" in self.params
            else None
        )


def _declared(pathway: Pathway) -> Iterator[tuple[str, str, str]]:
    """(stage, name, unit) of everything given, written or kept as a state."""
    yield from (("given", name, unit) for name, unit in pathway.given.items())
    for stage in pathway.stages:
        for name, unit in {**stage.writes, **stage.states}.items():
            yield stage.__name__, name, unit


def _check_names(pathway: Pathway) -> None:
    owner: dict[str, str] = {}
    for stage, name, unit in _declared(pathway):
        units.unit(unit)
        if name in owner:
            raise ModelError(f"'{name}' is written twice: by {owner[name]} and by {stage}")
        owner[name] = stage
    declared: dict[str, tuple[str, str]] = {}
    for stage in pathway.stages:
        for name, unit in stage.params.items():
            if name in owner:
                raise ModelError(f"'{name}' is a parameter of {stage.__name__} and written by {owner[name]}")
            first, first_unit = declared.setdefault(name, (stage.__name__, unit))
            if first_unit != unit:
                raise ModelError(
                    f"parameter '{name}' is in '{first_unit}' for {first}, '{unit}' for {stage.__name__}"
                )


def _check_reads(pathway: Pathway) -> None:
    known = {**pathway.given, **pathway.states}
    for stage in pathway.stages:
        for name, unit in stage.reads.items():
            if name not in known:
                later = " (a later stage writes it)" if name in pathway.writes else ""
                close = nearest(name, known)
                hint = f"; nearest: '{close}'" if close and not later else ""
                raise ModelError(
                    f"{stage.__name__} reads '{name}', which nothing before it writes{later}{hint}"
                )
            if known[name] != unit:
                raise ModelError(f"{stage.__name__} reads '{name}' in '{unit}', but it is in '{known[name]}'")
        known |= stage.writes


def _check_returns(pathway: Pathway) -> None:
    for stage in pathway.stages:
        values = {name: 1.0 for name in {**stage.params, **stage.reads, **stage.states, **stage.writes}}
        for kind, expected in (("now", stage.writes), ("rates", stage.states)):
            returned = call(getattr(stage, kind), values)
            if set(returned) != set(expected):
                wrong = sorted(set(returned) ^ set(expected))
                raise ModelError(f"{stage.__name__}.{kind} must return {list(expected)}; wrong: {wrong}")
