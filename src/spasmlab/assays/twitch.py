"""Twitch, tetanus and force–frequency curve of soleus, by direct stimulation of the muscle and through its nerve.

Direct stimulation is under curare and bypasses every synapse: a drug that acts on nerves leaves it as it is, one that
acts on the muscle fibre does not. The ankle is held at 0°. The force–frequency series is taken from the muscle alone, as
in an organ bath, by the functions that the cord uses for its muscle.
"""

from __future__ import annotations

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.stretch import active_torque
from spasmlab.circuit import afferent, cord, isometric
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.parameter import beside

READOUTS = {
    "twitch_torque": ("N m", "largest torque of a single twitch, muscle stimulated directly"),
    "tetanus_torque": ("N m", "largest torque at 50 Hz, muscle stimulated directly"),
    "nerve_twitch_torque": ("N m", "largest torque of a twitch through the nerve, before the reflex arrives"),
    "nerve_tetanus_torque": ("N m", "largest torque at 50 Hz through the nerve, reflex included"),
    "twitch_tetanus_ratio": ("1", "twitch over tetanus"),
    "twitch_time": ("ms", "from the pulse to the largest torque of the direct twitch"),
    "unit_twitch_time": (
        "ms",
        "from the impulse to the largest force of a motor unit's own twitch, mean over units",
    ),
    "half_relaxation_time": ("ms", "from the largest torque of the direct twitch to half of it"),
    "train_torque": ("N m", "largest torque of a train to the muscle, by its rate"),
    "fusion_index": (
        "1",
        "trough over peak of torque between the last two pulses of a train: 0 separate, 1 fused",
    ),
}


def run(bench: Bench) -> AssayResult:
    """A twitch and a tetanus, direct and through the nerve, of every subject; then direct trains by rate."""
    known = {name: p.number for name, p in beside("assays.twitch").items() if isinstance(p.value, float)}
    rates = np.array(beside("assays.twitch")["rates"].values)
    trials = _trials(known)
    runs = [
        Run(s, name, duration, stimuli=stimuli, curare=name.endswith("direct"))
        for s in range(bench.subjects)
        for name, duration, stimuli in trials
    ]
    recordings = bench.simulate(runs)
    torque = [
        active_torque(bench, r.subject, rec.trace[:, cord.FORCE])
        for r, rec in zip(runs, recordings, strict=True)
    ]
    single, train, nerve, nerve_train = (torque[i :: len(trials)] for i in range(len(trials)))
    start = round(known["settling"])
    trains, fusion = (np.array(found) for found in zip(*_series(bench, known, rates), strict=True))
    readouts = {
        "twitch_torque": np.array([t.max() for t in single]),
        "tetanus_torque": np.array([t.max() for t in train]),
        "nerve_twitch_torque": np.array([t[: start + round(known["reflex_arrives"])].max() for t in nerve]),
        "nerve_tetanus_torque": np.array([t.max() for t in nerve_train]),
        "twitch_tetanus_ratio": np.array(
            [_ratio(a.max(), b.max()) for a, b in zip(single, train, strict=True)]
        ),
        "twitch_time": np.array([float(t.argmax() - start) for t in single]),
        "unit_twitch_time": np.array(
            [bench.units[bench.cord_of(s)].twitch_time.mean() for s in range(bench.subjects)]
        ),
        "half_relaxation_time": np.array([_half_relaxation(t) for t in single]),
        "train_torque": trains,
        "fusion_index": fusion,
    }
    return AssayResult(
        "twitch", readouts, {"stimulus_rate": rates}, _traces(single, train, known["settling"])
    )


def _series(bench: Bench, known: dict[str, float], rates: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of every subject, the largest torque and the fusion index at each rate, the muscle alone."""
    found = []
    for subject in range(bench.subjects):
        units, numbers = bench.units[bench.cord_of(subject)], bench.numbers[subject]
        torques, fusion = [], []
        for rate in rates:
            number = max(2, round(known["tetanus"] * rate / MILLISECONDS))
            pulses = known["settling"] + np.arange(number) * MILLISECONDS / rate
            end = float(pulses[-1] + MILLISECONDS / rate)
            force = isometric.hold(units, numbers, isometric.together(units, pulses), end).force
            torque = active_torque(bench, subject, force)
            torques.append(torque.max())
            fusion.append(_fusion(torque[-max(2, round(MILLISECONDS / rate)) :]))
        found.append((np.array(torques), np.array(fusion)))
    return found


def _fusion(torque: np.ndarray) -> float:
    """Trough over peak within one interval of a train: 0 where the muscle relaxes fully, 1 where it is fused."""
    return _ratio(torque.min(), torque.max())


def _ratio(part: float, whole: float) -> float:
    """NaN where the muscle makes no force."""
    return float(part / whole) if whole > 0 else np.nan


def _half_relaxation(torque: np.ndarray) -> float:
    """From the peak to half of it (ms); NaN where the muscle makes no force."""
    if torque.max() <= 0:
        return np.nan
    after = torque[torque.argmax() :]
    return float(np.argmax(after <= torque.max() / 2))


def _traces(single: list[np.ndarray], train: list[np.ndarray], start: float) -> xarray.Dataset:
    """Direct twitch and tetanus over time from the first pulse."""
    named = (("twitch", single), ("tetanus", train))
    return xarray.Dataset(
        {name: (("subject", "time"), np.array(torques), {"units": "N m"}) for name, torques in named},
        coords={"time": ("time", np.arange(len(single[0])) - start, {"units": "ms"})},
    )


def _trials(known: dict[str, float]) -> list[tuple[str, float, tuple[Stimulus, ...]]]:
    start = known["settling"]
    pulses = start + np.arange(0.0, known["tetanus"], MILLISECONDS / known["tetanus_rate"])
    duration, strength = start + known["tetanus"] + known["after"], known["nerve_intensity"]
    return [
        (f"{name} {place}", duration, tuple(Stimulus(float(t), kind, intensity) for t in times))
        for place, kind, intensity in (
            ("direct", afferent.MUSCLE, 1.0),
            ("nerve", afferent.TIBIAL_NERVE, strength),
        )
        for name, times in (("twitch", (start,)), ("tetanus", pulses))
    ]
