"""Run the circuit over the range of severity and release, and keep the read-outs: ``python -m spasmlab.surrogate.train``.

Points are a Sobol sequence over the two releases at each severity, with the corner of no drug always among them; every
point meets the same cords, so that differences between points are the drug's and not chance's. Conditions may be named;
without a name all that shift the circuit are made, and health.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache

import numpy as np

from spasmlab import assays, condition, streams
from spasmlab.errors import SpasmlabError
from spasmlab.parameter import beside
from spasmlab.progress import Stages
from spasmlab.surrogate import table

HEALTHY = "healthy"
ASSAYS = ("h_reflex", "stretch", "spasm", "clonus", "pendulum")


def conditions() -> tuple[str, ...]:
    """The conditions a surrogate is made of: health, and those that shift the circuit of the limb."""
    return tuple(
        name
        for name in condition.names()
        if name == "healthy" or any(p.startswith("circuit.synapse.") for p in condition.load(name).parameters)
    )


def points() -> np.ndarray:
    """The releases asked at each severity, (points, 2): no drug first, then a Sobol sequence over the range."""
    from scipy.stats import qmc

    known = beside("surrogate.train")
    low = [known["lowest_release_ia"].number, known["lowest_release_poly"].number]
    count = int(known["points"].number)
    drawn = qmc.Sobol(2, scramble=True, rng=np.random.default_rng(0)).random_base2(
        int(np.ceil(np.log2(count)))
    )
    spread = qmc.scale(drawn[: count - 1], low, [1.0, 1.0])
    return np.vstack([[1.0, 1.0], spread])


def runs(name: str, stages: Stages) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Inputs (points, 3) and read-outs by name (points, cords) of a condition over its severities.

    At severity 0 every condition is health, which is run once; health itself is the same at 0 and 1.
    """
    severities = (0.0, 1.0) if name == HEALTHY else beside("surrogate.train")["severities"].values
    inputs, found = [], []
    for severity in severities:
        inputs.append(np.column_stack([np.full(len(points()), severity), points()]))
        found.append(_healthy(stages) if severity == 0 or name == HEALTHY else _shown(name, severity, stages))
    return np.vstack(inputs), {n: np.concatenate([part[n] for part in found]) for n in found[0]}


@cache
def _healthy(stages: Stages) -> dict[str, np.ndarray]:
    return _shown(HEALTHY, 1.0, stages)


def _shown(name: str, severity: float, stages: Stages) -> dict[str, np.ndarray]:
    with stages(f"{name} at {severity:g}"):
        return _at(name, severity)


def _at(name: str, severity: float) -> dict[str, np.ndarray]:
    from spasmlab.circuit.bench import Bench

    cords = int(beside("surrogate.train")["cords"].number)
    releases = points()
    subjects = len(releases) * cords
    bench = Bench(
        condition=condition.load(name, severity),
        release_ia=np.repeat(releases[:, 0], cords),
        release_poly=np.repeat(releases[:, 1], cords),
        release_monoamine=np.repeat(monoamine(name, severity, releases[:, 1]), cords),
        seeds=np.full(subjects, streams.key(0, "surrogate") & (2**63 - 1), dtype=np.int64),
        draws=np.tile(np.arange(cords), len(releases)),
    )
    found: dict[str, np.ndarray] = {}
    for assay in (a for a in ASSAYS if a in assays.names()):
        result = assays.load(assay).run(bench)
        coordinates = next(iter(result.coords.values()), np.zeros(0))
        for readout, values in result.readouts.items():
            columns = np.asarray(values, float).reshape(subjects, -1)
            for place in range(columns.shape[1]):
                at = f"@{coordinates[place]:g}" if columns.shape[1] > 1 else ""
                found[f"{assay}.{readout}{at}"] = columns[:, place].reshape(-1, cords)
    return found


def monoamine(name: str, severity: float, release_poly: np.ndarray) -> np.ndarray:
    """The release of monoamine terminals that goes with a polysynaptic one: both lose by the same calcium.

    1 − (f_monoamine/f_poly)·(1 − r_poly), with f_poly at the state of the synapse of the condition at its severity.
    """
    shifted = condition.load(name, severity)
    known = shifted.over(beside("chain.release"), "chain.release")
    state = shifted.over(beside("chain.channel"), "chain.channel")["synapse_state"].number
    healthy, spastic = known["loss_poly_healthy"].number, known["loss_poly_spastic"].number
    share = known["loss_monoamine"].number / (healthy + state * (spastic - healthy))
    return np.maximum(1 - share * (1 - release_poly), 0.0)


def main(arguments: Sequence[str]) -> int:
    """Make the runs of the named conditions (or all)."""
    stages = Stages(show=True)
    for name in arguments or conditions():
        try:
            inputs, readouts = runs(name, stages)
        except SpasmlabError as problem:
            print(f"error: {problem}", file=sys.stderr)
            return problem.exit_code
        made = [a for a in ASSAYS if a in assays.names()]
        about = {"condition": name, "assays": " ".join(made), "digest": table.digest(name, made)}
        table.FOLDER.mkdir(exist_ok=True)
        table.file_of(name).write_text(table.text(inputs, readouts, about), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
