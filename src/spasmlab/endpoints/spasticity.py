"""The modified Ashworth scale: an ordinal cut of the resistance that a tester feels in a stretched joint.

Resistance T = passive + damping + reflex torque [N m] at the tester's velocity v, which is log-normal around
`tester_velocity` (CV 25 %). The rater compares log T, with normal noise, to five cuts in geometric steps:
first_cut · exp(grade_step · k). Two raters then agree with a *linearly weighted* kappa of 0.5–0.6 over the
six grades in a reference group (`kappa`; the noise of the tester is part of it).

The cuts are assumed, not measured: no study found gives resistance in N m beside the grade of the same ankle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property, lru_cache

import numpy as np

from spasmlab import parameter, streams
from spasmlab.errors import ModelError
from spasmlab.parameter import Parameter

GRADES = ("0", "1", "1+", "2", "3", "4")
_NODES = 21  # Gauss–Hermite nodes over the tester's velocity: the probabilities move by under 1e-3 beyond


@dataclass(frozen=True)
class Ashworth:
    """The scale with its numbers. `defaults()` of this module are the parameters beside it."""

    parameters: Mapping[str, Parameter]

    def number(self, name: str) -> float:
        """The value of one parameter."""
        return self.parameters[name].number

    @property
    def scores(self) -> np.ndarray:
        """Points of the six grades [point], shape (6,)."""
        return np.array(self.parameters["grade_scores"].values)

    @property
    def log_cuts(self) -> np.ndarray:
        """Natural logarithm of the five cuts [log N m], shape (5,)."""
        steps = np.arange(len(GRADES) - 1)
        return math.log(self.number("first_cut")) + self.number("grade_step") * steps

    @cached_property
    def velocity_spread(self) -> float:
        """Standard deviation of log velocity at the tester's coefficient of variation: √log(1 + CV²)."""
        return math.sqrt(math.log(1 + self.number("tester_variation") ** 2))

    def velocities(self, z: np.ndarray) -> np.ndarray:
        """Tester velocities [deg/s] for standard normal deviates `z` (any shape)."""
        return self.number("tester_velocity") * np.exp(self.velocity_spread * z)

    def latent(self, torque: np.ndarray) -> np.ndarray:
        """Place on the scale before noise [grade]: 1 at the first cut, one more at each further cut."""
        return 1 + (np.log(torque) - self.log_cuts[0]) / self.number("grade_step")

    def grade(self, log_torque: np.ndarray) -> np.ndarray:
        """Index of the grade (0..5, into GRADES) of a perceived log resistance."""
        return np.searchsorted(self.log_cuts, log_torque, side="right")

    def probability(self, velocity: np.ndarray, torque: np.ndarray) -> np.ndarray:
        """Probability of each grade, shape (S, 6), from torque (S, V) at velocities (V,).

        The rater's noise is integrated exactly, the tester's by Gauss–Hermite quadrature.
        """
        nodes, weights = _quadrature()
        felt = np.log(torque_at(velocity, torque, self.velocities(nodes)[None, :]))
        above = _chance_above(felt[..., None] - self.log_cuts, self.number("rater_noise"))
        # Added up node by node: a matrix product rounds a subject's sum by where it stands among the others.
        reached = (above * (weights / weights.sum())[:, None]).sum(axis=1)
        ones, zeros = np.ones((len(torque), 1)), np.zeros((len(torque), 1))
        return -np.diff(np.concatenate([ones, reached, zeros], axis=1), axis=1)

    def rate(
        self, velocity: np.ndarray, torque: np.ndarray, seeds: np.ndarray, rater: str, draw: int = 0
    ) -> np.ndarray:
        """One rating of each subject by one rater: grade index, shape (S,).

        The same seed, draw and rater give the same stretch and the same mood, whatever the arm.
        """
        z = np.array([_mood(int(s), rater, draw) for s in seeds])
        felt = np.log(torque_at(velocity, torque, self.velocities(z[:, :1]))[:, 0])
        return self.grade(felt + self.number("rater_noise") * z[:, 1])


@dataclass(frozen=True)
class AshworthScore:
    """The scale of S subjects: probability of each grade (S, 6), expected points and noise-free latent (S,).

    `rated` is one rating of each (grade index), with the noise of tester and rater.
    `total_torque` and `passive_share` (both (S,)) are those at the tester's typical velocity.
    """

    probability: np.ndarray
    expected: np.ndarray
    latent: np.ndarray
    rated: np.ndarray
    total_torque: np.ndarray
    passive_share: np.ndarray


_FIELDS = tuple(field.name for field in fields(AshworthScore))


def defaults() -> dict[str, Parameter]:
    """The parameters beside this module, by name."""
    return parameter.beside("endpoints.spasticity")


def score(
    velocity: np.ndarray,
    passive_torque: np.ndarray,
    damping_torque: np.ndarray,
    reflex_torque: np.ndarray,
    seeds: np.ndarray,
    draws: np.ndarray | None = None,
    parameters: Mapping[str, Parameter] | None = None,
) -> AshworthScore:
    """Score S subjects from the stretch assay's torques [N m], each (S, V), at velocities (V,) [deg/s].

    `draws` (S,) tells which draw of the doubt about the scale itself a subject has; 0, the default, is the
    central one. Raises ModelError where a shape does not fit or a total torque is not positive and finite.
    """
    known = parameters or defaults()
    passive = np.asarray(passive_torque, dtype=float)
    velocity, total = np.asarray(velocity, dtype=float), passive + damping_torque + reflex_torque
    _refuse_bad(velocity, total)
    seeds = np.asarray(seeds)
    draws = np.zeros(len(total), dtype=int) if draws is None else np.asarray(draws)
    scale = _scale if parameters is None else lambda seed, draw: Ashworth(drawn(known, seed, draw))
    alike: dict[tuple[int, int], list[int]] = {}  # arms of one draw share its scale
    for place, key in enumerate(zip(seeds.tolist(), draws.tolist(), strict=True)):
        alike.setdefault(key, []).append(place)
    order = np.concatenate([*alike.values(), np.zeros(0, int)]).astype(int)
    parts = [
        _score_draw(scale(seed, draw), velocity, passive[own], total[own], seeds[own], draw)
        for (seed, draw), own in alike.items()
    ]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS}
    return AshworthScore(**{name: values[np.argsort(order)] for name, values in joined.items()})


def drawn(parameters: Mapping[str, Parameter], seed: int, draw: int) -> dict[str, Parameter]:
    """The parameters with the values of one draw of their doubt; draw 0 is the central one."""
    if draw == 0:
        return dict(parameters)
    moved = {}
    for name, known in parameters.items():
        if known.spread:
            z = streams.stream(seed, "doubt", known.path, draw).normal(size=1)
            known = known.model_copy(update={"value": float(known.at(z, known.spread)[0])})
        moved[name] = known
    return moved


@lru_cache(maxsize=4096)
def _scale(seed: int, draw: int) -> Ashworth:
    """The scale beside this module in one draw of its doubt."""
    return Ashworth(drawn(defaults(), seed, draw))


@lru_cache(maxsize=4096)
def _mood(seed: int, rater: str, draw: int) -> tuple[float, float]:
    """What a rater's stretch and judgement of one subject deviate by, standard normal each."""
    first, second = streams.stream(seed, "spasticity", "rater", rater, draw).normal(size=2)
    return float(first), float(second)


@cache
def _quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss–Hermite quadrature."""
    return np.polynomial.hermite_e.hermegauss(_NODES)


def _score_draw(
    scale: Ashworth,
    velocity: np.ndarray,
    passive: np.ndarray,
    total: np.ndarray,
    seeds: np.ndarray,
    draw: int,
) -> AshworthScore:
    typical = np.array([[scale.number("tester_velocity")]])
    at_typical = torque_at(velocity, total, typical)[:, 0]
    probability = scale.probability(velocity, total)
    return AshworthScore(
        probability=probability,
        expected=(probability * scale.scores).sum(axis=1),
        latent=scale.latent(at_typical),
        rated=scale.rate(velocity, total, seeds, "first", draw),
        total_torque=at_typical,
        passive_share=torque_at(velocity, passive, typical)[:, 0] / at_typical,
    )


def torque_at(velocity: np.ndarray, torque: np.ndarray, tester: np.ndarray) -> np.ndarray:
    """Torque (S, N) at tester velocities (1 or S, N) from torque (S, V) at velocities (V,) [deg/s].

    Linear between the velocities that were run; beyond the slowest and the fastest it stays at theirs.
    """
    order = np.argsort(velocity)
    rows = np.broadcast_to(tester, (len(torque), tester.shape[1]))
    pairs = zip(rows, torque[:, order], strict=True)
    return np.array([np.interp(row, velocity[order], values) for row, values in pairs])


def weighted_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Linearly weighted kappa of two raters' grade indices: 1 − mean |difference| / its value by chance."""
    grades = np.arange(len(GRADES))
    shares = [np.bincount(ratings, minlength=len(GRADES)) / len(ratings) for ratings in (first, second)]
    by_chance = shares[0] @ np.abs(grades[:, None] - grades) @ shares[1]
    return float(1 - np.abs(first - second).mean() / by_chance)


def kappa(subjects: int, seed: int, parameters: Mapping[str, Parameter] | None = None) -> float:
    """Linearly weighted kappa of two raters over a simulated reference group of `subjects` patients."""
    scale = Ashworth(parameters or defaults())
    draws = streams.stream(seed, "spasticity", "reference").normal(size=(subjects, 5))
    latent = scale.number("reference_mean") + scale.number("reference_spread") * draws[:, 0]
    log_torque = scale.log_cuts[0] + (latent - 1) * scale.number("grade_step")
    slope = scale.number("reference_elasticity") * scale.velocity_spread
    felt = (log_torque + slope * draws[:, i] + scale.number("rater_noise") * draws[:, i + 1] for i in (1, 3))
    return weighted_kappa(*(scale.grade(impression) for impression in felt))


def _chance_above(distance: np.ndarray, noise: float) -> np.ndarray:
    """Chance that distance + noise · N(0, 1) is at least 0; a step function where there is no noise."""
    if noise == 0:
        return (distance >= 0).astype(float)
    from scipy.special import ndtr

    return ndtr(distance / noise)


def _refuse_bad(velocity: np.ndarray, total: np.ndarray) -> None:
    if total.ndim != 2 or velocity.shape != total.shape[1:]:
        raise ModelError(f"torques of shape {total.shape} do not fit {velocity.size} velocities")
    if not (np.isfinite(total).all() and (total > 0).all()):
        raise ModelError("total resistance must be positive and finite to be scored")
