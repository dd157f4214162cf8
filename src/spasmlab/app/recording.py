"""A run of the circuit as the page plays it: read from the tables that `spasmlab assay --out` wrote.

Of each arm the central cord: angle of the joint, torque, EMG as the outline of a fast signal, and the spikes of the motor
units. All times are in ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spasmlab.app.bindings import curve, drawing, rounded
from spasmlab.circuit.afferent import MILLISECONDS

ASSAYS = {
    "stretch": "Stretch of the calf",
    "h_reflex": "H-reflex",
    "clonus": "Clonus under load",
    "pendulum": "Pendulum test of the knee",
    "spasm": "Spasm after a touch of the sole",
}
ARMS = {"no_drug": "no drug", "drug": "on drug"}
POINTS = 900  # of a played trace
JOINT = {"pendulum": "knee"}
TORQUE = {"stretch": "reflex_torque", "clonus": "torque", "pendulum": "torque", "spasm": "torque"}
MARGIN = (60.0, 400.0)  # ms kept before a ramp begins and after it ends

QUIET, SHORTEST = (
    0.01,
    1500.0,
)  # share of the largest torque that is none any more; ms that are played at least


@dataclass(frozen=True)
class Place:
    """Where an assay's tables lie, and how many motor units its pool has."""

    folder: Path
    assay: str


def read(place: Place) -> dict[str, Any]:
    """What the player needs: both arms, the joint, the largest values for common axes."""
    table = _traces(place)
    spikes = _table(place.folder / "spikes.csv")
    arms = []
    for arm, label in ARMS.items():
        own = _of(table, arm)
        if own.empty:
            continue
        fired = _of(spikes, arm) if len(spikes) else spikes
        arms.append({"label": label, **_arm(place, own, fired, arm)})
    begin, end = _window(place.assay, table)
    return {
        "assay": place.assay,
        "title": ASSAYS[place.assay],
        "joint": JOINT.get(place.assay, "ankle"),
        "begin": begin,
        "end": end,
        "arms": arms,
        "curve": recruitment(place) if place.assay == "h_reflex" else None,
    }


def _traces(place: Place) -> pd.DataFrame:
    """The traces over time of both arms, with plain column names: of the fastest ramp, of the largest H-reflex."""
    names = {"stretch": "traces_velocity_time", "h_reflex": "traces_intensity_time"}
    table = _table(place.folder / f"{names.get(place.assay, 'traces_time')}.csv")
    seconds = any(name.startswith("time [s]") for name in table.columns)
    table.columns = [name.split(" [")[0] for name in table.columns]
    if seconds:
        table["time"] *= MILLISECONDS
    if place.assay == "stretch":
        return _where(table, _column(table, "velocity") == _column(table, "velocity").max())
    if place.assay == "h_reflex":
        heights = _table(place.folder / "traces_intensity.csv")
        heights.columns = [name.split(" [")[0] for name in heights.columns]
        plain = _of(heights, "no_drug")
        best = _column(plain, "intensity")[_column(plain, "h").argmax()]
        return _where(table, np.isclose(_column(table, "intensity"), best, rtol=1e-4))
    return table


def _arm(place: Place, own: pd.DataFrame, spikes: pd.DataFrame, arm: str) -> dict[str, Any]:
    kept = own.iloc[:: max(1, len(own) // POINTS)]
    torque = TORQUE.get(place.assay)
    return {
        "time": rounded(kept["time"], 5),
        "angle": rounded(kept["angle"]) if "angle" in kept else None,
        "torque": rounded(kept[torque]) if torque else None,
        "emg": _emg(place, own, arm),
        "spikes": {
            "time": rounded(spikes["time_ms"], 6) if len(spikes) else [],
            "unit": spikes["unit"].tolist() if len(spikes) else [],
        },
    }


def _emg(place: Place, own: pd.DataFrame, arm: str) -> dict[str, Any]:
    """The outline of the EMG: lowest and highest of each small part of time."""
    if "emg" in own:
        time, raw = _column(own, "time"), _column(own, "emg")
    else:
        table = _table(place.folder / "emg.csv")
        if table.empty:
            return {"time": [], "low": [], "high": []}
        table = _of(table, arm)
        time, raw = _column(table, "time [ms]"), _column(table, "emg [mV]")
    width = max(1, len(raw) // POINTS)
    whole = len(raw) // width * width
    parts = raw[:whole].reshape(-1, width)
    return {
        "time": rounded(time[:whole:width], 5),
        "low": rounded(parts.min(axis=1)),
        "high": rounded(parts.max(axis=1)),
    }


def _window(assay: str, table: pd.DataFrame) -> tuple[float, float]:
    """What is played: of a ramp a while before it begins to a while after it ends, of a spasm until it is over, else all."""
    time = _column(table, "time")
    if assay == "spasm":
        torque = _column(table, "torque")
        active = time[torque > QUIET * max(float(torque.max()), 1e-9)]
        last = float(active.max()) if active.size else 0.0
        return float(time.min()), min(float(time.max()), max(SHORTEST, last + MARGIN[1]))
    if assay != "stretch":
        return float(time.min()), float(time.max())
    one = _of(table, str(table["arm"].iloc[0]))
    clock, angle, torque = (_column(one, name) for name in ("time", "angle", "joint_torque"))
    moving = np.flatnonzero(np.abs(np.diff(angle)) > 1e-6)
    begin = max(float(clock[0]), float(clock[moving[0]]) - MARGIN[0])
    ended = np.flatnonzero(np.diff(torque) != 0)[
        -1
    ]  # a shorter ramp's traces are filled up with their last value
    return begin, min(float(clock[ended]), float(clock[moving[-1]]) + MARGIN[1])


def recruitment(place: Place) -> dict[str, Any]:
    """H and M of both arms against the current."""
    table = _table(place.folder / "traces_intensity.csv")
    table.columns = [name.split(" [")[0] for name in table.columns]
    looks = {
        ("no_drug", "h"): "shadow",
        ("drug", "h"): "first",
        ("no_drug", "m"): "third",
        ("drug", "m"): "second",
    }
    curves, x = [], np.zeros(0)
    for (arm, name), look in looks.items():
        own = _of(table, arm)
        if own.empty:
            continue
        x = _column(own, "intensity")
        curves.append(curve(f"{name.upper()}, {ARMS[arm]}", _column(own, name), look))
    return drawing(
        x, curves, x_label="current (× Ia threshold)", y_label="mV, peak to peak", y_range=(0.0, None),
        summary="recruitment of the reflex and of the direct response",
    )  # fmt: skip


def _table(file: Path) -> pd.DataFrame:
    return pd.read_csv(file) if file.exists() else pd.DataFrame()


def _of(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    return _where(table, _column(table, "arm") == arm)


def _where(table: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    return table.loc[rows]


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    return np.asarray(table[name])
