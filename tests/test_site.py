"""Drugs at their sites: the law of an effect, what conditions make of it, and that no drug is no change at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spasmlab import assay_result, condition, drug, hypothesis, parameter, run, site
from spasmlab.circuit import afferent, descending
from spasmlab.circuit.bench import Bench, Run, Stimulus
from spasmlab.errors import InputError
from spasmlab.progress import Stages

HYPOTHESES = [hypothesis.load(name) for name in hypothesis.names()]
EFFECTS = [
    pytest.param(effect, id=f"{owner.name}-{effect.name}")
    for owner in (*map(drug.load, drug.names()), *HYPOTHESES)
    for effect in owner.effects.values()
]
UNITS = {
    "plasma_concentration": "mg/L",
    "csf_concentration": "mg/L",
    "metabolite_concentration": "mg/L",
    "occupancy": "1",
    "isf_molar": "umol/L",
}


def setting(name: str = "healthy") -> site.Setting:
    return site.Setting(condition.load(name), 0, 0)


def levels(effect, *values: float) -> dict[str, np.ndarray]:
    """One arm for each value, three draws, every signal of the effect at that value."""
    return {signal: np.repeat(np.array(values)[:, None], 3, axis=1) for signal in effect.half}


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_starts_at_exactly_one_and_runs_one_way_to_its_largest(effect) -> None:
    found = site.factor_of(effect, levels(effect, 0.0, 0.001, 0.01, 1e9), UNITS, setting("sci-incomplete"))
    assert np.all(found[0] == 1.0)
    assert len(set(np.sign(np.diff(found, axis=0)).ravel())) == 1
    named = [site.needed(path, 3, setting("sci-incomplete")) for path in effect.needs]
    largest = site.drawn(effect.parameters["largest"], 3, 0)
    assert found[-1] == pytest.approx(1 + largest * np.prod(named, axis=0), rel=1e-4)


@pytest.mark.parametrize("effect", EFFECTS)
def test_half_of_the_largest_change_comes_at_the_level_of_half_effect(effect) -> None:
    share = {signal: effect.free[signal].number if signal in effect.free else 1.0 for signal in effect.half}
    state = {
        signal: np.full((1, 1), record.number / share[signal] / len(effect.half))
        for signal, record in effect.half.items()
    }
    change = site.factor_of(effect, state, UNITS, setting("sci-incomplete")) - 1
    needs = np.prod([site.needed(path, 1, setting("sci-incomplete")) for path in effect.needs])
    assert change == pytest.approx(effect.parameters["largest"].number * needs / 2)


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_target_and_a_need_are_single_numbers_that_exist(effect) -> None:
    for path in (effect.target, *effect.needs):
        if not path.startswith(site.RELEASE):
            assert isinstance(parameter.ledger()[path].value, float)


def acting(name: str, of: str, signal: str, value: float) -> dict[str, np.ndarray]:
    state = {signal: np.array([[0.0], [value]])}
    return run.at_sites(state, UNITS, drug.load(name), condition.load(of), hypothesis.load("both"), 0).factors


def test_what_tizanidine_does_follows_the_descending_path() -> None:
    falls = [
        1 - acting("tizanidine", of, "plasma_concentration", 0.004)["group_ii_drive"][1, 0]
        for of in ("healthy", "ms-spasticity", "sci-incomplete", "sci-complete-chronic")
    ]
    assert falls == sorted(falls, reverse=True)
    assert falls[0] > 0.3 and falls[-1] == 0


def persistent_current(of: str) -> float:
    """Its size under tizanidine relative to no drug."""
    factors = acting("tizanidine", of, "plasma_concentration", 0.004)
    k = Bench(condition.load(of), np.ones(1), np.ones(1), np.ones(1, int)).numbers[0]
    k.monoamine_level *= factors["monoamine_level"][1, 0]
    return float(factors["pic"][1, 0] * descending.pic_factor.py_func(k))


def test_after_complete_transection_tizanidine_raises_the_persistent_current() -> None:
    assert persistent_current("healthy") < persistent_current("sci-incomplete") < 0.95
    assert persistent_current("sci-complete-chronic") > 1


def test_an_inverse_agonist_has_nothing_to_take_away_in_health() -> None:
    assert acting("cyproheptadine", "healthy", "plasma_concentration", 0.01)["pic"][1, 0] == 1
    assert acting("cyproheptadine", "sci-complete-chronic", "plasma_concentration", 0.01)["pic"][1, 0] < 0.8


def bench(**more) -> Bench:
    return Bench(condition.load("ms-spasticity"), np.ones(3), np.ones(3), np.full(3, 4), **more)


def fired(of: Bench) -> list[np.ndarray]:
    volley = (Stimulus(60.0, afferent.TIBIAL_NERVE, 1.3),)
    return [r.spike_time for r in of.simulate([Run(s, "volley", 120.0, stimuli=volley) for s in range(3)])]


def test_factors_of_one_leave_every_spike_where_it_was() -> None:
    plain = fired(bench())
    ones = {name: np.ones(3) for name in ("pic", "group_ii_drive", "receptor_potassium", "inhibition_decay")}
    assert len(bench(factors=ones).cords) == 1
    same = fired(bench(factors=ones))
    assert all(a.size and np.array_equal(a, b) for a, b in zip(plain, same, strict=True))


def test_subjects_may_have_parameters_of_their_own() -> None:
    of = bench(
        changes={"resting_bias": np.array([-0.5, -0.5, -4.0])},
        factors={"receptor_potassium": np.array([1.0, 1.4, 1.0])},
    )
    assert len(of.cords) == 3 and [of.cord_of(s) for s in range(3)] != [0, 0, 0]
    assert of.numbers.resting_bias.tolist() == [-0.5, -0.5, -4.0]
    both, shunted, less = fired(of)
    assert np.array_equal(both, fired(bench(changes={"resting_bias": -0.5}))[0])
    assert shunted.size < both.size and less.size < both.size


def test_a_pool_at_rest_stays_there_with_its_receptor_channels_open() -> None:
    of = bench(factors={"receptor_potassium": np.array([1.0, 1.3, 1.3])}, changes={"noise": 0.0})
    rest = of.preparation.rest
    assert np.abs(rest[of.cord_of(0)] - rest[of.cord_of(1)]).max() > 0.1
    assert of.cord_of(1) == of.cord_of(2)


def assay(name: str, plasma: str, of: str = "ms-spasticity", draws: int = 2) -> dict:
    question = assay_result.AssayQuestion("h_reflex", of, drug=name, plasma=plasma, draws=draws)
    return assay_result.compute(assay_result.read(question), Stages())


@pytest.mark.parametrize("name", [n for n in drug.names() if drug.load(n).effects])
def test_no_drug_in_the_blood_changes_nothing_at_all(name: str) -> None:
    found = assay(name, "0 mg/L", draws=1)
    assert found["arms"]["drug"] == found["arms"]["no_drug"]


@pytest.mark.slow
def test_baclofen_lowers_the_h_reflex_and_says_where_it_acts() -> None:
    found = assay("baclofen", "0.3 mg/L")
    assert found["effects"]["h_m_ratio"]["difference"]["value"] < 0
    assert found["sites"]["receptor_potassium"]["value"] > 1


def test_a_wrong_effect_is_told_in_one_line(tmp_path: Path) -> None:
    text = Path(parameter.PACKAGE / "data" / "drugs" / "cyproheptadine.toml").read_text(encoding="utf-8")
    for wrong, told in (
        (
            text.replace("circuit.motoneuron.pic", "circuit.motoneuron.pik"),
            "did you mean 'circuit.motoneuron.pic'",
        ),
        (
            text.replace("half.plasma_concentration", "half.plasma_konzentration"),
            "possible|plasma_konzentration",
        ),
        (text.replace("parameters.largest", "parameters.smallest"), "lacks the record 'parameters.largest'"),
    ):
        file = tmp_path / "mine.toml"
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(InputError, match=told):
            mine = drug.load(file)
            state = {"plasma_concentration": np.ones((1, 1))}
            site.act(mine.effects.values(), state, UNITS, setting())


def test_every_hypothesis_says_by_which_test_it_is_told_apart() -> None:
    assert len(HYPOTHESES) >= 9
    assert all(len(found.separated_by) > 20 for found in HYPOTHESES)
