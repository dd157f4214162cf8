"""Spasticity as trials score it: Ashworth grades, tendon reflex and clonus, the pendulum, spasms, what patients say.

Every scale reads the circuit's answer to the releases at the visit, by the surrogate: resistance to stretch, spasm,
clonus and pendulum in the patient's condition at the patient's own severity. Raters and testers add their noise
(`endpoints.spasticity`); what patients say moves with resistance and spasm, with a placebo response, and with much that
no drug here reaches:

    NRS = B · (1 − placebo) · (w_r·R/R₀ + w_s·Q + (1 − w_r − w_s)) + noise
    spasms a day = λ · (1 − placebo) · Q, negative binomial;   Q = spasm impulse over that without drug

R is the torque at the tester's typical velocity; R₀ and Q's denominator are those of the same patient without drug.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from scipy import stats

from spasmlab.endpoints import spasticity
from spasmlab.endpoints.course import Chance, Course
from spasmlab.endpoints.outcome import Outcome, placebo
from spasmlab.parameter import Parameter, beside
from spasmlab.surrogate import predict, table

CONDITIONS = ("ms-spasticity", "stroke-spasticity", "sci-incomplete", "sci-complete-chronic")
READS = ("release_ia", "release_poly")
TITLE, MAIN = "Ashworth scale", "mas"
OUTCOMES = {
    "mas": Outcome("point", "modified Ashworth scale, 0 to 4 with 1+ as 1.5", kind="ordinal", high=4),
    "ashworth": Outcome("point", "Ashworth scale, 1 to 5", kind="ordinal", low=1, high=5),
    "reflex_score": Outcome("point", "tendon reflex, 0 to 4", kind="ordinal", high=4),
    "clonus_score": Outcome("point", "clonus, 0 to 3", kind="ordinal", high=3),
    "pendulum_swing": Outcome("deg", "first swing of the pendulum test", better="higher"),
    "h_m_ratio": Outcome("1", "Hmax/Mmax of the soleus", high=1),
    "reflex_torque": Outcome("N m", "reflex torque of a stretch by a motor at its highest speed"),
    "spasm_frequency": Outcome("1/d", "spasms in a day", kind="count"),
    "penn": Outcome("point", "Penn spasm frequency, 0 to 4", kind="ordinal", high=4),
    "spasm_severity": Outcome("point", "severity of spasms, 0 to 10", high=10),
    "spasticity_nrs": Outcome("point", "spasticity as the patient rates it, 0 to 10", high=10),
    "nrs_third": Outcome(
        "1", "whether the rating has fallen by at least 30 %", better="higher", kind="binary", high=1
    ),
    "likert": Outcome("point", "six-point rating by the patient, 1 to 6", kind="ordinal", low=1, high=6),
}
TORQUES = ("passive_torque", "damping_torque", "reflex_torque")


def parameters() -> dict[str, Parameter]:
    """The parameters beside this module, by name."""
    return beside("endpoints.spasticity_scales")


def simulate(course: Course, days: np.ndarray, chance: Chance) -> dict[str, np.ndarray]:
    """Every outcome at the visits, an array (N, visits) each; the first visit is the baseline."""
    known = parameters()
    answers = Answers(known, course, days, chance)
    response = placebo(known, chance, days)
    return {
        **rated(known, answers, chance),
        **measured(known, answers, chance),
        **told(known, answers, response, chance),
    }


class Answers:
    """What the circuits of N patients do at the visits, by the surrogate: with the drug, and without."""

    def __init__(
        self, known: Mapping[str, Parameter], course: Course, days: np.ndarray, chance: Chance
    ) -> None:
        self.condition = table.of(course.condition)
        spread = chance.of_patients(known["severity"])
        own = spread if course.severity is None else np.full(course.patients, course.severity)
        self.severity = own[:, None]
        self.ia, self.poly = (course.at(course.signals[f"release_{t}"], days) for t in ("ia", "poly"))
        self.chance = chance
        self.alike = all(np.all(values == values[:1]) for values in (self.severity, self.ia, self.poly))
        self._known: dict[tuple[str, bool], np.ndarray] = {}

    def of(self, readout: str, drug: bool = True) -> np.ndarray:
        """A read-out at the visits, (N, visits); the patient's own cord makes it larger or smaller throughout."""
        if (readout, drug) not in self._known:
            self._known[readout, drug] = self._asked(readout, drug)
        return self._known[readout, drug]

    def _asked(self, readout: str, drug: bool) -> np.ndarray:
        found = predict.load(self.condition, readout)
        ia, poly = (self.ia, self.poly) if drug else (np.ones_like(self.ia), np.ones_like(self.poly))
        own = np.exp(found.between * self.chance.normals("cord", readout.split("@")[0]))
        rows = (
            slice(1) if self.alike else slice(None)
        )  # the map is asked once for patients who do not differ in it
        return found.at(self.severity[rows], ia[rows], poly[rows]) * own[:, None]

    def torque(self, part: str, drug: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Velocities (V,) and a torque of the stretch at each, (N, visits, V)."""
        velocity, names = predict.curve(self.condition, f"stretch.{part}")
        return velocity, np.stack([self.of(name, drug) for name in names], axis=2)

    def resistance(self, drug: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Velocities (V,) and total resistance, (N, visits, V): passive, damping and reflex torque."""
        velocity, _ = self.torque("reflex_torque")
        whole = sum(
            np.broadcast_to(self.torque(part, drug)[1], (*self.ia.shape, velocity.size)) for part in TORQUES
        )
        return velocity, np.asarray(whole)

    def loss_of_spasm(self) -> np.ndarray:
        """The impulse of a spasm over that without drug, (N, visits); 1 where there was none to lose."""
        before, now = self.of("spasm.spasm_impulse", False), self.of("spasm.spasm_impulse")
        least = 1e-9
        return np.where(before > least, now / np.maximum(before, least), 1.0)


def rated(known: Mapping[str, Parameter], answers: Answers, chance: Chance) -> dict[str, np.ndarray]:
    """What a rater says: Ashworth grades of a stretch at the tester's velocity, the tendon reflex, clonus."""
    scale = spasticity.Ashworth(spasticity.defaults())
    velocity, torque = answers.resistance()
    shape = torque.shape[:2]
    tester = scale.velocities(chance.noise("tester", shape[1]))
    flat = spasticity.torque_at(velocity, torque.reshape(-1, velocity.size), tester.reshape(-1, 1))
    felt = np.log(np.maximum(flat.reshape(shape), _tiny()))
    grade = scale.grade(felt + scale.number("rater_noise") * chance.noise("rater", shape[1]))
    noise = known["score_noise"].number
    brisk = known["reflex_at_full"].number * answers.of(_fastest(answers.condition))
    beats = known["clonus_per_beat"].number * answers.of("clonus.beats")
    return {
        "mas": scale.scores[grade],
        "ashworth": np.array(known["ashworth_of_grade"].values)[grade],
        "reflex_score": _graded(brisk + noise * chance.noise("reflex", shape[1]), 0, 4),
        "clonus_score": _graded(beats + noise * chance.noise("clonus", shape[1]), 0, 3),
    }


@cache
def _fastest(condition: str) -> str:
    """The read-out that stands for a tap: the share of the pool that a stretch at the highest speed makes fire."""
    velocity, names = predict.curve(condition, "stretch.active_units")
    return names[int(np.argmax(velocity))]


def measured(known: Mapping[str, Parameter], answers: Answers, chance: Chance) -> dict[str, np.ndarray]:
    """What an instrument says, with its test–retest error."""
    visits = answers.ia.shape[1]
    error = known["instrument_error"].number
    swing = answers.of("pendulum.first_swing") * np.exp(error * chance.noise("pendulum", visits))
    ratio = answers.of("h_reflex.h_m_ratio") * np.exp(error * chance.noise("h_m", visits))
    torque = answers.torque("reflex_torque")[1][:, :, -1] * np.exp(error * chance.noise("torque", visits))
    return {"pendulum_swing": swing, "h_m_ratio": np.minimum(ratio, 1.0), "reflex_torque": torque}


def told(
    known: Mapping[str, Parameter], answers: Answers, response: np.ndarray, chance: Chance
) -> dict[str, np.ndarray]:
    """What the patient tells: spasms by diary, Penn's scale, severity, the numeric rating, the six-point scale."""
    left = answers.loss_of_spasm()
    visits = left.shape[1]
    rate = chance.of_patients(known["spasm_rate"])[:, None] * (1 - response) * left
    size = chance.value(known["count_size"])
    counts = stats.nbinom.ppf(chance.chances("spasms", visits), size, size / (size + np.maximum(rate, 1e-12)))
    hourly = np.array(known["penn_hourly"].values) * known["waking_hours"].number
    noise = known["rating_noise"].number
    nrs = rating(known, answers, left, response, chance)
    severity = chance.of_patients(known["spasm_severity_baseline"])[:, None] * (1 - response) * left**0.5
    likert = known["likert_span"].number * nrs / OUTCOMES["spasticity_nrs"].high
    scored = _clipped(nrs + noise * chance.noise("nrs", visits), 0, 10)
    fall = known["responder_fall"].number / 100
    return {
        "spasm_frequency": counts,
        "penn": np.searchsorted(hourly, counts, side="left").astype(float),
        "spasm_severity": _clipped(severity + noise * chance.noise("spasm severity", visits), 0, 10),
        "spasticity_nrs": scored,
        "nrs_third": (scored <= (1 - fall) * scored[:, :1]).astype(float),
        "likert": _graded(1 + likert + noise / 2 * chance.noise("likert", visits), 1, 6),
    }


def rating(
    known: Mapping[str, Parameter], answers: Answers, left: np.ndarray, response: np.ndarray, chance: Chance
) -> np.ndarray:
    """The numeric rating before its noise, (N, visits)."""
    velocity, now = answers.resistance()
    _, before = answers.resistance(False)
    typical = spasticity.defaults()["tester_velocity"].number
    place = int(np.argmin(np.abs(velocity - typical)))
    resistance = now[:, :, place] / np.maximum(before[:, :, place], _tiny())
    of_stretch, of_spasm = (
        chance.of_patients(known[n])[:, None] for n in ("weight_resistance", "weight_spasm")
    )
    rest = 1 - of_stretch - of_spasm
    base = chance.of_patients(known["nrs_baseline"])[:, None]
    return base * (1 - response) * (of_stretch * resistance + of_spasm * left + rest)


def _graded(latent: np.ndarray, low: float, high: float) -> np.ndarray:
    return _clipped(np.rint(latent), low, high)


def _clipped(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip(values, low, high)


def _tiny() -> float:
    return float(np.finfo(float).tiny)
