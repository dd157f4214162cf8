"""A stage: one step of the slow chain, its equations written once for one patient and one moment.

    class Window(Stage):
        params = {"uptake_vmax": "mg/h", "uptake_half": "mg/h", "non_saturable": "1"}
        reads, writes = {"delivery_rate": "mg/h"}, {"absorption_rate": "mg/h"}

        @staticmethod
        def now(delivery_rate, uptake_vmax, uptake_half, non_saturable): ...

The names of the arguments are the wiring. `now` is algebra and returns every name in `writes`; `rates`
returns d/dt of every name in `states` and may also use what `now` wrote. Whatever settles within a minute is
algebra.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from spasmlab.errors import ModelError

Units = Mapping[str, str]


class Stage:
    """Base of all stages; a stage is a class that is never instantiated.

    `params`, `reads`, `writes` and `states` map names to units. `initial` holds the starting values of states
    that do not start at 0. `decays` maps a state that only decays to the written signal that is its rate
    constant [1/h], which depends on parameters alone: it is solved exactly. `doses_into` names the state that
    receives a dose [mg], and `lag` the parameter that delays it [h].
    """

    params: ClassVar[Units] = {}
    reads: ClassVar[Units] = {}
    writes: ClassVar[Units] = {}
    states: ClassVar[Units] = {}
    initial: ClassVar[Mapping[str, float]] = {}
    decays: ClassVar[Mapping[str, str]] = {}
    doses_into: ClassVar[str | None] = None
    lag: ClassVar[str | None] = None
    meanings: ClassVar[Mapping[str, str]] = {}

    now: ClassVar[Callable[..., dict[str, Any]]] = staticmethod(lambda: {})
    rates: ClassVar[Callable[..., dict[str, Any]]] = staticmethod(lambda: {})

    def __init_subclass__(cls) -> None:
        known = {**cls.params, **cls.reads, **cls.states}
        cls._arguments_are_known(cls.now, known, "now")
        cls._arguments_are_known(cls.rates, {**known, **cls.writes}, "rates")
        cls._names_are_known(cls.initial, cls.states, "initial")
        cls._names_are_known(cls.decays, cls.states, "decays")
        cls._names_are_known(cls.decays.values(), cls.writes, "decays")
        cls._names_are_known([cls.doses_into] if cls.doses_into else [], cls.states, "doses_into")

    @classmethod
    def _arguments_are_known(cls, function: Callable[..., Any], known: Units, kind: str) -> None:
        cls._names_are_known(arguments(function), known, kind)

    @classmethod
    def _names_are_known(cls, names: Any, known: Units, kind: str) -> None:
        for name in names:
            if name not in known:
                raise ModelError(f"stage {cls.__name__}: {kind} uses '{name}', which it does not declare")


def arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the arguments of an equation, in order."""
    return tuple(inspect.signature(function).parameters)


def module_of(stage: type[Stage]) -> str:
    """The module of a stage as parameters name it, e.g. ``chain.absorption``."""
    return stage.__module__.removeprefix("spasmlab.")


def call(function: Callable[..., dict[str, Any]], values: Mapping[str, Any]) -> dict[str, Any]:
    """Call an equation with the values of its arguments, whatever they are: numbers, arrays, symbols."""
    return function(**{name: values[name] for name in arguments(function)})
