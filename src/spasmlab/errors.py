"""The errors a user can meet. Each is one line: what was given, what is possible, the nearest match."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpasmlabError(Exception):
    """Any error Spasmlab raises on purpose; the command line ends with exit code 1."""

    exit_code = 1


class InputError(SpasmlabError):
    """The user's input is wrong; the command line prints one line and ends with exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class ModelError(SpasmlabError):
    """The model itself is wrong or wired wrongly (a missing signal, a unit that does not fit, a lost row)."""


class SolveError(SpasmlabError):
    """A run blew up; the message names the quantity and the time."""


def nearest(given: str, possible: Iterable[str]) -> str | None:
    """The entry of `possible` most like `given`, or None where nothing comes near."""
    names = list(possible)
    folded = {name.casefold(): name for name in names}
    matches = difflib.get_close_matches(given.casefold(), folded, n=1, cutoff=0.5)
    return folded[matches[0]] if matches else None


def unknown(kind: str, given: str, possible: Iterable[str], most: int = 20) -> InputError:
    """An InputError for a name that does not exist, e.g. ``unknown drug 'gabapentine'; did you mean …``."""
    names = sorted(possible)
    match = nearest(given, names)
    hint = f"did you mean '{match}'? possible" if match else "possible"
    listed = ", ".join(names[:most]) + (", …" if len(names) > most else "")
    return InputError(f"unknown {kind} '{given}'; {hint}: {listed}")
