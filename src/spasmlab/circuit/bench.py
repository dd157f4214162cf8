"""The bench: subjects laid out for an assay, the preparation wired for each, and runs sent to the kernel in chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from spasmlab.circuit import afferent, cord, interneuron, motoneuron, muscle, scalars, synapse
from spasmlab.condition import Condition
from spasmlab.errors import InputError, SolveError, unknown
from spasmlab.parameter import Parameter
from spasmlab.streams import key

Progress = Callable[[int, int], None]
CHUNK = 8  # runs between two reports of progress


@dataclass(frozen=True)
class Stimulus:
    """An electric or mechanical event: `time` in ms, `kind` one of afferent.STIMULI, `intensity` in thresholds."""

    time: float
    kind: int
    intensity: float


@dataclass(frozen=True)
class Run:
    """One run of one subject: duration (ms), a ramp of the ankle (rad, rad/s, ms) and stimuli.

    `trial` names the run's random numbers together with the subject's seed and draw, so that the same trial of two
    arms meets the same noise. `curare` blocks transmission from nerve to muscle.
    """

    subject: int
    trial: str
    duration: float
    ramp_start: float = 0.0
    ramp_end: float = 0.0
    ramp_speed: float = 0.0
    ramp_onset: float = 0.0
    ramp_rise: float = 0.0
    stimuli: tuple[Stimulus, ...] = ()
    quiet: float = 0.0
    curare: bool = False


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

    @property
    def subjects(self) -> int:
        """How many."""
        return len(self.release_ia)

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The circuit's parameters under the condition and what the experiment changes for all subjects."""
        known = scalars.parameters(self.condition)
        for name in (*self.changes, *self.factors):
            if name not in known:
                raise unknown("parameter", name, known)
        shared = {n: float(v) for n, v in self.changes.items() if np.ndim(v) == 0}
        return known | {
            n: known[n].model_copy(update={"value": v, "spread": None}) for n, v in shared.items()
        }

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

    def _record(self, one: Cord) -> np.ndarray:
        """The numbers of one cord, without drug on its terminals."""
        record = scalars.numbers(self.parameters, one.seed, one.draw)
        for name, value in one.changes:
            record[name] = value
        for name, factor in one.factors:
            record[name] *= factor
        return record

    @cached_property
    def pools(self) -> list[motoneuron.Pool]:
        """The motor pool of each cord."""
        return [motoneuron.build_pool(self.drawn(one), one.seed, one.draw) for one in self.cords]

    @cached_property
    def units(self) -> list[muscle.MotorUnits]:
        """The motor units of each cord."""
        return [muscle.build_units(self.parameters, pool.position) for pool in self.pools]

    def drawn(self, one: Cord) -> dict[str, Parameter]:
        """The parameters with the values of one cord."""
        record = self._record(one)
        return {
            name: p.model_copy(update={"value": float(record[name])}) if isinstance(p.value, float) else p
            for name, p in self.parameters.items()
        }

    @cached_property
    def preparation(self) -> cord.Preparation:
        """Everything wired, one row per cord."""
        drawn = [self.drawn(one) for one in self.cords]
        records = [self._record(one).reshape(1).view(np.recarray)[0] for one in self.cords]
        each = [
            (k, (one.seed, one.draw), pool)
            for k, one, pool in zip(drawn, self.cords, self.pools, strict=True)
        ]
        fibres = [afferent.build_fibres(known, *named) for known, named, _ in each]
        wires = [synapse.build_wiring(known, pool.size, *named) for known, named, pool in each]
        room = max(w.target.size for w in wires)
        return cord.Preparation(
            cells=np.stack([pool.blocks() for pool in self.pools]),
            rest=np.stack(
                [motoneuron.settled_blocks(pool, k) for pool, k in zip(self.pools, records, strict=True)]
            ),
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
                [interneuron.thresholds(known, *named) for known, named, _ in each]
            ),
            motor_threshold=np.stack(
                [afferent.motor_thresholds(known, pool.position, *named) for known, named, pool in each]
            ),
            unit_share=np.stack([u.share for u in self.units]),
            unit_time=np.stack([u.twitch_time for u in self.units]),
            unit_delay=np.stack([u.delay_from_cord for u in self.units]),
            unit_direct=np.stack([u.delay_from_electrode for u in self.units]),
            unit_antidromic=np.stack([u.delay_to_cord for u in self.units]),
            lengthening=np.array(self.parameters["lengthening_force"].values),
        )

    def simulate(self, runs: Sequence[Run], room: int = 20_000) -> list[cord.Recording]:
        """Run all, longest first in chunks; one Recording (of one row) per run, in the order given.

        Raises SolveError where a run blew up, naming the quantity and the time; InputError for a step that does not
        fit the noise grid.
        """
        _refuse_step(self.dt, self.parameters["noise_grid"].number)
        order = sorted(range(len(runs)), key=lambda i: -runs[i].duration)
        found: dict[int, cord.Recording] = {}
        for first in range(0, len(order), CHUNK):
            part = order[first : first + CHUNK]
            recording = self._simulate_chunk([runs[i] for i in part], room)
            for row, i in enumerate(part):
                found[i] = _row(recording, row)
                _refuse_failure(found[i], runs[i])
            if self.progress:
                self.progress(min(first + CHUNK, len(order)), len(order))
        return [found[i] for i in range(len(runs))]

    def _simulate_chunk(self, runs: Sequence[Run], room: int) -> cord.Recording:
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
        cord.simulate_all(prep, self._protocol(runs), self.numbers, self.dt, slots, recording)
        return recording

    def _protocol(self, runs: Sequence[Run]) -> cord.Protocol:
        most = max(1, *(len(run.stimuli) for run in runs)) if runs else 1
        time, kind, intensity = (
            np.full((len(runs), most), np.inf),
            np.zeros((len(runs), most), np.int64),
            np.zeros((len(runs), most)),
        )
        for row, run in enumerate(runs):
            for column, stimulus in enumerate(run.stimuli):
                time[row, column], kind[row, column] = stimulus.time, stimulus.kind
                intensity[row, column] = stimulus.intensity

        def column_of(name: str) -> np.ndarray:
            return np.array([getattr(run, name) for run in runs], float)

        subjects = np.array([run.subject for run in runs], np.int64)
        keys = [
            key(int(self.seeds[run.subject]), "trial", run.trial, int(self._draws[run.subject]))
            for run in runs
        ]
        return cord.Protocol(
            subject=subjects,
            pool=np.array([self.cord_of(s) for s in subjects], np.int64),
            key=np.array([k & 0xFFFF_FFFF_FFFF_FFFF for k in keys], np.uint64),
            duration=column_of("duration"),
            quiet=column_of("quiet"),
            curare=np.array([run.curare for run in runs]),
            ramp=np.stack([column_of(f"ramp_{part}") for part in cord.RAMP], axis=1),
            stimulus_time=time,
            stimulus_kind=kind,
            stimulus_intensity=intensity,
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


def _refuse_failure(recording: cord.Recording, run: Run) -> None:
    if recording.code != cord.DONE:
        raise SolveError(
            f"trial '{run.trial}' of subject {run.subject} blew up: {cord.CODES[int(recording.code)]} at "
            f"{float(recording.failed_at):.1f} ms; try a smaller step or less extreme parameters"
        )
