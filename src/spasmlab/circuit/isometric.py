"""Nerve and muscle without a cord: a muscle held at one length, its nerve blocked or its fibres stimulated directly.

The functions are those the cord uses, so a force found here is the force the cord would find.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from spasmlab.circuit import source
from spasmlab.circuit.muscle import MotorUnits, fibre_length, force_length, sum_twitches, tire, twitch_gain
from spasmlab.circuit.terminal import STATES, advance_terminals, pass_impulse, rested

STEP = 0.5  # ms; the twitches are solved exactly, the force on a held tendon moves within a few ms
CLOCK = 1.0  # ms between two samples of force


class Held(NamedTuple):
    """Force (share of the maximum) every ms, and the impulses that arose at the terminals: times (ms) and units."""

    force: np.ndarray
    time: np.ndarray
    unit: np.ndarray


def hold(
    units: MotorUnits,
    numbers: np.ndarray,
    impulses: Sequence[np.ndarray],
    duration: float,
    *,
    angle: float = 0.0,
    shift: np.ndarray | None = None,
    key: int = 0,
    tetanus: float = 0.0,
    quiet: float = 0.0,
    room: int = 100_000,
) -> Held:
    """A muscle at an angle (rad) while each unit gets impulses at the times (ms, rising) in `impulses`.

    `numbers` is the record of the circuit's numbers. `shift` holds the threshold of each unit's terminals against the
    mean (mV); without it terminals only pass impulses on. `key` names the random intervals of their own impulses. With
    `tetanus` (`muscle.tetanus_to_twitch`) the units tire and recover. `quiet` ms without an impulse after the last one
    given end the recording early. The end of the tendon is held, so the fibres shorten a little as force rises.
    """
    times = np.concatenate([np.asarray(one, float) for one in impulses])
    unit = np.repeat(np.arange(len(impulses)), [len(one) for one in impulses])
    order = np.argsort(times, kind="stable")
    trace, fired, who = np.zeros(round(duration / CLOCK)), np.zeros(room), np.zeros(room, np.int64)
    active = shift is not None
    number, samples = _hold(
        times[order], unit[order], units.share, units.twitch_time, units.fatigability, numbers.reshape(1).view(np.recarray),
        angle, np.zeros(units.share.size) if shift is None else shift, np.uint64(key & 0xFFFF_FFFF_FFFF_FFFF), active,
        tetanus, quiet, trace, fired, who,
    )  # fmt: skip
    return Held(trace[:samples], fired[:number], who[:number])


def together(units: MotorUnits, times: np.ndarray) -> list[np.ndarray]:
    """The same impulses to every unit, as an electrode in the muscle gives them."""
    return [np.asarray(times, float)] * units.share.size


def _compiled(source):
    """The kernel under a cache key that holds `source` (see `circuit.source`)."""

    @njit(cache=True)
    def _hold(
        times, unit, share, rested_time, fatigability, numbers, angle, shift, key, active, tetanus, quiet, trace,
        fired, who,
    ):  # fmt: skip
        _ = source
        k, cells = numbers[0], share.size
        drive, twitches, last = np.zeros(cells), np.zeros(cells), np.full(cells, -np.inf)
        capacity, time = np.ones(cells), rested_time.copy()
        terminals = rested(cells, key, k) if active else np.zeros((cells, len(STATES)))
        counts, now_firing = np.zeros(cells, np.int64), np.zeros(2 * cells, np.int64)
        held, following, number, every = 0.0, 0, 0, round(CLOCK / STEP)
        latest = times[-1] if times.size > 0 else 0.0
        for n in range(trace.size * every):
            now, firing = n * STEP, 0
            if active:
                length = fibre_length(angle, held, k)
                firing = advance_terminals(terminals, shift, length, STEP, key, counts, now_firing, k)
            for j in range(firing):
                if number >= fired.size:
                    return number, n // every
                fired[number], who[number] = now, now_firing[j]
                number += 1
            while following < times.size and times[following] < now + 0.5 * STEP:
                now_firing[firing] = unit[following]  # listed after the terminals that fire now
                firing += 1
                following += 1
                if firing == now_firing.size:
                    break
            for j in range(firing):
                i = now_firing[j]
                drive[i] += twitch_gain(max(now - last[i], 1.0), time[i], k)
                last[i] = now
                pass_impulse(terminals, i, k)
            if firing > 0:
                latest = max(latest, now)
            activation = sum_twitches(drive, twitches, STEP, share * capacity, time)
            if tetanus > 0:
                tire(capacity, twitches, time, rested_time, fatigability, tetanus, STEP, k)
            held = activation * force_length(fibre_length(angle, held, k), k)
            if n % every == 0:
                trace[n // every] = held
            if 0 < quiet < now - latest:
                return number, n // every
        return number, trace.size

    return _hold


_hold = _compiled(source.digest())
