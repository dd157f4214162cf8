"""The ankle: passive torque that no drug changes, and the angle a tester or a motor imposes.

Angle in rad, dorsiflexion positive; torque in N·m, resistance to dorsiflexion positive.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spasmlab.circuit.afferent import MILLISECONDS


def passive_torque(angle, k):
    """Elastic torque K (θ − θ₀)⁺ of the resting muscle, tendon and capsule; `angle` a number or an array."""
    return k.passive_stiffness * np.maximum(angle - k.slack_angle, 0.0)


def damping_torque(velocity, k):
    """Viscous torque B ω; `velocity` a number or an array."""
    return k.passive_damping * velocity


@njit
def ramp(time, onset, start, end, speed, rise):
    """Angle and velocity (rad, rad/s) of a ramp-and-hold at `time` ms.

    The velocity climbs linearly to `speed` within `rise` ms, holds, and falls as fast: the acceleration is fixed, since
    the latency of a stretch reflex depends on it. `start` and `end` in rad; `speed` > 0 in rad/s.
    """
    travel = abs(end - start)
    if travel <= 0 or speed <= 0:
        return start, 0.0
    direction = 1.0 if end > start else -1.0
    accelerate = rise / MILLISECONDS
    if speed * accelerate > travel:  # too short a path to reach the speed: a triangle of velocity
        accelerate = travel / speed
    moving = travel / speed + accelerate  # seconds from first to last movement
    t = (time - onset) / MILLISECONDS
    if t <= 0:
        return start, 0.0
    if t >= moving:
        return end, 0.0
    if t < accelerate:
        return start + direction * 0.5 * speed / accelerate * t * t, direction * speed / accelerate * t
    if t > moving - accelerate:
        left = moving - t
        return end - direction * 0.5 * speed / accelerate * left * left, direction * speed / accelerate * left
    return start + direction * speed * (t - 0.5 * accelerate), direction * speed
