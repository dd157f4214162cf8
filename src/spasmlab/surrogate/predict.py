"""Read-outs of the circuit from the surrogate: smooth in severity and release, with the error of a point left out.

A read-out's mean over cords is interpolated by a thin plate spline (SciPy's RBFInterpolator) over severity and the two
losses of release, each scaled to its range; what cannot be negative is kept at 0 or above. How cords differ is a factor
that is the patient's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from spasmlab.errors import InputError, unknown
from spasmlab.parameter import beside
from spasmlab.surrogate import table


@dataclass(frozen=True)
class Readout:
    """One read-out of one condition as a smooth map."""

    name: str
    inputs: np.ndarray
    values: np.ndarray  # (points, cords)

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean over cords at each point, over those cords that had the read-out at all."""
        present = np.isfinite(self.values)
        total = np.where(present, self.values, 0.0).sum(axis=1)
        return total / np.maximum(present.sum(axis=1), 1)

    @property
    def span(self) -> float:
        """The range of the means: what errors are a share of."""
        return float(np.ptp(self.mean))

    @cached_property
    def _map(self) -> object:
        return _spline(self.inputs, self.mean)

    def at(self, severity: np.ndarray, release_ia: np.ndarray, release_poly: np.ndarray) -> np.ndarray:
        """The read-out where asked; the inputs have one shape, and so has the result."""
        shape = np.broadcast_shapes(np.shape(severity), np.shape(release_ia), np.shape(release_poly))
        asked = np.stack(
            [np.broadcast_to(v, shape).ravel() for v in (severity, release_ia, release_poly)], axis=1
        )
        inside = np.clip(asked, self.inputs.min(axis=0), self.inputs.max(axis=0))
        found = np.asarray(self._map(_scaled(inside))).reshape(shape)  # type: ignore[operator]
        return np.maximum(found, 0.0) if self.mean.min() >= 0 else found

    @cached_property
    def error(self) -> float:
        """Root mean square error of points left out one at a time, in the read-out's unit (corners are kept in)."""
        corner = self._corners()
        misses = []
        for point in np.flatnonzero(~corner):
            rest = np.arange(len(self.inputs)) != point
            guess = _spline(self.inputs[rest], self.mean[rest])(_scaled(self.inputs[point : point + 1]))
            misses.append(float(guess[0]) - self.mean[point])
        return float(np.sqrt(np.mean(np.square(misses)))) if misses else 0.0

    def _corners(self) -> np.ndarray:
        edges = (self.inputs == self.inputs.min(axis=0)) | (self.inputs == self.inputs.max(axis=0))
        return edges.all(axis=1)

    @cached_property
    def between(self) -> float:
        """Standard deviation between cords of the log of the read-out without drug, at the largest severity."""
        untouched = np.isclose(self.inputs[:, 1:], 1).all(axis=1)
        rows = self.values[untouched & (self.inputs[:, 0] == self.inputs[:, 0].max())]
        rows = rows[:, np.isfinite(rows).all(axis=0)]
        if rows.size < 2 or rows.min() <= 0:
            return 0.0
        return float(np.std(np.log(rows), ddof=1))


def _scaled(inputs: np.ndarray) -> np.ndarray:
    known = beside("surrogate.train")
    low = np.array([0.0, known["lowest_release_ia"].number, known["lowest_release_poly"].number])
    return (inputs - low) / (1 - low)


def _spline(inputs: np.ndarray, values: np.ndarray):
    from scipy.interpolate import RBFInterpolator

    smoothing = beside("surrogate.predict")["smoothing"].number
    return RBFInterpolator(_scaled(inputs), values, kernel="thin_plate_spline", smoothing=smoothing)


def together(
    condition: str,
    names: tuple[str, ...],
    severity: np.ndarray,
    release_ia: np.ndarray,
    release_poly: np.ndarray,
) -> np.ndarray:
    """Several read-outs at once, (names, …): the same maps as `Readout.at`, with their points compared only once."""
    found = [load(condition, name) for name in names]
    shape = np.broadcast_shapes(np.shape(severity), np.shape(release_ia), np.shape(release_poly))
    asked = np.stack(
        [np.broadcast_to(v, shape).ravel() for v in (severity, release_ia, release_poly)], axis=1
    )
    inputs = found[0].inputs
    inside = np.clip(asked, inputs.min(axis=0), inputs.max(axis=0))
    values = np.asarray(_joint(condition, names)(_scaled(inside))).T.reshape(len(names), *shape)  # type: ignore[operator]
    floor = np.array([0.0 if one.mean.min() >= 0 else -np.inf for one in found])
    return np.maximum(values, floor.reshape(-1, *(1 for _ in shape)))


@cache
def _joint(condition: str, names: tuple[str, ...]) -> object:
    found = [load(condition, name) for name in names]
    return _spline(found[0].inputs, np.stack([one.mean for one in found], axis=1))


@cache
def load(condition: str, readout: str) -> Readout:
    """One read-out's map, ``stretch.reflex_torque@150``; InputError for an unknown condition or read-out."""
    runs = table.load(condition)
    if readout not in runs.readouts:
        raise unknown("read-out of the surrogate", readout, runs.readouts)
    return Readout(readout, runs.inputs, runs.readouts[readout])


def readouts(condition: str) -> tuple[str, ...]:
    """The read-outs a condition's surrogate knows."""
    return tuple(table.load(condition).readouts)


def curve(condition: str, readout: str) -> tuple[np.ndarray, list[str]]:
    """The coordinates of a read-out that is a curve (``stretch.reflex_torque``), and the names of its points."""
    named = [n for n in readouts(condition) if n.split("@")[0] == readout]
    if not named:
        raise InputError(f"unknown read-out '{readout}'; possible: {', '.join(readouts(condition))}")
    return np.array([float(n.split("@")[1]) if "@" in n else 0.0 for n in named]), named
