"""A folder that holds a trial while it runs: what was asked, and one part file for each piece of work.

    trial.json                      the design, seed, patients and digest of data; a folder belongs to one trial
    parts/00000000-000128.parquet   the visits of a piece of work: first candidate and number of candidates

A part is written under another name and moved into place, so that it is there whole or not at all; what is there is not
done again. A lock, which the system drops with the process that held it, keeps a second run out.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from spasmlab import provenance
from spasmlab.errors import InputError, SolveError
from spasmlab.trial.design import Design
from spasmlab.trial.simulate import Block, Setting

ABOUT, PARTS, LOCK = "trial.json", "parts", ".lock"


def digest(design: Design, setting: Setting) -> str:
    """What a trial's numbers depend on: the design, the setting and all data of the program."""
    text = json.dumps(
        [design.model_dump(mode="json"), setting.seed, setting.study, setting.draw, provenance.data_digest()],
        sort_keys=True,
    )
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Store:
    """The folder of one trial. Raises InputError where it holds another trial, or is in use."""

    def __init__(self, folder: Path, design: Design, setting: Setting) -> None:
        self.folder, self.design, self.setting = folder, design, setting

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """Hold the folder for this run: made where it is missing, refused where another run or trial has it."""
        from filelock import FileLock, Timeout

        try:
            (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / LOCK)
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"'{self.folder}' is in use by another run of the trial; possible: wait for it, or another --out"
            ) from None
        except OSError as problem:
            raise InputError(f"cannot write '{self.folder}': {problem.strerror or problem}") from None
        try:
            self._claim()
            self._tidy()
            yield self
        finally:
            lock.release()

    def _claim(self) -> None:
        about, wanted = self.folder / ABOUT, digest(self.design, self.setting)
        if about.exists():
            try:
                found = json.loads(about.read_text(encoding="utf-8")).get("digest")
            except (ValueError, AttributeError):
                found = None
            if found != wanted:
                raise InputError(
                    f"'{self.folder}' holds another trial (its design, seed or data differ); possible: another --out"
                )
            return
        described = {
            "digest": wanted,
            "title": self.design.title,
            "seed": self.setting.seed,
            "design": self.design.model_dump(mode="json"),
        }
        _written(about, lambda draft: draft.write_text(json.dumps(described, indent=1), encoding="utf-8"))

    def _tidy(self) -> None:
        """Remove what a killed run left half-written, and parts that cannot be read."""
        for draft in (self.folder / PARTS).glob("*.draft"):
            draft.unlink()
        for part in (self.folder / PARTS).glob("*.parquet"):
            if not _readable(part):
                part.unlink()

    def path(self, block: Block) -> Path:
        """Where the part of a block is kept."""
        return self.folder / PARTS / f"{block.first:08d}-{block.count:06d}.parquet"

    def missing(self, blocks: list[Block]) -> list[Block]:
        """The blocks whose part is not there yet."""
        return [block for block in blocks if not self.path(block).exists()]

    def keep(self, block: Block, table: pd.DataFrame) -> None:
        """Write a part, all or nothing; SolveError where the disk has no room."""
        try:
            _written(self.path(block), lambda draft: table.to_parquet(draft, index=False))
        except OSError as problem:
            raise SolveError(
                f"cannot write a part of the trial to '{self.folder}': {problem.strerror or problem}; what is done is kept, "
                "run the same command again to go on"
            ) from None

    def tables(self, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
        """The parts in the order of their patients, one at a time."""
        for part in sorted((self.folder / PARTS).glob("*.parquet")):
            yield pd.read_parquet(part, columns=columns)

    def whole(self, blocks: Sequence[Block]) -> pd.DataFrame:
        """The visits of some blocks in one table, in the order of their patients."""
        parts = sorted(self.path(block) for block in blocks)
        return pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)


def _written(file: Path, write: object) -> None:
    draft = file.with_name(file.name + ".draft")
    try:
        write(draft)  # type: ignore[operator]
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _readable(part: Path) -> bool:
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(part).metadata.num_rows >= 0
    except Exception:
        return False
