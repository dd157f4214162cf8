"""Units are declared and checked before a run; none exist at run time.

The unit registry is Pint's. It is imported on first use, since `spasmlab --help` has no need of it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from spasmlab.errors import ModelError

if TYPE_CHECKING:
    import pint

_OWN_UNITS = (
    "percent = 0.01 = %",
    "pulse_per_second = 1 / second = pps",
    "logical = 1",
    "direction = 1",
    "grade = 1",
    "point = 1",
    "fold = 1",
    "share = 1",
    "optimal_length = [optimal_length] = L0",
    "maximal_force = [maximal_force] = F0",
    "event = 1",
    "patient = 1",
    "cell = 1",
    "four_weeks = 28 * day",
    "tendon_slack_length = [tendon_slack_length] = LT0",
    "intrafusal_force = [intrafusal_force] = FU",
    "unstated_force = [unstated_force]",
)


@cache
def registry() -> pint.UnitRegistry:
    """The one unit registry of the program: Pint's, with the units of the field added."""
    import pint

    # Pint's own `point` (of type) and `grade` (an angle) are not the field's: ours replace them.
    units = pint.UnitRegistry(autoconvert_offset_to_baseunit=True, on_redefinition="ignore")
    for line in _OWN_UNITS:
        units.define(line)
    units._build_cache()  # Pint keeps the old factor of a unit defined anew until its cache is built again
    return units


@cache
def unit(text: str) -> pint.Unit:
    """Parse a unit such as ``mg/h``, ``mL/min``, ``µS`` or ``1``; ModelError where it does not parse."""
    try:
        return registry().parse_units("dimensionless" if text.strip() in {"1", "-"} else text)
    except Exception as problem:
        raise ModelError(f"the unit '{text}' does not parse ({problem})") from problem


def same_dimension(first: str, second: str) -> bool:
    """Whether two units measure the same kind of quantity."""
    return unit(first).dimensionality == unit(second).dimensionality


@cache
def factor(source: str, target: str) -> float:
    """The number that turns a value in `source` into one in `target`; raise ModelError where none does."""
    if not same_dimension(source, target):
        raise ModelError(f"'{source}' cannot be turned into '{target}': their dimensions differ")
    turned: Any = registry().Quantity(1.0, unit(source)).to(unit(target))
    return float(turned.magnitude)


def dimensions(text: str) -> dict[str, float]:
    """Base dimensions and their powers, e.g. ``mg/h`` gives ``{'[mass]': 1, '[time]': -1}``."""
    powers: dict[str, Any] = dict(unit(text).dimensionality)
    return {name: float(power) for name, power in powers.items()}
