"""Published studies: trial designs in `data/studies`, one file each, with the rows of evidence they reported."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from spasmlab import evidence
from spasmlab.errors import ModelError, unknown
from spasmlab.parameter import PACKAGE

if TYPE_CHECKING:
    from spasmlab.trial.design import Design, Published

FOLDER = PACKAGE / "data" / "studies"


@cache
def names() -> tuple[str, ...]:
    """The names of all studies, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Design:
    """One study; InputError with the nearest match for an unknown name."""
    from spasmlab.trial import design

    if name not in names():
        raise unknown("study", name, names())
    return design.read(FOLDER / f"{name}.toml")


def number(published: Published) -> float | None:
    """What the row reports in the field named; None where it states no number there."""
    row = evidence.row(published.row)
    if published.field == "value":
        return row.value
    column = {"adjusted": "placebo_adjusted", "placebo": "value_placebo"}[published.field]
    text = row.extra.get(column)
    if text is None:
        raise ModelError(f"evidence row {published.row} has no column {column}")
    return float(text) if text else None


def role(published: Published) -> str:
    """Whether the row may be fitted to: `calibration` or `validation`."""
    return evidence.row(published.row).role
