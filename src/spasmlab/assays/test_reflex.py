"""The test H-reflex: what post-activation depression, presynaptic and reciprocal inhibition are measured with.

A shock to the tibial nerve is set for each subject so that H lies at a quarter of Mmax on the ascending limb of its
recruitment curve. Its size after a conditioning event over its size alone is the read-out. Every trial begins at rest,
as after the 10 s or more that a laboratory waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spasmlab.assays.h_reflex import EMG_STEP, reflex_potentials
from spasmlab.circuit import afferent, cord
from spasmlab.circuit.bench import Bench, Run, Shake, Stimulus
from spasmlab.circuit.muscle import MotorUnits, surface_emg
from spasmlab.parameter import beside


@dataclass(frozen=True)
class TestShock:
    """Per subject: the current of the test shock in Ia thresholds (NaN without an H-reflex), and Mmax in mV."""

    current: np.ndarray
    m_max: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """Subjects that have an H-reflex to test."""
        return np.flatnonzero(np.isfinite(self.current))


def h_size(recording: cord.Recording, units: MotorUnits, at: float) -> float:
    """Peak-to-peak H-reflex (mV) after a shock at `at` ms."""
    return _size(recording, units, at, beside("assays.h_reflex")["h_window"].values)


def m_size(recording: cord.Recording, units: MotorUnits, at: float) -> float:
    """Peak-to-peak direct response (mV) after a shock at `at` ms."""
    return _size(recording, units, at, beside("assays.h_reflex")["m_window"].values)


def trial_end(at: float) -> float:
    """When a trial whose last shock comes at `at` ms may end: the H-reflex is over."""
    return at + beside("assays.h_reflex")["h_window"].values[1]


def find_test_shock(bench: Bench) -> TestShock:
    """The current of every subject: where H first reaches its size on the ascending limb, linear between currents."""
    known = {name: p.number for name, p in beside("assays.test_reflex").items()}
    currents = np.geomspace(known["lowest_current"], known["highest_current"], round(known["currents"]))
    start = known["settling"]
    runs = [
        Run(s, f"test reflex {i}", trial_end(start), stimuli=(_shock(start, current),))
        for s in range(bench.subjects)
        for i, current in enumerate([*currents, known["supramaximal"]])
    ]
    recordings = bench.simulate(runs)
    sizes = np.array(
        [h_size(r, units_of(bench, run), start) for r, run in zip(recordings, runs, strict=True)]
    )
    h = sizes.reshape(bench.subjects, -1)[:, :-1]
    last = slice(currents.size, None, currents.size + 1)
    m_max = np.array(
        [m_size(r, units_of(bench, run), start) for r, run in zip(recordings[last], runs[last], strict=True)]
    )
    found = [_on_ascending_limb(currents, row, m, known) for row, m in zip(h, m_max, strict=True)]
    return TestShock(np.array(found), m_max)


def mean_h(
    bench: Bench,
    shock: TestShock,
    name: str,
    lead: float = 0.0,
    before: Callable[[int, float], Sequence[Stimulus]] | None = None,
    shakes: Callable[[float], tuple[Shake, ...]] | None = None,
) -> np.ndarray:
    """Mean test H-reflex (mV) of every subject over trials, NaN for a subject without; shape (subjects,).

    The shock comes `lead` ms after the rest at the start of each trial. `before(subject, at)` gives the conditioning
    stimuli of a shock at `at` ms (none: the control), `shakes(at)` what the limb or tendon is shaken with. Trials of one
    `lead` meet the same noise whatever comes before.
    """
    known = beside("assays.test_reflex")
    at = known["settling"].number + lead
    trials = round(known["trials"].number)
    runs = [
        Run(
            int(s),
            f"{name} {lead:g} {i}",
            trial_end(at),
            stimuli=(*(before(int(s), at) if before else ()), _shock(at, float(shock.current[s]))),
            shakes=shakes(at) if shakes else (),
        )
        for s in shock.present
        for i in range(trials)
    ]
    recordings = bench.simulate(runs)
    sizes = [h_size(r, units_of(bench, run), at) for r, run in zip(recordings, runs, strict=True)]
    found = np.full(bench.subjects, np.nan)
    found[shock.present] = np.reshape(sizes, (-1, trials)).mean(axis=1)
    return found


def motor_threshold(bench: Bench) -> np.ndarray:
    """The lowest current that excites a motor axon of each subject, in Ia thresholds; shape (subjects,)."""
    lowest = bench.preparation.motor_threshold.min(axis=1)
    return np.array([lowest[bench.cord_of(s)] for s in range(bench.subjects)])


def units_of(bench: Bench, run: Run) -> MotorUnits:
    """The motor units of the cord that a run is on."""
    return bench.units[bench.cord_of(run.subject)]


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part/whole, NaN where the whole is 0 or missing."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.asarray(whole) > 0)


def _shock(at: float, current: float) -> Stimulus:
    return Stimulus(at, afferent.TIBIAL_NERVE, float(current))


def _size(recording: cord.Recording, units: MotorUnits, at: float, window: Sequence[float]) -> float:
    times, unit = reflex_potentials(recording, units)
    clock = np.arange(at + window[0], at + window[1], EMG_STEP)
    inside = (times >= clock[0]) & (times < clock[-1])
    chosen = unit[inside]
    return float(
        np.ptp(surface_emg(times[inside], units.emg_amplitude[chosen], units.emg_duration[chosen], clock))
    )


def _on_ascending_limb(currents: np.ndarray, h: np.ndarray, m_max: float, known: dict[str, float]) -> float:
    largest = h.max()
    if largest < known["presence"] * m_max:
        return float("nan")
    wanted = min(known["size"] * m_max, known["share_of_largest"] * largest)
    j = int(np.argmax(h >= wanted))
    if j == 0:
        return float(currents[0])
    part = (wanted - h[j - 1]) / (h[j] - h[j - 1])
    return float(currents[j - 1] + part * (currents[j] - currents[j - 1]))
