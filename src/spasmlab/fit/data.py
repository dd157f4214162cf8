"""Data to fit: levels of each subject, from a NONMEM-style table or from arrays.

Columns: ID, TIME [h], AMT [mg], DV [mg/L]; and where they are there EVID, MDV, ADDL, II, CENS (1: DV is the limit
below which the level lies), and covariates (WT, AGE, HT, CRCL, CREAT, SEX as f or m). Infusions, steady-state doses and
other compartments (RATE, SS, CMT) are refused, not ignored.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from spasmlab import patient
from spasmlab.errors import InputError, unknown
from spasmlab.parameter import PACKAGE
from spasmlab.patient import Patient

NEEDED = ("ID", "TIME", "AMT", "DV")
OPTIONAL = ("EVID", "MDV", "ADDL", "II", "CENS")
COVARIATES = {
    "WT": "weight",
    "AGE": "age",
    "HT": "height",
    "CRCL": "crcl",
    "CREAT": "creatinine",
    "SEX": "sex",
}
# Columns a fit reads only to refuse what it cannot do: event tables are predicted in full, but fitted without these.
UNFITTED = {
    "RATE": ((0,), "doses by mouth, as amounts at a time (RATE 0)"),
    "SS": ((0,), "doses written out from the first (SS 0)"),
    "CMT": ((0, 1, 2), "compartment 1 for doses, 2 for levels (CMT 1 or 2)"),
}
OBSERVED, DOSED = 0, 1
THEOPHYLLINE = PACKAGE / "data" / "studies" / "theophylline.csv"


@dataclass(frozen=True, eq=False)
class Subject:
    """Doses [h, mg] and levels [h, mg/L] of one subject, sorted; `below` marks levels below the limit, where
    `observed` is the limit. `covariates` as in the text of a patient: weight, age, sex, crcl, …"""

    name: str
    doses_h: np.ndarray
    amounts_mg: np.ndarray
    times_h: np.ndarray
    observed: np.ndarray
    below: np.ndarray
    covariates: Mapping[str, str] = field(default_factory=dict)

    def person(self) -> Patient:
        """The subject as a patient; what is not known keeps its default."""
        text = ", ".join(f"{key}={value}" for key, value in self.covariates.items())
        return patient.parse(text) if text else patient.default()


def subject(
    name: str,
    doses: Sequence[tuple[float, float]],
    levels: Sequence[tuple[float, float]],
    below: Sequence[bool] | None = None,
    **covariates: float | str,
) -> Subject:
    """A subject from (hour, mg) of each dose and (hour, mg/L) of each level; InputError for what cannot be."""
    if not levels:
        raise InputError(f"subject {name} has no level to fit")
    times, values = np.array(levels, dtype=float).T
    order = np.argsort(times, kind="stable")
    given = np.array(sorted(doses), dtype=float).reshape(-1, 2)
    if not (np.all(np.isfinite(values)) and np.all(values >= 0) and np.all(times >= 0)):
        raise InputError(f"subject {name}: times and levels must be numbers of at least 0")
    if np.any(given < 0) or not np.all(np.isfinite(given)):
        raise InputError(f"subject {name}: times and amounts of doses must be numbers of at least 0")
    marked = np.zeros(len(times), dtype=bool) if below is None else np.array(below, dtype=bool)
    told = {key: str(value) for key, value in covariates.items()}
    return Subject(name, given[:, 0], given[:, 1], times[order], values[order], marked[order], told)


def read(file: str | Path) -> list[Subject]:
    """The subjects of a table, in its order; InputError names the line and the column that is wrong."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"cannot read '{file}': {problem}") from problem
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    rows = list(csv.reader(line for _, line in numbered))
    if len(rows) < 2:
        raise InputError(f"'{file}' holds no row of data")
    header = [name.strip().upper() for name in rows[0]]
    _require_columns(header, str(file))
    found: dict[str, list[_Row]] = {}
    for (line, _), cells in zip(numbered[1:], rows[1:], strict=True):
        if len(cells) != len(header):
            raise InputError(f"line {line} of '{file}' has {len(cells)} cells; its header has {len(header)}")
        row = _Row(dict(zip(header, (cell.strip() for cell in cells), strict=True)), line, str(file))
        row.refuse_unfitted()
        found.setdefault(row.cells["ID"], []).append(row)
    return [_subject(name, rows) for name, rows in found.items()]


@cache
def theophylline() -> tuple[Subject, ...]:
    """The twelve subjects of the theophylline set (data/studies/theophylline.csv says whence)."""
    return tuple(read(THEOPHYLLINE))


def check(subjects: Sequence[Subject]) -> None:
    """InputError where there is nothing to fit."""
    if not subjects:
        raise InputError("there is no subject to fit")
    for subject in subjects:
        if not len(subject.doses_h):
            raise InputError(f"subject {subject.name} has no dose")


@dataclass(frozen=True)
class _Row:
    cells: Mapping[str, str]
    line: int
    file: str

    def number(self, column: str, default: float = 0.0) -> float:
        text = self.cells.get(column, "")
        if text in {"", "."}:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(f"line {self.line} of '{self.file}', column {column}: '{text}' is not a number")
        return value

    def refuse_unfitted(self) -> None:
        """InputError for an infusion, a steady state or a compartment that a fit would silently take for a dose."""
        for column, (possible, words) in UNFITTED.items():
            value = self.number(column)
            dosed_elsewhere = column == "CMT" and value == 2 and self.number("AMT") > 0
            if value not in possible or dosed_elsewhere:
                raise InputError(
                    f"line {self.line} of '{self.file}', column {column}: {value:g} cannot be fitted; possible: {words}"
                )

    @property
    def event(self) -> int:
        """0 for a level, 1 for a dose; told by EVID, else by AMT."""
        if "EVID" not in self.cells:
            return DOSED if self.number("AMT") > 0 else OBSERVED
        event = self.number("EVID")
        if event not in (OBSERVED, DOSED, 2):
            raise InputError(
                f"line {self.line} of '{self.file}', column EVID: {event:g} cannot be fitted; possible: 0, 1, 2"
            )
        return int(event)

    def doses(self) -> Iterator[tuple[float, float]]:
        """This dose and those that repeat it."""
        amount, interval = self.number("AMT"), self.number("II")
        more = int(self.number("ADDL"))
        if amount <= 0 or (more and interval <= 0):
            column = "AMT" if amount <= 0 else "II"
            raise InputError(f"line {self.line} of '{self.file}', column {column}: it must be above 0")
        for count in range(more + 1):
            yield self.number("TIME") + count * interval, amount


def _subject(name: str, rows: list[_Row]) -> Subject:
    doses = [dose for row in rows if row.event == DOSED for dose in row.doses()]
    seen = [row for row in rows if row.event == OBSERVED and not row.number("MDV")]
    levels = [(row.number("TIME"), row.number("DV", math.nan)) for row in seen]
    told = {
        key: rows[0].cells[column]
        for column, key in COVARIATES.items()
        if rows[0].cells.get(column, ".") != "."
    }
    return subject(name, doses, levels, [row.number("CENS") == 1 for row in seen], **told)


def _require_columns(header: Sequence[str], file: str) -> None:
    for name in NEEDED:
        if name not in header:
            raise unknown(f"column in '{file}', which lacks {name}; it has", name, header)
    for name in header:
        if name not in {*NEEDED, *OPTIONAL, *COVARIATES, *UNFITTED, "STUDY", "OCC"}:
            raise unknown(f"column in '{file}'", name, (*NEEDED, *OPTIONAL, *COVARIATES))
    doubled = [name for name in header if header.count(name) > 1]
    if doubled:
        raise InputError(f"column {doubled[0]} of '{file}' stands twice")
