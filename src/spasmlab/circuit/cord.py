"""The cord: afferents, interneurons, motor pool, muscle and ankle advanced together, one subject per thread.

Cells move at `dt` (0.025 ms); interneurons, spindles, twitches, muscle and ankle every `LIMB_STEPS` of them. A spike
costs only when it happens: it waits in a ring of time slots until its delay is over, then adds to its targets.
Everything random is named by (key, stream, counter), so a subject's result depends on no other subject and no thread.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from spasmlab.circuit import afferent, synapse
from spasmlab.circuit.fastmath import exponential, gamma_share, normal, uniform
from spasmlab.circuit.interneuron import advance_interneuron
from spasmlab.circuit.joint import ramp
from spasmlab.circuit.motoneuron import (
    BLOCK,
    CURRENT,
    FAST,
    G_INPUT,
    INHIBITION,
    SLOW,
    SOMA,
    advance,
    prepare_step,
)
from spasmlab.circuit.muscle import force_length, force_velocity, twitch_gain
from spasmlab.circuit.spindle import ia_rate, ii_rate, velocity_response
from spasmlab.circuit.synapse import ia_release, recovered

DT = 0.025  # ms; a spike train of a motoneuron is then within 0.4 % of its limit
LIMB_STEPS = 4  # of cells in one step of limb and interneurons
IN_FLIGHT = (
    8  # spikes of one source that may be under way at once; the shortest interval times 8 exceeds every delay
)
SECOND = 1000.0  # in ms

# What a run is asked for and what it records. Result codes: 0 done, else what blew up.
TRACES = ("angle", "velocity", "length", "activation", "force", "ia_rate", "ii_rate", "conditioning")
(ANGLE, VELOCITY, LENGTH, ACTIVATION, FORCE, IA_RATE, II_RATE, CONDITIONING) = range(len(TRACES))
CODES = ("done", "membrane voltage", "muscle length", "more spikes than there is room for")
(DONE, BAD_VOLTAGE, BAD_LENGTH, TOO_MANY_SPIKES) = range(len(CODES))
# How a spike came about: of the cell and on its way to the muscle, met by an antidromic impulse, or from the electrode.
SPIKES = ("orthodromic", "collided", "direct")
(ORTHODROMIC, COLLIDED, DIRECT) = range(len(SPIKES))
# Streams of the counter-based generator.
(NOISE, PHASE, INTERVAL) = range(3)


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
    ramp_onset: np.ndarray  # ms
    ramp_start: np.ndarray  # rad
    ramp_end: np.ndarray
    ramp_speed: np.ndarray  # rad/s
    ramp_rise: np.ndarray  # ms
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


@njit
def wait(head, link, event, slot):
    """Put an event into a time slot (a linked list per slot)."""
    link[event] = head[slot]
    head[slot] = event


@njit
def add_to_cells(x, row, prep, pool, source, strength):
    """Add a source's conductances, times `strength`, to row `row` of the cells it reaches."""
    for j in range(prep.start[pool, source], prep.start[pool, source + 1]):
        cell = prep.target[pool, j]
        x[cell // BLOCK, row * BLOCK + cell % BLOCK] += strength * prep.weight[pool, j]


@njit
def deliver(source, now, x, current, tiring, conditioning, prep, pool, k):
    """A spike of `source` reaches its terminals at `now`: tire them, and add to their targets."""
    kind = prep.kind[source]
    strength = 1.0
    if kind == afferent.SOLEUS_IA or kind == afferent.TIBIALIS_IA:
        elapsed = now - tiring[source, 2]
        volley = recovered(tiring[source, 0], elapsed, k.post_activation_recovery)
        rate = recovered(tiring[source, 1], elapsed, k.rate_depression_recovery)
        spared = conditioning[0] if kind == afferent.SOLEUS_IA else 0.0
        strength = ia_release(k, volley, rate, spared)
        tiring[source, 0] = volley * (1 - k.post_activation_depression)
        tiring[source, 1] = rate * (1 - k.rate_depression)
        tiring[source, 2] = now
    elif kind == afferent.RECIPROCAL or kind == afferent.CUTANEOUS_INHIBITORY:
        strength = k.release_inhibitory
    elif kind != afferent.GROUP_II:
        strength = k.release_poly
    effect = prep.effect[source]
    if effect == synapse.ONTO_INTERNEURON:
        for j in range(prep.start[pool, source], prep.start[pool, source + 1]):
            current[prep.target[pool, j]] += strength * prep.weight[pool, j]
        if kind == afferent.TIBIALIS_IA:
            conditioning[0] += k.presynaptic_conditioned / k.tibialis_ia_fibres
    elif effect == synapse.FAST_EXCITATION:
        add_to_cells(x, FAST, prep, pool, source, strength)
    elif effect == synapse.SLOW_EXCITATION:
        add_to_cells(x, SLOW, prep, pool, source, strength)
    else:
        add_to_cells(x, INHIBITION, prep, pool, source, strength)


@njit
def stimulate(
    kind, intensity, step, dt, head, link, sent, muscle_head, muscle_link, muscle_sent, direct, prep, pool
):
    """Excite every fibre and axon whose threshold lies at or below `intensity`; `direct` notes axons and their time."""
    slots = head.size
    for f in range(prep.fibre_gain.shape[1]):
        reached = (
            (kind == afferent.TIBIAL_NERVE and prep.kind[f] == afferent.SOLEUS_IA)
            or (kind == afferent.PERONEAL_NERVE and prep.kind[f] == afferent.TIBIALIS_IA)
            or (kind == afferent.SKIN and prep.kind[f] == afferent.CUTANEOUS)
        )
        if reached and prep.fibre_threshold[pool, f] <= intensity:
            delay = round(prep.delay_from_electrode[pool, f] / dt)
            wait(head, link, f * IN_FLIGHT + sent[f] % IN_FLIGHT, (step + delay) % slots)
            sent[f] += 1
    if kind == afferent.TIBIAL_NERVE or kind == afferent.MUSCLE:
        for unit in range(direct.size):
            if kind == afferent.MUSCLE or prep.motor_threshold[pool, unit] <= intensity:
                delay = 1 if kind == afferent.MUSCLE else round(prep.unit_direct[pool, unit] / dt)
                wait(
                    muscle_head,
                    muscle_link,
                    unit * IN_FLIGHT + muscle_sent[unit] % IN_FLIGHT,
                    (step + delay) % slots,
                )
                muscle_sent[unit] += 1
                if kind == afferent.TIBIAL_NERVE:
                    direct[unit] = step


@njit
def refresh_noise(x, drift, key, tick, k, prep, pool):
    """Draw the background current of every cell on the fixed grid: an Ornstein–Uhlenbeck process of sd `noise` mV·G."""
    keep = math.exp(-k.noise_grid / k.noise_time_constant)
    push = math.sqrt(1 - keep * keep)
    for cell in range(drift.size):
        drift[cell] = keep * drift[cell] + push * normal(key, NOISE * drift.size + cell, tick)
        b, i = cell // BLOCK, cell % BLOCK
        x[b, CURRENT * BLOCK + i] = (k.resting_bias + k.noise * drift[cell]) * prep.cells[
            pool, b, G_INPUT * BLOCK + i
        ]


@njit
def next_interval(key, fibre, count, order):
    """The interval of mean 1 after a fibre's spike `count`, gamma-distributed, named by fibre and count."""
    return gamma_share(normal(key, (INTERVAL << 20) + fibre, count), order)


@njit
def fire_fibres(phase, goal, sent, rates, step, dt, h, head, link, key, k, prep, pool):
    """Advance the phase of every spindle fibre by rate·h; a fibre that reaches its goal fires at the interpolated time."""
    slots = head.size
    for f in range(phase.size):
        kind = prep.kind[f]
        if kind == afferent.CUTANEOUS:
            continue
        rate = rates[kind] * prep.fibre_gain[pool, f]
        gained = rate * h / SECOND
        phase[f] += gained
        if phase[f] >= goal[f] and gained > 0:
            late = (phase[f] - goal[f]) / gained * h
            delay = round((prep.delay_from_ending[pool, f] - late) / dt)
            wait(head, link, f * IN_FLIGHT + sent[f] % IN_FLIGHT, (step + delay) % slots)
            sent[f] += 1
            phase[f] -= goal[f]
            goal[f] = next_interval(key, f, sent[f], k.interval_order)


@njit
def fire_interneurons(voltage, current, quiet, sent, step, dt, h, head, link, k, prep, pool):
    """Advance all interneurons by `h` ms; those that reach their threshold send a spike over one synaptic delay."""
    fibres = prep.fibre_gain.shape[1]
    delay = round(k.synaptic_delay / dt)
    for j in range(voltage.size):
        quiet[j] += h
        voltage[j], current[j] = advance_interneuron(voltage[j], current[j], quiet[j], k, h)
        if voltage[j] >= prep.interneuron_threshold[pool, j]:
            voltage[j] = 0.0
            quiet[j] = 0.0
            source = fibres + j
            wait(head, link, source * IN_FLIGHT + sent[source] % IN_FLIGHT, (step + delay) % head.size)
            sent[source] += 1


@njit
def twitch(unit, now, drive, last, k, prep, pool):
    """An impulse reaches the muscle fibres of `unit` at `now`: start a twitch whose gain depends on the interval."""
    drive[unit] += twitch_gain(max(now - last[unit], 1.0), prep.unit_time[pool, unit], k)
    last[unit] = now


@njit
def sum_twitches(drive, twitches, h, prep, pool):
    """Advance all twitches by `h` ms, exactly; returns activation. (a, f): a' = −a/T, f' = (e·a − f)/T."""
    activation = 0.0
    for unit in range(drive.size):
        part = h / prep.unit_time[pool, unit]
        decay = exponential(-part)
        twitches[unit] = decay * (twitches[unit] + math.e * part * drive[unit])
        drive[unit] *= decay
        activation += prep.unit_share[pool, unit] * twitches[unit]
    return activation


@njit
def stretch_length(angle, force, k):
    """Fibre length (L0) at an ankle angle (rad) under a force (share of the maximum)."""
    shortening = k.tendon_stretch * force
    return k.neutral_length + k.tendon_slack_share * k.moment_arm * angle / k.optimal_length - shortening


@njit
def antagonist_length(angle, k):
    """Fibre length (L0) of tibialis anterior: the mirror image of a resting soleus."""
    return k.neutral_length - k.tendon_slack_share * k.moment_arm * angle / k.optimal_length


@njit
def blown_up(x, k):
    """Whether any cell's soma has left the range a membrane can reach (or is not a number)."""
    for b in range(x.shape[0]):
        for i in range(BLOCK):
            if not abs(x[b, SOMA * BLOCK + i]) < k.voltage_limit:
                return True
    return False


@njit
def spike(unit, now, step, dt, direct, muscle_head, muscle_link, muscle_sent, run, recording, prep, pool):
    """A motoneuron has fired: send the impulse to the muscle unless it meets an antidromic one; returns False if full."""
    pending = direct[unit] >= 0
    kind = COLLIDED if pending else ORTHODROMIC
    if pending:
        direct[unit] = -1  # the two impulses meet and die, or the antidromic one has just fired the cell
    else:
        delay = round(prep.unit_delay[pool, unit] / dt)
        wait(
            muscle_head,
            muscle_link,
            unit * IN_FLIGHT + muscle_sent[unit] % IN_FLIGHT,
            (step + delay) % muscle_head.size,
        )
        muscle_sent[unit] += 1
    return note(run, now, unit, kind, recording)


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
def invade(x, direct, step, dt, k, prep, pool):
    """Antidromic impulses that have reached the cord lift their soma, which then fires (see `spike`)."""
    for unit in range(direct.size):
        if direct[unit] >= 0 and step - direct[unit] == round(prep.unit_antidromic[pool, unit] / dt):
            x[unit // BLOCK, SOMA * BLOCK + unit % BLOCK] = k.antidromic_voltage


@njit(fastmath=False, error_model="numpy")
def simulate_one(run, prep, protocol, k, dt, slots, recording):
    """One run from rest to its end; writes row `run` of the recording."""
    pool, key = protocol.pool[run], protocol.key[run]
    blocks, cells = prep.cells.shape[1], prep.cells.shape[1] * BLOCK
    fibres, sources = prep.fibre_gain.shape[1], prep.kind.size
    x = prep.rest[pool].copy()
    before, drift = np.zeros(cells), np.zeros(cells)
    for cell in range(cells):
        drift[cell] = normal(key, NOISE * cells + cell, 0)
    head, link = np.full(slots, -1), np.zeros(sources * IN_FLIGHT, np.int64)
    muscle_head, muscle_link = np.full(slots, -1), np.zeros(cells * IN_FLIGHT, np.int64)
    sent, muscle_sent = np.zeros(sources, np.int64), np.zeros(cells, np.int64)
    direct = np.full(cells, -1)
    tiring = np.ones((fibres, 3))  # volley pool, rate pool, time of the last spike
    tiring[:, 2] = 0.0
    conditioning = np.zeros(1)
    phase, goal = np.zeros(fibres), np.ones(fibres)
    for f in range(fibres):
        goal[f] = next_interval(key, f, 0, k.interval_order)
        phase[f] = goal[f] * uniform(key, (PHASE << 20) + f, 0)
    interneurons = sources - fibres
    voltage, current, quiet = np.zeros(interneurons), np.zeros(interneurons), np.full(interneurons, SECOND)
    drive, twitches, last = np.zeros(cells), np.zeros(cells), np.full(cells, -SECOND)
    rates = np.zeros(len(afferent.FIBRES))
    one = prepare_step(k, dt)
    h = LIMB_STEPS * dt
    noise_every = round(k.noise_grid / dt)
    sample_every = round(1 / dt)
    steps = round(protocol.duration[run] / dt)
    force, mean = 0.0, 0.0
    angle, speed = ramp(
        0.0,
        protocol.ramp_onset[run],
        protocol.ramp_start[run],
        protocol.ramp_end[run],
        protocol.ramp_speed[run],
        protocol.ramp_rise[run],
    )
    length = stretch_length(angle, force, k)
    other = antagonist_length(angle, k)
    last_spike = 0.0
    for j in range(protocol.stimulus_time.shape[1]):
        if protocol.stimulus_time[run, j] < protocol.duration[run]:
            last_spike = max(last_spike, protocol.stimulus_time[run, j])
    samples = recording.trace.shape[1]
    for step in range(steps):
        now = step * dt
        if step % noise_every == 0:
            refresh_noise(x, drift, key, 1 + step // noise_every, k, prep, pool)
        for j in range(protocol.stimulus_time.shape[1]):
            if protocol.stimulus_time[run, j] < np.inf and step == round(protocol.stimulus_time[run, j] / dt):
                stimulate(
                    protocol.stimulus_kind[run, j],
                    protocol.stimulus_intensity[run, j],
                    step,
                    dt,
                    head,
                    link,
                    sent,
                    muscle_head,
                    muscle_link,
                    muscle_sent,
                    direct,
                    prep,
                    pool,
                )
                for unit in range(cells):
                    if direct[unit] == step and not note(run, now, unit, DIRECT, recording):
                        recording.code[run], recording.failed_at[run] = TOO_MANY_SPIKES, now
                        return
        slot = step % slots
        event = head[slot]
        while event >= 0:
            deliver(event // IN_FLIGHT, now, x, current, tiring, conditioning, prep, pool, k)
            event = link[event]
        head[slot] = -1
        invade(x, direct, step, dt, k, prep, pool)
        for b in range(blocks):
            for i in range(BLOCK):
                before[b * BLOCK + i] = x[b, SOMA * BLOCK + i]
            advance(x[b], prep.cells[pool, b], one)
        for b in range(blocks):
            for i in range(BLOCK):
                v, was = x[b, SOMA * BLOCK + i], before[b * BLOCK + i]
                unit = b * BLOCK + i
                antidromic = was == k.antidromic_voltage and direct[unit] >= 0
                if (v > k.spike_detection and was <= k.spike_detection) or antidromic:
                    part = 0.0 if antidromic else (k.spike_detection - was) / (v - was)
                    last_spike = now
                    if not spike(
                        unit,
                        now + part * dt,
                        step,
                        dt,
                        direct,
                        muscle_head,
                        muscle_link,
                        muscle_sent,
                        run,
                        recording,
                        prep,
                        pool,
                    ):
                        recording.code[run], recording.failed_at[run] = TOO_MANY_SPIKES, now
                        return
        event = muscle_head[slot]
        while event >= 0:
            twitch(event // IN_FLIGHT, now, drive, last, k, prep, pool)
            event = muscle_link[event]
        muscle_head[slot] = -1
        if step % LIMB_STEPS == 0:
            fire_interneurons(voltage, current, quiet, sent, step, dt, h, head, link, k, prep, pool)
            conditioning[0] *= 1 - h / k.presynaptic_decay
            angle, speed = ramp(
                now,
                protocol.ramp_onset[run],
                protocol.ramp_start[run],
                protocol.ramp_end[run],
                protocol.ramp_speed[run],
                protocol.ramp_rise[run],
            )
            activation = sum_twitches(drive, twitches, h, prep, pool)
            moved = stretch_length(angle, force, k)
            velocity = (moved - length) / h * SECOND  # of the fibres, as the spindle feels it
            length = moved
            driven = k.tendon_slack_share * k.moment_arm * speed / k.optimal_length  # of the joint alone
            if not 0.0 < length < 2.0:
                recording.code[run], recording.failed_at[run] = BAD_LENGTH, now
                return
            # Force meets the velocity that the joint imposes. That of the fibres against the tendon would close an
            # algebraic loop (force, velocity, force); its effect on torque is under 5 % (tendon trial).
            force = activation * force_length(length, k) * force_velocity(length, driven, prep.lengthening, k)
            dynamic = velocity_response(velocity, k)
            rates[afferent.SOLEUS_IA] = ia_rate(length, dynamic, mean, k)
            rates[afferent.GROUP_II] = ii_rate(length, dynamic, k)
            mean += (dynamic - mean) * h / k.ia_burst_time_constant
            other_moved = antagonist_length(angle, k)
            other_dynamic = velocity_response((other_moved - other) / h * SECOND, k)
            other = other_moved
            rates[afferent.TIBIALIS_IA] = ia_rate(other, other_dynamic, other_dynamic, k)
            fire_fibres(phase, goal, sent, rates, step, dt, h, head, link, key, k, prep, pool)
        if step % sample_every == 0:
            if blown_up(x, k):
                recording.code[run], recording.failed_at[run] = BAD_VOLTAGE, now
                return
            sample = step // sample_every
            if sample < samples:
                recording.trace[run, sample, ANGLE] = angle
                recording.trace[run, sample, VELOCITY] = speed
                recording.trace[run, sample, LENGTH] = length
                recording.trace[run, sample, ACTIVATION] = activation
                recording.trace[run, sample, FORCE] = force
                recording.trace[run, sample, IA_RATE] = rates[afferent.SOLEUS_IA]
                recording.trace[run, sample, II_RATE] = rates[afferent.GROUP_II]
                recording.trace[run, sample, CONDITIONING] = conditioning[0]
            if protocol.quiet[run] > 0 and now - last_spike > protocol.quiet[run]:
                return


@njit(parallel=True, cache=True)
def simulate_all(prep, protocol, numbers, dt, slots, recording):
    """All runs, each on one thread; `numbers` holds one record per subject."""
    for run in prange(protocol.subject.size):
        simulate_one(run, prep, protocol, numbers[protocol.subject[run]], dt, slots, recording)
