"""The motoneurons of a pool, one by one, as an electrophysiologist meets them: without synapses, an electrode in each.

A small hyperpolarising step gives input resistance, steps of 500 ms rheobase, a brief strong pulse one spike and the
after-hyperpolarisation behind it; long steps give the rate just above rheobase and at its double; a slow ramp in voltage
clamp the persistent inward current, once more without calcium. No drug of the chain reaches these cells but one that
acts on them.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.circuit import motor_pool
from spasmlab.circuit.bench import Bench

READOUTS = {
    "input_resistance": ("Mohm", "at the soma, by a small hyperpolarising step"),
    "rheobase": ("nA", "smallest step of 500 ms that makes the cell fire"),
    "ahp_amplitude": ("mV", "after-hyperpolarisation behind a single spike"),
    "ahp_half_decay": ("ms", "from its trough to half its amplitude"),
    "ahp_duration": ("ms", "from the spike to a tenth of its amplitude"),
    "minimal_rate": ("Hz", "steady rate just above rheobase; NaN where the cell falls silent"),
    "rate_at_double": ("Hz", "steady rate at twice rheobase; NaN where the cell falls silent"),
    "rate_gain": ("Hz/nA", "slope of steady rate between the two; NaN where the cell falls silent"),
    "inward_current": ("nA", "persistent inward current on a ramp in voltage clamp"),
    "calcium_share": ("1", "share of that current that goes with calcium"),
    "full_pool_rate": (
        "Hz",
        "mean rate under the smallest common drive that recruits nine tenths of the pool",
    ),
}
NEEDS_CORD = False


def dish(bench: Bench, subject: int) -> motor_pool.Dish:
    """The motoneurons of a subject, taken out of its cord."""
    numbers = bench.numbers[subject]
    return motor_pool.Dish(
        bench.pools[bench.cord_of(subject)], np.array(numbers), float(numbers.resting_bias)
    )


def run(bench: Bench) -> AssayResult:
    """Every cell of every subject; read-outs at places of the pool, in percent from its smallest cell."""
    places = np.array(motor_pool.places())
    rows, ramps = zip(*(_measure(dish(bench, s), places) for s in range(bench.subjects)), strict=True)
    readouts = {name: np.array([row[name] for row in rows]) for name in READOUTS}
    traces = xarray.Dataset(
        {
            "inward_current": (
                ("subject", "voltage"),
                np.array([r.current.mean(axis=1) for r in ramps]),
                {"units": "nA"},
            )
        },
        coords={"voltage": ("voltage", ramps[0].voltage, {"units": "mV"})},
    )
    return AssayResult("motor_pool", readouts, {"percent": places}, traces)


def _measure(cells: motor_pool.Dish, places: np.ndarray) -> tuple[dict, motor_pool.InwardCurrent]:
    whole, sodium = motor_pool.inward_current(cells), motor_pool.inward_current(cells.without_calcium())
    found = dict(motor_pool.readouts(cells))
    found["inward_current"] = whole.size
    found["calcium_share"] = np.clip(1 - sodium.size / whole.size, 0, 1)
    position = 100 * cells.pool.position
    rows: dict = {name: np.interp(places, position, values) for name, values in found.items()}
    return {**rows, "full_pool_rate": motor_pool.full_pool_rate(cells)}, whole
