"""What a run asks of the cord, as people write it, and as rows of numbers for the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spasmlab.circuit import limb
from spasmlab.circuit.afferent import SIDES
from spasmlab.errors import InputError, unknown

DRIVE_UNITS = ("mV", "nA")


@dataclass(frozen=True)
class Stimulus:
    """An electric or mechanical event: `time` in ms, `kind` one of afferent.STIMULI, `intensity` in thresholds."""

    time: float
    kind: int
    intensity: float


@dataclass(frozen=True)
class Move:
    """A ramp of the joint to the angle `end` (rad) at `speed` (rad/s) from `onset` (ms), reached within `rise` ms."""

    onset: float
    end: float
    speed: float
    rise: float = 0.0


@dataclass(frozen=True)
class Shake:
    """A sinusoid A(1 − cos 2πft) from `onset` to `end` (ms): `frequency` in Hz.

    `where` is one of limb.SHAKEN: the tendon of a muscle (`amplitude` in fibre lengths L0) or the joint (rad).
    """

    onset: float
    end: float
    amplitude: float
    frequency: float
    where: str = "extensor"


@dataclass(frozen=True)
class Push:
    """A torque on the free limb (N·m, positive where it stretches the extensor) for `duration` ms from `onset`."""

    onset: float
    duration: float
    torque: float


@dataclass(frozen=True)
class Drive:
    """Descending drive to one pool: `levels` at `times` (ms), linear between, constant outside.

    In mV it is current over input conductance, so that small cells are recruited first; in nA the same for all cells.
    """

    times: tuple[float, ...]
    levels: tuple[float, ...]
    pool: str = "extensor"
    unit: str = "mV"

    def __post_init__(self) -> None:
        if self.pool not in SIDES:
            raise unknown("pool", self.pool, SIDES)
        if self.unit not in DRIVE_UNITS:
            raise unknown("unit of drive", self.unit, DRIVE_UNITS)
        if not self.times or len(self.times) != len(self.levels) or np.any(np.diff(self.times) <= 0):
            raise InputError("a drive needs as many levels as times, at least one, and times that rise")


@dataclass(frozen=True)
class Run:
    """One run of one subject: duration (ms), what is done to the joint, and stimuli.

    `trial` names the run's random numbers together with the subject's seed and draw, so that the same trial of two
    arms meets the same noise. `curare` blocks transmission from nerve to muscle. `quiet` ms without a spike after the
    last stimulus end the run. The flexor's motor pool takes part only with `antagonist` (its afferents always do).

    The joint begins at `ramp_start` (rad); the ramp of the fields `ramp_…` and then `moves` are imposed. From `free_from`
    ms on (None: never) it moves by itself, under muscles, weight, passive tissue, `load` (N·m), `pushes`, and with
    `added_inertia` (kg·m²). Fusimotor drives (pulses per second) are the condition's where None.
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
    antagonist: bool = False
    moves: tuple[Move, ...] = ()
    shakes: tuple[Shake, ...] = ()
    drives: tuple[Drive, ...] = ()
    gamma_static: float | None = None
    gamma_dynamic: float | None = None
    free_from: float | None = None
    load: float = 0.0
    added_inertia: float = 0.0
    pushes: tuple[Push, ...] = ()

    def __post_init__(self) -> None:
        pools = [drive.pool for drive in self.drives]
        if len(set(pools)) < len(pools):
            raise InputError("a run takes one drive for each pool; give one more levels instead")

    def path(self) -> list[tuple[float, ...]]:
        """All movements as rows of limb.MOVE, each starting where the one before ends."""
        steps = list(self.moves)
        if self.ramp_speed > 0:
            steps.insert(0, Move(self.ramp_onset, self.ramp_end, self.ramp_speed, self.ramp_rise))
        angle, rows = self.ramp_start, []
        for step in steps:
            rows.append((step.onset, step.end - angle, step.speed, step.rise))
            angle = step.end
        return rows

    def sinusoids(self) -> list[tuple[float, ...]]:
        """All sinusoids as rows of limb.SHAKE."""
        for s in self.shakes:
            if s.where not in limb.SHAKEN:
                raise unknown("place to shake", s.where, limb.SHAKEN)
        return [(limb.SHAKEN.index(s.where), s.onset, s.end, s.amplitude, s.frequency) for s in self.shakes]


class Protocol(NamedTuple):
    """One run per row: which subject and pool, how long (ms), what is done to it. The kernel's form of Run."""

    subject: np.ndarray
    pool: np.ndarray
    key: np.ndarray  # uint64, names the run's random numbers
    duration: np.ndarray  # ms
    quiet: np.ndarray  # ms without a spike after the last stimulus that end the run early; 0: never
    curare: np.ndarray  # whether transmission from nerve to muscle is blocked
    antagonist: np.ndarray  # whether the flexor's motor pool takes part
    start: np.ndarray  # rad
    moves: np.ndarray  # (runs, most, MOVE)
    shakes: np.ndarray  # (runs, most, SHAKE)
    pushes: np.ndarray  # (runs, most, PUSH)
    free_from: np.ndarray  # ms; infinite where the joint is never free
    load: np.ndarray  # N m
    added_inertia: np.ndarray  # kg m²
    gamma_dynamic: np.ndarray  # pulses per second
    gamma_static: np.ndarray
    drive_time: np.ndarray  # (runs, SIDES, most) ms
    drive_level: np.ndarray  # (runs, SIDES, most)
    drive_in_nanoampere: np.ndarray  # (runs, SIDES)
    stimulus_time: np.ndarray  # (runs, most) ms; infinite where there is none
    stimulus_kind: np.ndarray
    stimulus_intensity: np.ndarray


def in_rows(
    runs: Sequence[Run], pools: Sequence[int], keys: Sequence[int], gammas: Sequence[tuple[float, float]]
) -> Protocol:
    """Runs in the kernel's form; `pools` and `keys` of each, and the condition's (dynamic, static) fusimotor drives."""

    def column(name: str) -> np.ndarray:
        return np.array([getattr(run, name) for run in runs], float)

    time, level, nano = _drives(runs)
    stimuli = [[(s.time, s.kind, s.intensity) for s in run.stimuli] for run in runs]
    events = padded(stimuli, (np.inf, 0.0, 0.0))
    gamma = np.array(
        [
            [mine if mine is not None else given for mine, given in zip(own, condition, strict=True)]
            for own, condition in zip([(r.gamma_dynamic, r.gamma_static) for r in runs], gammas, strict=True)
        ]
    )
    return Protocol(
        subject=np.array([run.subject for run in runs], np.int64),
        pool=np.array(pools, np.int64),
        key=np.array([k & 0xFFFF_FFFF_FFFF_FFFF for k in keys], np.uint64),
        duration=column("duration"),
        quiet=column("quiet"),
        curare=np.array([run.curare for run in runs]),
        antagonist=np.array([run.antagonist for run in runs]),
        start=column("ramp_start"),
        moves=padded([run.path() for run in runs], (0.0, 0.0, 0.0, 0.0)),
        shakes=padded([run.sinusoids() for run in runs], (0.0, np.inf, np.inf, 0.0, 0.0)),
        pushes=padded(
            [[(p.onset, p.onset + p.duration, p.torque) for p in run.pushes] for run in runs],
            (np.inf, np.inf, 0.0),
        ),
        free_from=np.array([np.inf if run.free_from is None else run.free_from for run in runs]),
        load=column("load"),
        added_inertia=column("added_inertia"),
        gamma_dynamic=np.ascontiguousarray(gamma[:, 0]),
        gamma_static=np.ascontiguousarray(gamma[:, 1]),
        drive_time=time,
        drive_level=level,
        drive_in_nanoampere=nano,
        stimulus_time=np.ascontiguousarray(events[:, :, 0]),
        stimulus_kind=events[:, :, 1].astype(np.int64),
        stimulus_intensity=np.ascontiguousarray(events[:, :, 2]),
    )


def padded(rows: Sequence[Sequence[tuple[float, ...]]], nothing: tuple[float, ...]) -> np.ndarray:
    """Rows of every run in one array (runs, most, columns), at least one each; `nothing` fills what is missing."""
    most = max(1, *(len(own) for own in rows)) if rows else 1
    table = np.tile(np.array(nothing), (len(rows), most, 1))
    for run, own in enumerate(rows):
        for i, row in enumerate(own):
            table[run, i] = row
    return table


def _drives(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Knots (runs, SIDES, most) of every drive, padded with infinite times and the last level, and their units."""
    most = max([1, *(len(drive.times) for run in runs for drive in run.drives)])
    shape = (len(runs), len(SIDES), most)
    time, level, nano = np.full(shape, np.inf), np.zeros(shape), np.zeros(shape[:2], bool)
    for i, run in enumerate(runs):
        for drive in run.drives:
            side, knots = SIDES.index(drive.pool), len(drive.times)
            time[i, side, :knots] = drive.times
            level[i, side, :knots], level[i, side, knots:] = drive.levels, drive.levels[-1]
            nano[i, side] = drive.unit == "nA"
    return time, level, nano
