"""Drugs taken along, as a check reads them: ``morphine, antacid 3 h before``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from spasmlab.errors import InputError
from spasmlab.parameter import PACKAGE, read_toml

CLOSE = 0.8  # likeness of a name above which it is taken for a slip of the pen
_TIMED = re.compile(r"(?P<name>.*?)(?:\s+(?P<hours>\d+(?:\.\d+)?)\s*h(?:ours?)?\s+(?P<side>before|after))?")


@dataclass(frozen=True, order=True)
class Taken:
    """A drug taken along; `hours` is how long before the dose it is taken (negative: after), None where unsaid."""

    name: str
    classes: tuple[str, ...] = ()
    hours: float | None = None

    @property
    def known(self) -> bool:
        """Whether any rule can know it."""
        return bool(self.classes)


@cache
def _data() -> Mapping[str, Any]:
    return read_toml(PACKAGE / "data" / "company.toml")


def parse(text: str | None) -> tuple[Taken, ...]:
    """Names separated by commas, each perhaps with ``3 h before`` or ``after``, sorted by name.

    Raises InputError for an empty name, a drug given twice, and a name that is all but that of a known drug. A
    name unlike any known stays, without classes: the check says that it knows nothing of it.
    """
    if text is None:
        return ()
    found = sorted(_one(word) for word in text.split(","))
    for first, second in pairwise(found):
        if first.name == second.name:
            raise InputError(f"'{first.name}' is given twice; give each drug taken along once")
    return tuple(found)


def of_class(taken: tuple[Taken, ...], *classes: str) -> tuple[Taken, ...]:
    """Those of the drugs that belong to one of the classes."""
    return tuple(one for one in taken if set(classes) & set(one.classes))


def names() -> tuple[str, ...]:
    """Every drug that some class holds, sorted."""
    return tuple(sorted({name for members in _data()["classes"].values() for name in members}))


def _one(word: str) -> Taken:
    found = _TIMED.fullmatch(" ".join(word.lower().split()))
    written = "" if found is None else found["name"].replace(" ", "-")
    if found is None or not written:
        raise InputError(f"'{word.strip()}' is no drug taken along; write for example 'morphine,antacid'")
    name = _data()["names"].get(written, written)
    classes = tuple(sorted(c for c, members in _data()["classes"].items() if name in members))
    if not classes:
        close = difflib.get_close_matches(name, (*names(), *_data()["names"]), n=1, cutoff=CLOSE)
        if close:
            raise InputError(f"unknown drug taken along '{written}'; did you mean '{close[0]}'?")
    hours = None if found["hours"] is None else float(found["hours"])
    return Taken(name, classes, -hours if hours is not None and found["side"] == "after" else hours)
