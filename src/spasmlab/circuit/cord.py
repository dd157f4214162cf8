"""The cord: afferents, interneurons, two motor pools, their muscles and a joint advanced together, a subject a thread.

Cells move at `dt` (0.025 ms); interneurons, spindles, twitches, muscles and joint every `LIMB_STEPS` of them. A spike
costs only when it happens: it waits in a ring of time slots until its delay is over, then adds to its targets.
Everything random is named by (key, stream, counter), so a subject's result depends on no other subject and no thread.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from spasmlab.circuit import afferent, source
from spasmlab.circuit.afferent import (
    EXTENSOR,
    FLEXOR,
    MILLISECONDS,
    excite_fibres,
    fire_fibres,
    first_phase,
    next_interval,
)
from spasmlab.circuit.descending import add_drive, level, pic_factor, scale_pic
from spasmlab.circuit.fastmath import normal
from spasmlab.circuit.interneuron import fire_interneurons
from spasmlab.circuit.limb import ACTIVATION as OWN_ACTIVATION
from spasmlab.circuit.limb import FORCE as OWN_FORCE
from spasmlab.circuit.limb import (
    JOINT,
    MUSCLE,
    advance_muscle,
    imposed,
    pushed,
    rest_limb,
    sense,
    shaken,
    swing,
)
from spasmlab.circuit.limb import LENGTH as OWN_LENGTH
from spasmlab.circuit.motoneuron import BLOCK, SLOW, SOMA, advance_pool, blown_up, prepare_step, refresh_noise
from spasmlab.circuit.muscle import saturation, tire, torque_of, twitch
from spasmlab.circuit.protocol import Protocol
from spasmlab.circuit.queue import Queue, new_queue, post, take
from spasmlab.circuit.spindle import fusimotor
from spasmlab.circuit.synapse import condition, deliver
from spasmlab.circuit.terminal import advance_loop, advance_terminals, pass_impulse, rested

__all__ = ["Preparation", "Protocol", "Recording", "simulate_all"]

DT = 0.025  # ms; a spike train of a motoneuron is then within 0.4 % of its limit
LIMB_STEPS = 4  # of cells in one step of limb and interneurons

# What a run is asked for and what it records. Result codes: 0 done, else what blew up.
TRACES = (
    "angle",
    "velocity",
    "length",
    "activation",
    "force",
    "ia_rate",
    "ii_rate",
    "conditioning",
    "flexor_length",
    "flexor_activation",
    "flexor_force",
    "flexor_ia_rate",
    "ib_rate",
    "muscle_torque",
)
(
    ANGLE,
    VELOCITY,
    LENGTH,
    ACTIVATION,
    FORCE,
    IA_RATE,
    II_RATE,
    CONDITIONING,
    FLEXOR_LENGTH,
    FLEXOR_ACTIVATION,
    FLEXOR_FORCE,
    FLEXOR_IA_RATE,
    IB_RATE,
    MUSCLE_TORQUE,  # N m of both muscles, resistance to stretch of the extensor positive
) = range(len(TRACES))
CODES = (
    "done",
    "membrane voltage",
    "muscle length",
    "more spikes than there is room for",
    "joint angle",
    "more spikes of one fibre under way than there is room for",
)
(DONE, BAD_VOLTAGE, BAD_LENGTH, TOO_MANY_SPIKES, BAD_ANGLE, TOO_MANY_UNDER_WAY) = range(len(CODES))
# How a spike came about: of the cell and on its way to the muscle; stopped on that way by an antidromic impulse or
# curare; electric; of the terminals in the muscle themselves (see `terminal`).
SPIKES = ("orthodromic", "collided", "direct", "ectopic")
(ORTHODROMIC, COLLIDED, DIRECT, ECTOPIC) = range(len(SPIKES))
NEVER = -1  # an axon that carries no antidromic impulse


class Preparation(NamedTuple):
    """All that is wired before a run. First axis of every table: pool (one per draw and condition).

    Motoneurons of the extensor come first, then those of the flexor; units are numbered alike.
    """

    extensors: int  # number of the extensor's motoneurons
    cells: np.ndarray  # (pools, blocks, CONSTANTS·BLOCK)
    rest: np.ndarray  # (pools, blocks, STATES·BLOCK), the state in which every run begins
    kind: np.ndarray  # (sources,)
    effect: np.ndarray  # (sources,)
    delay_from_ending: np.ndarray  # (pools, fibres) ms
    delay_from_electrode: np.ndarray
    fibre_threshold: np.ndarray
    fibre_gain: np.ndarray
    start: np.ndarray  # (pools, 2·sources + 1)
    target: np.ndarray  # (pools, connections)
    weight: np.ndarray
    interneuron_threshold: np.ndarray  # (pools, interneurons)
    motor_threshold: np.ndarray  # (pools, motoneurons)
    unit_share: np.ndarray
    unit_time: np.ndarray  # ms
    unit_fatigability: np.ndarray  # 1/s
    unit_delay: np.ndarray  # cord to muscle, ms
    unit_direct: np.ndarray  # electrode to muscle, ms
    unit_antidromic: np.ndarray  # electrode to cord, ms
    terminal_shift: np.ndarray  # threshold of a unit's terminals against the mean, mV
    lengthening: np.ndarray  # (3,)


class Recording(NamedTuple):
    """What a batch of runs left behind: result codes, spikes and traces at 1 ms."""

    code: np.ndarray
    failed_at: np.ndarray  # ms
    spikes: np.ndarray  # number of
    spike_time: np.ndarray  # (runs, room) ms, at the soma (direct: at the electrode)
    spike_unit: np.ndarray
    spike_kind: np.ndarray
    trace: np.ndarray  # (runs, samples, TRACES)


class State(NamedTuple):
    """Everything that changes during one run."""

    x: np.ndarray  # (blocks, STATES·BLOCK), the motoneurons
    before: np.ndarray  # (cells,) soma voltage one step ago
    drift: np.ndarray  # (cells,) background noise
    arrivals: Queue  # spikes on their way to terminals
    impulses: Queue  # spikes on their way to the muscle
    direct: np.ndarray  # (cells,) step at which the electrode excited the axon; NEVER: no antidromic impulse
    excited: np.ndarray  # (fibres,) step of the last electric spike
    excited_axon: np.ndarray  # (cells,) the same of motor axons
    tiring: np.ndarray  # (fibres, 3) volley pool, rate pool, time of the last spike
    conditioning: (
        np.ndarray
    )  # (SIDES, 3) presynaptic inhibition by the other muscle, a stage before it, its drive
    phase: np.ndarray  # (fibres,) how far in its interval a spindle fibre is
    goal: np.ndarray  # (fibres,) that interval, of mean 1
    rates: np.ndarray  # (classes of fibres,) pulses per second
    voltage: np.ndarray  # (interneurons,)
    current: np.ndarray
    quiet: np.ndarray  # (interneurons,) ms since the last spike
    bias: np.ndarray  # (interneurons,) descending drive, 1/ms
    drive: np.ndarray  # (cells,) the twitches' inner state
    twitches: np.ndarray  # (cells,) twitches
    last: np.ndarray  # (cells,) time of the last impulse at the muscle
    terminals: np.ndarray  # (cells, terminal.STATES)
    ectopic: np.ndarray  # (cells,) impulses that arose at the terminals so far
    share: np.ndarray  # (cells,) of the muscle's force, less by fatigue in a cramp
    time: np.ndarray  # (cells,) twitch time, ms, longer by fatigue in a cramp
    capacity: np.ndarray  # (cells,) share of its force that a unit still has
    loop: np.ndarray  # (terminal.LOOP,) of the excitation by the afferents of a cramping muscle
    joint: np.ndarray  # (JOINT,)
    muscles: np.ndarray  # (SIDES, MUSCLE)
    waiting: np.ndarray  # (1,) antidromic impulses on their way
    last_event: np.ndarray  # (1,) ms, of the last spike or stimulus


TERMINAL_STEP = 0.5  # ms between two looks at the terminals
LONG_AGO = -(1 << 40)  # a step before any run


@njit
def begin(run, prep, protocol, both, slots):
    """The state of a run at time 0: the cord at rest, the joint at its starting angle.

    `both` (SIDES,) are the subject's numbers for each muscle.
    """
    pool, key, k = protocol.pool[run], protocol.key[run], both[EXTENSOR]
    cells = prep.unit_time.shape[1] if protocol.antagonist[run] else prep.extensors
    fibres, sources = prep.fibre_gain.shape[1], prep.kind.size
    drift, tiring, goal, phase = np.zeros(cells), np.ones((fibres, 3)), np.zeros(fibres), np.zeros(fibres)
    for cell in range(cells):
        drift[cell] = normal(key, cell, 0)
    for f in range(fibres):
        goal[f] = next_interval(key, f, 0, k.interval_order)
        phase[f] = first_phase(key, f, goal[f])
        tiring[f, 2] = 0.0
    joint, muscles = np.zeros(len(JOINT)), np.zeros((len(afferent.SIDES), len(MUSCLE)))
    rest_limb(
        joint, muscles, imposed(0.0, protocol.start[run], protocol.moves[run], protocol.shakes[run])[0], both
    )
    last_event = np.zeros(1)
    for time in protocol.stimulus_time[run]:
        if time < protocol.duration[run]:
            last_event[0] = max(last_event[0], time)
    interneurons = prep.interneuron_threshold.shape[1]
    return State(
        prep.rest[pool, : cells // BLOCK].copy(), np.zeros(cells), drift, new_queue(slots, sources),
        new_queue(slots, cells), np.full(cells, NEVER), np.full(fibres, LONG_AGO), np.full(cells, LONG_AGO), tiring,
        np.zeros((len(afferent.SIDES), 3)), phase, goal, np.zeros(len(afferent.FIBRES)), np.zeros(interneurons),
        np.zeros(interneurons), np.full(interneurons, MILLISECONDS), np.zeros(interneurons), np.zeros(cells),
        np.zeros(cells), np.full(cells, -MILLISECONDS), rested(cells, key, k), np.zeros(cells, np.int64),
        prep.unit_share[pool, :cells].copy(), prep.unit_time[pool, :cells].copy(), np.ones(cells),
        np.array([1.0, 0.0]), joint, muscles, np.zeros(1, np.int64), last_event,
    )  # fmt: skip


@njit
def note(run, now, unit, kind, recording):
    """Write a spike down; returns False when there is no room left."""
    n = recording.spikes[run]
    if n >= recording.spike_time.shape[1]:
        return False
    recording.spike_time[run, n] = now
    recording.spike_unit[run, n] = unit
    recording.spike_kind[run, n] = kind
    recording.spikes[run] = n + 1
    return True


@njit
def stimulate(run, j, step, dt, state, protocol, recording, prep, k):
    """Stimulus `j` of the run: fibres, motor axons or a muscle itself; returns False when the recording is full."""
    pool, kind = protocol.pool[run], protocol.stimulus_kind[run, j]
    intensity = protocol.stimulus_intensity[run, j]
    excite_fibres(kind, intensity, step, dt, state.arrivals, state.excited, k.axon_refractory, prep, pool)
    room = True
    for unit in range(state.direct.size):
        side = FLEXOR if unit >= prep.extensors else EXTENSOR
        if kind == (afferent.MUSCLE if side == EXTENSOR else afferent.FLEXOR_MUSCLE):
            post(state.impulses, unit, step + 1)
            continue
        own = kind == (afferent.EXTENSOR_NERVE if side == EXTENSOR else afferent.FLEXOR_NERVE)
        ready = (step - state.excited_axon[unit]) * dt >= k.axon_refractory
        if own and ready and prep.motor_threshold[pool, unit] <= intensity:
            state.excited_axon[unit] = step
            if not protocol.curare[run]:
                post(state.impulses, unit, step + round(prep.unit_direct[pool, unit] / dt))
            state.waiting[0] += state.direct[unit] == NEVER
            state.direct[unit] = step
            room = note(run, step * dt, unit, DIRECT, recording) and room
    return room


@njit
def invade(step, dt, state, k, prep, pool):
    """Antidromic impulses that have reached the cord lift their soma, which then fires (see `fire`)."""
    for unit in range(state.direct.size):
        came = state.direct[unit]
        if came != NEVER and step - came == round(prep.unit_antidromic[pool, unit] / dt):
            state.x[unit // BLOCK, SOMA * BLOCK + unit % BLOCK] = k.antidromic_voltage


@njit
def fire(unit, now, step, dt, run, state, recording, k, prep, protocol):
    """A motoneuron has fired: its collaterals reach Renshaw cells, and its impulse goes to the muscle unless an
    antidromic one meets it or has just fired it, or curare stops it there.
    """
    pool = protocol.pool[run]
    state.last_event[0] = now
    collaterals = prep.fibre_gain.shape[1] + prep.interneuron_threshold.shape[1]
    post(state.arrivals, collaterals + unit, step + round(k.synaptic_delay / dt))
    met = state.direct[unit] != NEVER
    if met:
        state.direct[unit] = NEVER
        state.waiting[0] -= 1
    if met or protocol.curare[run]:
        return note(run, now, unit, COLLIDED, recording)
    post(state.impulses, unit, step + round(prep.unit_delay[pool, unit] / dt))
    return note(run, now, unit, ORTHODROMIC, recording)


@njit
def fire_cells(step, dt, run, state, recording, k, prep, protocol):
    """Send the impulses of the motoneurons that have just fired; returns False when the recording is full."""
    room = True
    for unit in range(state.before.size):
        v, was = state.x[unit // BLOCK, SOMA * BLOCK + unit % BLOCK], state.before[unit]
        invaded = was == k.antidromic_voltage and state.direct[unit] != NEVER
        if invaded or (v > k.spike_detection and was <= k.spike_detection):
            part = 0.0 if invaded else (k.spike_detection - was) / (v - was)
            room = fire(unit, (step + part) * dt, step, dt, run, state, recording, k, prep, protocol) and room
    return room


@njit
def arrive(step, dt, state, k, prep, pool):
    """Deliver every spike whose delay ends at this step, to terminals and to the muscle."""
    slot = step % state.arrivals.head.size
    event = state.arrivals.head[slot]
    state.arrivals.head[slot] = -1
    while event >= 0:
        sender, event = take(state.arrivals, event)
        deliver(sender, step * dt, state, prep, pool, k)
    event = state.impulses.head[slot]
    state.impulses.head[slot] = -1
    while event >= 0:
        unit, event = take(state.impulses, event)
        twitch(unit, step * dt, state, k)
        if k.terminal_ectopic > 0:
            pass_impulse(state.terminals, unit, k)


@njit
def descend(now, run, state, cells, prep, protocol, k):
    """Add the descending drives to the motoneurons' currents, and their share to the Ia interneurons."""
    counted = prep.fibre_gain.shape[1]
    for side in range(len(afferent.SIDES)):
        if protocol.drive_time[run, side, 0] == math.inf:
            continue
        drive = level(now, protocol.drive_time[run, side], protocol.drive_level[run, side])
        in_nanoampere = protocol.drive_in_nanoampere[run, side]
        first = 0 if side == EXTENSOR else prep.extensors
        last = min(prep.extensors if side == EXTENSOR else prep.unit_time.shape[1], state.drift.size)
        add_drive(state.x, cells, first, last, drive, in_nanoampere)
        if in_nanoampere:
            continue
        for j in range(state.bias.size):
            if prep.kind[counted + j] == afferent.EXTENSOR_RECIPROCAL + side:
                state.bias[j] = max(drive, 0.0) * k.reciprocal_descending / k.interneuron_time_constant


@njit
def discharge(step, dt, run, state, recording, k, prep, protocol):
    """Terminals of the extensor that fire by themselves: into the muscle, and up the axon to the cord. The afferents of
    the contracting muscle excite its pool; they tire, and so do the units. Returns False when the recording is full.
    """
    pool, fired, room = protocol.pool[run], np.zeros(prep.extensors, np.int64), True
    number = advance_terminals(
        state.terminals, prep.terminal_shift[pool, : prep.extensors], state.muscles[EXTENSOR, OWN_LENGTH], TERMINAL_STEP,
        protocol.key[run], state.ectopic, fired, k,
    )  # fmt: skip
    for unit in fired[:number]:
        post(state.impulses, unit, step + 1)
        state.waiting[0] += state.direct[unit] == NEVER
        state.direct[unit] = step
        state.last_event[0] = step * dt
        room = note(run, step * dt, unit, ECTOPIC, recording) and room
    force = state.muscles[EXTENSOR, OWN_FORCE]
    excitation = advance_loop(state.loop, force, TERMINAL_STEP, k)
    tire(
        state.capacity, state.twitches, state.time, prep.unit_time[pool], prep.unit_fatigability[pool],
        math.e * k.gain_threshold / saturation(k.gain_threshold, k), TERMINAL_STEP, k,
    )  # fmt: skip
    for unit in range(state.share.size):
        state.share[unit] = prep.unit_share[pool, unit] * state.capacity[unit]
    for unit in range(prep.extensors):
        state.x[unit // BLOCK, SLOW * BLOCK + unit % BLOCK] += excitation
    return room


@njit
def sample(trace, joint, muscles, rates, conditioning, both):
    """Write one row of the traces."""
    for column in range(len(JOINT)):
        trace[column] = joint[column]
    trace[LENGTH] = muscles[EXTENSOR, OWN_LENGTH]
    trace[ACTIVATION] = muscles[EXTENSOR, OWN_ACTIVATION]
    trace[FORCE] = muscles[EXTENSOR, OWN_FORCE]
    trace[FLEXOR_LENGTH] = muscles[FLEXOR, OWN_LENGTH]
    trace[FLEXOR_ACTIVATION] = muscles[FLEXOR, OWN_ACTIVATION]
    trace[FLEXOR_FORCE] = muscles[FLEXOR, OWN_FORCE]
    trace[IA_RATE] = rates[afferent.EXTENSOR_IA]
    trace[FLEXOR_IA_RATE] = rates[afferent.FLEXOR_IA]
    trace[II_RATE] = rates[afferent.EXTENSOR_II]
    trace[IB_RATE] = rates[afferent.EXTENSOR_IB]
    trace[CONDITIONING] = conditioning[EXTENSOR, 0]
    trace[MUSCLE_TORQUE] = torque_of(trace[FORCE], both[EXTENSOR]) - torque_of(
        trace[FLEXOR_FORCE], both[FLEXOR]
    )


@njit
def failure(joint, muscles, arrivals, impulses):
    """The code of the first quantity of the limb or the queues that has left its range; DONE where none has."""
    if arrivals.lost[0] > 0 or impulses.lost[0] > 0:
        return TOO_MANY_UNDER_WAY
    if not abs(joint[0]) < math.pi:
        return BAD_ANGLE
    for side in range(muscles.shape[0]):
        if not 0 < muscles[side, OWN_LENGTH] < 2:
            return BAD_LENGTH
    return DONE


@njit
def simulate_one(run, prep, protocol, both, dt, slots, recording):
    """One run from rest to its end; writes row `run` of the recording and returns (result code, time in ms)."""
    # Only small arguments go to what runs at every step: a whole State costs more to hand over than a step of cells.
    pool, key, k = protocol.pool[run], protocol.key[run], both[EXTENSOR]
    state = begin(run, prep, protocol, both, slots)
    x, before, waiting, joint, muscles = state.x, state.before, state.waiting, state.joint, state.muscles
    cells = prep.cells[pool, : x.shape[0]].copy()
    scale_pic(cells, pic_factor(k))
    arrivals, impulses, stimuli = state.arrivals.head, state.impulses.head, protocol.stimulus_time[run]
    moves, shakes, pushes, bend = (
        protocol.moves[run],
        protocol.shakes[run],
        protocol.pushes[run],
        prep.lengthening,
    )
    inertia, free_from = k.inertia + protocol.added_inertia[run], protocol.free_from[run]
    f_dynamic = fusimotor(protocol.gamma_dynamic[run], k)
    f_static = fusimotor(protocol.gamma_static[run], k)
    one, h, fibres = prepare_step(k, dt), LIMB_STEPS * dt, prep.fibre_gain.shape[1]
    noise_every, sample_every = round(k.noise_grid / dt), round(1 / dt)
    terminals_every = round(TERMINAL_STEP / dt) if k.terminal_ectopic > 0 else 0
    synapse = round(k.synaptic_delay / dt)
    for step in range(round(protocol.duration[run] / dt)):
        now = step * dt
        if step % noise_every == 0:
            refresh_noise(x, cells, state.drift, key, 1 + step // noise_every, k)
            descend(now, run, state, cells, prep, protocol, k)
        for j in range(stimuli.size):
            due = abs(stimuli[j] - now) < dt and step == round(stimuli[j] / dt)
            if due and not stimulate(run, j, step, dt, state, protocol, recording, prep, k):
                return TOO_MANY_SPIKES, now
        if arrivals[step % slots] >= 0 or impulses[step % slots] >= 0:
            arrive(step, dt, state, k, prep, pool)
        invaded = waiting[0] > 0
        if invaded:
            invade(step, dt, state, k, prep, pool)
        fired = advance_pool(x, cells, before, k.spike_detection, one)
        if (fired or invaded) and not fire_cells(step, dt, run, state, recording, k, prep, protocol):
            return TOO_MANY_SPIKES, now
        due = terminals_every > 0 and step % terminals_every == 0
        if due and not discharge(step, dt, run, state, recording, k, prep, protocol):
            return TOO_MANY_SPIKES, now
        if step % LIMB_STEPS == 0:
            fire_interneurons(
                state.voltage, state.current, state.quiet, state.bias, prep.interneuron_threshold[pool],
                state.arrivals, fibres, step + synapse, h, k,
            )  # fmt: skip
            condition(state.conditioning, h, k)
            if now < free_from:
                joint[0], joint[1] = imposed(now, protocol.start[run], moves, shakes)
            else:
                swing(joint, muscles, pushed(now, protocol.load[run], pushes), inertia, h, both, bend)
            for side in range(muscles.shape[0]):
                first = 0 if side == EXTENSOR else prep.extensors
                last = prep.extensors if side == EXTENSOR else state.drive.size
                advance_muscle(
                    muscles[side], side, joint, shaken(now, side, shakes)[0], h, state.drive[first:last],
                    state.twitches[first:last], state.share[first:last], state.time[first:last], both[side], bend,
                )  # fmt: skip
                sense(muscles[side], side, state.rates, h, f_dynamic, f_static, both[side])
            code = failure(joint, muscles, state.arrivals, state.impulses)
            if code != DONE:
                return code, now
            fire_fibres(
                state.phase, state.goal, state.rates, prep.kind, prep.fibre_gain[pool],
                prep.delay_from_ending[pool], state.arrivals, step, dt, h, key, k.interval_order,
            )  # fmt: skip
        if step % sample_every == 0:
            if blown_up(x, k.voltage_limit):
                return BAD_VOLTAGE, now
            if step // sample_every < recording.trace.shape[1]:
                sample(
                    recording.trace[run, step // sample_every],
                    joint,
                    muscles,
                    state.rates,
                    state.conditioning,
                    both,
                )
            if 0 < protocol.quiet[run] < now - state.last_event[0]:
                break
    return DONE, protocol.duration[run]


@njit
def simulate_row(run, prep, protocol, both, dt, slots, recording):
    """One run and its result code. A function of its own, since Numba loses what the body of a parallel loop writes
    to an array through the field of a named tuple.
    """
    code, time = simulate_one(run, prep, protocol, both, dt, slots, recording)
    recording.code[run] = code
    recording.failed_at[run] = time


def _compiled(source):
    """The kernel under a cache key that holds `source`: Numba makes a closure's variables part of the key."""

    @njit(parallel=True, cache=True)
    def simulate_all(prep, protocol, numbers, dt, slots, recording):
        """All runs, each on one thread; `numbers` (subjects, SIDES) holds a record per subject and muscle."""
        _ = source
        for run in prange(protocol.subject.size):
            simulate_row(run, prep, protocol, numbers[protocol.subject[run]], dt, slots, recording)

    return simulate_all


simulate_all = _compiled(source.digest())
