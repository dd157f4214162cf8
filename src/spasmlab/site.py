"""Where drugs act: from the slow chain at the visit to each subject's factors on the numbers of the circuit.

A drug's effects are data (`effect`). Those on the release of a class of terminals change that signal of the chain; all
others become factors on single numbers of the circuit, one per subject, which the bench wires and runs with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from spasmlab import streams, units
from spasmlab.circuit import scalars
from spasmlab.effect import Effect
from spasmlab.errors import InputError, unknown
from spasmlab.parameter import Parameter, beside
from spasmlab.shift import Shift

RELEASE = "chain.release."
CIRCUIT = "circuit."


class Sites(NamedTuple):
    """`state` is the chain's, its releases after the drug's own effects on them; `factors` maps a circuit parameter's
    name to (arms, draws)."""

    state: dict[str, np.ndarray]
    factors: dict[str, np.ndarray]


class Setting(NamedTuple):
    """What the doubt of an effect is drawn with: the condition, and the seeds of the chain and of the cord."""

    condition: Shift
    seed: int
    cord_seed: int


def act(
    effects: Iterable[Effect],
    state: Mapping[str, np.ndarray],
    signal_units: Mapping[str, str],
    setting: Setting,
) -> Sites:
    """Apply `effects` to a `state` of signals, each of shape (arms, draws), in `signal_units`.

    A release that the drug's body does not hold is 1. Raises InputError where an effect names a signal, a target or a
    need that does not exist.
    """
    shape = next(iter(state.values())).shape
    found = {name: np.ones(shape) for name in scalars.RELEASES} | {n: np.asarray(v) for n, v in state.items()}
    factors: dict[str, np.ndarray] = {}
    for effect in effects:
        factor = factor_of(effect, state, signal_units, setting)
        if effect.target.startswith(RELEASE):
            name = effect.target.removeprefix(RELEASE)
            if name not in scalars.RELEASES:
                raise unknown(f"target of effect '{effect.name}'", name, scalars.RELEASES)
            found[name] = found[name] * factor
        else:
            _record(effect.target, setting.condition)
            name = effect.target.rsplit(".", 1)[-1]
            factors[name] = factors.get(name, np.ones(shape)) * factor
    return Sites(found, factors)


def factor_of(
    effect: Effect, state: Mapping[str, np.ndarray], signal_units: Mapping[str, str], setting: Setting
) -> np.ndarray:
    """1 + largest·x^power/(1 + x^power)·Π needs, not below 0; shape (arms, draws)."""
    drive = np.zeros_like(next(iter(state.values())), dtype=float)
    for signal, half in effect.half.items():
        if signal not in state:
            raise unknown(f"signal of effect '{effect.name}'", signal, state)
        if not units.same_dimension(half.unit, signal_units[signal]):
            raise InputError(f"{half.path} is in '{half.unit}'; its signal is in '{signal_units[signal]}'")
        draws = state[signal].shape[1]
        level = state[signal] * units.factor(signal_units[signal], half.unit)
        if signal in effect.free:
            level = level * drawn(effect.free[signal], draws, setting.seed)
        drive = drive + level / drawn(half, draws, setting.seed)
    drive = np.maximum(drive, 0.0)
    largest, power = (drawn(effect.parameters[p], drive.shape[1], setting.seed) for p in ("largest", "power"))
    raised = drive**power
    change = largest * raised / (1 + raised)
    for path in effect.needs:
        change = change * needed(path, drive.shape[1], setting)
    return np.maximum(1 + change, 0.0)


def drawn(record: Parameter, draws: int, seed: int) -> np.ndarray:
    """Values of a record (draws,): central for draw 0, moved by its doubt in the others, named by its path."""
    deviates = np.zeros(draws)
    if record.spread and draws > 1:
        deviates[1:] = streams.stream(seed, "doubt", record.path).standard_normal(draws - 1)
    return record.at(deviates, record.spread)


def needed(path: str, draws: int, setting: Setting) -> np.ndarray:
    """The number at `path` under the condition, (draws,): with the doubt that the circuit or the chain draws for it."""
    record = _record(path, setting.condition)
    if path.startswith(CIRCUIT):
        return np.array([scalars.value(record, setting.cord_seed, draw) for draw in range(draws)])
    return drawn(record.model_copy(update={"path": path}), draws, setting.seed)


def _record(path: str, condition: Shift) -> Parameter:
    """The record of a single number of circuit or chain, under a condition."""
    module, _, name = path.rpartition(".")
    known = condition.over(beside(module), module)
    if name not in known or isinstance(known[name].value, tuple):
        raise unknown("target or need of an effect", path, [f"{module}.{n}" for n in known])
    return known[name]
