"""Cramp threshold frequency: trains to a motor nerve at rising rates until the muscle goes on by itself.

As Minetto and others (2011) do it, trains of 150 supramaximal pulses begin at 4 a second and rise in steps of 2; the
nerve is intact, or blocked between the electrode and the cord, which leaves only what the terminals do. Miller and
Knight's trains are shorter, two seconds, and need higher rates. A cramp is a tenth of the motor units still firing a
second after the train. The threshold is found by halving the interval, which finds the lowest rate as long as a higher
rate never cramps less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray

from spasmlab.assays.result import AssayResult
from spasmlab.assays.stretch import active_torque
from spasmlab.circuit import afferent, cord, isometric, terminal
from spasmlab.circuit.afferent import MILLISECONDS
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.circuit.muscle import MotorUnits, surface_emg
from spasmlab.parameter import Parameter, beside
from spasmlab.streams import key

ROOM = 400_000  # impulses of one run
SAMPLED = 20  # ms a point of the traces
_EACH = {
    "threshold_frequency": ("Hz", "lowest rate of 150 pulses after which the muscle cramps"),
    "cramp_duration": ("s", "of the cramp at that rate"),
    "motor_unit_rate": ("1/s", "mean rate of the units that cramp"),
    "cramping_units": ("1", "share of the motor units that cramp"),
    "cramp_torque": ("N m", "mean torque in the first seconds of the cramp"),
    "cramp_emg": ("mV", "mean rectified surface EMG in the first seconds of the cramp"),
}
READOUTS = {
    **_EACH,
    **{f"{name}_blocked": (unit, f"{meaning}, nerve blocked") for name, (unit, meaning) in _EACH.items()},
    "threshold_frequency_short": ("Hz", "lowest rate of a two-second train after which the muscle cramps"),
}


@dataclass(frozen=True)
class Train:
    """Pulses to the nerve of one subject: their times (ms), and how long to watch afterwards (ms)."""

    subject: int
    pulses: np.ndarray
    watch: float

    @property
    def end(self) -> float:
        """Time of the last pulse."""
        return float(self.pulses[-1])


@dataclass(frozen=True)
class Response:
    """Impulses at the muscle after a train, `time` in ms from its end, and force (share of the maximum) every ms."""

    time: np.ndarray
    unit: np.ndarray
    force: np.ndarray


Preparation = Callable[[Sequence[Train]], list[Response]]


def run(bench: Bench) -> AssayResult:
    """Thresholds of every subject, and the cramp at each: nerve intact, then blocked."""
    records = known(bench)
    k = {name: record.number for name, record in records.items()}
    active = replace(bench, changes={**bench.changes, "terminal_ectopic": 1.0})
    rates = np.arange(k["first_rate"], k["last_rate"] + k["rate_step"] / 2, k["rate_step"])
    readouts: dict[str, np.ndarray] = {}
    traces: dict[str, np.ndarray] = {}
    for suffix, preparation in (("", intact(active, k)), ("_blocked", blocked(active, k))):
        found = thresholds(preparation, active, rates, k)
        readouts[f"threshold_frequency{suffix}"] = found
        described, courses = _cramps(preparation, active, found, k)
        readouts |= {f"{name}{suffix}": values for name, values in described.items()}
        traces |= {f"{name}{suffix}": values for name, values in courses.items()}
    readouts["threshold_frequency_short"] = thresholds(intact(active, k), active, rates, k, short=True)
    ordered = {name: readouts[name] for name in READOUTS}
    return AssayResult("cramp", ordered, {}, _dataset(traces, k))


def known(bench: Bench) -> dict[str, Parameter]:
    """The numbers of the protocol, as a relief (a stretched muscle) shifts them."""
    return bench.shifted(beside("assays.cramp"), "assays.cramp")


def train(k: dict[str, float], subject: int, rate: float, watch: float, short: bool = False) -> Train:
    """A train at `rate` (Hz): 150 pulses, or as many as fit in a short train."""
    number = round(k["pulses"])
    if short:
        number = max(2, math.floor(k["short_train"] * rate / MILLISECONDS) + 1)
    return Train(subject, k["settling"] + np.arange(number) * MILLISECONDS / rate, watch)


def thresholds(
    preparation: Preparation, bench: Bench, rates: np.ndarray, k: dict[str, float], short: bool = False
) -> np.ndarray:
    """The lowest of `rates` (Hz, rising) at which each subject cramps; NaN where none does."""
    low, high = np.full(bench.subjects, -1), np.full(bench.subjects, rates.size)
    watch = k["watch_from"] + k["watch_for"]
    while (open_ := np.flatnonzero(high - low > 1)).size:
        middle = (low + high) // 2
        trains = [train(k, int(s), float(rates[middle[s]]), watch, short) for s in open_]
        for s, response in zip(open_, preparation(trains), strict=True):
            if cramps(response, bench.units[bench.cord_of(int(s))], k):
                high[s] = middle[s]
            else:
                low[s] = middle[s]
    return np.append(rates, np.nan)[high]


def cramps(response: Response, units: MotorUnits, k: dict[str, float]) -> bool:
    """Whether enough units still fire a second after the train."""
    late = response.time >= k["watch_from"]
    late &= response.time < k["watch_from"] + k["watch_for"]
    return np.unique(response.unit[late]).size >= k["cramping_share"] * units.share.size


def blocked(bench: Bench, k: dict[str, float]) -> Preparation:
    """Nerve and muscle alone: pulses reach the muscle, and what arises at the terminals goes nowhere else."""

    def respond(trains: Sequence[Train]) -> list[Response]:
        found = []
        for one in trains:
            place, numbers = bench.cord_of(one.subject), bench.numbers[one.subject]
            named, units = bench.cords[place], bench.units[place]
            held = isometric.hold(
                units,
                numbers,
                isometric.together(units, one.pulses),
                one.end + one.watch,
                angle=math.radians(k["angle"]),
                shift=terminal.threshold_shifts(bench.parameters, units.share.size, named.seed, named.draw),
                key=key(named.seed, "cramp", named.draw),
                quiet=k["quiet"],
            )
            later = held.time > one.end
            found.append(Response(held.time[later] - one.end, held.unit[later], held.force[round(one.end) :]))
        return found

    return respond


def intact(bench: Bench, k: dict[str, float]) -> Preparation:
    """The whole cord: reflexes of the pulses and of the cramping muscle reach the motoneurons."""

    def respond(trains: Sequence[Train]) -> list[Response]:
        runs = [
            Run(
                one.subject,
                f"cramp {one.pulses.size} {one.end:.1f}",
                one.end + one.watch,
                ramp_start=math.radians(k["angle"]),
                stimuli=tuple(
                    Stimulus(float(t), afferent.EXTENSOR_NERVE, k["intensity"]) for t in one.pulses
                ),
                quiet=k["quiet"],
            )
            for one in trains
        ]
        recordings = bench.simulate(runs, room=ROOM)
        return [_after(one, recording) for one, recording in zip(trains, recordings, strict=True)]

    return respond


def _after(one: Train, recording: cord.Recording) -> Response:
    """What reached the muscle after the train, from the cord or from its terminals."""
    reached = np.isin(recording.spike_kind, (cord.ORTHODROMIC, cord.ECTOPIC)) & (
        recording.spike_time > one.end
    )
    force = recording.trace[round(one.end) : round(one.end + one.watch), cord.FORCE]
    return Response(recording.spike_time[reached] - one.end, recording.spike_unit[reached], force)


def _cramps(
    preparation: Preparation, bench: Bench, found: np.ndarray, k: dict[str, float]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read-outs (subjects,) of the cramp at each subject's threshold, NaN without one; torque and EMG over time."""
    who = np.flatnonzero(np.isfinite(found))
    responses = preparation([train(k, int(s), float(found[s]), k["longest"]) for s in who])
    names = [name for name in _EACH if name != "threshold_frequency"]
    readouts = {name: np.full(bench.subjects, np.nan) for name in names}
    samples = round(k["longest"] / SAMPLED)
    traces = {name: np.zeros((bench.subjects, samples)) for name in ("torque", "emg")}
    for s, response in zip(who, responses, strict=True):
        units = bench.units[bench.cord_of(int(s))]
        torque = active_torque(bench, int(s), response.force)
        emg = np.abs(_emg(response, units, k["longest"]))
        window = slice(round(k["watch_from"]), round(k["watch_from"] + k["force_window"]))
        measured = {
            "cramp_duration": duration(response, units, k) / MILLISECONDS,
            "cramp_torque": float(np.pad(torque, (0, round(k["longest"])))[window].mean()),
            "cramp_emg": float(emg[window].mean()),
            **_rates(response, units, k),
        }
        for name in names:
            readouts[name][s] = measured[name]
        traces["torque"][s] = _binned(torque, samples)
        traces["emg"][s] = _binned(emg, samples)
    return readouts, traces


def duration(response: Response, units: MotorUnits, k: dict[str, float]) -> float:
    """How long (ms) after the train enough units fire, window by window."""
    steps = int(k["longest"] // k["watch_for"])
    place = np.floor(response.time / k["watch_for"]).astype(int)
    firing = np.array([np.unique(response.unit[place == step]).size for step in range(steps)])
    silent = np.flatnonzero(firing < k["cramping_share"] * units.share.size)
    return float(k["watch_for"] * (silent[0] if silent.size else steps))


def _rates(response: Response, units: MotorUnits, k: dict[str, float]) -> dict[str, float]:
    """Mean rate of the units that fire at least a few times, and their share of all."""
    means = []
    for unit in np.unique(response.unit):
        times = np.sort(response.time[response.unit == unit])
        if times.size >= k["fewest_impulses"]:
            means.append(MILLISECONDS / np.diff(times).mean())
    return {
        "motor_unit_rate": float(np.mean(means)) if means else np.nan,
        "cramping_units": len(means) / units.share.size,
    }


def _emg(response: Response, units: MotorUnits, longest: float) -> np.ndarray:
    """Surface EMG (mV) every ms after the train."""
    own = response.unit
    return surface_emg(
        response.time, units.emg_amplitude[own], units.emg_duration[own], np.arange(0.0, longest, 1.0)
    )


def _binned(values: np.ndarray, samples: int) -> np.ndarray:
    """Means over SAMPLED ms; a recording that ended early is at rest afterwards."""
    full = np.zeros(samples * SAMPLED)
    full[: min(values.size, full.size)] = values[: full.size]
    return full.reshape(samples, SAMPLED).mean(axis=1)


def _dataset(traces: dict[str, np.ndarray], k: dict[str, float]) -> xarray.Dataset:
    units = {"torque": "N m", "emg": "mV"}
    samples = next(iter(traces.values())).shape[1]
    return xarray.Dataset(
        {
            name: (("subject", "time"), values, {"units": units[name.removesuffix("_blocked")]})
            for name, values in traces.items()
        },
        coords={"time": ("time", (np.arange(samples) + 0.5) * SAMPLED / MILLISECONDS, {"units": "s"})},
    )
