"""Quantities: a value with its unit and its 90 % interval, made from draws, ready for JSON and for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

INTERVAL = (5.0, 95.0)  # percentiles of a 90 % interval
FEWEST_DRAWS = 8  # below this an interval would pretend to a knowledge that is not there


@dataclass(frozen=True)
class Quantity:
    """A value in `unit`; `low` and `high` bound its 90 % interval. None stands for what does not exist."""

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Quantity:
        """The quantity that an entry of a result holds, whatever else stands in it."""
        return cls(entry["value"], entry["unit"], entry["low"], entry["high"])

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: value, unit, low, high."""
        return {"value": self.value, "unit": self.unit, "low": self.low, "high": self.high}

    @property
    def text(self) -> str:
        """Value, unit and interval for people, e.g. ``5.1 mg/L (4.2 to 6.3)``."""
        if self.value is None:
            return self.number_text
        unit = f" {pretty_unit(self.unit)}".rstrip()
        return self.number_text + unit + (f" ({self.interval_text})" if self.interval_text else "")

    @property
    def number_text(self) -> str:
        """The value alone, to three figures; a dash where there is none."""
        return short(self.value)

    @property
    def interval_text(self) -> str:
        """The interval alone, e.g. ``4.2 to 6.3``; empty where there is none, or no width to it."""
        return "" if self.low is None or self.low == self.high else f"{short(self.low)} to {short(self.high)}"


def from_draws(draws: np.ndarray, unit: str, centre: str = "first") -> Quantity:
    """A quantity from draws of shape (D,): their centre is the value, all of them give the 90 % interval.

    `centre` is ``first`` (draw 0, the central parameter values), ``median`` (of the finite draws, where each draw
    is another cord and a single one would be chance) or ``mean`` (of probabilities, which then still sum to 1);
    below 8 draws always the first. The interval always holds the value. There is none for fewer than 8 draws,
    nor where a draw is not finite (a threshold that was never reached); the value is None where the centre is not
    finite, or under half of the draws are.
    """
    import numpy as np

    draws = np.asarray(draws, dtype=float)
    value = _centre(draws, centre if draws.size >= FEWEST_DRAWS else "first")
    if draws.size < FEWEST_DRAWS or value is None or not np.isfinite(draws).all():
        return Quantity(value, unit)
    low, high = ends(draws.tolist())
    return Quantity(value, unit, min(low, value), max(high, value))


def ends(draws: list[float]) -> tuple[float, ...]:
    """The ends of the 90 % interval of finite numbers: to the last bit those of ``np.percentile``, sooner."""
    ordered, last = sorted(draws), len(draws) - 1
    found = []
    for percent in INTERVAL:
        place = last * (percent / 100)
        first = min(int(place), last)
        low, high = ordered[first], ordered[min(first + 1, last)]
        share, step = place - first, high - low
        found.append(low + step * share if share < 0.5 else high - step * (1 - share))
    return tuple(found)


def _centre(draws: np.ndarray, centre: str) -> float | None:
    import numpy as np

    known = draws[np.isfinite(draws)]
    if centre == "first":
        return finite(draws[0])
    if 2 * known.size < draws.size:
        return None
    return float(np.median(known) if centre == "median" else known.mean())


def finite(value: Any) -> float | None:
    """`value` as a float, or None where it is not finite (JSON has no NaN)."""
    number = float(value)
    return number if math.isfinite(number) else None


def short(value: float | None) -> str:
    """A number to three figures, without needless zeros or exponents; a dash for None."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        places = max(0, 2 - math.floor(math.log10(abs(value))))
        text = f"{value:.{places}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.2e}"


def pretty_unit(unit: str) -> str:
    """A unit as it is printed: ``N*m`` becomes ``N·m``, ``deg/s`` ``°/s``, steps of a scale nothing."""
    if unit in {"1", "point", "grade"}:
        return ""
    words = {
        "N m": "N·m", "*": "·", "deg": "°", "percent": "%", "umol": "µmol", "uV": "µV", "year": "y",
        "four_weeks": "28 d",
    }  # fmt: skip
    for plain, printed in words.items():
        unit = unit.replace(plain, printed)
    return unit
