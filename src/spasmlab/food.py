"""Food and its kinds: how large a meal a dose meets, from 0 (fasted) to 1 (the fat breakfast of food studies)."""

from __future__ import annotations

from functools import cache

from spasmlab.errors import unknown

FASTED, FED = "fasted", "high-fat"


@cache
def kinds() -> dict[str, float]:
    """The size of each kind of meal, by name."""
    from spasmlab import parameter

    return {name.replace("_", "-"): record.number for name, record in parameter.beside("food").items()}


def scale(kind: str | bool | None) -> float:
    """The size of a meal: a kind by name, True for the meal of food studies, False or None for none.

    Raises InputError with the nearest match for an unknown kind.
    """
    if kind is None or isinstance(kind, bool):
        return kinds()[FED if kind else FASTED]
    known = kinds()
    name = kind.strip().lower().replace(" ", "-").replace("_", "-")
    if name not in known:
        raise unknown("kind of meal", kind, known)
    return known[name]
