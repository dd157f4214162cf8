"""How much of the rise of a stretch reflex with speed is a stiffer reflex, and how much a reflex that begins earlier."""

from __future__ import annotations

import numpy as np

from spasmlab.parameter import beside


def stiffness_share(torque: np.ndarray, onset: np.ndarray, speeds: np.ndarray) -> np.ndarray:
    """Percent of the rise of reflex torque between two speeds that reflex stiffness explains; arrays (subjects, speeds).

    Torque is stiffness times the angle moved since onset, τ = K·(θ_end − θ_onset). Of a rise Δ(K·e), e being that angle,
    ΔK times the mean of e is due to stiffness and Δe times the mean of K to the threshold (each on average over the two
    orders in which they can be changed).
    """
    known = beside("assays.stiffness")
    low, high = (int(np.argmin(np.abs(speeds - speed))) for speed in known["stiffness_speeds"].values)
    moved = beside("assays.stretch")["end_angle"].number - onset[:, [low, high]]
    far = moved >= known["stiffness_travel"].number
    stiffness = np.divide(torque[:, [low, high]], moved, out=np.full(moved.shape, np.nan), where=far)
    rise = torque[:, high] - torque[:, low]
    part = (stiffness[:, 1] - stiffness[:, 0]) * moved.mean(axis=1)
    return 100 * np.divide(part, rise, out=np.full(len(rise), np.nan), where=rise > 0)
