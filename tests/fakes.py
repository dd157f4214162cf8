"""A cord in miniature for tests of the house: read-outs that follow the releases and the draw by plain formulas."""

from __future__ import annotations

import numpy as np
import xarray as xr

from spasmlab import assays
from spasmlab.assays.result import AssayResult

VELOCITY = np.array([50.0, 150.0, 300.0])
CURRENT = np.linspace(0.8, 3, 12)
TIME_S = np.arange(-0.2, 3, 0.01)
TIME_MS = np.arange(0.0, 600.0, 2.0)


def run_assays(names, bench, stages, fidelity="circuit"):
    """In place of `spasmlab.run.run_assays`."""
    with stages("Circuit: loading and compiling"):
        pass
    return {name: {"h_reflex": h_reflex, "stretch": stretch, "spasm": spasm}[name](bench) for name in names}


def cord(bench):
    """A number a subject, the same for the same draw in every arm."""
    return 1 + 0.1 * np.sin(bench.draws)


def readouts(name, bench, known):
    """Those known, and 1 for every other that the assay declares."""
    others = {n: np.ones(bench.subjects) for n in assays.load(name).READOUTS if n not in known}
    return {**others, **known}


def h_reflex(bench):
    """H follows the Ia release, M nothing."""
    h = np.exp(-((CURRENT - 1.5) ** 2))[None, :] * (bench.release_ia * cord(bench))[:, None]
    m = np.tile(np.clip(CURRENT - 1.3, 0, 1), (bench.subjects, 1))
    traces = xr.Dataset(
        {"h": (("subject", "intensity"), h), "m": (("subject", "intensity"), m)}, {"intensity": CURRENT}
    )
    known = {"h_max": h.max(axis=1), "m_max": m.max(axis=1), "h_m_ratio": h.max(axis=1) / m.max(axis=1)}
    return AssayResult("h_reflex", readouts("h_reflex", bench, known), {"intensity": CURRENT}, traces)


def stretch(bench):
    """Reflex torque rises with velocity and with the Ia release; passive torque with neither."""
    shape = (bench.subjects, VELOCITY.size)
    reflex = 0.1 * VELOCITY * (bench.release_ia * cord(bench))[:, None]
    known = {
        "passive_torque": np.full(shape, 15.0),
        "damping_torque": np.broadcast_to(0.01 * VELOCITY, shape),
        "reflex_torque": reflex,
        "emg_peak": reflex / 100,
        "active_units": reflex / 100,
    }
    angle = np.clip(np.outer(VELOCITY, TIME_MS - 150) / 1000, 0, 35) - 25
    dims, ones = ("subject", "velocity", "time"), np.ones((bench.subjects, 1, 1))
    traces = xr.Dataset(
        {
            "angle": (dims, ones * angle),
            "passive_torque": (dims, ones * (angle + 25) / 2),
            "joint_torque": (dims, ones * (angle + 25) / 2 + reflex[:, :, None]),
            "emg": (dims, ones * np.sin(angle)),
        },
        {"velocity": VELOCITY, "time": TIME_MS},
    )
    raster = (np.array([170.0, 180.0, 190.0]), np.array([0, 1, 5]))
    known = readouts("stretch", bench, known)
    return AssayResult("stretch", known, {"velocity": VELOCITY}, traces, (raster,) * bench.subjects)


def spasm(bench):
    """Torque that decays with time and follows the polysynaptic release; no sustained units, so no rate."""
    torque = (bench.release_poly * cord(bench))[:, None] * np.where(TIME_S > 0, np.exp(-np.abs(TIME_S)), 0)
    known = {
        "spasm_impulse": torque.sum(axis=1),
        "sustained_units": np.zeros(bench.subjects),
        "sustained_rate": np.full(bench.subjects, np.nan),
    }
    traces = xr.Dataset({"torque": (("subject", "time"), torque)}, {"time": TIME_S})
    raster = (np.array([20.0, 40.0]), np.array([0, 3]))
    return AssayResult("spasm", readouts("spasm", bench, known), {}, traces, (raster,) * bench.subjects)
