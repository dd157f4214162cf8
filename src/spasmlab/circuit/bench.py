"""The bench: subjects laid out for an assay, the preparation wired for each, and runs sent to the kernel in chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from spasmlab.circuit import (
    afferent,
    cord,
    interneuron,
    motoneuron,
    muscle,
    protocol,
    scalars,
    synapse,
    terminal,
)
from spasmlab.circuit.afferent import EXTENSOR, FLEXOR, SIDES
from spasmlab.circuit.protocol import Drive, Move, Push, Run, Shake, Stimulus
from spasmlab.condition import Condition
from spasmlab.errors import InputError, SolveError, unknown
from spasmlab.parameter import Parameter
from spasmlab.shift import Shift
from spasmlab.streams import key

__all__ = ["Bench", "Drive", "Failure", "Move", "Push", "Run", "Shake", "Stimulus"]

Progress = Callable[[int, int], None]
CHUNK = 8  # runs between two reports of progress


@dataclass(frozen=True)
class Failure:
    """A run that ended with a result code: whose it was, its trial, the code (of cord.CODES) and when (ms)."""

    subject: int
    trial: str
    code: int
    time: float

    def __str__(self) -> str:
        return f"trial '{self.trial}' of subject {self.subject} blew up: {cord.CODES[self.code]} at {self.time:.1f} ms"


class Cord(NamedTuple):
    """What tells two cords apart: seed and draw of all that is random, and the parameters that are a subject's own."""

    seed: int
    draw: int
    changes: tuple[tuple[str, float], ...] = ()
    factors: tuple[tuple[str, float], ...] = ()


@dataclass
class Bench:
    """Subjects (arms × draws) of one condition with their releases relative to no drug, each array of shape (S,).

    `draws` tells which draw of the doubtful parameters a subject has: 0 (the default) is the central value. Subjects of
    the same seed and draw share the same cord, whatever their arm, unless an experiment or a drug gives them parameters
    of their own: these are then wired into a cord that is the same in all else.
    """

    condition: Condition
    release_ia: np.ndarray
    release_poly: np.ndarray
    seeds: np.ndarray
    release_monoamine: np.ndarray | None = None
    release_inhibitory: np.ndarray | None = None
    draws: np.ndarray | None = None
    dt: float = cord.DT
    # Parameters set by an experiment (a blocker, a sweep), and factors on parameters (a drug at its site); of either, one
    # number for all or an array of shape (S,).
    changes: Mapping[str, float | np.ndarray] = field(default_factory=dict)
    factors: Mapping[str, float | np.ndarray] = field(default_factory=dict)
    progress: Progress | None = None
    relief: Shift | None = None
    joint: str = scalars.JOINT
    failures: list[Failure] = field(default_factory=list)  # runs that ended with a result code, in order

    @property
    def subjects(self) -> int:
        """How many."""
        return len(self.release_ia)

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The circuit's parameters (the extensor's muscle) under the condition and what is changed for all subjects."""
        return self._parameters(EXTENSOR)

    @cached_property
    def flexor_parameters(self) -> dict[str, Parameter]:
        """The same with the numbers of the flexor's muscle."""
        return self._parameters(FLEXOR)

    def _parameters(self, side: int) -> dict[str, Parameter]:
        known = scalars.parameters(self.condition, self.joint, side, self.relief)
        for name in (*self.changes, *self.factors):
            if name not in known:
                raise unknown("parameter", name, known)
        shared = {n: float(v) for n, v in self.changes.items() if np.ndim(v) == 0}
        return known | {
            n: known[n].model_copy(update={"value": v, "spread": None}) for n, v in shared.items()
        }

    def shifted(self, defaults: Mapping[str, Parameter], module: str) -> dict[str, Parameter]:
        """Parameters of another module (an assay) under the condition and the relief."""
        found = self.condition.over(defaults, module)
        return self.relief.over(found, module) if self.relief else found

    @cached_property
    def cords(self) -> list[Cord]:
        """The distinct cords: a seed, a draw, and the parameters that some of their subjects have for themselves."""
        return sorted(set(self._cord_of_each))

    @property
    def _draws(self) -> np.ndarray:
        return np.zeros(self.subjects, int) if self.draws is None else np.asarray(self.draws)

    def _cord(self, subject: int) -> Cord:
        def own(given: Mapping[str, float | np.ndarray], subject: int) -> list[tuple[str, float]]:
            return [(n, float(np.broadcast_to(v, self.subjects)[subject])) for n, v in sorted(given.items())]

        set_apart = {name: value for name, value in self.changes.items() if np.ndim(value)}
        return Cord(
            int(self.seeds[subject]),
            int(self._draws[subject]),
            tuple(own(set_apart, subject)),
            tuple((name, factor) for name, factor in own(self.factors, subject) if factor != 1),
        )

    @cached_property
    def _cord_of_each(self) -> list[Cord]:
        return [self._cord(subject) for subject in range(self.subjects)]

    @cached_property
    def _place(self) -> dict[Cord, int]:
        return {one: place for place, one in enumerate(self.cords)}

    def at_joint(self, joint: str) -> Bench:
        """The same subjects with the muscles of another joint; runs that fail are noted here."""
        return self if joint == self.joint else replace(self, joint=joint)

    def cord_of(self, subject: int) -> int:
        """Index into `cords` of a subject."""
        return self._place[self._cord_of_each[subject]]

    @cached_property
    def numbers(self) -> np.recarray:
        """One record per subject: parameters of its cord, and its releases."""
        records = np.array([self._record(one) for one in self._cord_of_each])
        for name in scalars.RELEASES:
            given = getattr(self, name)
            records[name] = 1.0 if given is None else given
        return records.view(np.recarray)

    def _record(self, one: Cord, side: int = EXTENSOR) -> np.ndarray:
        """The numbers of one cord with the muscle of one side, without drug on its terminals."""
        record = scalars.numbers(self.parameters_of(side), one.seed, one.draw)
        for name, value in one.changes:
            record[name] = value
        for name, factor in one.factors:
            record[name] *= factor
        return record

    def parameters_of(self, side: int) -> dict[str, Parameter]:
        """The parameters with the numbers of the muscle of one side."""
        return self.parameters if side == EXTENSOR else self.flexor_parameters

    @cached_property
    def _flexors(self) -> np.ndarray:
        """The numbers of each cord with the flexor's muscle."""
        return np.array([self._record(one, FLEXOR) for one in self.cords])

    @property
    def both(self) -> np.recarray:
        """Records (subjects, SIDES) as the kernel reads them: those of `numbers`, with each muscle's own numbers."""
        both = np.repeat(np.asarray(self.numbers)[:, None], len(SIDES), axis=1)
        cords = np.array([self.cord_of(s) for s in range(self.subjects)])
        for name in scalars.muscle_fields():
            both[name][:, FLEXOR] = self._flexors[name][cords]
        return both.view(np.recarray)

    @cached_property
    def pools(self) -> list[motoneuron.Pool]:
        """The extensor's motor pool of each cord."""
        return [motoneuron.build_pool(self.drawn(one), one.seed, one.draw) for one in self.cords]

    @cached_property
    def flexor_pools(self) -> list[motoneuron.Pool]:
        """The flexor's motor pool of each cord."""
        return [
            motoneuron.build_pool(self.drawn(one, FLEXOR), _of_flexor(one.seed), one.draw)
            for one in self.cords
        ]

    @cached_property
    def units(self) -> list[muscle.MotorUnits]:
        """The extensor's motor units of each cord."""
        return [muscle.build_units(self.parameters, pool.position) for pool in self.pools]

    @cached_property
    def flexor_units(self) -> list[muscle.MotorUnits]:
        """The flexor's motor units of each cord."""
        return [muscle.build_units(self.flexor_parameters, pool.position) for pool in self.flexor_pools]

    def drawn(self, one: Cord, side: int = EXTENSOR) -> dict[str, Parameter]:
        """The parameters of a side with the values of one cord."""
        record = self._record(one, side)
        return {
            name: p.model_copy(update={"value": float(record[name])}) if isinstance(p.value, float) else p
            for name, p in self.parameters_of(side).items()
        }

    def pool_of(self, recording: cord.Recording, side: int = EXTENSOR) -> cord.Recording:
        """The recording of a run with the spikes of one side's pool only, its units numbered from 0."""
        extensors = self.pools[0].size
        own = (recording.spike_unit >= extensors) == (side == FLEXOR)
        return recording._replace(
            spikes=np.int64(own.sum()),
            spike_time=recording.spike_time[own],
            spike_unit=recording.spike_unit[own] - (extensors if side == FLEXOR else 0),
            spike_kind=recording.spike_kind[own],
        )

    @cached_property
    def preparation(self) -> cord.Preparation:
        """Everything wired, one row per cord."""
        known = [self.drawn(one) for one in self.cords]
        named = [(one.seed, one.draw) for one in self.cords]
        pools = list(zip(self.pools, self.flexor_pools, strict=True))
        units = [_joined(a, b) for a, b in zip(self.units, self.flexor_units, strict=True)]
        fibres = [afferent.build_fibres(k, *n) for k, n in zip(known, named, strict=True)]
        wires = [
            synapse.build_wiring(k, (a.size, b.size), *n)
            for k, n, (a, b) in zip(known, named, pools, strict=True)
        ]
        room = max(w.target.size for w in wires)
        return cord.Preparation(
            extensors=self.pools[0].size,
            cells=np.stack([np.concatenate([pool.blocks() for pool in pair]) for pair in pools]),
            rest=np.stack([self._rest(one, pair) for one, pair in zip(self.cords, pools, strict=True)]),
            kind=wires[0].kind,
            effect=wires[0].effect,
            delay_from_ending=np.stack([f.delay_from_ending for f in fibres]),
            delay_from_electrode=np.stack([f.delay_from_electrode for f in fibres]),
            fibre_threshold=np.stack([f.threshold for f in fibres]),
            fibre_gain=np.stack([f.gain for f in fibres]),
            start=np.stack([w.start for w in wires]),
            target=np.stack([np.pad(w.target, (0, room - w.target.size)) for w in wires]),
            weight=np.stack([np.pad(w.weight, (0, room - w.weight.size)) for w in wires]),
            interneuron_threshold=np.stack(
                [interneuron.thresholds(k, *n) for k, n in zip(known, named, strict=True)]
            ),
            motor_threshold=np.stack(
                [self._motor_thresholds(one, pair) for one, pair in zip(self.cords, pools, strict=True)]
            ),
            unit_share=np.stack([u.share for u in units]),
            unit_time=np.stack([u.twitch_time for u in units]),
            unit_fatigability=np.stack([u.fatigability for u in units]),
            unit_delay=np.stack([u.delay_from_cord for u in units]),
            unit_direct=np.stack([u.delay_from_electrode for u in units]),
            unit_antidromic=np.stack([u.delay_to_cord for u in units]),
            terminal_shift=np.stack(
                [
                    terminal.threshold_shifts(k, u.share.size, *n)
                    for k, n, u in zip(known, named, units, strict=True)
                ]
            ),
            lengthening=np.array(self.parameters["lengthening_force"].values),
        )

    def _rest(self, one: Cord, pools: tuple[motoneuron.Pool, motoneuron.Pool]) -> np.ndarray:
        """The resting state of both pools of one cord."""
        records = [self._record(one, side).reshape(1).view(np.recarray)[0] for side in (EXTENSOR, FLEXOR)]
        return np.concatenate(
            [motoneuron.settled_blocks(pool, k) for pool, k in zip(pools, records, strict=True)]
        )

    def _motor_thresholds(self, one: Cord, pools: tuple[motoneuron.Pool, motoneuron.Pool]) -> np.ndarray:
        """Electrical thresholds of both pools' axons."""
        seeds = (one.seed, _of_flexor(one.seed))
        return np.concatenate(
            [
                afferent.motor_thresholds(self.drawn(one, side), pools[side].position, seeds[side], one.draw)
                for side in (EXTENSOR, FLEXOR)
            ]
        )

    def simulate(self, runs: Sequence[Run], room: int = 20_000) -> list[cord.Recording]:
        """Run all, longest first in chunks; one Recording (of one row) per run, in the order given.

        A run that blows up ends with a result code (of cord.CODES) and leaves the others unharmed; `failures` keeps a
        note of it. Raises SolveError where every run did, naming the first quantity and time; InputError for a step
        that does not fit the noise grid.
        """
        _refuse_step(self.dt, self.parameters["noise_grid"].number)
        order = sorted(range(len(runs)), key=lambda i: -runs[i].duration)
        both = self.both
        found: dict[int, cord.Recording] = {}
        for first in range(0, len(order), CHUNK):
            part = order[first : first + CHUNK]
            recording = self._simulate_chunk([runs[i] for i in part], room, both)
            for row, i in enumerate(part):
                found[i] = _row(recording, row)
            if self.progress:
                self.progress(min(first + CHUNK, len(order)), len(order))
        failed = [
            Failure(run.subject, run.trial, int(found[i].code), float(found[i].failed_at))
            for i, run in enumerate(runs)
            if found[i].code != cord.DONE
        ]
        self.failures += failed
        if runs and len(failed) == len(runs):
            raise SolveError(f"{failed[0]}; try a smaller step or less extreme parameters")
        return [found[i] for i in range(len(runs))]

    def _simulate_chunk(self, runs: Sequence[Run], room: int, both: np.recarray) -> cord.Recording:
        longest = max(run.duration for run in runs)
        recording = cord.Recording(
            code=np.zeros(len(runs), np.int64),
            failed_at=np.full(len(runs), np.nan),
            spikes=np.zeros(len(runs), np.int64),
            spike_time=np.zeros((len(runs), room)),
            spike_unit=np.zeros((len(runs), room), np.int64),
            spike_kind=np.zeros((len(runs), room), np.int64),
            trace=np.zeros((len(runs), round(longest), len(cord.TRACES))),
        )
        prep = self.preparation
        delays = max(float(prep.delay_from_ending.max()), float(prep.unit_delay.max()))
        slots = 1 << int(np.ceil(np.log2(delays / self.dt + 2)))
        cord.simulate_all(prep, self._protocol(runs), both, self.dt, slots, recording)
        return recording

    def _protocol(self, runs: Sequence[Run]) -> protocol.Protocol:
        keys = [
            key(int(self.seeds[run.subject]), "trial", run.trial, int(self._draws[run.subject]))
            for run in runs
        ]
        numbers = [self.numbers[run.subject] for run in runs]
        return protocol.in_rows(
            runs,
            [self.cord_of(run.subject) for run in runs],
            keys,
            [(float(k.gamma_dynamic), float(k.gamma_static)) for k in numbers],
        )


def _refuse_step(dt: float, grid: float) -> None:
    """The noise grid must be a whole number of steps, or noise and traces would run on another clock than the cells."""
    steps = max(1, round(grid / dt)) if dt > 0 else 1
    if dt <= 0 or abs(steps * dt / grid - 1) > 1e-9:
        raise InputError(
            f"a step of {dt:g} ms; possible: {grid:g} ms divided by a whole number; the nearest is {grid / steps:g} ms"
        )


def _row(recording: cord.Recording, row: int) -> cord.Recording:
    """One run's part of a chunk, its spikes cut to their number and in order of time."""
    number = int(recording.spikes[row])
    order = np.argsort(recording.spike_time[row, :number], kind="stable")
    return cord.Recording(
        recording.code[row],
        recording.failed_at[row],
        recording.spikes[row],
        recording.spike_time[row, :number][order],
        recording.spike_unit[row, :number][order],
        recording.spike_kind[row, :number][order],
        recording.trace[row],
    )


def _of_flexor(seed: int) -> int:
    """The seed of a cord's flexor pool, whose cells differ by other draws than the extensor's."""
    return key(seed, "flexor") & (2**63 - 1)


def _joined(extensor: muscle.MotorUnits, flexor: muscle.MotorUnits) -> muscle.MotorUnits:
    """The units of both muscles as one table, the extensor's first."""
    pairs = {name: (getattr(extensor, name), getattr(flexor, name)) for name in vars(extensor)}
    return muscle.MotorUnits(**{name: np.concatenate(pair) for name, pair in pairs.items()})
