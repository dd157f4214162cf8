"""A parameter is a record in TOML: a value with its unit, doubt, spread between patients, rows and status.

Records live beside the code that uses them (`chain/release.toml`, `circuit/motoneuron.toml`) or in the one
file of the drug or condition they belong to (`data/drugs/gabapentin.toml`). A file holds a table per record:

    [uptake_vmax]
    value = 228
    unit = "mg/h"
    transform = "log"        # the scale on which `spread` and `between` are standard deviations
    spread = 0.10            # doubt about the value
    between = 0.40           # spread between patients
    bounds = [20, 2000]
    rows = ["GBP-F-LAB1"]
    status = "fitted"        # measured | derived | fitted | assumed; assumed needs a note
    grade = "B"              # A replicated, B one quantitative source, C assumed or extrapolated
    note = "…"
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from spasmlab import units
from spasmlab.errors import InputError, unknown

PACKAGE = Path(__file__).parent
PARTS = (
    "circuit/joints",
    "circuit/muscles",
)  # folders in which each file is one part: adding it is adding a file
Value = float | tuple[float, ...]


class Parameter(BaseModel):
    """One number (or a short table of numbers, e.g. knots along the motor pool) and all that is known of it.

    `transform` is the scale of `spread` (doubt about the value) and of `between` (standard deviation between
    patients): ``log``: value·exp(s·z); ``linear``: value + s·z; ``logit``: on the logit of a share in 0..1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    value: Value
    unit: str
    transform: Literal["log", "linear", "logit"] = "log"
    spread: float | None = None
    between: float = 0.0
    bounds: tuple[float, float] | None = None
    rows: tuple[str, ...] = ()
    status: Literal["measured", "derived", "fitted", "assumed"]
    grade: Literal["A", "B", "C"]
    note: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit(".", 1)[-1]

    @property
    def values(self) -> tuple[float, ...]:
        """The value as a tuple, whether it is one number or a table."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def number(self) -> float:
        """The value of a record that holds one number."""
        if isinstance(self.value, tuple):
            raise TypeError(f"{self.path} holds a table of {len(self.value)} numbers, not one")
        return self.value

    @model_validator(mode="after")
    def _consistent(self) -> Parameter:
        units.unit(self.unit)
        if self.bounds and not all(self.bounds[0] <= v <= self.bounds[1] for v in self.values):
            raise ValueError(f"value {self.value} lies outside its bounds {self.bounds}")
        if not all(math.isfinite(v) for v in self.values):
            raise ValueError(f"value {self.value} is not finite")
        if self.status == "assumed" and not self.note:
            raise ValueError("status 'assumed' needs a note that says why this value")
        if self.status != "assumed" and not self.rows:
            raise ValueError(f"status '{self.status}' needs the rows of evidence it rests on")
        spreads = (self.spread or 0.0, self.between)
        if min(spreads) < 0:
            raise ValueError("spread and between are standard deviations and cannot be negative")
        if max(spreads) > 0 and self.transform == "log" and min(self.values) <= 0:
            raise ValueError("a spread on the log scale needs a positive value")
        if max(spreads) > 0 and self.transform == "logit" and not all(0 < v < 1 for v in self.values):
            raise ValueError("a spread on the logit scale needs a value between 0 and 1")
        return self

    def at(self, z: np.ndarray, sd: float | None) -> np.ndarray:
        """The value moved by `z` standard normal deviates of size `sd` on its own scale, kept within bounds.

        Shapes: `z` any; the result has the same shape. Raises TypeError for a table of numbers.
        """
        centre, step = self.number, (sd or 0.0) * np.asarray(z, dtype=float)
        if self.transform == "log":
            moved = centre * np.exp(step)
        elif self.transform == "linear":
            moved = centre + step
        else:
            moved = 1 / (1 + np.exp(-(math.log(centre / (1 - centre)) + step)))
        return np.clip(moved, *self.bounds) if self.bounds else moved


def read_toml(file: Path) -> dict[str, Any]:
    """Read a TOML file; an InputError names the file and the line where it cannot be read."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(f"cannot read '{file}': {problem.strerror or problem}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"'{file}' is not valid TOML: {problem}") from problem


def parameters_from(records: Mapping[str, Any], prefix: str, origin: str) -> dict[str, Parameter]:
    """Records of one TOML table as parameters by name; an InputError names file, record and field."""
    found = {}
    for name, record in records.items():
        try:
            found[name] = Parameter(path=f"{prefix}.{name}", **record)
        except (ValidationError, TypeError) as problem:
            raise InputError(f"parameter '{name}' in '{origin}': {_first_line(problem)}") from problem
    return found


def _first_line(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else first["msg"]
    return str(problem)


@cache
def beside(module: str) -> dict[str, Parameter]:
    """The parameters beside a module, by name: ``beside("chain.release")`` reads `chain/release.toml`."""
    file = PACKAGE.joinpath(*module.split(".")).with_suffix(".toml")
    records = {name: record for name, record in read_toml(file).items() if isinstance(record, dict)}
    return parameters_from(records, module, file.name)


@cache
def modules() -> tuple[str, ...]:
    """The modules that have a file of parameters beside them, e.g. ``chain.release``, and the PARTS; other TOML is
    data.
    """
    files = sorted(
        file
        for file in PACKAGE.rglob("*.toml")
        if file.with_suffix(".py").exists() or file.parent.relative_to(PACKAGE).as_posix() in PARTS
    )
    inside = (file.relative_to(PACKAGE).with_suffix("") for file in files)
    return tuple(".".join(path.parts) for path in inside if path.parts[0] != "data")


@cache
def ledger() -> dict[str, Parameter]:
    """Every parameter by path: those beside code, then those of drugs, conditions, hypotheses, populations and side
    effects."""
    from spasmlab import condition, drug, hypothesis, population, relief, variability
    from spasmlab.endpoints import adverse

    found = {p.path: p for module in modules() for p in beside(module).values()}
    found |= {p.path: p for name in drug.names() for p in drug.load(name).records}
    for kind in (condition, hypothesis, relief):
        found |= {p.path: p for name in kind.names() for p in kind.load(name).records}
    for kind in (population, variability):
        found |= {path: p for name in kind.names() for path, p in kind.load(name).parameters.items()}
    found |= {p.path: p for name in adverse.names() for p in adverse.load(name).parameters.values()}
    return found


def find(path: str) -> Parameter:
    """The parameter at `path` (a unique last part will do); InputError with the nearest match otherwise."""
    known = ledger()
    if path in known:
        return known[path]
    tails = [p for p in known if p.endswith("." + path)]
    # A shift's path ends with its target's: the target itself is meant.
    tails = [p for p in tails if not p.startswith(("conditions.", "hypotheses.", "reliefs."))] or tails
    if len(tails) == 1:
        return known[tails[0]]
    raise unknown("parameter", path, tails or known)
