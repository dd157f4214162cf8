"""An assay answered by the surrogate: the same read-outs as on the circuit, without traces.

It knows releases alone: of Ia and polysynaptic terminals as asked, and of monoamine terminals as it goes with the
polysynaptic ones. A drug that acts elsewhere on the circuit needs the circuit itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import streams
from spasmlab.assays.result import AssayResult
from spasmlab.errors import InputError
from spasmlab.surrogate import predict, table

if TYPE_CHECKING:
    from spasmlab.circuit.bench import Bench


def run(name: str, bench: Bench) -> AssayResult:
    """The read-outs of every subject of a bench; InputError where the surrogate does not know the assay or the drug."""
    refuse_sites(bench)
    condition = table.of(bench.condition.name)
    known = [n for n in predict.readouts(condition) if n.split(".")[0] == name]
    if not known:
        able = sorted({n.split(".")[0] for n in predict.readouts(condition)})
        raise InputError(f"the surrogate does not know the assay '{name}'; possible: {', '.join(able)}")
    values = dict(zip(known, _values(condition, tuple(known), bench), strict=True))
    readouts, coords = {}, {}
    for readout in dict.fromkeys(n.split(".", 1)[1].split("@")[0] for n in known):
        at, names = predict.curve(condition, f"{name}.{readout}")
        columns = np.stack([values[one] for one in names], axis=1)
        curve = len(names) > 1
        readouts[readout] = columns if curve else columns[:, 0]
        if curve:
            coords[COORDINATES.get(name, "coordinate")] = at
    return AssayResult(name, readouts, coords)


COORDINATES = {"stretch": "velocity", "post_activation": "frequency"}


def refuse_sites(bench: Bench) -> None:
    """InputError where a drug changes more of the circuit than releases."""
    moved = sorted(name for name, values in bench.factors.items() if np.any(np.asarray(values) != 1))
    if moved:
        raise InputError(
            f"the surrogate knows releases alone, and this drug changes {', '.join(moved)} of the circuit; "
            "possible: --fidelity circuit"
        )


def _values(condition: str, readouts: tuple[str, ...], bench: Bench) -> np.ndarray:
    """Read-outs of each subject (readouts, subjects): the smooth maps, times what is the subject's own cord's."""
    severity = np.full(bench.subjects, bench.condition.severity)
    releases = np.asarray(bench.release_ia), np.asarray(bench.release_poly)
    means = predict.together(condition, readouts, severity, *releases)
    between = np.array([[predict.load(condition, name).between] for name in readouts])
    deviates = np.stack([cord_deviates(bench, name.split("@")[0]) for name in readouts])
    return means * np.exp(between * deviates)


def cord_deviates(bench: Bench, readout: str) -> np.ndarray:
    """How far each subject's cord lies from the mean, the same in every arm; 0 for draw 0, the central one."""
    draws = np.zeros(bench.subjects, int) if bench.draws is None else np.asarray(bench.draws)
    found = np.zeros(bench.subjects)
    for subject, (seed, draw) in enumerate(zip(bench.seeds.tolist(), draws.tolist(), strict=True)):
        if draw:
            found[subject] = _deviate(seed, readout, draw)
    return found


@lru_cache(maxsize=65_536)
def _deviate(seed: int, readout: str, draw: int) -> float:
    return float(streams.stream(seed, "surrogate", readout, draw).standard_normal())
