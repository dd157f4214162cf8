"""The whole state of the page: one frozen, checked object, and the link that holds it.

A link is a query such as ``?tab=explore&explore.regimen=600+mg+tid``: the tab, and every field that differs from its
default. Reading one never fails: what is wrong in it keeps its default and is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from spasmlab.app import fields, tabs
from spasmlab.errors import InputError, unknown

MOST_CHARACTERS = 18_000  # a design of a trial fits


@dataclass(frozen=True)
class State:
    """The tab that is open, and the fields of every tab by its name."""

    tab: str = tabs.NAMES[0]
    of: dict[str, Any] = field(default_factory=lambda: {n: tabs.load(n).Fields() for n in tabs.NAMES})

    def changed(self, tab: str, **values: Any) -> State:
        """The same with other values of some fields of a tab; InputError where one is wrong."""
        return replace(self, of=self.of | {tab: self.of[tab].changed(**values)})

    def opened(self, tab: str) -> State:
        """The same with another tab open; InputError for an unknown one."""
        if tab not in tabs.NAMES:
            raise unknown("tab", tab, tabs.NAMES)
        return replace(self, tab=tab)

    @property
    def query(self) -> str:
        """The state as the query of a link, without the question mark; empty for the state a page begins with."""
        pairs = [("tab", self.tab)] if self.tab != tabs.NAMES[0] else []
        for name in tabs.NAMES:
            pairs += [(f"{name}.{key}", str(value)) for key, value in self.of[name].own().items()]
        return urlencode(pairs)


def read(query: str) -> tuple[State, list[str]]:
    """The state of a link, and a line for everything in it that is wrong."""
    if len(query) > MOST_CHARACTERS:
        return State(), [f"the link is too long to be read: {len(query)} characters of {MOST_CHARACTERS}"]
    found, problems = State(), []
    given: dict[str, dict[str, str]] = {}
    for key, value in parse_qsl(query.removeprefix("?"), keep_blank_values=True):
        tab, _, name = key.partition(".")
        if key == "tab":
            try:
                found = found.opened(value)
            except InputError as problem:
                problems.append(str(problem))
        elif tab in tabs.NAMES:
            given.setdefault(tab, {})[name] = value
        else:
            problems.append(str(unknown("part of the link", key, (*(f"{n}.…" for n in tabs.NAMES), "tab"))))
    for tab, values in given.items():
        read_fields, wrong = fields.read(tabs.load(tab).Fields, values)
        found = replace(found, of=found.of | {tab: read_fields})
        problems += wrong
    return found, problems
