"""Checks by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.label import Rule

Numbers = Mapping[str, tuple[float, str]]


@dataclass(frozen=True)
class Hit:
    """An outcome of a check, the numbers compared (name to value and unit), and words for the sentence."""

    outcome: str
    numbers: Numbers = field(default_factory=dict)
    words: str = ""


Function = Callable[["Rule", "Case"], Iterator[Hit]]


@dataclass(frozen=True)
class Check:
    """A check: its function, the outcomes it can have, and what would have to change (regimen, patient, …)."""

    name: str
    function: Function
    outcomes: tuple[str, ...]
    about: str

    @property
    def meaning(self) -> str:
        """What it compares: the first sentence of its docstring."""
        return (self.function.__doc__ or "").strip().split("\n")[0]


KNOWN: dict[str, Check] = {}


def check(about: str, *outcomes: str) -> Callable[[Function], Function]:
    """Make a function known as a check under its own name."""

    def known(function: Function) -> Function:
        KNOWN[function.__name__] = Check(function.__name__, function, outcomes, about)
        return function

    return known
