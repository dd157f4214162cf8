"""The runs of the circuit that a surrogate is distilled from: `data/surrogates/CONDITION.csv`.

The first lines begin with ``#`` and say what made them, among it the digest of the circuit's parameters. Then
one line for each point and cord: severity, release_ia, release_poly, cord, and one column for each read-out, named
``assay.readout`` or ``assay.readout@coordinate``.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from spasmlab import condition
from spasmlab.errors import InputError, ModelError
from spasmlab.parameter import PACKAGE, beside

FOLDER = PACKAGE / "data" / "surrogates"
INPUTS = ("severity", "release_ia", "release_poly")


@dataclass(frozen=True)
class Runs:
    """Inputs (points, 3), and read-outs by name, (points, cords); NaN where an assay had no such read-out."""

    condition: str
    inputs: np.ndarray
    readouts: Mapping[str, np.ndarray]
    about: Mapping[str, str]


@cache
def names() -> tuple[str, ...]:
    """The conditions that have a surrogate, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.csv")))


def of(name: str) -> str:
    """The condition whose surrogate serves: its own, or that of health where it shifts nothing of the circuit.

    InputError where the condition shifts the circuit and has no surrogate.
    """
    if name in names():
        return name
    if any(path.startswith("circuit.") for path in condition.load(name).parameters):
        raise InputError(
            f"condition '{name}' has no surrogate; possible: --fidelity circuit, or one of {', '.join(names())}"
        )
    return "healthy"


@cache
def load(name: str) -> Runs:
    """The runs of one condition; ModelError where the file is damaged."""
    file = FOLDER / f"{of(name)}.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    about = dict(line.lstrip("# ").split(": ", 1) for line in lines if line.startswith("#"))
    head, *body = csv.reader(line for line in lines if not line.startswith("#"))
    values = np.array([[float(cell) if cell else np.nan for cell in row] for row in body])
    if tuple(head[:4]) != (*INPUTS, "cord") or values.ndim != 2:
        raise ModelError(f"{file.name}: not a table of runs")
    cords = int(values[:, 3].max()) + 1
    shaped = values.reshape(-1, cords, values.shape[1])
    readouts = {n: shaped[:, :, 4 + i] for i, n in enumerate(head[4:])}
    return Runs(name, shaped[:, 0, :3], readouts, about)


def text(inputs: np.ndarray, readouts: Mapping[str, np.ndarray], about: Mapping[str, str]) -> str:
    """The file of runs: inputs (points, 3), read-outs (points, cords)."""
    names = list(readouts)
    lines = [f"# {key}: {value}" for key, value in about.items()]
    lines.append(",".join([*INPUTS, "cord", *names]))
    cords = next(iter(readouts.values())).shape[1]
    for point, place in enumerate(inputs):
        for cord in range(cords):
            cells = [*(f"{v:.6g}" for v in place), str(cord)]
            cells += [_cell(readouts[name][point, cord]) for name in names]
            lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def _cell(value: float) -> str:
    return f"{value:.5g}" if np.isfinite(value) else ""


def digest(name: str, assays: Iterable[str]) -> str:
    """What the runs of a condition depend on: parameters of the circuit under it, of the assays and of the points.

    The circuit's code is not in it: a slow test runs a point again and asks for the same numbers.
    """
    from spasmlab.circuit import scalars

    away = beside(
        "circuit.terminal"
    )  # motor terminals that fire by themselves: off in the assays distilled here
    found = scalars.parameters(condition.load(name))
    known = {n: [p.value, p.unit] for n, p in found.items() if n not in away}
    parts = [json.dumps(known, sort_keys=True)]
    for module in (*(f"assays.{assay}" for assay in assays), "surrogate.train"):
        parts += [repr((n, p.value)) for n, p in sorted(beside(module).items())]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=10).hexdigest()


def stale() -> list[str]:
    """The conditions whose runs were made by another circuit than the present one."""
    return [n for n in names() if load(n).about.get("digest") != digest(n, load(n).about["assays"].split())]


def file_of(name: str) -> Path:
    """Where the runs of a condition are kept."""
    return FOLDER / f"{name}.csv"
