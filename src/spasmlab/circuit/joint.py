"""A joint: passive torque that no drug changes, the angle a tester or a motor imposes, and the limb that moves freely.

Angle in rad, positive where it stretches the extensor; torque in N·m, resistance to that positive.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from spasmlab.circuit.afferent import MILLISECONDS


def passive_torque(angle, k):
    """Elastic torque s K (θ − θ₀)⁺ of resting muscle, tendon and capsule; `angle` a number or an array."""
    return k.stiffening * k.passive_stiffness * np.maximum(angle - k.slack_angle, 0.0)


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


@njit
def elastic_torque(angle, k):
    """Torque of the passive tissues on a free limb, both ways; zero between the two slack angles."""
    back = k.flexor_passive_stiffness * max(k.flexor_slack_angle - angle, 0.0)
    return back - k.stiffening * k.passive_stiffness * max(angle - k.slack_angle, 0.0)


@njit
def gravity(angle, k):
    """Torque of the limb's weight, G cos(θ − θ_g)."""
    return k.gravity_torque * math.cos(angle - k.gravity_angle)


@njit
def elastic_energy(angle, k):
    """Energy (J) in the passive tissues, whose derivative is minus `elastic_torque`."""
    forward, back = max(angle - k.slack_angle, 0.0), max(k.flexor_slack_angle - angle, 0.0)
    return 0.5 * (k.stiffening * k.passive_stiffness * forward**2 + k.flexor_passive_stiffness * back**2)


@njit
def gravity_energy(angle, k):
    """Energy (J) of the limb's weight, −G sin(θ − θ_g)."""
    return -k.gravity_torque * math.sin(angle - k.gravity_angle)


@njit
def kick(velocity, torque, slope, inertia, h):
    """Velocity after `h` ms of a torque whose slope against velocity (N·m·s/rad) is taken as constant: trapezoidal."""
    step = h / MILLISECONDS
    return velocity + step * torque / (inertia - 0.5 * step * slope)
