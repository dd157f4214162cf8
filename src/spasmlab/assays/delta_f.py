"""ΔF of paired motor units: what hysteresis a motor pool shows when a drive rises and falls again.

The pool is driven by a slow triangle, as in a contraction of ten seconds up and ten down. The rate of a unit of low
threshold (the control) tells the drive: it is read when a test unit of higher threshold starts and when it stops. A test
unit that goes on at less drive than it needed at the start gives a positive difference, ΔF, the sign of a persistent
inward current (Gorassini et al. 2002).
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.motor_pool import dish
from spasmlab.assays.result import AssayResult
from spasmlab.circuit import cord, motor_pool
from spasmlab.circuit.bench import Bench

READOUTS = {
    "delta_f": (
        "Hz",
        "rate of control units at recruitment less derecruitment of test units; NaN without pairs",
    ),
    "delta_f_sd": ("Hz", "its standard deviation over pairs; NaN without pairs"),
    "pairs": ("1", "number of pairs"),
    "recruitment_rate": ("Hz", "over the first intervals of all units; NaN where none fires"),
    "derecruitment_rate": ("Hz", "over the last intervals of all units; NaN where none fires"),
    "recruited": ("1", "share of the pool that fires at the top of the triangle"),
}
NEEDS_CORD = False


def run(bench: Bench) -> AssayResult:
    """One triangle for every subject."""
    dishes = [dish(bench, s) for s in range(bench.subjects)]
    spikes = [motor_pool.triangle(cells) for cells in dishes]
    rows = [_measure(motor_pool.pair_units(one)) for one in spikes]
    every = motor_pool.protocol()["shown_every"]
    drive = motor_pool.drive_of_triangle()[:: round(every / cord.DT)]
    traces = xarray.Dataset(
        {"drive": (("subject", "time"), np.tile(drive, (bench.subjects, 1)), {"units": "mV"})},
        coords={"time": ("time", np.arange(drive.size) * every, {"units": "ms"})},
    )
    rasters = tuple(_raster(one) for one in spikes)
    readouts = {name: np.array([row[name] for row in rows]) for name in READOUTS}
    return AssayResult("delta_f", readouts, {}, traces, rasters)


def _measure(pairs: motor_pool.Pairs) -> dict[str, float]:
    fired = np.isfinite(pairs.first_rate)
    return {
        "delta_f": _over(np.mean, pairs.delta_f),
        "delta_f_sd": _over(np.std, pairs.delta_f),
        "pairs": float(pairs.delta_f.size),
        "recruitment_rate": _over(np.mean, pairs.first_rate[fired]),
        "derecruitment_rate": _over(np.mean, pairs.last_rate[fired]),
        "recruited": float(fired.mean()),
    }


def _over(statistic, values: np.ndarray) -> float:
    return float(statistic(values)) if values.size else float("nan")


def _raster(spikes: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Times in order and the unit of each."""
    times, units = np.concatenate(spikes), np.repeat(np.arange(len(spikes)), [s.size for s in spikes])
    order = np.argsort(times, kind="stable")
    return times[order], units[order]
