"""Rows of an event table in memory: one individual (`Subject`), or many in a block (`Block`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from spasmlab.errors import InputError

COLUMNS = ("ID", "TIME", "AMT", "EVID", "CMT", "II", "ADDL", "SS", "RATE", "DV", "MDV")
CELLS_KEPT = 65_536  # numbers whose text is remembered: most cells of a table are few numbers
FEW = 8  # a column with so many times fewer numbers than rows is written number by number


@dataclass(frozen=True)
class Block:
    """The rows of several whole individuals: `names` of these, individual i in rows starts[i] to starts[i + 1], `lines`
    of the file, and `columns` of numbers, each (rows,).

    All columns of `COLUMNS` but ID are there. Doses of amount 0 and missing cells are 0, a missing DV is NaN.
    """

    names: tuple[str, ...]
    starts: np.ndarray
    lines: np.ndarray
    columns: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, column: str) -> np.ndarray:
        return self.columns[column]

    @property
    def extra(self) -> tuple[str, ...]:
        """The names of columns beyond NONMEM's own, as the file spells them."""
        return tuple(name for name in self.columns if name not in COLUMNS)

    @property
    def name_of_rows(self) -> list[str]:
        """The name of the individual of each row."""
        return np.repeat(np.array(self.names, dtype=object), np.diff(self.starts)).tolist()

    def subjects(self) -> Iterator[Subject]:
        """One individual after the other."""
        for place, name in enumerate(self.names):
            rows = slice(int(self.starts[place]), int(self.starts[place + 1]))
            yield Subject(name, self.lines[rows], {c: values[rows] for c, values in self.columns.items()})

    def with_columns(self, **columns: np.ndarray) -> Block:
        """The same rows with columns added or replaced."""
        return replace(self, columns={**self.columns, **columns})


@dataclass(frozen=True)
class Subject:
    """The rows of one individual: `lines` of the file, and `columns` of numbers, each (rows,), as in a `Block`."""

    name: str
    lines: np.ndarray
    columns: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, column: str) -> np.ndarray:
        return self.columns[column]

    @property
    def extra(self) -> tuple[str, ...]:
        """The names of columns beyond NONMEM's own, as the file spells them."""
        return tuple(name for name in self.columns if name not in COLUMNS)

    @property
    def block(self) -> Block:
        """The individual as a block of one."""
        return Block((self.name,), np.array([0, len(self)]), self.lines, self.columns)

    def with_columns(self, **columns: np.ndarray) -> Subject:
        """The same rows with columns added or replaced."""
        return replace(self, columns={**self.columns, **columns})


def wrong(line: int, column: str, problem: str) -> InputError:
    """An error that names row and column."""
    return InputError(f"event table, row {line}, column {column}: {problem}")


def text_of(rows: Block, names: Sequence[str]) -> Iterable[str]:
    """Each row as a line of a file, ID first, so that reading gives back every digit."""
    columns = [rows.name_of_rows, *(_texts(rows[name]) for name in names)]
    return (",".join(cells) + "\n" for cells in zip(*columns, strict=True))


def _texts(values: np.ndarray) -> list[str]:
    kinds, places = np.unique(values, return_inverse=True, equal_nan=True)
    if FEW * len(kinds) > len(values):
        return [_cell(value) for value in values.tolist()]
    return np.array([_cell(value) for value in kinds.tolist()], dtype=object)[places].tolist()


@lru_cache(maxsize=CELLS_KEPT)
def _few(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _cell(value: float) -> str:
    if value != value:
        return "."
    return _few(value) if value.is_integer() else repr(value)
