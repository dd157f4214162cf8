"""The numbers a user would see, kept in git: `python tests/baseline.py` writes them anew (see CHANGELOG.md).

A baseline is no oracle: it says only that a change moved a result. Whoever moves one says so in CHANGELOG.md, with the
digest of the new file; `test_baseline.py` checks both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from spasmlab.assays.result import AssayResult

FILE = Path(__file__).parent / "data" / "baseline.json"
CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
REGIMENS = ("300 mg once", "600 mg tid", "1200 mg tid")
CLEARANCES = (95, 30, 0)
# A cramp takes minutes to run.
TOO_SLOW = ("cramp",)
RELEASE_IA, RELEASE_POLY, CORDS = 0.95, 0.88, 2
# Assays of many simulated seconds are kept for one condition and one cord.
LONG = ("post_activation", "presynaptic", "spasm_strength", "tonic_stretch", "voluntary", "wind_up")
LONG_IN = "ms-spasticity"
# Spikes are counted: on a processor that rounds otherwise a read-out near a threshold can move by a unit.
TOLERANCE = {"exposure": (1e-4, 1e-9), "releases": (1e-5, 0.0), "reflexes": (0.03, 0.02)}


def exposure() -> dict[str, float]:
    """Exposure metrics of gabapentin at central parameter values."""
    from spasmlab import drug, exposure, patient, regimen
    from spasmlab.chain.solve import solve

    found = {}
    for text in REGIMENS:
        for clearance in CLEARANCES:
            plan = regimen.parse(text)
            who = patient.parse(f"crcl={clearance} mL/min")
            dataset = solve(drug.load("gabapentin"), plan, who, days=7, checked=0)
            metrics = exposure.metrics(dataset, plan)
            found |= {f"{text}, crcl {clearance}: {name}": float(v[0]) for name, v in metrics.items()}
    return found


def releases() -> dict[str, float]:
    """Release by class of terminal at a constant 6 mg/L, for every condition."""
    from spasmlab import condition, drug
    from spasmlab.chain.solve import steady_at_plasma

    found = {}
    for name in condition.names():
        state = steady_at_plasma(drug.load("gabapentin"), 6.0, condition.load(name))
        found |= {
            f"{name}: {key}": float(state[key][0]) for key in ("occupancy", "release_ia", "release_poly")
        }
    return found


REFLEXES_IN = (
    "healthy",
    "ms-spasticity",
    "sci-complete-chronic",
)  # the others cost minutes and shift the same numbers


def reflexes() -> dict[str, float]:
    """Read-outs of every assay, mean over a few cords, without and on drug, in health and two conditions."""
    from spasmlab import assays

    found = {}
    for name in REFLEXES_IN:
        short = [assay for assay in assays.names() if assay not in (*LONG, *TOO_SLOW)]
        found |= readouts_of(name, short, CORDS)
        if name == LONG_IN:
            found |= readouts_of(name, LONG, 1)
    return {key: value for key, value in found.items() if np.isfinite(value)}


def readouts_of(name: str, of: Sequence[str], cords: int) -> dict[str, float]:
    """Read-outs of some assays of a condition, mean over cords, in both arms."""
    found = {}
    for assay in of:
        for readout, values in measured(assay, name, cords).readouts.items():
            means = np.reshape(values, (2, cords, -1)).mean(axis=1)
            for arm, row in zip(("no drug", "drug"), means, strict=True):
                found |= {f"{name}, {arm}: {assay}.{readout}[{i}]": float(v) for i, v in enumerate(row)}
    return found


@cache
def measured(assay: str, name: str, cords: int) -> AssayResult:
    """An assay of a condition's cords, each without and then each on drug; tests look at the same runs in other ways."""
    from spasmlab import assays, condition
    from spasmlab.circuit.bench import Bench

    arms = [np.repeat([1.0, given], cords) for given in (RELEASE_IA, RELEASE_POLY)]
    bench = Bench(condition.load(name), *arms, seeds=np.tile(np.arange(cords), 2))
    return assays.measure(assay, bench)


def moved(section: str, found: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """What differs from the results that are kept: name to both numbers; a name that only one has is a difference."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))[section]
    relative, absolute = TOLERANCE[section]
    close = lambda a, b: abs(a - b) <= max(relative * abs(a), absolute)
    pairs = {name: (kept.get(name, np.nan), found.get(name, np.nan)) for name in {*kept, *found}}
    return {name: pair for name, pair in pairs.items() if not close(*pair)}


def digest() -> str:
    """What CHANGELOG.md must name: the first twelve digits of the file's SHA-256."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()[:12]


def main() -> None:
    """Write the baseline and say its digest."""
    sections = {"exposure": exposure(), "releases": releases(), "reflexes": reflexes()}
    rounded = {k: {n: float(f"{v:.6g}") for n, v in found.items()} for k, found in sections.items()}
    FILE.write_text(json.dumps(rounded, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {FILE.name}; write into CHANGELOG.md what moved and why, with 'baseline {digest()}'")


if __name__ == "__main__":
    main()
