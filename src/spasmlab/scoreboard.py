"""The predictions of all published studies, kept: rows in `data/predicted/studies.csv`, how they were made beside it.

A run of all studies takes minutes, so its rows are stored with the command that made them, the repeats and the seed, and
a digest of the rows, so that no number is changed by hand.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from spasmlab import replication_tables, studies
from spasmlab.parameter import PACKAGE, read_toml
from spasmlab.progress import Stages

FILE = PACKAGE / "data" / "predicted" / "studies.csv"
ABOUT = FILE.with_suffix(".toml")
COMMAND = "python -m spasmlab.scoreboard_page --run"
DIRECTIONS = ("less", "no_difference", "more")


def run(names: Sequence[str], repeats: int | None = None, seed: int = 0, workers: int | None = None) -> None:
    """Predict studies again and keep each as soon as it is done; those of studies that are no more go.

    The repeats are noted for each study.
    """
    from spasmlab import replication

    known = studies.names()
    for name in names:
        found = replication.compute([name], repeats, seed, Stages(show=True), workers)
        fresh = list(csv.DictReader(replication_tables.rows(found["studies"]).splitlines()))
        kept = [row for row in raw() if row["study"] != name and row["study"] in known]
        each = {study: n for study, n in repeats_of().items() if study in known} | {name: found["repeats"]}
        keep(sorted([*kept, *fresh], key=lambda r: known.index(r["study"])), each, seed)


def keep(rows: Sequence[dict[str, str]], repeats: Mapping[str, int], seed: int) -> None:
    """Write the rows and what is known of them; `repeats` by study."""
    with FILE.open("w", newline="", encoding="utf-8") as out:
        writer: csv.DictWriter[str] = csv.DictWriter(
            out, list(replication_tables.COLUMNS), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
    of_each = "".join(f"{study} = {number}\n" for study, number in sorted(repeats.items()))
    ABOUT.write_text(
        "# How the rows of studies.csv were made; repeats are simulated trials of each study.\n"
        f'command = "{COMMAND}"\nseed = {seed}\ndigest = "{digest()}"\n\n[repeats]\n{of_each}',
        encoding="utf-8",
    )


def repeats_of() -> dict[str, int]:
    """How many trials of each study were simulated for the rows that are stored."""
    return about()["repeats"] if ABOUT.exists() else {}


def fewest_repeats() -> int:
    """The fewest of any study."""
    return min(repeats_of().values())


def digest() -> str:
    """SHA-256 of the stored rows."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


def about() -> dict[str, Any]:
    """Command, repeats, seed and digest of what is stored."""
    return read_toml(ABOUT)


def raw() -> list[dict[str, str]]:
    """The stored rows as text; none where nothing is stored."""
    if not FILE.exists():
        return []
    with FILE.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def entries() -> list[dict[str, Any]]:
    """The stored rows in the form of `replication.entry`, the verdict as it was stored."""
    return [_entry(row) for row in raw()]


def _entry(row: dict[str, str]) -> dict[str, Any]:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    told = {"value": number("predicted"), "unit": row["unit"], "low": number("low"), "high": number("high")}
    if row["unit"] == "direction":
        told["shares"] = {name.replace("_", " "): float(row[name]) for name in DIRECTIONS}  # type: ignore[assignment]
    names = ("study", "condition", "role", "endpoint", "statistic", "arm", "row", "field", "grade", "verdict")
    return {
        **{name: row[name] for name in names},
        "title": studies.load(row["study"]).title,
        "against": row["against"] or None,
        "day": number("day"),
        "published": {"value": number("published"), "unit": row["unit"], "low": None, "high": None},
        "predicted": told,
    }
