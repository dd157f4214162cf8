"""Other drugs taken along, one file each in `data/interactions`: what they multiply, and the row with the size.

The size of an interaction is read from its row when it is asked for: *measured, in-sample*. It is no parameter
and no fit reads it; the row it comes from is never counted among the predictions (docs/predicted_exposure.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from spasmlab import evidence, units
from spasmlab.errors import InputError, unknown
from spasmlab.parameter import PACKAGE, read_toml

if TYPE_CHECKING:
    from spasmlab.drug import Drug
    from spasmlab.evidence import Row

FOLDER = PACKAGE / "data" / "interactions"
STATUS = "measured, in-sample"
_FIELDS = {"title", "summary", "drugs", "parameter", "row"}
_MORE = {"formulations"}  # of a size of its own: formulation to row


@dataclass(frozen=True)
class Interaction:
    """What one other drug multiplies (`parameter`) by how much (`factor`), and the `row` it was read from.

    `rows` are those of formulations in which another size was measured.
    """

    name: str
    title: str
    summary: str
    drugs: tuple[str, ...]
    parameter: str
    row: Row
    rows: Mapping[str, Row]

    @property
    def factor(self) -> float:
        """The ratio of exposure with to without it; a change in per cent becomes a ratio."""
        return self.factor_in("")

    def row_of(self, formulation: str) -> Row:
        """The row with the size in a formulation."""
        return self.rows.get(formulation, self.row)

    def factor_in(self, formulation: str) -> float:
        """`factor` in a formulation."""
        found = self.row_of(formulation)
        size = _size(found)
        return 1 + size * units.factor("percent", "1") if found.unit in {"%", "percent"} else size


def _size(row: Row) -> float:
    """The number of a row; a label's rule keeps it among its own columns."""
    written = row.extra.get("values", "")
    return row.number if row.value is not None or not written else float(written)


def names() -> tuple[str, ...]:
    """The names of all interactions, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Interaction:
    """Read one interaction; InputError with the nearest match for an unknown name."""
    if name not in names():
        raise unknown("drug taken along", name, names())
    file = FOLDER / f"{name}.toml"
    table = read_toml(file)
    if set(table) - _MORE != _FIELDS:
        raise InputError(f"'{file.name}' must have the fields {', '.join(sorted(_FIELDS))}")
    row = evidence.row(table["row"])
    rows = {form: evidence.row(id) for form, id in table.get("formulations", {}).items()}
    words = (name, table["title"], table["summary"], tuple(table["drugs"]), table["parameter"])
    return Interaction(*words, row, rows)


def overrides(taken: Sequence[str], drug: Drug, formulation: str = "ir") -> dict[str, float]:
    """Values of the parameters that drugs taken along multiply, for ``solve(overrides=…)``.

    Effects on one parameter multiply. Raises InputError for an unknown name, one given twice, or a drug for
    which no size is known.
    """
    found: dict[str, float] = {}
    for name in taken:
        one = load(name)
        if list(taken).count(name) > 1:
            raise InputError(f"'{name}' is given twice; give each drug taken along once")
        if drug.name not in one.drugs:
            raise InputError(
                f"no size is known for {name} taken with {drug.name}; possible: with {', '.join(one.drugs)}"
            )
        found[one.parameter] = found.get(one.parameter, 1.0) * one.factor_in(formulation)
    return found
