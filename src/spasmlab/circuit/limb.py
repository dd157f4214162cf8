"""The limb as the kernel moves it: a joint with two muscles, imposed or free, and what the endings in them feel.

A muscle's state is one row of MUSCLE: fibre length (L0, with vibration), its rate of change (L0/s), activation, force
(share of the maximum), the running mean of the velocity response, and the velocity (L0/s) at which the tendon lets the
joint drive the fibres. The joint's state is its angle and velocity.
"""

from __future__ import annotations

import math

from numba import njit

from spasmlab.circuit.afferent import EXTENSOR, EXTENSOR_IA, EXTENSOR_IB, EXTENSOR_II, FLEXOR, MILLISECONDS
from spasmlab.circuit.joint import damping_torque, elastic_torque, gravity, kick, ramp
from spasmlab.circuit.muscle import driven_velocity, fibre_force, fibre_length, sum_twitches, torque_of
from spasmlab.circuit.spindle import ia_rate, ib_rate, ii_rate, ii_velocity_response, velocity_response

MUSCLE = ("length", "stretch", "activation", "force", "dynamic_mean", "driven")
(LENGTH, STRETCH, ACTIVATION, FORCE, DYNAMIC_MEAN, DRIVEN) = range(len(MUSCLE))
JOINT = ("angle", "velocity")  # rad, rad/s
(ANGLE, VELOCITY) = range(len(JOINT))
# What a run can do to a limb, each a row of numbers.
MOVE = ("onset", "travel", "speed", "rise")  # ms, rad, rad/s, ms
SHAKE = ("where", "onset", "end", "amplitude", "frequency")  # SHAKEN, ms, ms, rad or L0, Hz
PUSH = ("onset", "end", "torque")  # ms, ms, N m
SHAKEN = ("extensor", "flexor", "joint")  # a tendon (its muscle's fibres) or the joint
SHAKEN_JOINT = SHAKEN.index("joint")

_damping = njit(damping_torque)


@njit
def away(side, angle):
    """The angle (or velocity) counted positive where it stretches the muscle of `side`."""
    return angle if side == EXTENSOR else -angle


@njit
def shaken(now, where, shakes):
    """Displacement and velocity (per second) of all sinusoids at `where`: A(1 − cos 2πft), from rest into stretch."""
    offset, velocity = 0.0, 0.0
    for place, onset, end, amplitude, frequency in shakes:
        if place == where and onset <= now < end:
            turn = 2 * math.pi * frequency
            phase = turn * (now - onset) / MILLISECONDS
            offset += amplitude * (1 - math.cos(phase))
            velocity += amplitude * turn * math.sin(phase)
    return offset, velocity


@njit
def imposed(now, start, moves, shakes):
    """Angle and velocity that a motor or a hand imposes: the start, all movements and all sinusoids added."""
    angle, velocity = shaken(now, SHAKEN_JOINT, shakes)
    angle += start
    for onset, travel, speed, rise in moves:
        turned, turning = ramp(now, onset, 0.0, travel, speed, rise)
        angle += turned
        velocity += turning
    return angle, velocity


@njit
def pushed(now, load, pushes):
    """External torque at `now`: the load and all pushes under way."""
    torque = load
    for onset, end, strength in pushes:
        if onset <= now < end:
            torque += strength
    return torque


@njit
def muscle_torque(velocity, muscles, h, both, bend):
    """Torque of both muscles after `h` ms at a joint velocity: the extensor pulls to negative angles."""
    torque = 0.0
    for side in range(muscles.shape[0]):
        own, m = muscles[side], both[side]
        driven = driven_velocity(own[DRIVEN], away(side, velocity), h, m)
        force = fibre_force(own[ACTIVATION], own[LENGTH], driven, bend, m)
        torque -= away(side, torque_of(force, m))
    return torque


@njit
def swing(joint, muscles, external, inertia, h, both, bend):
    """Move a free limb by `h` ms: half a drift, a kick by all torques, half a drift. Second order in the step.

    The muscles' torque falls steeply with velocity; its slope, measured by a small step, enters implicitly.
    """
    half, k = 0.5 * h / MILLISECONDS, both[EXTENSOR]
    angle, velocity = joint[ANGLE] + half * joint[VELOCITY], joint[VELOCITY]
    still = external + gravity(angle, k) + elastic_torque(angle, k)
    torque = still + muscle_torque(velocity, muscles, h, both, bend) - _damping(velocity, k)
    faster = velocity + k.nudge
    slope = (still + muscle_torque(faster, muscles, h, both, bend) - _damping(faster, k) - torque) / k.nudge
    joint[VELOCITY] = kick(velocity, torque, min(slope, 0.0), inertia, h)
    joint[ANGLE] = angle + half * joint[VELOCITY]


@njit
def advance_muscle(own, side, joint, offset, h, drive, twitches, share, time, m, bend):
    """Advance one muscle by `h` ms at the joint's angle and velocity; `offset` (L0) is the stretch by vibration.

    `drive`, `twitches`, `share` and `time` are those of its units, `m` its numbers.
    """
    own[ACTIVATION] = sum_twitches(drive, twitches, h, share, time)
    length = fibre_length(away(side, joint[ANGLE]), own[FORCE], m) + offset
    own[STRETCH] = (length - own[LENGTH]) / h * MILLISECONDS
    own[LENGTH] = length
    own[DRIVEN] = driven_velocity(own[DRIVEN], away(side, joint[VELOCITY]), h, m)
    own[FORCE] = fibre_force(own[ACTIVATION], length, own[DRIVEN], bend, m)


@njit
def sense(own, side, rates, h, dynamic_drive, static_drive, m):
    """The rates of a muscle's endings under fusimotor activation; the onset burst's running mean moves by `h` ms."""
    dynamic = velocity_response(own[STRETCH], m)
    rates[EXTENSOR_IA + side] = ia_rate(
        own[LENGTH], dynamic, own[DYNAMIC_MEAN], m, dynamic_drive, static_drive
    )
    rates[EXTENSOR_II + side] = ii_rate(own[LENGTH], ii_velocity_response(own[STRETCH], m), m, static_drive)
    rates[EXTENSOR_IB + side] = ib_rate(own[FORCE], m)
    own[DYNAMIC_MEAN] += (dynamic - own[DYNAMIC_MEAN]) * h / m.ia_burst_time_constant


@njit
def rest_limb(joint, muscles, start, both):
    """Put a limb at its starting angle, at rest."""
    joint[ANGLE] = start
    for side in (EXTENSOR, FLEXOR):
        muscles[side, LENGTH] = fibre_length(away(side, start), 0.0, both[side])
