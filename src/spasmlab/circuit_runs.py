"""Runs of the circuit kept for the pages that show them: an assay on the cord of a condition, without and with drugs.

What is run follows from what the pages show (`contrast`, `predicted_circuit`, `rivals`). A session takes minutes, so its
read-outs are stored, one value a draw, in `data/predicted/circuit_runs.csv`, with what they were computed from in
`circuit_runs.toml` beside it.

    python -m spasmlab.circuit_runs --write             # every session that is planned
    python -m spasmlab.circuit_runs --write twitch      # those of one assay
    python -m spasmlab.circuit_runs --missing           # those that are not stored, or stored of other data
"""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spasmlab.parameter import PACKAGE, beside, read_toml

if TYPE_CHECKING:
    from spasmlab.shift import Shift

FILE = PACKAGE / "data" / "predicted" / "circuit_runs.csv"
ABOUT = FILE.with_suffix(".toml")
COLUMNS = ("session", "dose", "readout", "coordinate", "at", "unit", "values")
NO_DRUG = ""
SEED = 0
DIGITS = 5
# Assays of many simulated seconds or minutes a subject, run with fewer draws.
HEAVY = (
    "clonus",
    "cramp",
    "delta_f",
    "motor_pool",
    "pendulum",
    "post_activation",
    "presynaptic",
    "reciprocal",
    "spasm_strength",
    "stretch",
    "tonic_stretch",
    "twitch",
    "voluntary",
    "wind_up",
)
# What every run depends on, beside its own assay and condition; the pages and their own data do not count.
BEHIND = ("circuit", "chain", "data/drugs", "data/hypotheses")
# Parts of `circuit` that only some assays use: terminals fire by themselves, and cells lie in a dish, nowhere else.
USED_BY = {"circuit/terminal": ("cramp",), "circuit/motor_pool": ("delta_f", "motor_pool")}


@dataclass(frozen=True, order=True)
class Session:
    """An assay on the cord of a condition; `changes` are parameters that the experiment sets, ``name=value name=value``.

    As text: ``stretch | sci-incomplete | nerve_length=1``.
    """

    assay: str
    condition: str
    changes: str = ""

    @property
    def text(self) -> str:
        """The session in one line."""
        return " | ".join(part for part in (self.assay, self.condition, self.changes) if part)

    @property
    def values(self) -> dict[str, float]:
        """The changed parameters by name."""
        pairs = (pair.split("=") for pair in self.changes.split())
        return {name: float(value) for name, value in pairs}


@dataclass(frozen=True)
class Kept:
    """One read-out of one arm: its values by draw, and where on a curve it lies (`at` is NaN for a plain number)."""

    readout: str
    unit: str
    coordinate: str
    at: float
    values: np.ndarray

    @property
    def finite(self) -> np.ndarray:
        """The values of the draws that have one."""
        return self.values[np.isfinite(self.values)]


def picked(arm: Iterable[Kept], readout: str, at: float = np.nan) -> Kept | None:
    """A read-out among those of an arm, of a curve the point nearest to `at`; None where there is none."""
    found = [one for one in arm if one.readout == readout]
    if not found or np.isnan(at):
        return found[0] if found else None
    return min(found, key=lambda one: abs(one.at - at))


Arms = Mapping[str, list[Kept]]
Plan = dict[Session, set[str]]


def plan() -> Plan:
    """Every session that the pages show, with its doses (the arm without drug is always there)."""
    from spasmlab import contrast, predicted_circuit, rivals

    found: Plan = {}
    for session, dose in (*contrast.wanted(), *predicted_circuit.wanted(), *rivals.wanted()):
        found.setdefault(session, set()).add(dose)
    return dict(sorted(found.items()))


def observe(session: Session, doses: Iterable[str], draws: int, seed: int = SEED) -> dict[str, list[Kept]]:
    """Run a session: the read-outs of the arm without drug and of each dose (``baclofen 20 mg tid``)."""
    from spasmlab import assays, condition, predicted_circuit
    from spasmlab import run as runs

    if session == predicted_circuit.IN_BATHS:
        return predicted_circuit.in_baths(sorted(set(doses)), draws)
    state_of = condition.load(session.condition)
    arms = [NO_DRUG, *sorted(set(doses) - {NO_DRUG})]
    found = [_at_visit(dose, state_of, draws, seed) for dose in arms]
    names = {name for _, factors in found for name in factors}
    state = {name: np.stack([releases[name] for releases, _ in found]) for name in runs.RELEASES}
    factors = {name: np.stack([given.get(name, np.ones(draws)) for _, given in found]) for name in names}
    bench = runs.make_bench(state_of, state, seed, factors)
    bench.changes = session.values
    module = assays.load(session.assay)
    measured = assays.measure(session.assay, bench)
    kept: dict[str, list[Kept]] = {dose: [] for dose in arms}
    for readout, values in measured.readouts.items():
        split = np.asarray(values, float).reshape(len(arms), draws, -1)
        coordinate, points = _curve(measured.coords, np.ndim(values), split.shape[2])
        for arm, dose in enumerate(arms):
            kept[dose] += [
                Kept(readout, module.READOUTS[readout][0], coordinate, float(at), split[arm, :, k])
                for k, at in enumerate(points)
            ]
    return kept


def _curve(coords: Mapping[str, np.ndarray], dimensions: int, size: int) -> tuple[str, np.ndarray]:
    if dimensions == 1:
        return "", np.array([np.nan])
    return next((name, points) for name, points in coords.items() if len(points) == size)


def _at_visit(
    dose: str, condition: Shift, draws: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Releases and factors (draws,) two hours after the last dose of a regimen, `DRUG REGIMEN`."""
    from spasmlab import hypothesis, request
    from spasmlab import run as runs
    from spasmlab.chain.solve import solve

    if dose == NO_DRUG:
        return {name: np.ones(draws) for name in runs.RELEASES}, {}
    name, regimen = dose.split(" ", 1)
    asked = request.build(name, regimen, condition=condition.name, seed=seed, draws=draws)
    chain = solve(
        asked.drug, asked.regimen, asked.patient, condition, hypothesis.load(hypothesis.DEFAULT), days=asked.days,
        draws=draws, seed=seed, times_h=[0.0, asked.visit_h], checked=0,
    )  # fmt: skip
    units, _ = runs.described(chain)
    state = runs.synapse_state(chain, asked.visit_h)
    sites = runs.at_sites(state, units, asked.drug, condition, hypothesis.load(hypothesis.DEFAULT), seed)
    factors = {target: values[1] for target, values in sites.factors.items()}
    return {release: sites.state[release][1] for release in runs.RELEASES}, factors


def digest(session: Session) -> str:
    """SHA-256 over the code and data that a session depends on, the first twelve digits."""
    found = hashlib.sha256()
    for file in behind(session):
        found.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + _content(file) + b"\0")
    return found.hexdigest()[:12]


def behind(session: Session) -> list[Path]:
    """The files that a session depends on: what all share, its assay's own, and its condition's."""
    shared = (file for part in BEHIND for file in _files(part))
    return sorted({*(file for file in shared if _used(file, session.assay)), *_of_assay(session.assay),
                   *_of_condition(session.condition)})  # fmt: skip


def _used(file: Path, assay: str) -> bool:
    part = file.relative_to(PACKAGE).with_suffix("").as_posix()
    return assay in USED_BY.get(part, (assay,))


def _of_assay(name: str) -> set[Path]:
    """Files of an assay and of those that it imports, and theirs."""
    folder, found, open_ = PACKAGE / "assays", {"__init__"}, [name]
    while open_:
        module = open_.pop()
        if module in found or not (file := folder / f"{module}.py").exists():
            continue
        found.add(module)
        open_ += _imported(file)
    return {file for file in _files("assays") if file.stem in found}


@cache
def _imported(file: Path) -> tuple[str, ...]:
    """Modules of the assays that a file imports, at its head or within."""
    found: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "spasmlab.assays":
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spasmlab.assays."):
            found.append(str(node.module).rsplit(".", 1)[-1])
    return tuple(found)


def _of_condition(name: str) -> set[Path]:
    """The file of a condition; of a session that is of none, all."""
    files = _files("data/conditions")
    return {file for file in files if file.stem == name} or set(files)


@cache
def _files(part: str) -> tuple[Path, ...]:
    return tuple(f for f in sorted((PACKAGE / part).rglob("*")) if f.suffix in {".py", ".toml"})


@cache
def _content(file: Path) -> bytes:
    return file.read_bytes()


def stored(file: Path = FILE) -> dict[str, dict[str, list[Kept]]]:
    """What is kept, by session and dose; empty where there is nothing."""
    found: dict[str, dict[str, list[Kept]]] = {}
    if not file.exists():
        return found
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            values = np.array([float(word) for word in row["values"].split(";")])
            at = float(row["at"]) if row["at"] else np.nan
            arm = found.setdefault(row["session"], {}).setdefault(row["dose"], [])
            arm.append(Kept(row["readout"], row["unit"], row["coordinate"], at, values))
    return found


def about(file: Path = ABOUT) -> dict[str, dict[str, Any]]:
    """For each session kept: the digest of what it was computed from, draws, and the seconds it took."""
    return read_toml(file).get("sessions", {}) if file.exists() else {}


def write(found: Mapping[str, Arms], notes: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep sessions and what is known of them, in order of their names; each file is replaced whole."""
    with _replaced(FILE) as file, file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        for session, arms in sorted(found.items()):
            for dose, kept in sorted(arms.items()):
                writer.writerows(_cells(session, dose, one) for one in kept)
    text = "# What the runs in circuit_runs.csv were computed from, and how long they took.\n"
    for session, note in sorted(notes.items()):
        text += f'\n[sessions."{session}"]\n'
        text += f'digest = "{note["digest"]}"\ndraws = {note["draws"]}\nseconds = {note["seconds"]}\n'
    with _replaced(ABOUT) as file:
        file.write_text(text, encoding="utf-8")


class _replaced:
    """A file beside `target` that takes its place when all went well."""

    def __init__(self, target: Path) -> None:
        self.target, self.new = target, target.with_suffix(target.suffix + ".new")

    def __enter__(self) -> Path:
        return self.new

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            os.replace(self.new, self.target)


def _cells(session: str, dose: str, one: Kept) -> list[str]:
    at = "" if np.isnan(one.at) else f"{one.at:.{DIGITS}g}"
    values = ";".join(f"{value:.{DIGITS}g}" for value in one.values)
    return [session, dose, one.readout, one.coordinate, at, one.unit, values]


def compute(sessions: Plan, draws: int | None = None) -> None:
    """Run sessions and keep each as soon as it is done; those that are planned no more are dropped. `draws` for all."""
    planned = {session.text for session in plan()}
    for session, doses in sessions.items():
        number = draws or draws_of(session.assay)
        begun = time.perf_counter()
        arms = observe(session, doses, number)
        took = round(time.perf_counter() - begun, 1)
        found = {text: kept for text, kept in stored().items() if text in planned} | {session.text: arms}
        notes = {text: note for text, note in about().items() if text in planned}
        notes[session.text] = {"digest": digest(session), "draws": number, "seconds": took}
        write(found, notes)
        print(f"{session.text}: {len(arms)} arms, {number} draws, {took:g} s", file=sys.stderr)


def draws_of(assay: str) -> int:
    """How many draws of an assay are kept."""
    kind = "_of_heavy_assays" if assay in HEAVY else ""
    return round(beside("predicted_circuit")[f"draws{kind}"].number)


def missing() -> Plan:
    """Sessions that are not kept with all their doses, or were computed from other code or data."""
    kept, notes = stored(), about()
    return {
        session: doses
        for session, doses in plan().items()
        if not doses <= set(kept.get(session.text, {}))
        or notes.get(session.text, {}).get("digest") != digest(session)
    }


def main(arguments: list[str]) -> int:
    """The command line; see the module's words."""
    parser = argparse.ArgumentParser(prog="python -m spasmlab.circuit_runs", description=__doc__)
    parser.add_argument(
        "--write", nargs="*", metavar="ASSAY", help="run every planned session, or those of these assays"
    )
    parser.add_argument(
        "--missing", action="store_true", help="run those that are not kept, or kept of other data"
    )
    parser.add_argument(
        "--list", action="store_true", help="list the planned sessions and whether they are current"
    )
    parser.add_argument(
        "--draws", type=int, help="this many for every session, instead of the recorded numbers"
    )
    asked = parser.parse_args(arguments)
    wanted = missing() if asked.missing or asked.list else plan()
    if asked.list:
        for session, doses in plan().items():
            print(
                f"{'old    ' if session in wanted else 'current'} {session.text}: {len(doses | {NO_DRUG})} arms"
            )
        return 0
    if asked.write:
        wanted = {session: doses for session, doses in wanted.items() if session.assay in asked.write}
    if asked.write is not None or asked.missing:
        compute(wanted, asked.draws)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
