"""The cord: afferents, interneurons, motor pool, muscle and ankle advanced together, one subject per thread.

Cells move at `dt` (0.025 ms); interneurons, spindles, twitches, muscle and ankle every `LIMB_STEPS` of them. A spike
costs only when it happens: it waits in a ring of time slots until its delay is over, then adds to its targets.
Everything random is named by (key, stream, counter), so a subject's result depends on no other subject and no thread.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from spasmlab.circuit import afferent, source
from spasmlab.circuit.afferent import MILLISECONDS, excite_fibres, fire_fibres, first_phase, next_interval
from spasmlab.circuit.fastmath import normal
from spasmlab.circuit.interneuron import fire_interneurons
from spasmlab.circuit.joint import ramp
from spasmlab.circuit.motoneuron import BLOCK, SOMA, advance_pool, blown_up, prepare_step, refresh_noise
from spasmlab.circuit.muscle import (
    antagonist_length,
    fibre_length,
    force_length,
    force_velocity,
    sum_twitches,
    twitch,
)
from spasmlab.circuit.queue import Queue, new_queue, post, source_of
from spasmlab.circuit.spindle import ia_rate, ii_rate, velocity_response
from spasmlab.circuit.synapse import condition, deliver

DT = 0.025  # ms; a spike train of a motoneuron is then within 0.4 % of its limit
LIMB_STEPS = 4  # of cells in one step of limb and interneurons

# What a run is asked for and what it records. Result codes: 0 done, else what blew up.
TRACES = ("angle", "velocity", "length", "activation", "force", "ia_rate", "ii_rate", "conditioning")
(ANGLE, VELOCITY, LENGTH, ACTIVATION, FORCE, IA_RATE, II_RATE, CONDITIONING) = range(len(TRACES))
CODES = ("done", "membrane voltage", "muscle length", "more spikes than there is room for")
(DONE, BAD_VOLTAGE, BAD_LENGTH, TOO_MANY_SPIKES) = range(len(CODES))
# How a spike came about: of the cell and on its way to the muscle; stopped on that way by an antidromic impulse or
# curare; electric.
SPIKES = ("orthodromic", "collided", "direct")
(ORTHODROMIC, COLLIDED, DIRECT) = range(len(SPIKES))
NEVER = -1  # an axon that carries no antidromic impulse


class Preparation(NamedTuple):
    """All that is wired before a run. First axis of every table: pool (one per draw and condition)."""

    cells: np.ndarray  # (pools, blocks, CONSTANTS·BLOCK)
    rest: np.ndarray  # (pools, blocks, STATES·BLOCK), the state in which every run begins
    kind: np.ndarray  # (sources,)
    effect: np.ndarray  # (sources,)
    delay_from_ending: np.ndarray  # (pools, fibres) ms
    delay_from_electrode: np.ndarray
    fibre_threshold: np.ndarray
    fibre_gain: np.ndarray
    start: np.ndarray  # (pools, sources + 1)
    target: np.ndarray  # (pools, connections)
    weight: np.ndarray
    interneuron_threshold: np.ndarray  # (pools, interneurons)
    motor_threshold: np.ndarray  # (pools, motoneurons)
    unit_share: np.ndarray
    unit_time: np.ndarray  # ms
    unit_delay: np.ndarray  # cord to muscle, ms
    unit_direct: np.ndarray  # electrode to muscle, ms
    unit_antidromic: np.ndarray  # electrode to cord, ms
    lengthening: np.ndarray  # (3,)


class Protocol(NamedTuple):
    """One run per row: which subject and pool, how long (ms), the ramp of the ankle and the stimuli."""

    subject: np.ndarray
    pool: np.ndarray
    key: np.ndarray  # uint64, names the run's random numbers
    duration: np.ndarray  # ms
    quiet: np.ndarray  # ms without a spike after the last stimulus that end the run early; 0: never
    curare: np.ndarray  # whether transmission from nerve to muscle is blocked
    ramp: np.ndarray  # (runs, RAMP) the movement of the ankle
    stimulus_time: np.ndarray  # (runs, most) ms; infinite where there is none
    stimulus_kind: np.ndarray
    stimulus_intensity: np.ndarray


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
    tiring: np.ndarray  # (fibres, 3) volley pool, rate pool, time of the last spike
    conditioning: (
        np.ndarray
    )  # (3,) presynaptic inhibition by the antagonist's afferents, a stage before it, its drive
    phase: np.ndarray  # (fibres,) how far in its interval a spindle fibre is
    goal: np.ndarray  # (fibres,) that interval, of mean 1
    rates: np.ndarray  # (classes of fibres,) pulses per second
    voltage: np.ndarray  # (interneurons,)
    current: np.ndarray
    quiet: np.ndarray  # (interneurons,) ms since the last spike
    drive: np.ndarray  # (cells,) the twitches' inner state
    twitches: np.ndarray  # (cells,) twitches
    last: np.ndarray  # (cells,) time of the last impulse at the muscle
    limb: np.ndarray  # (LIMB,)
    waiting: np.ndarray  # (1,) antidromic impulses on their way
    last_event: np.ndarray  # (1,) ms, of the last spike or stimulus


LIMB = ("angle", "velocity", "length", "activation", "force", "antagonist", "dynamic_mean")
(ANTAGONIST, DYNAMIC_MEAN) = (5, 6)  # the first five are those of TRACES


RAMP = ("onset", "start", "end", "speed", "rise")  # ms, rad, rad, rad/s, ms
(ONSET, START, END, SPEED, RISE) = range(len(RAMP))


@njit
def begin(run, prep, protocol, k, slots):
    """The state of a run at time 0: the cord at rest, the ankle at the start of its ramp."""
    pool, key = protocol.pool[run], protocol.key[run]
    cells, fibres, sources = prep.unit_time.shape[1], prep.fibre_gain.shape[1], prep.kind.size
    drift, tiring, goal, phase = np.zeros(cells), np.ones((fibres, 3)), np.zeros(fibres), np.zeros(fibres)
    for cell in range(cells):
        drift[cell] = normal(key, cell, 0)
    for f in range(fibres):
        goal[f] = next_interval(key, f, 0, k.interval_order)
        phase[f] = first_phase(key, f, goal[f])
        tiring[f, 2] = 0.0
    limb = np.zeros(len(LIMB))
    limb[ANGLE] = protocol.ramp[run, START]
    limb[LENGTH] = fibre_length(limb[ANGLE], 0.0, k)
    limb[ANTAGONIST] = antagonist_length(limb[ANGLE], k)
    last_event = np.zeros(1)
    for time in protocol.stimulus_time[run]:
        if time < protocol.duration[run]:
            last_event[0] = max(last_event[0], time)
    interneurons = sources - fibres
    return State(
        prep.rest[pool].copy(), np.zeros(cells), drift, new_queue(slots, sources), new_queue(slots, cells),
        np.full(cells, NEVER), tiring, np.zeros(3), phase, goal, np.zeros(len(afferent.FIBRES)),
        np.zeros(interneurons), np.zeros(interneurons), np.full(interneurons, MILLISECONDS),
        np.zeros(cells), np.zeros(cells), np.full(cells, -MILLISECONDS), limb, np.zeros(1, np.int64), last_event,
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
def stimulate(run, j, step, dt, state, protocol, recording, prep):
    """Stimulus `j` of the run: fibres, motor axons or the muscle itself; returns False when the recording is full."""
    pool, kind = protocol.pool[run], protocol.stimulus_kind[run, j]
    intensity = protocol.stimulus_intensity[run, j]
    excite_fibres(kind, intensity, step, dt, state.arrivals, prep, pool)
    room = True
    for unit in range(state.direct.size):
        if kind == afferent.MUSCLE:
            post(state.impulses, unit, step + 1)
        elif kind == afferent.TIBIAL_NERVE and prep.motor_threshold[pool, unit] <= intensity:
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
def fire(unit, now, step, dt, run, state, recording, prep, protocol):
    """A motoneuron has fired: its impulse goes to the muscle unless an antidromic one meets it or has just fired it,
    or curare stops it there.
    """
    pool = protocol.pool[run]
    state.last_event[0] = now
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
            room = fire(unit, (step + part) * dt, step, dt, run, state, recording, prep, protocol) and room
    return room


@njit
def arrive(step, dt, state, k, prep, pool):
    """Deliver every spike whose delay ends at this step, to terminals and to the muscle."""
    slot = step % state.arrivals.head.size
    event = state.arrivals.head[slot]
    while event >= 0:
        deliver(source_of(event), step * dt, state, prep, pool, k)
        event = state.arrivals.link[event]
    state.arrivals.head[slot] = -1
    event = state.impulses.head[slot]
    while event >= 0:
        twitch(source_of(event), step * dt, state, k, prep, pool)
        event = state.impulses.link[event]
    state.impulses.head[slot] = -1


@njit
def move_limb(now, h, limb, rates, drive, twitches, share, time, path, lengthening, k):
    """Advance ankle, muscle and spindles by `h` ms; `path` is the run's row of `ramp`."""
    limb[ANGLE], limb[VELOCITY] = ramp(now, path[ONSET], path[START], path[END], path[SPEED], path[RISE])
    limb[ACTIVATION] = sum_twitches(drive, twitches, h, share, time)
    length = fibre_length(limb[ANGLE], limb[FORCE], k)
    stretch = (length - limb[LENGTH]) / h * MILLISECONDS  # of the fibres, as the spindle feels it
    limb[LENGTH] = length
    # Force meets the velocity that the joint imposes. That of the fibres against the tendon would close an algebraic
    # loop (force, velocity, force); its effect on torque was under 5 % in the closed-loop trial.
    driven = k.tendon_slack_share * k.moment_arm * limb[VELOCITY] / k.optimal_length
    limb[FORCE] = limb[ACTIVATION] * force_length(length, k) * force_velocity(length, driven, lengthening, k)
    dynamic = velocity_response(stretch, k)
    rates[afferent.SOLEUS_IA] = ia_rate(length, dynamic, limb[DYNAMIC_MEAN], k)
    rates[afferent.GROUP_II] = ii_rate(length, dynamic, k)
    limb[DYNAMIC_MEAN] += (dynamic - limb[DYNAMIC_MEAN]) * h / k.ia_burst_time_constant
    other = antagonist_length(limb[ANGLE], k)
    dynamic = velocity_response((other - limb[ANTAGONIST]) / h * MILLISECONDS, k)
    limb[ANTAGONIST] = other
    rates[afferent.TIBIALIS_IA] = ia_rate(other, dynamic, dynamic, k)


@njit
def sample(trace, limb, rates, conditioning):
    """Write one row of the traces."""
    for column in range(FORCE + 1):
        trace[column] = limb[column]
    trace[IA_RATE] = rates[afferent.SOLEUS_IA]
    trace[II_RATE] = rates[afferent.GROUP_II]
    trace[CONDITIONING] = conditioning[0]


@njit
def simulate_one(run, prep, protocol, k, dt, slots, recording):
    """One run from rest to its end; writes row `run` of the recording and returns (result code, time in ms)."""
    # Only small arguments go to what runs at every step: a whole State costs more to hand over than a step of cells.
    pool, key = protocol.pool[run], protocol.key[run]
    state = begin(run, prep, protocol, k, slots)
    x, before, cells, waiting, limb = state.x, state.before, prep.cells[pool], state.waiting, state.limb
    arrivals, impulses, stimuli = state.arrivals.head, state.impulses.head, protocol.stimulus_time[run]
    one, h, fibres = prepare_step(k, dt), LIMB_STEPS * dt, prep.fibre_gain.shape[1]
    noise_every, sample_every = round(k.noise_grid / dt), round(1 / dt)
    synapse = round(k.synaptic_delay / dt)
    for step in range(round(protocol.duration[run] / dt)):
        now = step * dt
        if step % noise_every == 0:
            refresh_noise(x, cells, state.drift, key, 1 + step // noise_every, k)
        for j in range(stimuli.size):
            due = abs(stimuli[j] - now) < dt and step == round(stimuli[j] / dt)
            if due and not stimulate(run, j, step, dt, state, protocol, recording, prep):
                return TOO_MANY_SPIKES, now
        if arrivals[step % slots] >= 0 or impulses[step % slots] >= 0:
            arrive(step, dt, state, k, prep, pool)
        if waiting[0] > 0:
            invade(step, dt, state, k, prep, pool)
        top = advance_pool(x, cells, before, one)
        fired = top > k.spike_detection or waiting[0] > 0
        if fired and not fire_cells(step, dt, run, state, recording, k, prep, protocol):
            return TOO_MANY_SPIKES, now
        if step % LIMB_STEPS == 0:
            fire_interneurons(
                state.voltage, state.current, state.quiet, prep.interneuron_threshold[pool], state.arrivals,
                fibres, step + synapse, h, k,
            )  # fmt: skip
            condition(state.conditioning, h, k)
            move_limb(
                now, h, limb, state.rates, state.drive, state.twitches, prep.unit_share[pool], prep.unit_time[pool],
                protocol.ramp[run], prep.lengthening, k,
            )  # fmt: skip
            if not 0 < limb[LENGTH] < 2:
                return BAD_LENGTH, now
            fire_fibres(
                state.phase, state.goal, state.rates, prep.kind, prep.fibre_gain[pool],
                prep.delay_from_ending[pool], state.arrivals, step, dt, h, key, k.interval_order,
            )  # fmt: skip
        if step % sample_every == 0:
            if blown_up(x, k.voltage_limit):
                return BAD_VOLTAGE, now
            if step // sample_every < recording.trace.shape[1]:
                sample(recording.trace[run, step // sample_every], limb, state.rates, state.conditioning)
            if 0 < protocol.quiet[run] < now - state.last_event[0]:
                break
    return DONE, protocol.duration[run]


@njit
def simulate_row(run, prep, protocol, k, dt, slots, recording):
    """One run and its result code. A function of its own, since Numba loses what the body of a parallel loop writes
    to an array through the field of a named tuple.
    """
    code, time = simulate_one(run, prep, protocol, k, dt, slots, recording)
    recording.code[run] = code
    recording.failed_at[run] = time


def _compiled(source):
    """The kernel under a cache key that holds `source`: Numba makes a closure's variables part of the key."""

    @njit(parallel=True, cache=True)
    def simulate_all(prep, protocol, numbers, dt, slots, recording):
        """All runs, each on one thread; `numbers` holds one record per subject."""
        _ = source
        for run in prange(protocol.subject.size):
            simulate_row(run, prep, protocol, numbers[protocol.subject[run]], dt, slots, recording)

    return simulate_all


simulate_all = _compiled(source.digest())
