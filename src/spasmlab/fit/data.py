"""Data to fit: levels of each subject, from a NONMEM-style table or from arrays.

A table is read by `io.event_table`, so that whatever can be predicted row for row can be fitted: every EVID, SS, RATE,
CMT, ADDL, and covariates that change. `docs/fitting.md` lists the columns. Levels below the limit of quantification
are marked by BLQ or CENS (1) and enter by their probability; their limit is LLOQ (or LIMIT), else DV.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from spasmlab import patient
from spasmlab.errors import InputError, nearest
from spasmlab.io import event_table
from spasmlab.io.event_table import wrong
from spasmlab.parameter import PACKAGE
from spasmlab.patient import Patient

COVARIATES = {
    "WT": "weight",
    "AGE": "age",
    "HT": "height",
    "CRCL": "crcl",
    "CREAT": "creatinine",
    "SEX": "sex",
}
CHANGING = ("WT", "CRCL")  # covariates the chain itself reads, which may change from row to row
BELOW, LIMITS = ("BLQ", "CENS"), ("LLOQ", "LIMIT")
OWN = (*COVARIATES, *BELOW, *LIMITS, "FED")
SEXES = {"f": 0.0, "m": 1.0, "female": 0.0, "male": 1.0}
THEOPHYLLINE = PACKAGE / "data" / "datasets" / "theophylline.csv"


@dataclass(frozen=True, eq=False)
class Subject:
    """Doses [h, mg] and levels [h, mg/L] of one subject; `below` marks levels below the limit, where `observed` is
    the limit. `covariates` as in the text of a patient: weight, age, sex, crcl, …

    From a table also its `records`, the places `rows` of the levels among them, and whether the doses are `plain`:
    swallowed or put into the first compartment at once, none at steady state, each before the levels of its time.
    """

    name: str
    doses_h: np.ndarray
    amounts_mg: np.ndarray
    times_h: np.ndarray
    observed: np.ndarray
    below: np.ndarray
    covariates: Mapping[str, str] = field(default_factory=dict)
    records: event_table.Subject | None = None
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    plain: bool = True

    def person(self) -> Patient:
        """The subject as a patient; what is not known keeps its default."""
        text = ", ".join(f"{key}={value}" for key, value in self.covariates.items())
        return patient.parse(text) if text else patient.default()

    def row(self, place: int) -> str:
        """Where a level stands, for people."""
        if self.records is None:
            return f"subject {self.name}, {self.times_h[place]:g} h"
        return f"event table, row {int(self.records.lines[self.rows[place]])}"

    def only(self, keep: np.ndarray) -> Subject:
        """The subject with the levels that `keep` (times,) marks."""
        from dataclasses import replace

        rows = self.rows[keep] if self.records is not None else self.rows
        return replace(
            self, times_h=self.times_h[keep], observed=self.observed[keep], below=self.below[keep], rows=rows
        )


@dataclass(frozen=True)
class Table:
    """The subjects of a file, its columns that no fit reads, and remarks on what was found in it."""

    subjects: tuple[Subject, ...]
    unused: tuple[str, ...]
    remarks: tuple[str, ...]


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
    """The subjects of a table, in its order; InputError names the row and the column that is wrong."""
    return list(table(file).subjects)


def table(file: str | Path) -> Table:
    """`read`, with what was not used and what should be known."""
    names, line = event_table.header(file)
    _require_columns(names, line)
    found = [_subject(one, "MDV" in names) for one in event_table.read(file, words={"SEX": SEXES})]
    unused = tuple(name for name in names if name.upper() not in {*event_table.COLUMNS, *OWN})
    remarks = tuple(remark for one in found if (remark := _twice(one)))
    return Table(tuple(found), unused, remarks)


@cache
def theophylline() -> tuple[Subject, ...]:
    """The twelve subjects of the theophylline set (data/datasets/theophylline.csv says whence)."""
    return tuple(read(THEOPHYLLINE))


def check(subjects: Sequence[Subject]) -> None:
    """InputError where there is nothing to fit."""
    if not subjects:
        raise InputError("there is no subject to fit")
    for subject in subjects:
        if not len(subject.doses_h):
            raise InputError(f"subject {subject.name} has no dose; possible: at least one row with an AMT")


def chosen(subjects: Sequence[Subject], name: str) -> Subject:
    """The subject called `name`; InputError with the nearest match."""
    from spasmlab.errors import unknown

    for one in subjects:
        if one.name == name:
            return one
    raise unknown("subject", name, [one.name for one in subjects])


def _require_columns(names: Sequence[str], line: int) -> None:
    """InputError for a table without DV, and for a name that is nearly one of a fit's columns."""
    if "DV" not in names:
        match = nearest("DV", names)
        hint = f"did you mean '{match}'? " if match else ""
        raise wrong(
            line,
            "DV",
            f"the column is missing; {hint}given: {', '.join(names)[:200]}; possible: DV, levels in mg/L",
        )
    upper = {name.upper(): name for name in names}
    for name, written in upper.items():
        match = _slip(name, {*event_table.COLUMNS, *OWN} - set(upper))
        if match and name not in {*event_table.COLUMNS, *OWN}:
            raise wrong(
                line, written, f"unknown column; did you mean '{match}'? possible: {match}, or another name"
            )
    for pair in (BELOW, LIMITS):
        if set(pair) <= set(upper):
            raise wrong(line, pair[1], f"it says the same as {pair[0]}; possible: one of the two")


def _slip(given: str, known: Iterable[str]) -> str | None:
    """The column that a name is a slip of: the same letters in another order, or its name and one letter more."""
    for name in known:
        if len(name) > 2 and sorted(name) == sorted(given):
            return name
        if len(given) == len(name) + 1 and any(given[:i] + given[i + 1 :] == name for i in range(len(given))):
            return name
    return None


def _column(records: event_table.Subject, name: str) -> np.ndarray | None:
    """A column by its name in any case."""
    return next((values for given, values in records.columns.items() if given.upper() == name), None)


def _subject(records: event_table.Subject, marked: bool) -> Subject:
    """The subject of some records; `marked` where the table has MDV, and so says itself what is missing."""
    _refuse_same_rows(records)
    if not marked:
        _refuse_level_of_dose(records)
    below, limit = _below(records)
    levels = (records["EVID"] == 0) & ((records["MDV"] == 0) | (below & np.isnan(records["DV"])))
    values = np.where(below, limit, records["DV"])
    empty = levels & np.isnan(values)
    if empty.any():
        raise wrong(_line(records, empty), "DV", "the cell is empty; possible: a level, or MDV 1")
    if not levels.any():
        first = int(records.lines[0])
        raise wrong(
            first, "DV", f"subject {records.name} has no level to fit; possible: rows with EVID 0 and a DV"
        )
    doses = np.array(sorted(_doses(records)), dtype=float).reshape(-1, 2)
    found = Subject(
        records.name, doses[:, 0], doses[:, 1], records["TIME"][levels], values[levels], below[levels],
        _covariates(records), records, np.flatnonzero(levels), _plain(records, levels),
    )  # fmt: skip
    try:
        found.person()
    except InputError as problem:
        raise InputError(f"event table, row {int(records.lines[0])}: {problem}") from problem
    return found


def _line(records: event_table.Subject, bad: np.ndarray) -> int:
    return int(records.lines[np.flatnonzero(bad)[0]])


def _doses(records: event_table.Subject) -> Iterable[tuple[float, float]]:
    """Hour and amount of every dose, those of ADDL among them."""
    for row in np.flatnonzero(np.isin(records["EVID"], (1, 4))).tolist():
        for count in range(int(records["ADDL"][row]) + 1):
            yield float(records["TIME"][row] + count * records["II"][row]), float(records["AMT"][row])


def _plain(records: event_table.Subject, levels: np.ndarray) -> bool:
    """Whether doses are a list of hours and amounts, and nothing else."""
    dosed = records["EVID"] == 1
    ordinary = np.all(records["EVID"] <= 2) and not np.any(records["RATE"]) and not np.any(records["SS"])
    if not ordinary or np.any(records["CMT"][dosed] > 1) or np.any(records["TIME"] < 0):
        return False
    times, late = records["TIME"], np.flatnonzero(dosed)
    return not any(np.any(levels[:row] & (times[:row] == times[row])) for row in late.tolist())


def _below(records: event_table.Subject) -> tuple[np.ndarray, np.ndarray]:
    """Which rows hold a level below the limit, and the limit [mg/L] of each."""
    flags = next((values for name in BELOW if (values := _column(records, name)) is not None), None)
    if flags is None:
        return np.zeros(len(records), dtype=bool), np.zeros(len(records))
    name = next(name for name in BELOW if _column(records, name) is not None)
    flags = np.nan_to_num(flags)
    if np.any(bad := ~np.isin(flags, (0, 1))):
        given = flags[bad][0]
        raise wrong(_line(records, bad), name, f"{given:g}; possible: 0, or 1 for a level below the limit")
    below = (flags == 1) & (records["EVID"] == 0)
    limit, dv = records["DV"].copy(), records["DV"]
    for column in LIMITS:
        given = _column(records, column)
        if given is None:
            continue
        between = below & ~np.isnan(given) & (dv > given)
        if between.any():
            raise wrong(
                _line(records, between), column,
                f"{given[between][0]:g} mg/L, but DV is {dv[between][0]:g}: a level between two limits is not possible; "
                "possible: the limit of quantification, with DV empty or below it",
            )  # fmt: skip
        limit = np.where(np.isnan(given), limit, given)
    bad = below & ~(limit > 0)
    if bad.any():
        raise wrong(_line(records, bad), name, "a level below a limit, without the limit; possible: a column LLOQ, "
                    "or the limit as DV")  # fmt: skip
    return below, limit


def _covariates(records: event_table.Subject) -> dict[str, str]:
    """What the table says of the subject, as the text of a patient has it; what may change, at its first row."""
    told = {}
    for column, key in COVARIATES.items():
        values = _column(records, column)
        if values is None or np.isnan(values).all():
            continue
        known = values[~np.isnan(values)]
        changed = ~np.isnan(values) & (values != known[0])
        if changed.any() and column not in CHANGING:
            raise wrong(_line(records, changed), column, f"it changes within subject {records.name}; possible: one "
                        "value a subject (WT and CRCL may change)")  # fmt: skip
        told[key] = ("m" if known[0] else "f") if column == "SEX" else repr(float(known[0]))
    return told


def _refuse_level_of_dose(records: event_table.Subject) -> None:
    """A dose row holds no level: which of the two comes first, nobody could say."""
    bad = (records["EVID"] != 0) & (np.nan_to_num(records["DV"]) != 0)
    if bad.any():
        raise wrong(
            _line(records, bad), "DV", f"a level of {records['DV'][bad][0]:g} on a row that is no observation; "
            "possible: a row of its own (EVID 0, AMT 0), before or after the dose, or MDV 1",
        )  # fmt: skip


def _refuse_same_rows(records: event_table.Subject) -> None:
    """The same row twice in a file counts a level, or a dose, twice."""
    columns = np.array([np.nan_to_num(values, nan=-np.inf) for values in records.columns.values()]).T
    _, first = np.unique(columns, axis=0, return_inverse=True)
    seen: dict[int, int] = {}
    for row, kind in enumerate(first.ravel().tolist()):
        counts = records["AMT"][row] > 0 or not np.isnan(records["DV"][row])
        if counts and kind in seen:
            raise wrong(
                int(records.lines[row]), "TIME", f"the row is the same as row {int(records.lines[seen[kind]])} in every "
                "column; possible: once (true replicates: a column that numbers them)",
            )  # fmt: skip
        seen[kind] = row


def _twice(one: Subject) -> str:
    """A remark where two levels stand at the same time."""
    if one.records is None:
        return ""
    times, kept = one.times_h, one.rows
    same = np.flatnonzero((np.diff(times) == 0) & (np.diff(kept) == 1))
    if not len(same):
        return ""
    lines = one.records.lines[kept]
    first = int(same[0])
    more = f" and {len(same) - 1} more" if len(same) > 1 else ""
    return (
        f"subject {one.name}: rows {int(lines[first])} and {int(lines[first + 1])}{more} are levels of the same time, "
        "taken as replicates"
    )
