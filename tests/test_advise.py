"""Advice: lawful regimens only, differences within draws, and a measured level that moves what is believed."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

import command
from spasmlab import condition, drug, hypothesis, patient, regimen
from spasmlab.chain.problem import run
from spasmlab.prescribing import grid, person
from spasmlab.prescribing.case import build

WHO = "age=50,weight=70,sex=f,crcl=95"
ADVISE = ["advise", "--drug", "gabapentin", "--indication", "phn", "--patient", WHO, "--history", "none"]


def advised(*words, by=command.once):
    found = command.found(by(*ADVISE, "--draws", "64", "--json", *words))
    found["by_dose"] = sorted(found["regimens"], key=lambda one: one["daily"]["value"])
    return found


def cloud(levels=None, draws=512, true=None):
    return person.of(
        drug.load("gabapentin"), patient.parse(WHO), condition.load("healthy"), hypothesis.load("both"),
        formulation="ir", fed=0.0, draws=draws, seed=3, taken=regimen.parse("600 mg tid"),
        levels=person.read_levels(levels),
    )  # fmt: skip


def test_no_blocked_regimen_is_among_the_regimens():
    found = advised()
    assert not {one["regimen"] for one in found["regimens"]} & {one["regimen"] for one in found["blocked"]}
    assert found["blocked"] and all(b["level"] == "block" for one in found["blocked"] for b in one["blocks"])
    assert max(one["daily"]["value"] for one in found["regimens"]) == 3600
    assert found["measured"] is None and found["limits"]
    forbidden = advised("--with", "pregabalin")
    assert forbidden["regimens"] == [] and forbidden["blocked"]


@pytest.mark.parametrize("clearance", [5, 12, 25, 45, 95])
def test_every_regimen_of_the_grid_is_judged_and_none_above_the_label_is_lawful(clearance):
    asked = build("gabapentin", "100 mg once", indication_name="phn", patient_text=f"age=50,crcl={clearance}")
    found = grid.candidates(asked)
    doses = [one.daily for one in found]
    assert doses == sorted(doses) and any(not one.blocks for one in found)
    limit = {5: 100, 12: 240, 25: 700, 45: 1400, 95: 3600}[clearance]
    assert all(bool(one.blocks) == (one.daily > limit) for one in found)


def test_more_of_the_drug_gives_more_exposure_and_less_than_in_proportion():
    found = advised()["by_dose"]
    levels = [one["c_average"]["value"] for one in found]
    assert levels == sorted(levels)
    share = [one["c_average"]["value"] / one["daily"]["value"] for one in found]
    assert share == sorted(share, reverse=True)
    for one in found:
        assert one["c_min"]["value"] < one["c_average"]["value"] < one["c_max"]["value"]
        assert one["c_average"]["low"] < one["c_average"]["value"] < one["c_average"]["high"]
        assert 0 < one["release_poly_loss"]["value"] < 1


def test_a_level_narrows_and_moves_the_prediction():
    before = advised()["by_dose"][-1]["c_average"]
    high = advised("--regimen", "600 mg tid", "--level", "11 mg/L at 170 h")
    low = advised("--regimen", "600 mg tid", "--level", "2000 ng/mL at 170 h")
    after = [found["by_dose"][-1]["c_average"] for found in (low, high)]
    assert after[0]["value"] < before["value"] < after[1]["value"]
    for one in after:
        assert one["high"] / one["low"] < before["high"] / before["low"]
    assert high["measured"]["levels"][0]["observed"]["value"] == 11
    for one in high["measured"]["parameters"]:
        assert (
            0 < one["remaining"] <= 1
            and one["patient"]["low"] < one["patient"]["value"] < one["patient"]["high"]
        )


def test_without_a_level_the_cloud_is_the_population():
    known = drug.load("gabapentin").parameters
    found = cloud()
    for place, name in enumerate(found.names):
        logs = np.log(found.values[:, place])
        assert logs[0] == pytest.approx(np.log(known[name].number))
        assert np.std(logs) == pytest.approx(known[name].between, rel=0.15)


def test_many_levels_find_the_patient_they_came_from():
    """Levels predicted for one draw of the population, measured twenty times: the cloud closes about that draw."""
    asked = build("gabapentin", "600 mg tid", indication_name="phn", patient_text=WHO, history_text="none")
    prior = cloud(draws=16)
    hours = np.arange(170.0, 190.0, 1.0)
    level = run(prior.problem(asked, 8), hours, ("plasma_concentration",))["plasma_concentration"]
    told = ", ".join(f"{value} mg/L at {hour} h" for hour, value in zip(hours, level[5], strict=True))
    found = cloud(told)
    again = run(found.problem(asked, 8), hours, ("plasma_concentration",))["plasma_concentration"]
    assert np.median(again, axis=0) == pytest.approx(level[5], rel=0.08)
    spread = [np.std(np.log(one.mean(axis=1))) for one in (level, again)]
    assert spread[1] < 0.4 * spread[0]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_advice():
    assert advised("--seed", "4") == advised("--seed", "4", by=command.run)
    first, other = (advised("--seed", seed)["by_dose"][0]["c_average"] for seed in (4, 5))
    assert first != other


def test_a_drug_taken_along_is_followed():
    plain, along = (
        advised(*words)["by_dose"][2]["c_average"]["value"] for words in ((), ("--with", "morphine"))
    )
    assert along > 1.05 * plain


def test_the_table_is_readable():
    code, out, _ = command.once(
        *ADVISE, "--draws", "64", "--regimen", "600 mg tid", "--level", "5 mg/L at 170 h"
    )
    assert code == 0 and "300 mg tid" in out and "blocked: 1300 mg tid" in out and "of the spread left" in out
    assert "never for treating a patient" in out


def test_regimens_are_ranked_by_response_without_side_effects():
    found = advised("--draws", "256")
    assert found["ranked"] and [one["rank"] for one in found["regimens"]] == list(
        range(1, len(found["regimens"]) + 1)
    )
    chances = [one["well"]["value"] for one in found["regimens"]]
    assert chances == sorted(chances, reverse=True) and found["regimens"][0]["as_good_as_first"]
    assert found["benefit"]["name"] == "pain" and found["benefit"]["response"] == "pain_third"
    for one in found["regimens"]:
        pain = one["outcomes"]["pain"]
        assert pain["drug"]["value"] < pain["no_drug"]["value"] and pain["difference"]["high"] <= 0
        for risk in one["risks"].values():
            assert risk["present"]["value"] <= risk["ever"]["value"] + 1e-12 and risk["advice"]
        assert one["well"]["value"] <= one["outcomes"]["pain_third"]["drug"]["value"]


def test_more_drug_brings_more_relief_and_more_side_effects():
    found = advised("--draws", "256")["by_dose"]
    for name in ("dizziness", "somnolence", "peripheral-oedema", "weight"):
        risks = [one["risks"][name]["present"]["value"] for one in found]
        assert risks == sorted(risks) and risks[0] >= 0
    pain = [one["outcomes"]["pain"]["difference"]["value"] for one in found]
    assert pain == sorted(pain, reverse=True)
    for lower, one in pairwise(found):
        added = one["over_next_lower"]
        assert added["regimen"] == lower["regimen"] and added["benefit"]["value"] >= 0
    assert found[0]["over_next_lower"] is None and all(one["dominated_by"] is None for one in found)


@pytest.mark.parametrize(
    ("words", "benefit"),
    [
        (("--indication", "rls", "--formulation", "enacarbil", "--fed", "high-fat"), "irls"),
        (("--indication", "epilepsy"), "seizure_change"),
        (("--indication", "dpn"), "pain"),
    ],
)
def test_each_indication_has_its_own_benefit(words, benefit):
    base = [
        "advise",
        "--drug",
        "gabapentin",
        "--patient",
        WHO,
        "--history",
        "none",
        "--draws",
        "64",
        "--json",
    ]
    code, out, _ = command.once(*base, *words)
    assert code == 0 and json.loads(out)["benefit"]["name"] == benefit


def test_a_tablet_that_wants_food_is_followed_with_food():
    base = [
        "advise",
        "--drug",
        "gabapentin",
        "--indication",
        "phn",
        "--patient",
        WHO,
        "--draws",
        "64",
        "--json",
    ]
    meals = {}
    for product in ("ir", "gastroretentive"):
        code, out, _ = command.once(*base, "--formulation", product)
        assert code == 0
        meals[product] = json.loads(out)["meal"]
    assert meals == {"ir": "fasted", "gastroretentive": "high-fat"}


SPASTIC = ["advise", "--drug", "gabapentin", "--patient", WHO, "--draws", "64", "--json"]


def test_spasticity_is_ranked_by_what_the_patient_rates():
    found = command.found(command.once(*SPASTIC, "--condition", "ms-spasticity"))
    assert found["ranked"] and found["benefit"]["name"] == "spasticity_nrs"
    assert found["benefit"]["response"] == "nrs_third" and "three small" in found["limits"][-1]
    by_dose = sorted(found["regimens"], key=lambda one: one["daily"]["value"])
    gained = [one["outcomes"]["spasticity_nrs"]["difference"]["value"] for one in by_dose]
    assert gained == sorted(gained, reverse=True) and gained[-1] < gained[0] < 0
    resistance = [one["outcomes"]["reflex_torque"]["difference"]["value"] for one in by_dose]
    assert resistance == sorted(resistance, reverse=True)
    assert {one["rank"] for one in found["regimens"]} == set(range(1, len(found["regimens"]) + 1))


@pytest.mark.slow
def test_each_spastic_condition_is_followed_in_its_own_cord():
    ms, stroke = (
        command.found(command.once(*SPASTIC, "--condition", f"{name}-spasticity"))
        for name in ("ms", "stroke")
    )
    torque = [one["regimens"][0]["outcomes"]["reflex_torque"]["no_drug"]["value"] for one in (ms, stroke)]
    assert ms["condition"] == "ms-spasticity" and torque[0] != pytest.approx(torque[1], rel=0.01)


def test_a_complaint_without_a_model_is_not_ranked_and_says_why():
    base = ["advise", "--drug", "gabapentin", "--patient", WHO, "--draws", "64", "--json"]
    found = command.found(command.once(*base, "--indication", "spasm"))
    assert not found["ranked"] and found["benefit"] is None and "not ranked" in found["limits"][-1]
    assert all(one["rank"] is None and one["risks"] for one in found["regimens"])
    doses = [one["daily"]["value"] for one in found["regimens"]]
    assert doses == sorted(doses)


@pytest.mark.slow
def test_an_observed_score_weighs_the_draws():
    on = ["--draws", "1024", "--regimen", "600 mg tid"]
    better = advised(*on, "--score", "pain=7 at day 0, pain=3 at day 28")
    worse = advised(*on, "--score", "pain=7 at day 0, pain=7 at day 28")
    assert 20 <= better["scores"]["effective_draws"] < 1024
    pain = [found["by_dose"][3]["outcomes"]["pain"]["drug"]["value"] for found in (better, worse)]
    assert pain[0] < pain[1] - 1
    gained = [found["by_dose"][3]["outcomes"]["pain"]["difference"]["value"] for found in (better, worse)]
    assert gained[0] < gained[1] < 0


def test_weights_find_a_normal_posterior():
    """With a score that is a parameter plus nothing else, the kernel gives the product of two normals."""
    from spasmlab.prescribing import outlook

    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, 200_000)
    width, observed = 0.25, 1.0
    weight = np.exp(-0.5 * ((values - observed) / width) ** 2)
    weight /= weight.sum()
    found = outlook.summary(values, weight, "1")
    mean, spread = observed / (1 + width**2), width / np.sqrt(1 + width**2)
    assert found.value == pytest.approx(mean, abs=0.01)
    assert found.low == pytest.approx(mean - 1.645 * spread, abs=0.02)
    assert found.high == pytest.approx(mean + 1.645 * spread, abs=0.02)
    assert outlook.effective(np.full(50, 0.02)) == pytest.approx(50)


WRONG = [
    (["--level", "5 mg/L at 170 h"], "needs the regimen"),
    (["--regimen", "600 mg tid"], "give both"),
    (["--regimen", "600 mg tid", "--level", "5 at 170 h"], "no measured level"),
    (["--regimen", "600 mg tid", "--level", "5 mg/kg at 170 h"], "no measured level"),
    (["--regimen", "600 mg tid", "--level", "-5 mg/L at 170 h"], "no measured level"),
    (["--regimen", "600 mg tid", "--level", "nan mg/L at 170 h"], "no measured level"),
    (["--regimen", "600 mg tid", "--level", "5 mg/L at -1 h"], "no measured level"),
    (["--regimen", "600 mg tid", "--level", "5 mg/L at 170 h", "--with", "morphine"], "cannot be used"),
    (
        ["--regimen", "600 mg tid", "--level", "5 mg/L at 170 h", "--dialysis", "4 h every 48 h"],
        "cannot be used",
    ),
    (["--draws", "50000"], "number of draws"),
    (["--score", "pain=4 at day 28"], "needs the regimen"),
    (["--regimen", "600 mg tid", "--score", "pian=4 at day 28"], "did you mean 'pain'"),
    (["--regimen", "600 mg tid", "--score", "pain=40 at day 28"], "between 0 and 10"),
    (["--regimen", "600 mg tid", "--score", "pain=4"], "no observed score"),
    (["--regimen", "600 mg tid", "--score", "pain=nan at day 3"], "no observed score"),
    (["--regimen", "600 mg tid", "--score", "pain_change=-99 at day 1"], "come near the scores"),
    (["--days", "0"], "--days must be between"),
    (["--hypothesis", "bothh"], "did you mean 'both'"),
    (["--condition", "ms-spasticity"], "cannot be combined"),
    (["--formulation", "gastroretentive", "--label", "eu"], "gastroretentive"),
]


@pytest.mark.parametrize(("words", "says"), WRONG, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_wrong_input_is_one_line_and_exit_2(words, says):
    code, out, err = command.once(*ADVISE, *words)
    assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1 and says in err
