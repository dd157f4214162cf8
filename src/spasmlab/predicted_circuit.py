"""Published rows of the circuit, predicted: what `data/predicted/circuit.csv` says of each row of levels binding to muscle.

A line names the row and how it is simulated: an assay in a condition (kept by `circuit_runs`), or ``bath``: the chain at a
constant concentration around the synapse. `against` says what the number is compared with: ``no drug``,
``condition=healthy``, other ``changes=``, another place ``at=0.1`` of the curve, or nothing. `turn` is -1 where the row
prints a fall as a positive number, and `expect` is the sign that a statement in words means. A line without a `source` says
why the row cannot be predicted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from spasmlab import evidence, units
from spasmlab.circuit_runs import NO_DRUG, SEED, Arms, Kept, Session, picked
from spasmlab.errors import ModelError
from spasmlab.evidence import Row
from spasmlab.parameter import PACKAGE, beside

FILE = PACKAGE / "data" / "predicted" / "circuit.csv"
LEVELS = ("binding", "channel", "release", "synapse", "reflex", "spasm", "muscle")
READ_OUTS = (
    "reflex",
    "spasm",
)  # levels of `neuromuscular` that are read-outs; the others are numbers of models
BATH = "bath"
IN_BATHS = Session(BATH, "all")  # every bath together, kept as one session whose doses are the rows' ids
FROM_NOTHING = ("gaba_a_activation", "gaba_b_activation", "occupancy")
PERCENT = {"%", "percent"}
CONCENTRATIONS = np.geomspace(1e-4, 1e5, 90)  # µmol/L, between which a half-effect is looked for
IC50 = "ic50 "
UNDRUGGED = "no drug"
SIGNED = ("direction", "logical")
_STANDARD = {"SD", "SE", "SE (likely)", "SEM", "not stated"}
_Z90 = 1.6448536269514722  # half of a 90 % interval of the standard normal distribution


@dataclass(frozen=True)
class Line:
    """How a row is simulated; see the module's words."""

    row: str
    source: str
    readout: str
    at: str
    condition: str
    changes: str
    drug: str
    dose: str
    against: str
    turn: str
    expect: str
    why: str

    @property
    def session(self) -> Session:
        """The session that the line reads."""
        return Session(self.source, self.condition, self.changes)

    @property
    def reference(self) -> Session:
        """The session it is compared with: another condition, other changes, or itself."""
        field, _, value = self.against.partition("=")
        return replace(self.session, **{field: value}) if field in ("condition", "changes") else self.session

    @property
    def elsewhere(self) -> Line:
        """The line with the place on the curve that it is compared with."""
        field, _, value = self.against.partition("=")
        return replace(self, at=value) if field == "at" else self

    @property
    def arm(self) -> str:
        """The dose as `circuit_runs` writes it."""
        return f"{self.drug} {self.dose}" if self.drug else NO_DRUG

    def states(self, row: Row) -> bool:
        """Whether the row is read as a statement: in words, or by the sign (or absence) of its change alone."""
        return row.unit in SIGNED or bool(self.expect)

    @property
    def told(self) -> str:
        """What is simulated, in words."""
        place = f" at {self.at}" if self.at else ""
        words = [self.source.replace("_", " "), self.readout + place, self.condition, self.changes, self.drug]
        words += [self.dose, f"against {self.against}" if self.against else ""]
        return "; ".join(word for word in words if word)


@dataclass(frozen=True)
class Judged:
    """A row beside its prediction, in the row's unit (a change in per cent for a statement), and the verdict."""

    row: Row
    line: Line
    value: float
    low: float
    high: float
    verdict: str


@cache
def lines() -> Mapping[str, Line]:
    """Every line by its row's id, in the order of the table."""
    with FILE.open(newline="", encoding="utf-8") as text:
        return {row["row"]: Line(**row) for row in csv.DictReader(text)}


def rows() -> dict[str, Row]:
    """The rows that need a line: mechanism from binding to muscle, and the read-outs among the neuromuscular ones."""
    found = {row.id: row for row in evidence.table("mechanism") if row.level in LEVELS}
    found |= {row.id: row for row in evidence.table("neuromuscular") if row.level in READ_OUTS}
    return found | {id: evidence.row(id) for id in lines() if id not in found}


def require_complete() -> None:
    """ModelError where a row has no line, or a line neither a source nor a reason."""
    if absent := sorted(set(rows()) - set(lines())):
        raise ModelError(f"data/predicted/circuit.csv has no line for: {', '.join(absent)}")
    for line in lines().values():
        if not line.source and not line.why:
            raise ModelError(f"data/predicted/circuit.csv, {line.row}: neither a source nor a reason")


def wanted() -> Iterator[tuple[Session, str]]:
    """What has to be run: sessions with doses, of assays and conditions that exist."""
    for line in lines().values():
        if line.source == BATH:
            yield IN_BATHS, line.row
        elif line.source and runnable(line):
            yield line.session, line.arm
            yield line.reference, line.arm


def runnable(line: Line) -> bool:
    """Whether assay, read-out and conditions of a line exist."""
    from spasmlab import assays, condition

    if line.source not in assays.names() or line.readout not in assays.load(line.source).READOUTS:
        return False
    return {line.condition, line.reference.condition} <= set(condition.names())


def values(line: Line, row: Row, kept: Mapping[str, Arms]) -> np.ndarray | None:
    """The prediction by draw in the row's unit: a number, a difference, or for a plain ratio the ratio; for a statement and
    for a row in per cent the change in per cent.

    None where the run is not kept or says nothing.
    """
    first = _seen(line, line.session, line.arm, kept)
    if first is None:
        return None
    turn = float(line.turn or 1)
    if line.source == BATH and line.against:  # every signal of the chain is 1 without drug, or 0
        other = 0.0 if line.readout in FROM_NOTHING else 1.0
        return turn * 100 * (first.values - other) + 0.0
    if not line.against:
        scale = 1.0 if row.unit in SIGNED else units.factor(first.unit, row.unit)
        return turn * first.values * scale
    undrugged = line.against == UNDRUGGED
    other = _seen(line.elsewhere, line.reference, NO_DRUG if undrugged else line.arm, kept)
    if other is None:
        return None
    if row.unit not in PERCENT and not line.states(row):
        if row.unit == "1":
            return first.values / other.values
        return turn * (first.values - other.values) * units.factor(first.unit, row.unit)
    with np.errstate(divide="ignore", invalid="ignore"):
        base = np.where(other.values == 0, np.abs(other.values).mean(), np.abs(other.values))
        return turn * 100 * (first.values - other.values) / base


def _seen(line: Line, session: Session, arm: str, kept: Mapping[str, Arms]) -> Kept | None:
    if line.source == BATH:
        session, arm = IN_BATHS, line.row
    found = picked(kept.get(session.text, {}).get(arm, []), line.readout, float(line.at or np.nan))
    return found if found is not None and found.finite.size else None


def in_baths(ids: Iterable[str], draws: int) -> dict[str, list[Kept]]:
    """What the lines of these rows ask of the chain in a bath: by row, the signal in the bath; `dose` is the concentration
    (µmol/L), hours and amino acids.

    ``ic50 SIGNAL`` is the concentration (µmol/L) at which the change of the signal is half of that at the highest.
    """
    found = {}
    for line in map(lines().__getitem__, ids):
        level, hours, amino_acids = line.dose.split()
        signal = line.readout.removeprefix(IC50)

        def at(
            concentration: float, line=line, hours=hours, amino_acids=amino_acids, signal=signal
        ) -> np.ndarray:
            return _clamped(line, concentration, float(hours), amino_acids, draws)[signal]

        if line.readout == signal:
            values, unit = at(float(level)), "1"
        else:
            effect = np.abs(np.array([at(c) for c in CONCENTRATIONS]) - at(0.0))
            values = np.exp([np.interp(0.5, e / e[-1], np.log(CONCENTRATIONS)) for e in effect.T])
            unit = "umol/L"
        found[line.row] = [Kept(line.readout, unit, "", np.nan, np.asarray(values))]
    return found


def _clamped(line: Line, level: float, hours: float, amino_acids: str, draws: int) -> dict[str, np.ndarray]:
    from spasmlab import condition, hypothesis
    from spasmlab import drug as drugs
    from spasmlab.chain import bath

    found = bath.clamped(
        drugs.load(line.drug), level, hours, condition.load(line.condition), hypothesis.load(hypothesis.DEFAULT),
        amino_acids=amino_acids, draws=draws, seed=SEED, overrides=line.session.values,
    )  # fmt: skip
    return {str(name): found[name].values for name in found}


def judge(row: Row, line: Line, kept: Mapping[str, Arms]) -> Judged | None:
    """The prediction and the verdict; None where there is no prediction."""
    seen = values(line, row, kept) if line.source else None
    if seen is None or not np.isfinite(seen).any():
        return None
    value, low, high = summary(seen)
    return Judged(row, line, value, low, high, _verdict(row, line, value, low, high))


def summary(draws: np.ndarray) -> tuple[float, float, float]:
    """Median and 90 % interval of the draws that have a value."""
    there = draws[np.isfinite(draws)]
    low, high = np.percentile(there, (5, 95))
    return float(np.median(there)), float(low), float(high)


def _verdict(row: Row, line: Line, value: float, low: float, high: float) -> str:
    """By rule: inside the published spread; else direction right; else missed."""
    rule = beside("predicted_circuit")
    change = bool(line.against) or row.unit in SIGNED
    limit = rule["no_effect"].number
    if line.states(row):
        sign = int(line.expect or row.number)
        seen = 0 if abs(value) < limit else int(np.sign(value))
        return "direction right" if seen == sign else "missed"
    inner, outer = published_range(row)
    if inner <= value <= outer:
        return "inside the spread"
    if change and row.number == 0 and row.unit in PERCENT:
        return "inside the spread" if abs(value) < limit else "missed"
    if low <= outer and high >= inner:
        return "intervals overlap"
    if change and row.unit in PERCENT:
        return (
            "direction right" if np.sign(value) == np.sign(row.number) and abs(value) >= limit else "missed"
        )
    return "missed"


def published_range(row: Row) -> tuple[float, float]:
    """The range that counts as met: half-range or 90 % of the printed spread, an open side for a bound, else a share."""
    if row.spread_kind == "upper bound":
        return -np.inf, row.number
    if row.spread_kind == "lower bound":
        return row.number, np.inf
    if row.spread is not None and row.spread_kind == "half-range":
        reach = row.spread
    elif row.spread is not None and row.spread_kind in _STANDARD:
        reach = _Z90 * row.spread
    else:
        reach = beside("predicted_circuit")["without_spread"].number * abs(row.number)
    return row.number - reach, row.number + reach


def judged(kept: Mapping[str, Arms]) -> list[Judged]:
    """Every row that has a prediction."""
    known = rows()
    found = (judge(known[id], line, kept) for id, line in lines().items())
    return [one for one in found if one is not None]
