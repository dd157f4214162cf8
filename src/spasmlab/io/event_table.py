"""Event tables as NONMEM users write them: CSV with a header, one row a dose, observation or other event.

Columns: TIME [h] and AMT [mg] are needed; ID EVID CMT II ADDL SS RATE DV MDV may be there, and mean what
`docs/events.md` says. Any other column is kept: it is a covariate or parameter where `spasmlab.events` knows
its name. A cell holds a bare number, or `.` (or nothing) where it does not apply. A unit may stand in the
header, ``TIME (day)`` or ``AMT [g]``, never in a cell.

Files are read in blocks of rows and handed on one individual at a time, so that memory does not grow with
their length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from spasmlab.errors import InputError, nearest
from spasmlab.io.event_rows import COLUMNS, Block, Subject, text_of, wrong

if TYPE_CHECKING:
    import pandas

    from spasmlab.regimen import Regimen

NEEDED = ("TIME", "AMT")
UNITS = {"TIME": "h", "II": "h", "AMT": "mg", "RATE": "mg/h", "DV": "mg/L"}
UNIT_COLUMNS = ("UNIT", "UNITS", "AMTU", "DVU", "TIMEU", "AMT_UNIT", "DV_UNIT", "TIME_UNIT")
EVIDS = {0: "observation", 1: "dose", 2: "other event", 3: "reset", 4: "reset and dose"}
ROWS_AT_ONCE = 100_000
MOST_ROWS_OF_ONE = 1_000_000
MOST_HOURS = 1e6  # of a time, a little over a century: more is a unit mistaken
MOST_FURTHER = 1_000_000  # doses that one row may ask for
FIRST_LINE = 2  # the header is line 1 of the file
_MISSING = [".", "", "NA"]
_WHOLE = ("EVID", "CMT", "ADDL", "SS", "MDV")
Words = Mapping[str, Mapping[str, float]]


def read(source: Path | str | IO[str], words: Words | None = None) -> tuple[Subject, ...]:
    """Every individual of a file; InputError names the row (as the file numbers them) and the column.

    `words` gives the numbers that stand for the words of a column: ``{"SEX": {"f": 0, "m": 1}}``.
    """
    return tuple(subjects(source, words=words))


def header(file: Path | str) -> tuple[tuple[str, ...], int]:
    """The columns of a file in its order, NONMEM's own in upper case, and the row they stand in."""
    with _said(file):
        found, line = _header(file)
        return tuple(found), line


def subjects(
    source: Path | str | IO[str], rows_at_once: int = ROWS_AT_ONCE, words: Words | None = None
) -> Iterator[Subject]:
    """The individuals of a file, one after the other, in memory that does not grow with the file."""
    for block in blocks(source, rows_at_once, words):
        yield from block.subjects()


def blocks(
    source: Path | str | IO[str], rows_at_once: int = ROWS_AT_ONCE, words: Words | None = None
) -> Iterator[Block]:
    """The individuals of a file, many at a time, in memory that does not grow with the file."""
    seen: set[str] = set()
    kept: dict[str, np.ndarray] | None = None
    for rows in _blocks(source, rows_at_once, words or {}):
        columns = {"ID": rows["ID"].to_numpy(dtype=object), "line": rows.index.to_numpy()}
        columns |= {name: rows[name].to_numpy(dtype=float) for name in _ordered(rows.columns)}
        whole = columns if kept is None else {n: np.concatenate([kept[n], columns[n]]) for n in columns}
        last = int(np.flatnonzero(_changes(whole["ID"]))[-1])
        if last:
            yield _block({name: values[:last] for name, values in whole.items()}, seen)
        kept = {name: values[last:] for name, values in whole.items()}
        if len(kept["line"]) > MOST_ROWS_OF_ONE:
            raise InputError(
                f"event table: individual '{kept['ID'][0]}' has more than {MOST_ROWS_OF_ONE} rows; "
                "possible: fewer rows for one individual, or an ID column that tells individuals apart"
            )
    if kept is None:
        raise InputError("the event table is empty; possible: a header and at least one row")
    yield _block(kept, seen)


def _changes(names: np.ndarray) -> np.ndarray:
    """Where an individual begins."""
    return np.concatenate([[True], names[1:] != names[:-1]])


def write(found: Iterable[Subject | Block], target: IO[str]) -> None:
    """Write individuals so that reading gives them back: every column, every digit."""
    names: list[str] | None = None
    for some in found:
        rows = some.block if isinstance(some, Subject) else some
        if names is None:
            names = list(rows.columns)
            target.write(",".join(["ID", *names]) + "\n")
        if list(rows.columns) != names:
            raise InputError(
                f"individual '{rows.names[0]}' has other columns than the first; possible: {names}"
            )
        target.writelines(text_of(rows, names))


def from_doses(times: np.ndarray, amounts: np.ndarray, seen: np.ndarray, name: str = "1") -> Subject:
    """Doses [h, mg] and observation times [h] as the rows of one individual; a dose stands before an
    observation at its time."""
    when = np.concatenate([times, seen]).astype(float)
    dosed = np.concatenate([np.ones(len(times)), np.zeros(len(seen))])
    order = np.lexsort((-dosed, when))
    columns = {column: np.zeros(len(when)) for column in COLUMNS if column != "ID"}
    columns |= {"TIME": when[order], "EVID": dosed[order], "MDV": dosed[order]}
    columns["AMT"] = np.concatenate([amounts, np.zeros(len(seen))]).astype(float)[order]
    columns["DV"] = np.full(len(when), np.nan)
    return Subject(name, np.arange(len(when)) + FIRST_LINE, columns)


def regimen_of(found: Sequence[Subject]) -> Regimen:
    """The regimen a table stands for, where that is one individual swallowing doses; time 0 is the first dose.

    Raises InputError naming row and column for what no written regimen can say.
    """
    from spasmlab.regimen import Amount, Part, Regimen

    if len(found) != 1:
        raise InputError(f"the event table has {len(found)} individuals; possible here: one")
    (one,) = found
    for name, most, why in (
        ("SS", 0, "a steady state"),
        ("RATE", 0, "an infusion"),
        ("CMT", 1, "a dose not swallowed"),
    ):
        bad = (one["AMT"] > 0) & (one[name] != 0) & (one[name] > most) | (one[name] < 0)
        if bad.any():
            raise wrong(
                int(one.lines[bad][0]),
                name,
                f"{why} is not possible here; possible: `spasmlab exposure --events`",
            )
    if (one["EVID"] >= 3).any():
        raise wrong(
            int(one.lines[one["EVID"] >= 3][0]),
            "EVID",
            "a reset is not possible here; possible: EVID 0, 1 and 2",
        )
    doses: dict[float, float] = {}
    for row in np.flatnonzero(one["AMT"] > 0).tolist():
        for number in range(int(one["ADDL"][row]) + 1):
            time = float(one["TIME"][row] + number * one["II"][row])
            doses[time] = doses.get(time, 0.0) + float(one["AMT"][row])
    if not doses:
        raise InputError("the event table has no dose; possible: at least one row with EVID 1 and an AMT")
    times = sorted(doses)
    gaps = [*np.diff(times).tolist(), None]
    return Regimen(
        tuple(Part((Amount(doses[t]),), None, (), gap) for t, gap in zip(times, gaps, strict=True))
    )


def _blocks(source: Path | str | IO[str], rows_at_once: int, words: Words) -> Iterator[pandas.DataFrame]:
    """Checked blocks of rows with columns of numbers, an ID of text, and the line of the file as index."""
    import warnings

    import pandas

    options: dict[str, Any] = {
        "chunksize": rows_at_once, "na_values": _MISSING, "keep_default_na": False, "comment": None,
        "skip_blank_lines": False, "skipinitialspace": True, "dtype": {"ID": str}, "low_memory": False,
    }  # fmt: skip
    with _said(source):
        header, line = _header(source)
        first = line + 1
        if isinstance(source, Path | str):
            options["skiprows"] = line
            _refuse_uneven(source, list(header), line)
        with (
            warnings.catch_warnings(),
            pandas.read_csv(source, names=list(header), header=None, index_col=False, **options) as reader,
        ):
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            try:
                for block in reader:
                    block.index = range(first, first + len(block))
                    first += len(block)
                    numbers = _numbers(block[block.notna().any(axis=1)], header, words)
                    if len(numbers):
                        yield numbers
            except pandas.errors.ParserWarning as problem:
                raise InputError(
                    f"event table: a row has more cells than the header, which has {len(header)}"
                ) from problem


@contextmanager
def _said(source: Path | str | IO[str]) -> Iterator[None]:
    """What goes wrong in reading, as an InputError in one line."""
    import pandas

    try:
        yield
    except pandas.errors.ParserError as problem:
        raise InputError(f"event table: {_parser_text(str(problem))}") from problem
    except UnicodeDecodeError as problem:
        raise InputError(f"event table '{source}' is not a text file: {problem}") from problem
    except OSError as problem:
        raise InputError(
            f"cannot read the event table '{source}': {problem.strerror or problem}"
        ) from problem


def _refuse_uneven(source: Path | str, names: Sequence[str], header_line: int) -> None:
    """InputError for the first row with more or fewer cells than the header; rows with quotes are left to the parser."""
    commas = len(names) - 1
    with open(source, encoding="utf-8-sig", newline=None) as lines:
        for number, line in enumerate(lines, 1):
            if number > header_line and line.count(",") != commas and '"' not in line and line.strip():
                given = line.count(",") + 1
                column = names[min(given, len(names)) - 1]
                raise wrong(
                    number, column, f"the row has {given} cells, the header {len(names)}; possible: as many"
                )


def _header(source: Path | str | IO[str]) -> tuple[dict[str, float], int]:
    """Columns in the file's order, NONMEM's own in upper case, each with the factor to its unit; and their line."""
    if isinstance(source, Path | str):
        with open(source, encoding="utf-8-sig", newline="") as stream:
            first, line = _first_line(stream)
    else:
        first, line = _first_line(source)
    if not first.strip():
        raise InputError("the event table is empty; possible: a header and at least one row")
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if mark in first and "," not in first:
            raise wrong(line, first.split(mark)[0].strip() or "(first)", f"cells are separated by {name}; possible: commas, "
                        "and a decimal point in numbers")  # fmt: skip
    found: dict[str, float] = {}
    for written in first.rstrip("\r\n").split(","):
        name, factor = _column(written.strip().strip('"').lstrip("#").strip())
        if name in found:
            raise wrong(line, name, "the column is there twice; possible: once")
        found[name] = factor
    for name in NEEDED:
        if name not in found:
            match = nearest(name, found)
            hint = f"did you mean '{match}'? " if match else ""
            raise wrong(
                line,
                name,
                f"the column is missing; {hint}given: {', '.join(found)[:200]}; possible: {', '.join(COLUMNS)}",
            )
    return found, line


def _first_line(stream: IO[str]) -> tuple[str, int]:
    """The header and its line; remarks before it begin with # and do not name the column TIME."""
    for line, text in enumerate(stream, 1):
        cells = (cell.strip(' #"\r\n') for cell in text.split(","))
        if not text.startswith("#") or any(re.fullmatch(r"(?i)time(\s*[(\[].*)?", cell) for cell in cells):
            return text, line
    return "", 1


def _column(written: str) -> tuple[str, float]:
    parts = re.fullmatch(r"([^\s(\[]+)\s*(?:[(\[]([^)\]]*)[)\]])?", written)
    if not parts:
        raise wrong(1, written or "(no name)", "a column is a name, and perhaps a unit as in 'TIME (h)'")
    name = parts[1].upper() if parts[1].upper() in (*COLUMNS, *UNIT_COLUMNS) else parts[1]
    if parts[2] is None:
        return name, 1.0
    if name not in UNITS:
        raise wrong(1, name, f"no unit is possible here; given '{parts[2]}'")
    from spasmlab import units
    from spasmlab.errors import ModelError

    wanted = UNITS[name]
    try:
        if not units.same_dimension(parts[2], wanted):
            raise wrong(
                1, name, f"'{parts[2]}' is not a unit of this column; possible: {wanted} and its like"
            )
        return name, units.factor(parts[2], wanted)
    except (ModelError, ValueError) as problem:
        raise wrong(1, name, f"unknown unit '{parts[2]}'; possible: {wanted} and its like") from problem


def _parser_text(problem: str) -> str:
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", problem)
    return (
        f"row {found[2]} has {found[3]} cells, the header {found[1]}" if found else " ".join(problem.split())
    )


def _numbers(block: pandas.DataFrame, header: Mapping[str, float], words: Words) -> pandas.DataFrame:
    """Every column as numbers in the units of `UNITS`; InputError for a cell that holds none."""
    import pandas

    lines = block.index.to_numpy()
    columns: dict[str, Any] = {"ID": _names(block, lines)}
    for name, factor in header.items():
        if name in UNIT_COLUMNS:
            _one_unit(block[name], name)
        elif name != "ID":
            known = words.get(name.upper())
            numbers = _number_column(block[name], name) if known is None else _words(block[name], name, known)
            columns[name] = np.where(numbers < 0, numbers, numbers * factor)  # -1 and -2 of RATE are codes
    for name in COLUMNS:
        columns.setdefault(name, np.full(len(block), np.nan))
    found = pandas.DataFrame(columns, index=block.index)
    return _checked(found, "EVID" in header, "MDV" in header)


def _names(block: pandas.DataFrame, lines: np.ndarray) -> np.ndarray:
    import pandas

    if "ID" not in block:
        return np.full(len(block), "1", dtype=object)
    missing = block["ID"].isna().to_numpy()
    if missing.any():
        raise wrong(int(lines[missing][0]), "ID", "the cell is empty; possible: a name or number")
    places, kinds = pandas.factorize(block["ID"])
    plain = [re.sub(r"\.0+$", "", str(name).strip()) for name in kinds]
    return np.array(plain, dtype=object)[places]


def _number_column(column: Any, name: str) -> np.ndarray:
    import pandas

    converted: Any = pandas.to_numeric(column, errors="coerce")
    numbers = converted.to_numpy(dtype=float)
    bad = (np.isnan(numbers) & column.notna().to_numpy()) | np.isinf(numbers)
    bad |= np.full(len(numbers), converted.dtype == bool)  # True and False are words, not 1 and 0
    if bad.any():
        given = str(column[bad].iloc[0]).strip()
        unit = f" in {UNITS[name]} (mixed units are not possible)" if name in UNITS else ""
        raise wrong(
            int(column.index[bad][0]),
            name,
            f"'{given}' is not a number; possible: a bare number{unit}, or '.'",
        )
    return numbers


def _words(column: Any, name: str, known: Mapping[str, float]) -> np.ndarray:
    """A column of words as the numbers they stand for; NaN where a cell is empty."""
    given = column.astype("string").str.strip().str.lower()
    strange = given.notna() & ~given.isin(list(known))
    if strange.any():
        raise wrong(
            int(column.index[strange][0]),
            name,
            f"'{column[strange].iloc[0]}'; possible: {', '.join(known)}, or '.'",
        )
    return given.map(known).to_numpy(dtype=float, na_value=np.nan)


def _one_unit(column: Any, name: str) -> None:
    """Where a column of units stands, all rows hold the unit of Spasmlab; InputError for the first other."""
    kind = {"D": "DV", "T": "TIME", "A": "AMT"}.get(name[0], "")
    wanted = {UNITS[kind]} if kind else set(UNITS.values())
    for line, given in column.dropna().items():
        if str(given).strip() not in wanted:
            raise wrong(
                int(line), name, f"unit '{given}'; possible: {', '.join(sorted(wanted))} in every row"
            )


def _checked(found: pandas.DataFrame, has_evid: bool, has_mdv: bool) -> pandas.DataFrame:
    """The block with missing cells filled in; InputError for the first row that cannot be."""
    lines = found.index.to_numpy()

    def refuse(bad: Any, column: str, why: str) -> None:
        bad = np.asarray(bad)
        if bad.any():
            line = int(lines[bad][0])
            given = found.loc[line, column]
            shown = "an empty cell" if given != given else f"{given:g}"
            raise wrong(line, column, why.format(shown))

    refuse(found["TIME"].isna(), "TIME", "{}; possible: hours in every row")
    for name in ("TIME", "II"):
        refuse(found[name].abs() > MOST_HOURS, name, f"{{}} h; possible: up to {MOST_HOURS:g} h")
    for name in ("AMT", "II", "ADDL", "SS", "RATE", "CMT"):
        found[name] = found[name].fillna(0.0)
    derived = ((found["AMT"] != 0) | (found["RATE"] != 0) | (found["SS"] != 0)).astype(float)
    found["EVID"] = found["EVID"].fillna(derived) if has_evid else derived
    if not has_mdv:
        found["MDV"] = ((found["EVID"] != 0) | found["DV"].isna()).astype(float)
    found["MDV"] = found["MDV"].fillna((found["EVID"] != 0).astype(float))
    for name in _WHOLE:
        refuse(found[name] % 1 != 0, name, "{} is not a whole number")
    evid, dose = found["EVID"], found["EVID"].isin([1, 4])
    refuse(
        ~evid.isin(list(EVIDS)),
        "EVID",
        "unknown event {}; possible: 0 observation, 1 dose, 2 other, 3 reset, 4 reset and dose",
    )
    refuse(found["AMT"] < 0, "AMT", "a dose of {} mg is negative; possible: 0 or more")
    refuse(
        ~dose & (found["AMT"] != 0), "AMT", "{} mg on a row that is no dose; possible: EVID 1 or 4, or AMT 0"
    )
    refuse(~found["SS"].isin([0, 1, 2]), "SS", "{}; possible: 0, 1 (resets) or 2 (adds)")
    refuse(~dose & (found["SS"] != 0), "SS", "steady state ({}) on a row that is no dose; possible: 0")
    refuse(found["ADDL"] < 0, "ADDL", "{} further doses; possible: 0 or more")
    refuse(found["ADDL"] > MOST_FURTHER, "ADDL", f"{{}} further doses; possible: up to {MOST_FURTHER}")
    refuse(~dose & (found["ADDL"] != 0), "ADDL", "{} further doses on a row that is no dose; possible: 0")
    refuse(found["II"] < 0, "II", "an interval of {} h is negative; possible: 0 or more")
    refuse(
        (found["RATE"] < 0) & ~found["RATE"].isin([-1, -2]),
        "RATE",
        "{}; possible: 0, a rate in mg/h, -1 (modelled rate) or -2 (modelled duration)",
    )
    refuse(~dose & (found["RATE"] != 0), "RATE", "{} on a row that is no dose; possible: 0")
    endless = dose & (found["AMT"] == 0) & (found["RATE"] > 0) & (found["SS"] > 0)
    refuse(
        endless & (found["II"] != 0),
        "II",
        "{} h, but an infusion without end (AMT 0) has no interval; possible: 0",
    )
    refuse(
        endless & (found["ADDL"] != 0),
        "ADDL",
        "{}, but an infusion without end cannot be repeated; possible: 0",
    )
    refuse(
        (found["ADDL"] > 0) & (found["II"] <= 0),
        "II",
        "{} h, but ADDL asks for further doses; possible: more than 0",
    )
    refuse(dose & ~endless & (found["AMT"] == 0), "AMT", "{} mg is no dose; possible: more than 0")
    refuse(
        (found["SS"] > 0) & ~endless & (found["II"] <= 0),
        "II",
        "{} h, but a steady state (SS) needs an interval; possible: more than 0",
    )
    refuse(found["CMT"] < 0, "CMT", "{}; turning compartments off is not possible")
    refuse(~found["MDV"].isin([0, 1]), "MDV", "{}; possible: 0 or 1")
    refuse(evid.eq(0) & found["MDV"].eq(0) & found["DV"].lt(0), "DV", "an observation of {} is negative")
    return found


def _ordered(names: Iterable[str]) -> list[str]:
    """NONMEM's own columns in their order, then the others; without ID."""
    return [*(c for c in COLUMNS if c != "ID"), *(n for n in names if n not in COLUMNS)]


def _block(rows: Mapping[str, np.ndarray], seen: set[str]) -> Block:
    """The individuals with these rows; InputError where one comes back or its times do."""
    lines, begins = rows["line"], _changes(rows["ID"])
    starts = np.flatnonzero(begins)
    names = tuple(map(str, rows["ID"][starts].tolist()))
    for place, name in enumerate(names):
        if name in seen:
            line = int(lines[starts[place]])
            raise wrong(line, "ID", f"'{name}' comes back after others; possible: its rows together")
        seen.add(name)
    columns = {c: values for c, values in rows.items() if c not in ("ID", "line")}
    time = columns["TIME"]
    back = np.flatnonzero((np.diff(time) < 0) & (columns["EVID"][1:] < 3) & ~begins[1:])
    if len(back):
        row = int(back[0]) + 1
        raise wrong(int(lines[row]), "TIME", f"{time[row]:g} h comes after {time[row - 1]:g} h; possible: sorted times "
                    "(time may go back on a reset, EVID 3 or 4)")  # fmt: skip
    return Block(names, np.append(starts, len(lines)), lines, columns)
