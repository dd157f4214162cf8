"""A claim as its file says it, and the rules that turn effects into verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spasmlab import evidence
from spasmlab.errors import InputError
from spasmlab.parameter import read_toml

SUPPORTED, MIXED, NOT_SUPPORTED, NOT_TESTABLE = "supported", "mixed", "not supported", "not testable"
VERDICTS = (SUPPORTED, MIXED, NOT_SUPPORTED, NOT_TESTABLE)
RULE = (
    "an experiment supports its statement where the whole 90 % interval of its effect lies on the claimed side of the "
    "threshold, and speaks against it where the whole interval lies on the other; else it is mixed. Rows of evidence "
    "support it where all that decide are on the claimed side. A statement is supported where every experiment that could "
    "have failed supports it, not supported where every one speaks against it, else mixed; not testable where none could "
    "have failed"
)


class Experiment(BaseModel):
    """One experiment of a claim; see `spasmlab.claims`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str
    title: str
    falsified: str
    direction: Literal["above", "below", "near"]
    threshold: float = 0.0
    tolerance: float = Field(default=0.0, ge=0)
    rows: tuple[str, ...] = ()
    built_in: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)


class Claim(BaseModel):
    """A statement and its experiments. `untestable` says why nothing here can test it, where nothing can."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    statement: str
    level: str
    experiments: tuple[Experiment, ...] = ()
    untestable: str = ""


@dataclass(frozen=True)
class Found:
    """What an experiment gave: effect with its 90 % interval, and what decided it where rows of evidence did.

    `votes` counts rows for, against and without a decision; None where the interval decides. `thin` says why the rows
    cannot carry the statement alone.
    """

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    detail: str = ""
    votes: tuple[int, int, int] | None = None
    thin: str = ""
    parts: dict[str, str] = field(default_factory=dict)


def read(file: Path) -> Claim:
    """The claim of a file; InputError names the field that is wrong, the row or kind that does not exist."""
    from spasmlab.claims import experiments

    try:
        found = Claim(id=file.stem, **read_toml(file))
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"'{file.name}', {where}: {first['msg'].removeprefix('Value error, ')}") from None
    if not found.experiments and not found.untestable:
        raise InputError(f"'{file.name}' has no experiment, and does not say why it is untestable")
    for one in found.experiments:
        experiments.find(one.kind)
        for row in one.rows:
            evidence.row(row)
    return found


def side(experiment: Experiment, value: float) -> int:
    """1 where a value lies on the claimed side of the threshold, −1 where on the other."""
    distance = value - experiment.threshold
    if experiment.direction == "near":
        return 1 if abs(distance) <= experiment.tolerance else -1
    if experiment.direction == "below":
        return 1 if distance < -experiment.tolerance else -1
    return 1 if distance > experiment.tolerance else -1


def judge(experiment: Experiment, found: Found) -> str:
    """The verdict on one experiment by the rule of this module."""
    if experiment.built_in:
        return NOT_TESTABLE
    if found.votes is not None:
        verdict = _by_votes(*found.votes)
        return MIXED if verdict == SUPPORTED and found.thin else verdict
    if found.value is None or found.low is None or found.high is None:
        return NOT_TESTABLE
    sides = {side(experiment, end) for end in (found.low, found.high)}
    if experiment.direction == "near" and found.low < experiment.threshold < found.high and sides == {-1}:
        return MIXED
    return MIXED if len(sides) > 1 else SUPPORTED if sides == {1} else NOT_SUPPORTED


def _by_votes(supporting: int, against: int, undecided: int) -> str:
    if not supporting and not against:
        return NOT_TESTABLE
    return MIXED if supporting and against else SUPPORTED if supporting else NOT_SUPPORTED


def together(verdicts: Iterable[str]) -> str:
    """The verdict on a statement from those on its experiments; those that could not have failed decide nothing."""
    deciding = {v for v in verdicts if v != NOT_TESTABLE}
    if not deciding:
        return NOT_TESTABLE
    return deciding.pop() if len(deciding) == 1 else MIXED
